"""Where the simulated controller gets its trials from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ray.tune.search import Searcher, SearchGenerator

from mobo_core.virtual.trial import VirtualTrial


class Suggestions(SearchGenerator):
    """Ray's generator of trials from a searcher, making virtual ones."""

    def __init__(self, searcher: Searcher, num_samples: int, max_failures: int) -> None:
        super().__init__(searcher)
        self._wanted = num_samples
        self._max_failures = max_failures

    def next_trial(self) -> VirtualTrial | None:  # type: ignore[override]
        """The searcher's next suggestion as a trial."""
        # Ray's own annotation forgets FINISHED.
        suggested: Any = self.searcher.suggest(f"{self._counter:05d}")
        if suggested == Searcher.FINISHED:
            self._finished = True
            return None
        if suggested is None:
            return None
        trial = VirtualTrial(self._counter, dict(suggested), self._max_failures)
        self._counter += 1
        return trial

    def is_finished(self) -> bool:
        """Whether there is nothing more to come."""
        return self._finished or 0 <= self._wanted <= self._counter


class InOrder(Searcher):
    """A searcher that suggests given configurations one after the other, then has finished.

    Unlike the configurations themselves it can be asked one by one, as promotion needs.
    """

    def __init__(self, configs: Iterable[Mapping[str, Any]]) -> None:
        super().__init__()
        self._configs = iter([dict(config) for config in configs])

    def suggest(  # type: ignore[override]  # Ray's own annotation forgets FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str:
        """The next configuration."""
        return next(self._configs, Searcher.FINISHED)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn."""


class Configurations:
    """Given configurations, as Tune's own generator of variants is: it listens to nothing."""

    def __init__(
        self, configs: Iterable[Mapping[str, Any]], num_samples: int, max_failures: int
    ) -> None:
        self._configs = [dict(config) for config in configs]
        if num_samples >= 0:
            del self._configs[num_samples:]
        self._next = 0
        self._max_failures = max_failures

    def next_trial(self) -> VirtualTrial | None:
        """The next configuration as a trial."""
        trial = VirtualTrial(self._next, self._configs[self._next], self._max_failures)
        self._next += 1
        return trial

    def is_finished(self) -> bool:
        """Whether there is nothing more to come."""
        return self._next == len(self._configs)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing to learn."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn."""
