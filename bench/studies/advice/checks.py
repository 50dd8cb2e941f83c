"""Whether objectives fit the curves: their names, their references and their ideals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.curves.curve import Curve, Floats, Found, is_number
from bench.errors import UserError
from bench.studies.advice.goals import Wish

MOST_NAMED = 30
"""The number of metrics up to which an error message names all."""
TYPICAL = 0.25
"""The share of the trials that a suggested reference leaves out."""


def check_names(found: Found, wishes: Sequence[Wish]) -> None:
    """Refuse objectives that no trial has, and references that were left out.

    Raises:
        UserError: Its message names the metrics that are there, or a reference that fits.
    """
    metrics, config = found.metric_names(), found.config_names()
    for wish in wishes:
        if wish.name not in metrics and wish.name not in config:
            names = ", ".join(metrics[:MOST_NAMED]) + (" …" if len(metrics) > MOST_NAMED else "")
            raise UserError(
                f"no trial of {found.name} has {wish.name!r}; its metrics are {names}"
                + (f"; its hyper-parameters are {', '.join(config[:MOST_NAMED])}" if config else "")
            )
    for wish in wishes:
        if wish.reference is None:
            last = [v for curve in found.curves if (v := last_value(curve, wish.name)) is not None]
            level = 1 - TYPICAL if wish.goal == "min" else TYPICAL
            fitting = f"{np.quantile(last, level):.4g}" if last else "VALUE"
            raise UserError(
                f"objective {wish.name!r} needs a reference, the worst value that still counts, "
                f"for example {wish.name}:{wish.goal}:{fitting}, which three quarters of the "
                "trials reach"
            )


def last_value(curve: Curve, name: str) -> float | None:
    """Return the last finite value of an objective; None without one."""
    if name in curve.metrics:
        known = curve.metrics[name].values[np.isfinite(curve.metrics[name].values)]
        return float(known[-1]) if len(known) else None
    return constant_of(curve, name)


def constant_of(curve: Curve, name: str) -> float | None:
    """Return the value that an objective has in a whole trial; None if there is none."""
    if name in curve.constants:
        return curve.constants[name]
    if name in curve.metrics and len(curve.metrics[name]):
        return float(curve.metrics[name].values[-1])
    value = curve.config.get(name)
    return float(value) if value is not None and is_number(value) else None


def with_ideals(found: Found, wishes: Sequence[Wish]) -> tuple[list[Wish], list[str]]:
    """Return the objectives with the ideals that their values suggest, and sentences about these.

    Ray's own schedulers see all objectives on one scale, which takes a best possible value of each.
    If it was left out, it is 0 for a minimised objective whose values are never negative, and 1 for
    a maximised one whose values lie between 0 and 1.
    """
    made, notes = [], []
    for wish in wishes:
        values = _values(found, wish.name)
        assumed = None
        if wish.ideal is None and len(values):
            if wish.goal == "min" and values.min() >= 0:
                assumed = 0.0
            elif wish.goal == "max" and values.min() >= 0 and values.max() <= 1:
                assumed = 1.0
        if assumed is None or not _better(assumed, wish):
            made.append(wish)
            continue
        made.append(replace(wish, ideal=assumed))
        notes.append(
            f"the best possible {wish.name} is taken to be {assumed:g}: change it by ':ideal=VALUE'"
        )
    return made, notes


def _better(ideal: float, wish: Wish) -> bool:
    """Return whether an ideal is better than the reference, as it must be."""
    if wish.reference is None:
        return False
    return ideal > wish.reference if wish.goal == "max" else ideal < wish.reference


def _values(found: Found, name: str) -> Floats:
    """Return all finite values of an objective."""
    parts = [
        curve.metrics[name].values
        if name in curve.metrics
        else np.array([np.nan if (value := constant_of(curve, name)) is None else value])
        for curve in found.curves
    ]
    values = np.concatenate(parts) if parts else np.empty(0)
    return values[np.isfinite(values)]
