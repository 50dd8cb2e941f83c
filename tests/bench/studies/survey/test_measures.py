"""The measures of a survey, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.studies.survey.measures import MEASURES, SHARES, Trace, Yardstick, row
from mobo_core import Objective, ObjectiveSet

OBJECTIVES = ObjectiveSet([Objective("a", "min", 10.0), Objective("b", "min", 100.0)])
FRONT = np.array([[0.0, 20.0], [2.0, 0.0]])
YARDSTICK = Yardstick(FRONT, OBJECTIVES)


def test_the_known_front_has_no_regret() -> None:
    assert YARDSTICK.regrets(FRONT) == dict.fromkeys(MEASURES, 0.0)


def test_regrets_by_hand() -> None:
    # Scaled by (2, 20) the known front is (0, 1), (1, 0), and this is the point (0.5, 0.5).
    found = YARDSTICK.regrets(np.array([[1.0, 10.0]]))
    # Up to (10, 100): 10·80 + 8·20 = 960, and 9·90 = 810.
    assert found["wide"] == pytest.approx(1 - 810 / 960)
    # Up to (1.1, 1.1): 2·0.1·1.1 − 0.01 = 0.21, and 0.36.
    assert found["tight"] == pytest.approx(1 - 0.36 / 0.21)
    assert found["igd"] == found["epsilon"] == pytest.approx(0.5)
    # Weights (w, 1 − w): max(w, 1 − w)/2 against min over the front's points of the larger product.
    w = np.linspace(0, 1, 100)
    expected = np.mean(np.maximum(w, 1 - w) / 2) - np.mean(np.minimum(w, 1 - w))
    assert found["r2"] == pytest.approx(expected, abs=1e-12)


def test_units_do_not_matter() -> None:
    wide = ObjectiveSet([Objective("a", "min", 1e7), Objective("b", "min", 0.1)])
    other = Yardstick(FRONT * [1e6, 1e-3], wide)
    points = np.array([[1.0, 10.0], [5.0, -1.0]])
    mine, theirs = YARDSTICK.regrets(points), other.regrets(points * [1e6, 1e-3])
    assert mine == pytest.approx(theirs, rel=1e-9)


def test_a_front_of_one_point_is_scaled_by_the_references() -> None:
    one = Yardstick(np.array([[5.0, 0.0]]), OBJECTIVES)
    found = one.regrets(np.array([[6.0, 10.0]]))
    assert found["epsilon"] == pytest.approx(0.2)  # 1 of 5, and 10 of 100
    assert found["tight"] == 1  # beyond a tenth of the distance to the reference


def test_a_known_front_outside_the_references_has_no_wide_regret() -> None:
    outside = Yardstick(np.array([[11.0, 0.0], [12.0, -1.0]]), OBJECTIVES)
    assert math.isnan(outside.regrets(FRONT)["wide"])


def test_a_run_is_measured_on_the_way_and_carried_on() -> None:
    # Two trials, two epochs: (4, 40) → (2, 0) and (8, 80) → (0, 20).
    points = np.array([[[4.0, 40.0], [2.0, 0.0]], [[8.0, 80.0], [0.0, 20.0]]])
    full = Trace(np.array([0, 1, 0, 1]), np.array([1, 1, 2, 2]), np.array([1.0, 2.0, 3.0, 4.0]))
    short = Trace(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 2.0]))
    whole = row(full, full, points, YARDSTICK)
    assert (whole["epochs"], whole["seconds"], whole["wide"]) == (1, 1, 0)
    assert whole["wide@50"] == pytest.approx(1 - 6 * 60 / 960)  # after two of four reports
    assert whole["wide@1"] == whole["wide@50"]  # the first report counts, and the second adds none
    found = row(short, full, points, YARDSTICK)
    assert (found["epochs"], found["seconds"]) == (0.5, 0.5)
    assert found["wide@50"] == pytest.approx(1 - 8 * 100 / 960)  # both reports of the first trial
    assert found["wide@100"] == found["wide"] == found["wide@50"] == found["wide@50s"]
    # At half of the baseline's time, 2 s, both reports have come; at 20 %, 0.8 s, none.
    assert found["wide@20s"] == pytest.approx(1 - 6 * 60 / 960)
    assert {f"{name}@{100 * share:g}" for name in MEASURES for share in SHARES} <= set(found)
