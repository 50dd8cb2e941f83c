"""Searchers that do not learn from results: seeded Sobol points and uniform random points.

The i-th suggestion depends only on the space, the seed and i. Runs with the same seed therefore
train the same configurations, whatever their scheduler does. This makes paired comparisons fair.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ray.tune.search import Searcher
from scipy.stats import qmc

from mobo_core.objectives import Points
from mobo_core.space import SearchSpace
from mobo_core.tune.space import as_space, has_domain, nested


class UnitCubeSearcher(Searcher, ABC):
    """A searcher that suggests configurations at the points of a sequence in the unit cube.

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.
    """

    def __init__(
        self, space: Mapping[str, Any] | SearchSpace | None = None, *, seed: int = 0
    ) -> None:
        super().__init__()
        self._seed = seed
        self._space = None if space is None else as_space(space)
        self._count = 0

    @abstractmethod
    def _point(self, index: int) -> Points:
        """Return the (d,) point number `index` of the sequence, in [0, 1)."""

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Use the Tuner's `param_space`; return False, an error in Tune, if a space is set."""
        if self._space is None:
            self._space = as_space(config)
            return True
        return not has_domain(config)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Return the next configuration of the sequence."""
        if self._space is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        config = self._space.from_unit(self._point(self._count))
        self._count += 1
        return nested(config)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: these searchers do not learn."""

    def save(self, checkpoint_path: str) -> None:
        """Write the position in the sequence to a file."""
        state = {"seed": self._seed, "count": self._count, "space": self._space}
        Path(checkpoint_path).write_bytes(pickle.dumps(state))

    def restore(self, checkpoint_path: str) -> None:
        """Continue from a file that `save` wrote. Load only files that you trust."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - Tune's own format
        self._seed, self._count, self._space = state["seed"], state["count"], state["space"]


class SobolSearcher(UnitCubeSearcher):
    """A searcher of scrambled Sobol points, which cover the space evenly (Owen 1998, via scipy).

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune import SobolSearcher
        >>> searcher = SobolSearcher({"rate": tune.loguniform(1e-4, 1e-1)}, seed=1)
        >>> round(searcher.suggest("trial-1")["rate"], 4)
        0.0007
    """

    def _point(self, index: int) -> Points:
        assert self._space is not None
        sequence = qmc.Sobol(len(self._space), scramble=True, rng=np.random.default_rng(self._seed))
        if index:  # scipy cannot skip 0 points
            sequence.fast_forward(index)
        point: Points = sequence.random(1)[0]
        return point


class RandomSearcher(UnitCubeSearcher):
    """A searcher of independent, uniformly distributed random points.

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune import RandomSearcher
        >>> searcher = RandomSearcher({"rate": tune.loguniform(1e-4, 1e-1)}, seed=1)
        >>> round(searcher.suggest("trial-1")["rate"], 4)
        0.0034
    """

    def _point(self, index: int) -> Points:
        assert self._space is not None
        return np.random.default_rng([self._seed, index]).random(len(self._space))
