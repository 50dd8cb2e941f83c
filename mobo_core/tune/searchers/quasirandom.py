"""Searchers that do not learn from results: seeded Sobol points and uniform random points.

The i-th suggestion depends only on the space, the seed and i. Runs with the same seed therefore
train the same configurations, whatever their scheduler does. This makes paired comparisons fair.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ray import cloudpickle
from ray.tune.search import Searcher
from scipy.stats import qmc

from mobo_core.objectives import Points
from mobo_core.seeding import checked_seed
from mobo_core.space import SearchSpace
from mobo_core.tune.searchers.repeats import Repeats, new_configuration
from mobo_core.tune.searchers.starting import Known, Start, read_start
from mobo_core.tune.space import TuneSpace, has_domain, tune_space

_STATE = ("_seed", "_count", "_space", "_repeats", "_points")
"""The attributes of a `UnitCubeSearcher` that are saved."""


class UnitCubeSearcher(Searcher, ABC):
    """A searcher that suggests configurations at the points of a sequence in the unit cube.

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.
        points_to_evaluate: Configurations to suggest first, nested or with flat names. Parameters
            that are missing are taken from the sequence.
        known_results: Results that are known already, in the forms that `read_start` takes. Their
            configurations are not suggested.
        repeats: Whether a configuration may be suggested twice, which happens in spaces without a
            continuous parameter. If not, the search ends when all were suggested. None means: only
            if the Tuner asks for a limited number of trials, not for ``num_samples=-1``.

    Raises:
        ValueError: If the seed is not a whole number from 0 to 2³² - 1, or `points_to_evaluate` or
            `known_results` do not fit the space.
    """

    def __init__(
        self,
        space: Mapping[str, Any] | SearchSpace | None = None,
        *,
        seed: int = 0,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        known_results: Known | None = None,
        repeats: bool | None = None,
    ) -> None:
        super().__init__()
        self._seed = checked_seed(seed)
        self._count = 0
        self._repeats = Repeats(repeats)
        self._points: list[dict[str, Any]] = []
        self._given = (points_to_evaluate, known_results)
        self._space: TuneSpace | None = None
        if space is not None:
            self._begin(tune_space(space))

    def _begin(self, space: TuneSpace) -> None:
        start: Start = read_start(space, *self._given)
        self._space, self._given = space, (None, None)
        self._points = list(start.points)
        self._repeats.never = {space.space.key(result.values) for result in start.known}

    @abstractmethod
    def _point(self, index: int) -> Points:
        """Return the (d,) point number `index` of the sequence, in [0, 1)."""

    @property
    def _dimension(self) -> int:
        assert self._space is not None
        return len(self._space.space)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Use the Tuner's `param_space`; return False, an error in Tune, if a space is set."""
        self._repeats.unlimited = spec.get("num_samples") == -1
        if self._space is None:
            self._begin(tune_space(config, constants=False))
            return True
        return not has_domain(config)

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str:
        """Return the next configuration, or ``Searcher.FINISHED`` when the space is used up."""
        if self._space is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        space = self._space.space
        values = (
            self._completed(self._points.pop(0))
            if self._points
            else new_configuration(space, self._repeats.avoided, self._draw)
        )
        if values is None:
            return str(Searcher.FINISHED)
        self._repeats.seen.add(space.key(values))
        return self._space.configuration(values)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: these searchers do not learn."""

    def save(self, checkpoint_path: str) -> None:
        """Write the position in the sequence to a file."""
        state = {name: value for name, value in vars(self).items() if name in _STATE}
        # Choices may be functions of the main program, which pickle cannot store.
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(state))

    def restore(self, checkpoint_path: str) -> None:
        """Continue from a file that `save` wrote. Load only files that you trust."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - Tune's own format
        vars(self).update(state)

    def _completed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a starting point with the sequence's values for its missing parameters."""
        assert self._space is not None
        space = self._space.space
        values: dict[str, Any] = {}
        drawn: Points | None = None
        for number, parameter in enumerate(space.parameters):
            if not space.exists(parameter, values):
                continue
            if parameter.name in given:
                values[parameter.name] = given[parameter.name]
                continue
            if drawn is None:
                drawn = self._draw()
            values[parameter.name] = parameter.from_unit(float(drawn[number]))
        return values

    def _draw(self) -> Points:
        self._count += 1
        return self._point(self._count - 1)


class SobolSearcher(UnitCubeSearcher):
    """A searcher of scrambled Sobol points, which cover the space evenly (Owen 1998, via scipy).

    The space may hold lists, tuples, and choices whose values bring parameters of their own.

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.
        points_to_evaluate: Configurations to suggest first, nested or with flat names. Parameters
            that are missing are taken from the sequence.
        known_results: Pairs of a configuration and its last report, or a DataFrame or ResultGrid of
            Tune. Their configurations are not suggested.
        repeats: Whether a configuration may be suggested twice, which happens in spaces without a
            continuous parameter. If not, the search ends when all were suggested. None means: only
            if the Tuner asks for a limited number of trials, not for ``num_samples=-1``.

    Raises:
        ValueError: If the seed is not a whole number from 0 to 2³² - 1, or `points_to_evaluate` or
            `known_results` do not fit the space.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune import SobolSearcher
        >>> searcher = SobolSearcher({"rate": tune.loguniform(1e-4, 1e-1)}, seed=1)
        >>> round(searcher.suggest("trial-1")["rate"], 4)
        0.0007
        >>> cnn = {"net": "cnn", "widths": [tune.randint(4, 32), tune.randint(4, 32)]}
        >>> mlp = {"net": "mlp", "units": tune.randint(16, 128)}
        >>> searcher = SobolSearcher({"model": tune.choice([cnn, mlp])}, seed=1)
        >>> searcher.suggest("trial-1")
        {'model': {'net': 'cnn', 'widths': [20, 12]}}
        >>> searcher.suggest("trial-2")
        {'model': {'net': 'mlp', 'units': 106}}
    """

    def _point(self, index: int) -> Points:
        rng = np.random.default_rng(self._seed)
        sequence = qmc.Sobol(self._dimension, scramble=True, rng=rng)
        if index:  # scipy cannot skip 0 points
            sequence.fast_forward(index)
        point: Points = sequence.random(1)[0]
        return point


class RandomSearcher(UnitCubeSearcher):
    """A searcher of independent, uniformly distributed random points.

    Args:
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        seed: The sequence's seed.
        points_to_evaluate: As in `SobolSearcher`.
        known_results: As in `SobolSearcher`.
        repeats: As in `SobolSearcher`.

    Raises:
        ValueError: As in `SobolSearcher`.

    Example:
        >>> from ray import tune
        >>> from mobo_core.tune import RandomSearcher
        >>> searcher = RandomSearcher({"rate": tune.loguniform(1e-4, 1e-1)}, seed=1)
        >>> round(searcher.suggest("trial-1")["rate"], 4)
        0.0034
    """

    def _point(self, index: int) -> Points:
        return np.random.default_rng([self._seed, index]).random(self._dimension)
