"""One number for many objectives, so that single-objective schedulers can serve as baselines.

Unlike a ranking, a scalarisation of single reports knows no range to scale by: it scales each
objective so that its ideal is 0 and its reference value is 1.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.ranking import AUGMENTATION

Kind = Literal["linear", "chebyshev"]


class Scalarization:
    """Maps minimised points to one minimised number.

    Args:
        objectives: Every one with an `ideal`.
        kind: ``"linear"``, the weighted sum, or ``"chebyshev"``, the augmented Chebyshev function
            max_j w_j z_j + ρ Σ_j w_j z_j of the scaled objectives z.

    Raises:
        ValueError: If an ideal is missing or the kind unknown.

    Source: Knowles 2006 (ParEGO), doi:10.1109/TEVC.2005.851274, equation 2.
    """

    def __init__(self, objectives: ObjectiveSet, kind: Kind = "chebyshev") -> None:
        if kind not in get_args(Kind):
            raise ValueError(f"scalarization must be one of {get_args(Kind)}, got {kind!r}")
        if missing := [o.name for o in objectives if o.ideal is None]:
            raise ValueError(
                f"objective {missing[0]!r} needs an ideal value to be scaled: "
                "Objective(..., ideal=...)"
            )
        self._kind = kind
        self._ideal = objectives.ideal_point
        self._span = objectives.reference_point - self._ideal

    def __call__(self, point: Points, weights: ArrayLike) -> float:
        """The scalar of one point (m,), minimised; NaN or ±inf pass through."""
        weighted = np.asarray(weights, dtype=float) * (point - self._ideal) / self._span
        total = float(weighted.sum())
        return total if self._kind == "linear" else float(weighted.max()) + AUGMENTATION * total


def simplex_weights(m: int, seed: int, index: int) -> Points:
    """(m,) weights drawn uniformly from the simplex, a function of seed and index alone."""
    weights: Points = np.random.default_rng([seed, index]).dirichlet(np.ones(m))
    return weights
