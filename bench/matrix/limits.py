"""The limits at which a trial or a run is given up."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import UserError

LONGEST_S = 1e7
"""The largest time that a setting may have, in seconds."""


@dataclass(frozen=True)
class Limits:
    """The limits at which a trial or a run is given up. They are no part of a run's identity.

    Args:
        epoch_s: The seconds that an epoch of training may take, > 0. After that its trial has
            failed and its process is replaced. This applies in real time only.
        failed_share: The share of a run's trials that may fail, 0 to 1. The run fails as soon as
            more have failed, but not before `ENOUGH_TRIALS` trials have ended.
    """

    epoch_s: float = 600.0
    failed_share: float = 0.5

    def __post_init__(self) -> None:
        for name, largest in (("epoch_s", LONGEST_S), ("failed_share", 1.0)):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= largest):
                raise UserError(f"{name} must be a number from 0 to {largest:g}, got {value!r}")
        if self.epoch_s == 0:
            raise UserError("epoch_s must be greater than 0, got 0")


ENOUGH_TRIALS = 5
"""The trials that must have ended before a run fails because of failed trials."""
DEFAULT_LIMITS = Limits()
