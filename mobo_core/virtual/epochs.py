"""The reports of epochs in virtual time: they are checked, because a wrong duration ruins a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mobo_core.checks import checked_number
from mobo_core.virtual.trial import VirtualTrial


def seconds_of(problem: object, trial: VirtualTrial, measured: Mapping[str, Any]) -> float:
    """Return the seconds that an epoch takes at speed 1, and note its number in the trial.

    Args:
        problem: The problem that is trained, for the message.
        trial: The trial; its `epoch` is the number of its last report.
        measured: The epoch's report.

    Raises:
        ValueError: If ``seconds`` is not a finite number ≥ 0, or ``epoch`` is not a number larger
            than that of the report before. A duration of 0 is possible: measured times are
            rounded, and those of surrogates need not grow.

    Example:
        >>> trial = VirtualTrial(0, {"width": 16}, max_failures=0)
        >>> seconds_of("mlp", trial, {"epoch": 1, "seconds": 2.5}), trial.epoch
        (2.5, 1)
    """
    try:
        for key in ("epoch", "seconds"):
            if key not in measured:
                raise ValueError(f"{key!r} is missing; reported keys: {', '.join(measured)}")
        epoch, seconds = measured["epoch"], measured["seconds"]
        # Most reports are good and of Python's own types.
        if not (type(seconds) is float and 0 <= seconds < math.inf):
            seconds = checked_number("seconds", seconds, at_least=0)
        if not (type(epoch) is int and epoch > trial.epoch):
            epoch = checked_number("epoch", epoch, above=trial.epoch)
    except ValueError as error:
        name = getattr(problem, "name", type(problem).__name__)
        raise ValueError(
            f"problem {name!r} must report the number and the seconds of each epoch, but {error}, "
            f"after epoch {trial.epoch:g} of the configuration {trial.config}"
        ) from None
    trial.epoch = epoch
    return float(seconds)


def flat(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without nested dicts, as Tune passes it to schedulers and searchers.

    A report without nested dicts is returned itself.

    Args:
        report: A trial's report.

    Example:
        >>> flat({"epoch": 1, "val": {"loss": 0.5}})
        {'epoch': 1, 'val/loss': 0.5}
    """
    if not any(isinstance(value, dict) for value in report.values()):
        return report
    levelled: dict[str, Any] = {}
    for key, value in report.items():
        if isinstance(value, dict):
            levelled |= {f"{key}/{inner}": found for inner, found in flat(value).items()}
        else:
            levelled[key] = value
    return levelled
