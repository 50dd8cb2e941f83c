"""Multi-objective test functions of BoTorch with learning curves.

An epoch's report is the value of the function at the configuration plus an excess that decays as
a power of the epoch and is 0 after the last one:

    y_i(x, t) = f_i(x) + w_i(x) · (t^-k(x) - T^-k(x)) / (1 - T^-k(x)),    t = 1 … T

where the excess of the first epoch, w_i(x), is up to half the range of f_i over a fixed sample, and
the exponent k(x) lies in [0.3, 1.5]; each varies with the configuration in its own way, so that
curves cross. The full budget thus gives the function itself. Its largest hypervolume against
BoTorch's reference point is BoTorch's: in closed form for DTLZ2 and ZDT, whose fronts are known,
and approximate for Branin-Currin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import Objective, Points
from mobo_core.problems.curve import CurveTraining
from mobo_core.space import RangeParameter, SearchSpace

LARGEST_EXCESS = 0.5
"""In the first epoch, as a share of the function's range."""
SAMPLE = 1000
"""Configurations that the range is taken of."""

FUNCTIONS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "branin-currin": ("BraninCurrin", {}),
    "dtlz2": ("DTLZ2", {"dim": 6, "num_objectives": 2}),
    "dtlz2-3": ("DTLZ2", {"dim": 6, "num_objectives": 3}),
    "zdt1": ("ZDT1", {"dim": 6}),
    "zdt2": ("ZDT2", {"dim": 6}),
    "zdt3": ("ZDT3", {"dim": 6}),
}
"""Name → BoTorch's class of the test function and its arguments."""
IDEALS: Mapping[str, tuple[float, ...]] = {
    "branin-currin": (0.0, 1.0),
    "dtlz2": (0.0, 0.0),
    "dtlz2-3": (0.0, 0.0, 0.0),
    "zdt1": (0.0, 0.0),
    "zdt2": (0.0, 0.0),
    "zdt3": (0.0, -1.0),
}
"""No value is smaller."""


@dataclass(frozen=True)
class _Function:
    values: Callable[[Points], Points]
    """(n, m) values at the configurations (n, d)."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(d,) bounds."""
    reference: list[float]
    max_hypervolume: float
    front: Callable[[int], Points]
    """(n, m) points of the true front."""
    spread: NDArray[np.float64]
    """(m,) range of each objective over the sample."""
    directions: NDArray[np.float64]
    """(1 + m, d) along which exponent and excesses vary."""


@lru_cache(maxsize=len(FUNCTIONS))
def _function(name: str) -> _Function:
    # Loaded here: it takes seconds, and the names above are wanted by processes that run nothing.
    import torch
    from botorch.test_functions import multi_objective

    kind, arguments = FUNCTIONS[name]
    problem = getattr(multi_objective, kind)(**arguments).to(torch.double)

    def values(x: Points) -> Points:
        found: Points = problem(torch.from_numpy(x)).numpy()
        return found

    def front(n: int) -> Points:
        found: Points = problem.gen_pareto_front(n).numpy()
        return found

    rng = np.random.default_rng(0)
    low, high = problem.bounds.numpy()
    sample = low + (high - low) * rng.random((SAMPLE, problem.dim))
    return _Function(
        values=values,
        low=low,
        high=high,
        reference=problem.ref_point.tolist(),
        max_hypervolume=float(problem.max_hv),
        front=front,
        spread=np.ptp(values(sample), axis=0),
        directions=rng.normal(0, 8, (1 + problem.num_objectives, problem.dim)),
    )


@dataclass(frozen=True)
class SyntheticProblem:
    """A test function with learning curves, minimised.

    Args:
        function: Key of `FUNCTIONS`.
        max_epochs: Full budget of a trial.

    Raises:
        ValueError: If there is no such function, or fewer than 2 epochs.
    """

    function: str
    max_epochs: int = 8

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise ValueError(f"unknown function {self.function!r}: choose from {sorted(FUNCTIONS)}")
        if self.max_epochs < 2:
            raise ValueError(f"max_epochs must be at least 2, got {self.max_epochs}")

    @property
    def name(self) -> str:
        """E.g. ``synthetic-dtlz2``."""
        return f"synthetic-{self.function}"

    @property
    def space(self) -> SearchSpace:
        """``x1`` … with the bounds of the function."""
        function = _function(self.function)
        bounds = zip(function.low.tolist(), function.high.tolist(), strict=True)
        return SearchSpace(
            tuple(RangeParameter(f"x{i}", low, up) for i, (low, up) in enumerate(bounds, start=1))
        )

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """``f1`` … with BoTorch's reference point."""
        pairs = zip(_function(self.function).reference, IDEALS[self.function], strict=True)
        return {
            f"f{i}": Objective(f"f{i}", "min", worst, ideal=ideal)
            for i, (worst, ideal) in enumerate(pairs, start=1)
        }

    @property
    def max_hypervolume(self) -> float:
        """Of the true front, against the reference point; of all objectives together."""
        return _function(self.function).max_hypervolume

    def front(self, n: int) -> Points:
        """(n, m) points of the true front.

        Raises:
            NotImplementedError: If it is not known.
        """
        return _function(self.function).front(n)

    def data_checksum(self) -> str:
        """It needs no data."""
        return ""

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """The curve of a configuration; the seed changes nothing."""
        function = _function(self.function)
        x = np.array([config[name] for name in self.space.names], dtype=float)
        unit = (x - function.low) / (function.high - function.low)
        waves = np.abs(np.sin(function.directions @ unit))
        exponent, excess = 0.3 + 1.2 * waves[0], LARGEST_EXCESS * waves[1:] * function.spread
        epochs = np.arange(1, self.max_epochs + 1, dtype=float)
        last = self.max_epochs**-exponent
        decay = (epochs**-exponent - last) / (1 - last)
        values = function.values(x[None]) + np.outer(decay, excess)
        return CurveTraining(
            [
                {"epoch": t, "seconds": 1.0, **{f"f{i}": v for i, v in enumerate(row, start=1)}}
                for t, row in enumerate(values.tolist(), start=1)
            ]
        )
