"""Curves as arrays, and configurations as standardised numbers."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core.objectives import Points
from mobo_core.rules import curves
from mobo_core.rules.curves import CATEGORIES, Curves, Features


def p(error: float, size: float) -> Points:
    return np.array([error, size])


def last_t(curves: Curves, trial: str) -> float:
    return float(curves.last_t(curves.rows([trial]))[0])


def test_curves_grow_and_repeat() -> None:
    curves = Curves(2)
    for trial in range(40):
        for t in range(1, 40):
            curves.add(str(trial), t, p(1 / t, trial))
    assert curves.last_points(curves.standing()).shape == (40, 2)
    assert last_t(curves, "39") == 39
    assert curves.first_points(curves.rows(["39", "3"])).tolist() == [[1, 39], [1, 3]]
    spans = curves.spans(7, latest=1000)
    assert spans.starts[3].tolist() == [1 / 7, 3]
    assert spans.ends[:, 0] == pytest.approx(np.full(40, 1 / 39))
    assert spans.budgets.tolist() == [39.0] * 40
    latest = curves.spans(7, latest=10)
    assert latest.rows.tolist() == list(range(30, 40))
    assert latest.starts[:, 1].tolist() == list(range(30, 40))


def test_a_trial_that_went_back_is_where_it_is_now() -> None:
    curves = Curves(2)
    for trial in ("a", "b"):
        for t in (1, 2, 4):
            curves.add(trial, t, p(1 / t, 1))
    curves.add("b", 2, p(0.6, 1))
    assert last_t(curves, "b") == 2
    assert curves.last_points(curves.rows(["b"])).tolist() == [[0.6, 1]]
    assert curves.spans(1, 10).ends[:, 0].tolist() == [0.25, 0.6]
    assert curves.spans(2, 10).budgets.tolist() == [4]


def test_a_failed_trial_stands_no_more_but_its_curve_is_known() -> None:
    curves = Curves(2)
    for trial in ("a", "b"):
        for t in (1, 2):
            curves.add(trial, t, p(1 / t, 1))
    curves.fail("a")
    curves.fail("never seen")
    assert curves.last_points(curves.standing()).tolist() == [[0.5, 1]]
    assert len(curves.spans(1, 10).rows) == 2


def test_features_by_hand() -> None:
    features = Features()
    for trial, rate in (("a", 1e-4), ("b", 1e-3), ("c", 1e-2)):
        features.add(trial, {"rate": rate, "depth": 3, "data": "mnist"})
    # The logarithm of the rate alone tells them apart: −1, 0, 1 over √(2/3).
    expected = np.array([[-1.0], [0.0], [1.0]]) * np.sqrt(1.5)
    features.rescale()
    assert features.of(["a", "b", "c"]) == pytest.approx(expected)
    assert features.of(["c", "unknown"])[:, 0] == pytest.approx([np.sqrt(1.5), 0])


def test_features_of_anything() -> None:
    features = Features()
    one = {"nested": {"width": 10}, "kind": "relu", "bias": True, "extra": [1, 2], "rate": np.nan}
    features.add("a", {**one, "name": "run a"})
    features.rescale()
    assert features.of(["a"]).shape == (1, 0)  # nothing to tell apart yet
    two = {"nested": {"width": np.int64(20)}, "kind": np.str_("tanh"), "bias": np.bool_(False)}
    features.add("b", {**two, "name": "run b", "huge": 10**400})
    features.add("b", {"nested": {"width": 1000}})  # a trial that comes back is known
    features.add("c", {**one, "kind": "tanh", "only here": 2.0, "name": "run c"})
    features.add("d", {"bias": np.bool_(False), "name": "run d"})
    # bias is True, less its mean (False, as frequent, comes first by name); width, as numbers. That
    # kind is relu, the width of d, and what is known of one trial or different in all, is left out.
    features.rescale()
    found = features.of(["a", "b", "c", "d"])
    assert found == pytest.approx(
        np.array([[0.5, -1], [-0.5, 2], [0.5, -1], [-0.5, 0]]) * [1, np.sqrt(0.5)]
    )


def test_the_most_frequent_category_is_what_the_others_differ_from() -> None:
    features = Features()
    kinds = ["relu", "relu", "relu", "tanh", "tanh", None, None, "elu"]
    for number, kind in enumerate(kinds):
        features.add(str(number), {"kind": kind})
    features.rescale()
    found = features.of([str(number) for number in range(len(kinds))])
    none, tanh = (np.array([k == kind for k in kinds], dtype=float) for kind in (None, "tanh"))
    assert found == pytest.approx(np.column_stack([none - 0.25, tanh - 0.25]))


def test_only_the_most_frequent_of_many_categories_are_told_apart() -> None:
    features = Features()
    for number in range(30):
        features.add(str(number), {"kind": chr(ord("a") + number % 15)})
    features.rescale()
    assert features.of(["0"]).shape == (1, CATEGORIES)
    # All are as frequent: "a" is what others differ from, "b" to "k" are told apart, "l" is not.
    assert features.of(["1"])[0].argmax() == 0
    assert features.of(["11"]) == pytest.approx(features.of(["0"]))


def test_scales_follow_the_run_and_cost_no_more_than_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = curves._scales
    monkeypatch.setattr(curves, "_scales", lambda configs: calls.append(1) or plain(configs))
    features = Features()
    for number in range(2000):
        features.add(str(number), {"rate": 1.0 + number % 2, "name": f"run {number}"})
        features.rescale()
        features.of([str(number)])
    assert features.of(["0", "1"])[:, 0] == pytest.approx([-1, 1], abs=0.01)
    assert features.of(["0"]).shape == (1, 1)
    assert len(calls) < 150
