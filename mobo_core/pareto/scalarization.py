"""Scalarisation: one number from many objectives.

With it, schedulers for a single objective can serve as baselines. A ranking scales objectives by
the range of its points. A single report has no range, so a scalarisation scales each objective by
fixed values: its ideal becomes 0 and its reference value becomes 1.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.ranking import AUGMENTATION

Kind = Literal["linear", "chebyshev"]


class Scalarization:
    """A function from a minimised point to one minimised number.

    Args:
        objectives: The objectives; each one needs an `ideal`.
        kind: ``"linear"`` for the weighted sum Σ_j w_j z_j of the scaled objectives z_j, or
            ``"chebyshev"`` for the augmented Chebyshev function max_j w_j z_j + ρ Σ_j w_j z_j with
            ρ = `mobo_core.pareto.ranking.AUGMENTATION`.

    Raises:
        ValueError: If an ideal is missing, or the kind is unknown.

    Source: Knowles 2006 (ParEGO), doi:10.1109/TEVC.2005.851274, equation 2.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> accuracy = Objective("val_accuracy", "max", reference=0.5, ideal=1.0)
        >>> loss = Objective("val_loss", "min", reference=4.0, ideal=0.0)
        >>> objectives = ObjectiveSet([accuracy, loss])
        >>> point = objectives.to_point({"val_accuracy": 0.75, "val_loss": 1.0})
        >>> Scalarization(objectives, "linear")(point, weights=[0.5, 0.5])
        0.375
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
        """Return the minimised number of one point; it is not finite if the point is not.

        Args:
            point: (m,), minimised.
            weights: (m,) the weights w_j of the objectives.
        """
        weighted = np.asarray(weights, dtype=float) * (point - self._ideal) / self._span
        total = float(weighted.sum())
        return total if self._kind == "linear" else float(weighted.max()) + AUGMENTATION * total


def simplex_weights(m: int, seed: int, index: int) -> Points:
    """Return weights (m,) that are drawn uniformly from the simplex: ≥ 0, with the sum 1.

    They depend only on the arguments.

    Args:
        m: The number of objectives.
        seed: The seed of the draws.
        index: The number of the draw, for example a trial's number.

    Example:
        >>> weights = simplex_weights(3, seed=0, index=7)
        >>> weights.shape, round(float(weights.sum()), 12)
        ((3,), 1.0)
    """
    weights: Points = np.random.default_rng([seed, index]).dirichlet(np.ones(m))
    return weights
