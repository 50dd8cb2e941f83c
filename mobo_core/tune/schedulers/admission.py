"""A searcher that is asked only when a scheduler has room for a new trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from ray.tune.search import Searcher


class Asker(Protocol):
    """What the gate needs to know of a scheduler."""

    def wants_new_trial(self) -> bool:
        """Whether a slot is free that should go to a new trial."""
        ...

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Last report of a trial that was paused; Tune does not tell searchers how those end."""
        ...


class Gate(Searcher):
    """Asks the searcher only when the scheduler wants a new trial; passes all else on.

    Args:
        searcher: To stand before; under this name Tune saves and restores it by itself.
        asker: Whose wishes count.
        clock: Seconds that pass while the searcher has nothing to suggest.
    """

    def __init__(
        self, searcher: Searcher, asker: Asker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._clock = clock
        self.searcher = searcher
        self._asker = asker
        self._waits_since: float | None = None

    def waited_s(self) -> float:
        """Seconds since the searcher first had nothing to suggest; 0 if it has not been so."""
        if self._waits_since is None:
            return 0.0
        return max(self._clock() - self._waits_since, 1e-9)

    def suggest(  # type: ignore[override]  # Ray's own annotation forgets FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The searcher's suggestion, or None to be asked again."""
        if not self._asker.wants_new_trial():
            return None
        config: dict[str, Any] | str | None = self.searcher.suggest(trial_id)
        if config is not None:
            self._waits_since = None
        elif getattr(self.searcher, "is_making", False):
            pass  # there will be one: nobody need be ended or go on for want of it
        elif self._waits_since is None:
            self._waits_since = self._clock()
        return config

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passed on."""
        self.searcher.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Passed on, with the last report of a trial that ends while it waits."""
        paused_result = self._asker.last_result(trial_id)
        if self._waits_since is not None:
            self._waits_since = self._clock()
        self.searcher.on_trial_complete(trial_id, result or paused_result, error)

    def get_state(self) -> dict[str, Any]:
        """Nothing of its own."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing of its own."""
