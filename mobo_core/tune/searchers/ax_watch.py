"""A watch on whether the model has a say: silence of the model must not stay unnoticed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from mobo_core.tune.searchers.ax_names import PartialData

logger = logging.getLogger(__name__)

PATIENCE = 10
"""The number of suggestions without the model, in a row, after which a warning is due."""


REPEATS = "the model suggested only configurations that have a trial already"
"""The reason if no error is known, but another configuration took the place of the model's."""


@dataclass
class Watch:
    """Says once, loudly, if the model has no say although trials have ended.

    Args:
        enough: The number of ended trials from which the model could be expected to speak.
        time_attr: The key of the budget in reports, for the message.
        max_t: The full budget, or None.
        partial_data: What the model learns from trials that were stopped early.
        full: The number of trials that ended with full data.
        partial: The number of trials that ended with data, but before `max_t`.
        failed: The number of trials that ended without data.
        most: The largest budget of a trial that ended before `max_t`.
        failure: Why the last trial without data has none.
        error: What Ax raised last instead of a suggestion, or that the model repeats itself.
        quiet: The number of suggestions without the model since it could have spoken.
        said: Whether the warning has been given.
    """

    enough: int
    time_attr: str
    max_t: float | None
    partial_data: PartialData
    full: int = 0
    partial: int = 0
    failed: int = 0
    most: float = 0.0
    failure: str = ""
    error: str = ""
    quiet: int = field(default=0, init=False)
    said: bool = field(default=False, init=False)

    @property
    def ended(self) -> int:
        """The number of trials that have ended."""
        return self.full + self.partial + self.failed

    def ended_with_data(self, budget: float | None, *, full: bool) -> None:
        """Count a trial that ended with data.

        Args:
            budget: Its last budget, or None if reports have none.
            full: Whether it is complete.
        """
        if full:
            self.full += 1
        else:
            self.partial += 1
            self.most = max(self.most, budget or 0.0)

    def suggested(self, *, by_model: bool, replaced: bool) -> None:
        """Take note of a suggestion; warn if the model has been silent for too long.

        Args:
            by_model: Whether the model made the suggestion.
            replaced: Whether the suggestion took the place of another one.
        """
        if by_model:
            self.quiet, self.error = 0, ""
        elif replaced:
            self.error = self.error or REPEATS
        if not by_model and self.ended >= self.enough:
            self.quiet += 1
        if self.quiet >= PATIENCE and not self.said:
            self.said = True
            logger.warning(
                "AxSearcher's model has had no say for %d suggestions, although %d trials have "
                "ended: %s",
                self.quiet,
                self.ended,
                self._reason(),
            )

    def _reason(self) -> str:
        reasons = []
        if self.error:
            reasons.append(self.error)
        if self.partial and self.partial_data == "full-fidelity":
            reasons.append(
                f"{self.full} of them are full, and the model learns from full trials only; a "
                f"trial is full if its last {self.time_attr!r} is at least max_t = {self.max_t:g}, "
                f"and others ended at {self.most:g} at most. If your trials are complete then, "
                f"pass max_t={self.most:g}; if a scheduler stops them early, partial_data= decides "
                "what the model learns from them"
            )
        if self.failed:
            reasons.append(f"{self.failed} of them failed, the last one because: {self.failure}")
        return "; ".join(reasons) or "too few of them have data for the model"
