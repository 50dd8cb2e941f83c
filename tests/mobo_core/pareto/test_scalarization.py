"""One number for many objectives."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.pareto.scalarization import Scalarization, simplex_weights

OBJECTIVES = ObjectiveSet(
    [Objective("acc", "max", 0.9, ideal=1), Objective("size", "min", 100, ideal=0)]
)


def test_by_hand() -> None:
    # acc 0.95 lies half-way between its ideal 1 and its reference 0.9; size 25 a quarter.
    point = OBJECTIVES.to_point({"acc": 0.95, "size": 25})
    assert Scalarization(OBJECTIVES, "linear")(point, [0.5, 0.5]) == pytest.approx(0.375)
    # max(.25, .125) + 0.05 · .375
    assert Scalarization(OBJECTIVES, "chebyshev")(point, [0.5, 0.5]) == pytest.approx(0.26875)


def test_ideal_and_reference_map_to_0_and_1() -> None:
    scalar = Scalarization(OBJECTIVES, "linear")
    assert scalar(OBJECTIVES.ideal_point, [0.5, 0.5]) == pytest.approx(0)
    assert scalar(OBJECTIVES.reference_point, [0.5, 0.5]) == pytest.approx(1)


def test_nan_passes_through() -> None:
    assert np.isnan(Scalarization(OBJECTIVES)(np.array([np.nan, 1.0]), [0.5, 0.5]))


def test_what_cannot_be_scaled_is_refused() -> None:
    with pytest.raises(ValueError, match="objective 'x' needs an ideal value"):
        Scalarization(ObjectiveSet([Objective("x", "min", 1)]))
    with pytest.raises(ValueError, match="scalarization must be one of"):
        Scalarization(OBJECTIVES, "mean")  # type: ignore[arg-type]


def test_weights_lie_on_the_simplex_and_repeat() -> None:
    drawn = np.array([simplex_weights(3, 1, i) for i in range(2000)])
    assert (drawn >= 0).all()
    assert drawn.sum(axis=1) == pytest.approx(np.ones(2000))
    # Uniform on the simplex: mean 1/3, standard deviation √(1/18); four standard errors.
    assert drawn.mean(axis=0) == pytest.approx(
        np.full(3, 1 / 3), abs=4 * (1 / 18) ** 0.5 / 2000**0.5
    )
    assert drawn[7].tolist() == simplex_weights(3, 1, 7).tolist()
    assert drawn[7].tolist() != simplex_weights(3, 2, 7).tolist()
