"""Your own searcher: a small evolution strategy that mutates members of the front."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from ray.tune.search import Searcher

from bench.matrix.catalogue import Context
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto import non_dominated_mask, valid_mask
from mobo_core.space import SearchSpace


class MutationSearcher(Searcher):
    """A searcher that starts with random configurations and then mutates members of the front.

    Args:
        objectives: The objectives of the search.
        space: The search space.
        seed: The seed of all random choices.
        initial: Number of random configurations before the first mutation.
        step: Standard deviation of a mutation, as a share of each parameter's range.
    """

    def __init__(
        self, objectives: ObjectiveSet, space: SearchSpace, seed: int, initial: int, step: float
    ) -> None:
        super().__init__()
        self._objectives, self._space = objectives, space
        self._initial, self._step = initial, step
        self._rng = np.random.default_rng(seed)
        self._asked: dict[str, Points] = {}
        self._done: list[tuple[Points, Points]] = []  # (place in the unit cube, minimised point)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Accept nothing from Tune: objectives and space were given to the constructor."""
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Return a configuration. Tune calls this whenever it has room for a trial."""
        place = self._rng.random(len(self._space))
        if len(self._asked) >= self._initial and self._done:
            front = np.flatnonzero(non_dominated_mask(np.stack([point for _, point in self._done])))
            parent = self._done[self._rng.choice(front)][0]
            moved = parent + self._rng.normal(0, self._step, len(place))
            place = np.clip(moved, 0, np.nextafter(1, 0))
        self._asked[trial_id] = place
        return self._space.from_unit(place)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Learn from a trial's last report, unless it failed, or lacks a value or reports NaN."""
        if result is None or error or self._objectives.missing(result):
            return
        point = self._objectives.to_point(result)
        if valid_mask(point[None]).all():
            self._done.append((self._asked[trial_id], point))

    def save(self, checkpoint_path: str) -> None:
        """Write the state. Tune saves searchers with the experiment."""
        Path(checkpoint_path).write_bytes(pickle.dumps((self._rng, self._asked, self._done)))

    def restore(self, checkpoint_path: str) -> None:
        """Read the state that `save` wrote."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - written by `save`
        self._rng, self._asked, self._done = state


def mutation(context: Context, *, initial: int = 6, step: float = 0.15) -> Searcher:
    """Return the searcher of a run; a matrix file may set `initial` and `step`."""
    return MutationSearcher(context.objectives, context.space, context.seed, initial, step)
