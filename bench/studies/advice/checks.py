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
SLACK = 0.02
"""How much worse a suggested reference is than the values it lets in, as a share of their range."""
MANY_DIGITS = 1000
"""A suggested reference has more than four digits if it is more than so many times its slack."""
ROUNDING = 1e-9
"""The largest relative change of an exact objective within a trial."""


def check(found: Found, wishes: Sequence[Wish]) -> None:
    """Refuse objectives that no trial has or that are not exact, and references left out.

    Raises:
        UserError: Its message names the metrics that are there, the trial in which an exact
            objective changes, or a reference that fits.
    """
    metrics, config = found.metric_names(), found.config_names()
    for wish in wishes:
        if wish.name not in metrics and wish.name not in config:
            names = ", ".join(metrics[:MOST_NAMED]) + (" …" if len(metrics) > MOST_NAMED else "")
            if wish.name in found.unusable:
                raise UserError(
                    f"column {wish.name!r} of {found.name} is no metric: "
                    f"{found.unusable[wish.name]}, where a number must be"
                )
            raise UserError(
                f"no trial of {found.name} has {wish.name!r}; its metrics are {names}"
                + (f"; its hyper-parameters are {', '.join(config[:MOST_NAMED])}" if config else "")
            )
    for wish in wishes:
        if wish.exact:
            _check_exact(found, wish.name)
        if wish.reference is None:
            raise UserError(
                f"objective {wish.name!r} needs a reference, the worst value that still counts, "
                f"for example {wish.name}:{wish.goal}:{_typical(found, wish)}, which three "
                "quarters of the trials reach"
            )


def _check_exact(found: Found, name: str) -> None:
    """Refuse an objective that changes within a trial as an exact one."""
    for curve in found.curves:
        values = curve.metrics[name].values if name in curve.metrics else np.empty(0)
        known = values[np.isfinite(values)]
        if len(known) and np.ptp(known) > ROUNDING * np.abs(known).max():
            raise UserError(
                f"objective {name!r} is not exact: in trial {curve.name} it changes from "
                f"{known[0]:.6g} to {known[-1]:.6g}; leave out ':exact', which is for what the "
                "configuration determines"
            )


def _typical(found: Found, wish: Wish) -> str:
    """Return a reference that is a little worse than what three quarters of the trials reach."""
    last = [v for curve in found.curves if (v := last_value(curve, wish.name)) is not None]
    if not last:
        return "VALUE"
    level = 1 - TYPICAL if wish.goal == "min" else TYPICAL
    value = float(np.quantile(last, level))
    margin = SLACK * (float(np.ptp(last)) or abs(value) or 1.0)
    worse = value + margin if wish.goal == "min" else value - margin
    return f"{worse:.4g}" if abs(worse) < MANY_DIGITS * margin else repr(worse)


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
