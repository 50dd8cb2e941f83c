"""What virtual time charges besides epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import UserError
from bench.matrix.limits import LONGEST_S

SUGGESTION_S = {"ax": 1.0, "optuna-tpe": 0.005}
"""Virtual seconds a suggestion takes, by searcher; the others took under a millisecond.

Ax took 1.08 s, the mean of all 3,200 suggestions of results/reference/paper-mnist, Sobol's
included; TPE 0.005 s, the mean of 50.
"""
FORGETFUL = frozenset({"hyperband"})
"""Schedulers that forget a trial which is being saved when its bracket ends, and then wait for it
for ever (Ray 2.60): to them saving costs nothing."""


@dataclass(frozen=True)
class Charges:
    """What the simulated cluster charges a run besides epochs, in virtual seconds.

    Args:
        startup_s: A trial's turn on a worker.
        suggestion_s: A configuration; the driver does nothing else meanwhile.
        checkpoint_s: Saving a trial.
        restore_s: Loading a checkpoint.
    """

    startup_s: float
    suggestion_s: float
    checkpoint_s: float
    restore_s: float


@dataclass(frozen=True)
class Costs:
    """What the simulated cluster of a matrix charges; see `Charges`.

    The default of a turn is what starting the MLP took on Ray (0.04 s), rounded up; saving and
    loading were too short to be told from the noise and are charged the same.

    Args:
        startup_s: As in `Charges`.
        checkpoint_s: Likewise; nothing to those in `FORGETFUL`.
        restore_s: Likewise.
        suggestion_s: By searcher of the catalogue; others are charged `SUGGESTION_S`.
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
                raise UserError(f"{name} must be seconds of at least 0, got {value!r}")

    def of(self, searcher: str, scheduler: str) -> Charges:
        """What a run with these entries of the catalogue is charged."""
        suggestion_s = {**SUGGESTION_S, **self.suggestion_s}.get(searcher, 0.0)
        return Charges(
            startup_s=float(self.startup_s),
            suggestion_s=float(suggestion_s),
            checkpoint_s=0.0 if scheduler in FORGETFUL else float(self.checkpoint_s),
            restore_s=float(self.restore_s),
        )
