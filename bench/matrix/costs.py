"""The times that virtual time charges besides epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import UserError
from bench.matrix.limits import LONGEST_S

SUGGESTION_S = {"ax": 1.0, "optuna-tpe": 0.005}
"""Virtual seconds per suggestion, by searcher. The others took under a millisecond.

Ax took 1.08 s, the mean of all 3,200 suggestions in results/reference/paper-mnist, including
those of Sobol. TPE took 0.005 s, the mean of 50 suggestions."""
FORGETFUL = frozenset({"hyperband"})
"""Schedulers for which saving costs nothing.

In Ray 2.60, HyperBand loses a trial that is being saved when its bracket ends, and then waits
for it without end."""


@dataclass(frozen=True)
class Charges:
    """The times that the simulated cluster charges a run besides epochs, in virtual seconds.

    Args:
        startup_s: The time to start a trial on a worker, each time it gets one.
        suggestion_s: The time to suggest a configuration; the driver does nothing else meanwhile.
        checkpoint_s: The time to save a trial.
        restore_s: The time to load a checkpoint.
    """

    startup_s: float
    suggestion_s: float
    checkpoint_s: float
    restore_s: float


@dataclass(frozen=True)
class Costs:
    """The times that the simulated cluster of a matrix charges, in virtual seconds; see `Charges`.

    By default a start costs what it took for the MLP on Ray (0.04 s), rounded up. Saving and
    loading were too short to measure in the noise and are charged the same.

    Args:
        startup_s: The time to start a trial on a worker, each time it gets one.
        checkpoint_s: The time to save a trial; 0 for the schedulers in `FORGETFUL`.
        restore_s: The time to load a checkpoint.
        suggestion_s: Searcher of the catalogue → the time of a suggestion. The other searchers have
            the times of `SUGGESTION_S`.
    """

    startup_s: float = 0.05
    checkpoint_s: float = 0.05
    restore_s: float = 0.05
    suggestion_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.suggestion_s, Mapping):
            raise UserError("suggestion_s must be a table like { ax = 0.6 }")
        given = {name: getattr(self, name) for name in ("startup_s", "checkpoint_s", "restore_s")}
        for name, value in (given | dict(self.suggestion_s)).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= LONGEST_S):
                raise UserError(
                    f"{name} must be a number of seconds from 0 to {LONGEST_S:g}, got {value!r}"
                )

    def of(self, searcher: str, scheduler: str) -> Charges:
        """Return the charges of a run with this searcher and this scheduler of the catalogue."""
        suggestion_s = {**SUGGESTION_S, **self.suggestion_s}.get(searcher, 0.0)
        return Charges(
            startup_s=float(self.startup_s),
            suggestion_s=float(suggestion_s),
            checkpoint_s=0.0 if scheduler in FORGETFUL else float(self.checkpoint_s),
            restore_s=float(self.restore_s),
        )
