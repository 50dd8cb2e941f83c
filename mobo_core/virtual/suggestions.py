"""The sources of trials for the simulated controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ray.tune.search import Searcher, SearchGenerator

from mobo_core.virtual.trial import VirtualTrial


class Suggestions(SearchGenerator):
    """Ray's generator of trials from a searcher, which here makes virtual trials.

    Args:
        searcher: The searcher.
        num_samples: The number of trials; -1 continues until the searcher has finished.
        max_failures: How often a failed trial is retried; -1 is without limit.
    """

    def __init__(self, searcher: Searcher, num_samples: int, max_failures: int) -> None:
        super().__init__(searcher)
        # As in Tune, a searcher learns whether it is to end by itself. It has its space already.
        self.set_search_properties(None, None, {}, num_samples=num_samples)
        self._wanted = num_samples
        self._max_failures = max_failures
        self._made = 0
        self._exhausted = False

    def next_trial(self) -> VirtualTrial | None:  # type: ignore[override]
        """Return the searcher's next suggestion as a trial, or None if there is none now."""
        # Ray's annotation lacks FINISHED.
        suggested: Any = self.searcher.suggest(f"{self._made:05d}")
        if suggested == Searcher.FINISHED:
            self._exhausted = True
            return None
        if suggested is None:
            return None
        trial = VirtualTrial(self._made, dict(suggested), self._max_failures)
        self._made += 1
        return trial

    def is_finished(self) -> bool:
        """Return whether no further trial will come."""
        return self._exhausted or 0 <= self._wanted <= self._made


class InOrder(Searcher):
    """A searcher that suggests given configurations one after the other and then has finished.

    Use it with pausing schedulers, which need a searcher and not a list of configurations.

    Args:
        configs: The configurations, in order.

    Example:
        >>> from mobo_core.virtual import InOrder
        >>> searcher = InOrder([{"width": 16}, {"width": 32}])
        >>> [searcher.suggest(f"trial-{number}") for number in range(3)]
        [{'width': 16}, {'width': 32}, 'FINISHED']
    """

    def __init__(self, configs: Iterable[Mapping[str, Any]]) -> None:
        super().__init__()
        self._configs = iter([dict(config) for config in configs])

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str:
        """Return the next configuration, or ``Searcher.FINISHED`` after the last one."""
        return next(self._configs, Searcher.FINISHED)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: there is no model that could learn."""


class Configurations:
    """Given configurations, in the role of Tune's own generator, which does not learn.

    Args:
        configs: The configurations, in order.
        num_samples: The largest number of trials; -1 makes one for every configuration.
        max_failures: How often a failed trial is retried; -1 is without limit.
    """

    def __init__(
        self, configs: Iterable[Mapping[str, Any]], num_samples: int, max_failures: int
    ) -> None:
        self._configs = [dict(config) for config in configs]
        if num_samples >= 0:
            del self._configs[num_samples:]
        self._next = 0
        self._max_failures = max_failures

    def next_trial(self) -> VirtualTrial | None:
        """Return the next configuration as a trial."""
        trial = VirtualTrial(self._next, self._configs[self._next], self._max_failures)
        self._next += 1
        return trial

    def is_finished(self) -> bool:
        """Return whether no further trial will come."""
        return self._next == len(self._configs)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Do nothing: there is no model that could learn."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: there is no model that could learn."""
