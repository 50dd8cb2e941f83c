"""A gate in front of a searcher: it opens only when a scheduler has room for a new trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from ray.tune.search import Searcher


class Asker(Protocol):
    """The part of a scheduler that the gate uses."""

    def wants_new_trial(self) -> bool:
        """Return whether a slot is free that should go to a new trial."""
        ...

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Return a paused trial's last report, which Tune does not pass to searchers."""
        ...


def is_making(searcher: Any) -> bool:
    """Return whether a searcher, or one that it wraps, is computing a suggestion."""
    while searcher is not None:
        if getattr(searcher, "is_making", False):
            return True
        searcher = getattr(searcher, "searcher", None)
    return False


class Admission(Searcher):
    """A gate that calls the searcher only when the scheduler has room for a new trial.

    It passes all other calls on unchanged.

    Args:
        searcher: The searcher behind the gate. Tune saves and restores the attribute of this name.
        asker: The scheduler that decides whether there is room.
        clock: A function that returns the time in seconds. It measures how long the searcher has
            suggested nothing.
    """

    def __init__(
        self, searcher: Searcher, asker: Asker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._clock = clock
        self.searcher = searcher
        self._asker = asker
        self._waits_since: float | None = None
        self._ended: set[str] = set()

    @property
    def is_making(self) -> bool:
        """Whether the searcher, or one that it wraps, is computing a suggestion."""
        return is_making(self.searcher)

    def waited_s(self) -> float:
        """Return the seconds for which the searcher has suggested nothing; 0 if it suggests."""
        if self._waits_since is None:
            return 0.0
        return max(self._clock() - self._waits_since, 1e-9)

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Return the searcher's suggestion; None makes Tune ask again later."""
        if not self._asker.wants_new_trial():
            return None
        config: dict[str, Any] | str | None = self.searcher.suggest(trial_id)
        if config is not None:
            self._waits_since = None
        elif self.is_making:
            pass  # a suggestion will come: no paused trial need end or resume in its place
        elif self._waits_since is None:
            self._waits_since = self._clock()
        return config

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass a report on to the searcher."""
        self.searcher.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Pass a trial's end on once; if the trial was paused, its last report is added.

        If a callback raises an error at the end of a trial, Tune lets the trial fail and calls this
        method again. A searcher cannot be told twice.
        """
        if trial_id in self._ended:
            return
        self._ended.add(trial_id)
        paused_result = self._asker.last_result(trial_id)
        if self._waits_since is not None:
            self._waits_since = self._clock()
        # In this form, which is Tune's own, because searchers may name their arguments differently.
        self.searcher.on_trial_complete(
            trial_id=trial_id, result=result or paused_result, error=error
        )

    def get_state(self) -> dict[str, Any]:
        """Return an empty state: Tune saves the searcher itself."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Do nothing: the gate has no state of its own."""
