"""Multi-objective test functions of BoTorch with learning curves.

An epoch's report is the function's value at the configuration plus an excess, which is 0 after the
last epoch:

    y_i(x, t) = f_i(x) + w_i(x) · d(t; a(x)),    t = 1 … T,    d(1) = 1,    d(T) = 0

The excess of the first epoch, w_i(x), is up to half the range of f_i over a fixed sample. The decay
d is one of the shapes of `mobo_core.problems.shapes`, by default a power law. a(x) lies in [0, 1].
w and a vary with the configuration, each in its own way, so curves cross. The full budget gives the
function itself. A *noisy* problem has power laws and adds to every report, the last one included,
Gaussian noise of which the standard deviation is `NOISE` of the function's range.

The largest hypervolume against BoTorch's reference point is the one that BoTorch states: in closed
form for DTLZ2 and ZDT, whose fronts are known, and approximate for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.objectives import Objective, Points
from mobo_core.problems.curve import CurveTraining
from mobo_core.problems.shapes import SHAPES
from mobo_core.space import RangeParameter, SearchSpace

LARGEST_EXCESS = 0.5
"""The largest excess of the first epoch, as a share of the function's range."""
SAMPLE = 1000
"""The number of configurations in the sample that gives the range."""

NOISE = 0.02
"""The standard deviation of a noisy report, as a share of the function's range."""
NOISY = "noisy"
"""The ending of the names of problems with power laws and noise."""

FUNCTIONS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "branin-currin": ("BraninCurrin", {}),
    "dtlz2": ("DTLZ2", {"dim": 6, "num_objectives": 2}),
    "dtlz2-3": ("DTLZ2", {"dim": 6, "num_objectives": 3}),
    "vehicle-safety": ("VehicleSafety", {}),
    "zdt1": ("ZDT1", {"dim": 6}),
    "zdt2": ("ZDT2", {"dim": 6}),
    "zdt3": ("ZDT3", {"dim": 6}),
}
"""Name → BoTorch's class of the test function and its arguments."""
IDEALS: Mapping[str, tuple[float, ...]] = {
    "branin-currin": (0.0, 1.0),
    "dtlz2": (0.0, 0.0),
    "dtlz2-3": (0.0, 0.0, 0.0),
    "vehicle-safety": (1650.0, 5.0, 0.0),
    "zdt1": (0.0, 0.0),
    "zdt2": (0.0, 0.0),
    "zdt3": (0.0, -1.0),
}
"""Name → a lower bound of each objective."""
PROBLEMS = tuple(
    name
    for function in FUNCTIONS
    for name in (
        function,
        *(f"{function}-{shape}" for shape in SHAPES if shape != "power"),
        f"{function}-{NOISY}",
    )
)
"""All problems: ``dtlz2``, ``dtlz2-plateau``, ``dtlz2-noisy`` and so on."""


@dataclass(frozen=True)
class _Function:
    values: Callable[[Points], Points]
    """A function from (n, d) configurations to their (n, m) values."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(d,) bounds of the parameters: `low` and `high`."""
    reference: list[float]
    max_hypervolume: float
    front: Callable[[int], Points]
    """A function from n to (n, m) points of the true front."""
    spread: NDArray[np.float64]
    """(m,) ranges of the objectives over the sample."""
    directions: NDArray[np.float64]
    """(1 + m, d) directions in which the exponent and the m excesses vary."""


@lru_cache(maxsize=len(FUNCTIONS))
def _function(name: str) -> _Function:
    # Imported here because it takes seconds, and some processes only read the names above.
    with needs("ax", __name__):
        import torch
        from botorch.test_functions import multi_objective

    kind, arguments = FUNCTIONS[name]
    problem = getattr(multi_objective, kind)(**arguments).to(torch.double)

    def values(x: Points) -> Points:
        found: Points = problem(torch.from_numpy(x)).numpy()
        return found

    def front(n: int) -> Points:
        with torch.random.fork_rng(devices=[]):  # some fronts are drawn at random
            torch.manual_seed(0)
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
    """A test function with learning curves. All its objectives are minimised.

    Args:
        variant: The problem's name, one of `PROBLEMS`: a function, which then has power laws, or a
            function and a shape.
        max_epochs: The full budget of a trial, in epochs, ≥ 2.

    Raises:
        ValueError: If there is no such problem, or fewer than 2 epochs.

    Example:
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> problem = SyntheticProblem("dtlz2", max_epochs=8)
        >>> training = problem.start(problem.space.from_unit([0.5] * 6), seed=1)
        >>> sorted(training.run_epoch())
        ['epoch', 'f1', 'f2', 'seconds']
    """

    variant: str
    max_epochs: int = 8

    def __post_init__(self) -> None:
        if self.variant not in PROBLEMS:
            raise ValueError(f"unknown function {self.variant!r}: choose from {list(PROBLEMS)}")
        if self.max_epochs < 2:
            raise ValueError(f"max_epochs must be at least 2, got {self.max_epochs}")

    @property
    def name(self) -> str:
        """The problem's name, e.g. ``synthetic-dtlz2``."""
        return f"synthetic-{self.variant}"

    @property
    def function(self) -> str:
        """The function's name, a key of `FUNCTIONS`."""
        return max((f for f in FUNCTIONS if self.variant.startswith(f)), key=len)

    @property
    def shape(self) -> str:
        """The name of the curves' shape, a key of `mobo_core.problems.shapes.SHAPES`."""
        ending = self.variant.removeprefix(self.function).removeprefix("-")
        return ending if ending in SHAPES else "power"

    @property
    def is_noisy(self) -> bool:
        """Whether the reports are noisy."""
        return self.variant.endswith(f"-{NOISY}")

    @property
    def space(self) -> SearchSpace:
        """The search space: ``x1``, ``x2``, … with the function's bounds."""
        function = _function(self.function)
        bounds = zip(function.low.tolist(), function.high.tolist(), strict=True)
        return SearchSpace(
            tuple(RangeParameter(f"x{i}", low, up) for i, (low, up) in enumerate(bounds, start=1))
        )

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """The objectives ``f1``, ``f2``, … with BoTorch's reference point."""
        pairs = zip(_function(self.function).reference, IDEALS[self.function], strict=True)
        return {
            f"f{i}": Objective(f"f{i}", "min", worst, ideal=ideal)
            for i, (worst, ideal) in enumerate(pairs, start=1)
        }

    @property
    def max_hypervolume(self) -> float:
        """The hypervolume of the true front of all objectives, against the reference point."""
        return _function(self.function).max_hypervolume

    def front(self, n: int) -> Points:
        """Return (n, m) points of the true front.

        Raises:
            NotImplementedError: If the front is not known.
        """
        return _function(self.function).front(n)

    def data_checksum(self) -> str:
        """Return an empty string: the problem has no data."""
        return ""

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return a training along a configuration's curve. Only noise depends on the seed."""
        function = _function(self.function)
        x = np.array([config[name] for name in self.space.names], dtype=float)
        unit = (x - function.low) / (function.high - function.low)
        waves = np.abs(np.sin(function.directions @ unit))
        excess = LARGEST_EXCESS * waves[1:] * function.spread
        epochs = np.arange(1, self.max_epochs + 1, dtype=float)
        values = function.values(x[None]) + np.outer(SHAPES[self.shape](epochs, waves[0]), excess)
        if self.is_noisy:
            rng = np.random.default_rng([seed, *unit.tobytes()])
            values = values + NOISE * function.spread * rng.standard_normal(values.shape)
        return CurveTraining(
            [
                {"epoch": t, "seconds": 1.0, **{f"f{i}": v for i, v in enumerate(row, start=1)}}
                for t, row in enumerate(values.tolist(), start=1)
            ]
        )
