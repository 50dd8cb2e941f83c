"""Searchers that do not learn: seeded Sobol points and uniform random points.

The i-th suggestion depends on the space, the seed and i alone, so runs of one seed meet the same
configurations whatever their scheduler does: paired seeds.
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
    """Suggests the configuration at the i-th point of a sequence in the unit cube.

    Args:
        space: Tune `param_space` or `SearchSpace`; None takes the one given to the Tuner.
        seed: Seed of the sequence.
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
        """(d,) point number `index` of the sequence, in [0, 1)."""

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Take the Tuner's `param_space`; False, which Tune refuses, if there is one already."""
        if self._space is None:
            self._space = as_space(config)
            return True
        return not has_domain(config)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next configuration of the sequence."""
        if self._space is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        config = self._space.from_unit(self._point(self._count))
        self._count += 1
        return nested(config)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn."""

    def save(self, checkpoint_path: str) -> None:
        """Write the position in the sequence."""
        state = {"seed": self._seed, "count": self._count, "space": self._space}
        Path(checkpoint_path).write_bytes(pickle.dumps(state))

    def restore(self, checkpoint_path: str) -> None:
        """Continue where `save` left off. The file must be one this searcher wrote."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - Tune's own format
        self._seed, self._count, self._space = state["seed"], state["count"], state["space"]


class SobolSearcher(UnitCubeSearcher):
    """Scrambled Sobol points (Owen 1998, via scipy), seeded."""

    def _point(self, index: int) -> Points:
        assert self._space is not None
        sequence = qmc.Sobol(len(self._space), scramble=True, rng=np.random.default_rng(self._seed))
        if index:  # scipy cannot skip nothing
            sequence.fast_forward(index)
        point: Points = sequence.random(1)[0]
        return point


class RandomSearcher(UnitCubeSearcher):
    """Independent uniform points, seeded."""

    def _point(self, index: int) -> Points:
        assert self._space is not None
        return np.random.default_rng([self._seed, index]).random(len(self._space))
