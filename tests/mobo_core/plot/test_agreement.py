"""The front, its figure, its curve and the live numbers are computed from the same reports."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet, pareto_front, plot
from mobo_core.plot.shown import shown_points
from mobo_core.results.constraints import as_constraints
from mobo_core.results.growing import GrowingFront
from mobo_core.tune import LiveFront

pytestmark = pytest.mark.filterwarnings("error")

BOTH = ObjectiveSet([Objective("f", "min", reference=10), Objective("g", "min", reference=10)])
SCOPES: list[Any] = ["last", "best"]


def rows(*reports: tuple[str, Any, Any]) -> list[dict[str, Any]]:
    return [{"trial_id": trial, "f": f, "g": g} for trial, f, g in reports]


def numbers(results: list[dict[str, Any]], **more: Any) -> list[tuple[int, float]]:
    """Return the size and the hypervolume of the front and of everything that follows it."""
    front = pareto_front(results, BOTH, **more)
    shown = shown_points(results, BOTH, **more)
    (curve,) = plot.hypervolume(results, BOTH, over="reports", **more).data
    live, restored = LiveFront(BOTH, **more), LiveFront(BOTH, **more)
    for number, report in enumerate(results):
        live.add(report["trial_id"], report)
        if number == len(results) // 2:
            restored.set_state(json.loads(json.dumps(live.get_state())))
        elif number > len(results) // 2:
            restored.add(report["trial_id"], report)
    on_front = {shown.candidates[index].trial.trial_id for index in shown.of_kind("front")}
    size = len({member.trial_id for member in front})
    left_out = {
        shown.candidates[i].trial.trial_id for i, k in enumerate(shown.kinds) if k in HIDDEN
    }
    assert left_out <= set(front.left_out)
    dominated = {shown.candidates[index].trial.trial_id for index in shown.of_kind("dominated")}
    assert dominated.isdisjoint(front.left_out)
    return [
        (size, front.hypervolume),
        (len(on_front), curve.y[-1]),
        *((one.numbers()["size"], one.numbers()["hypervolume"]) for one in (live, restored)),
    ]


HIDDEN = ("infeasible", "outside")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_trial_whose_last_report_is_not_finite_has_no_point(bad: float) -> None:
    results = rows(("a", 1, 1), ("a", bad, 1), ("b", 5, 5))
    assert numbers(results) == [(1, 25.0)] * 4
    assert numbers(results, scope="best") == [(1, 81.0)] * 4
    shown = shown_points(results, BOTH)
    assert [candidate.trial.trial_id for candidate in shown.candidates] == ["b"]
    # A report that lacks an objective is no complete report: it changes nothing.
    assert numbers([*rows(("a", 1, 1), ("a", None, 1), ("b", 5, 5))]) == [(1, 81.0)] * 4


@pytest.mark.parametrize("scope", SCOPES)
def test_constraints_count_everywhere(scope: Any) -> None:
    results = [
        {"trial_id": "a", "f": 1, "g": 1, "ms": 30},
        {"trial_id": "b", "f": 5, "g": 5, "ms": 3},
        {"trial_id": "c", "f": 3, "g": 3},
    ]
    given = {"scope": scope, "constraints": "ms <= 20"}
    assert numbers(results, **given) == [(1, 25.0)] * 4
    # The metric of an earlier report comes later, and may then become worse again.
    assert numbers([*results, {"trial_id": "c", "ms": 5}], **given) == [(1, 49.0)] * 4
    late = [{"trial_id": "c", "ms": 5}, {"trial_id": "c", "ms": 50}]
    assert numbers([*results, *late], **given) == [(1, 25.0)] * 4


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("constraints", [(), ("ms <= 20",), ("ms <= 20", "f >= 2")])
def test_all_agree_on_any_reports(scope: Any, constraints: tuple[str, ...]) -> None:
    rng = np.random.default_rng(7)
    values = [*range(1, 12), math.nan, math.inf, None, "x"]
    for _ in range(12):
        results = []
        for _ in range(30):
            f, g, ms = (values[index] for index in rng.integers(len(values), size=3))
            row = {"trial_id": str(rng.integers(5)), "f": f, "g": g, "ms": 3, "note": "x"}
            if rng.random() < 0.7:
                row["ms"] = ms if isinstance(ms, str | None) else 3 * ms
            else:
                del row["ms"]
            results.append(row)
        found = numbers(results, scope=scope, constraints=constraints)
        assert all(one == pytest.approx(found[0], rel=1e-12) for one in found), results


def test_a_clock_that_was_set_back_does_not_change_which_report_is_the_last() -> None:
    results = rows(("a", 1, 1), ("a", 5, 5), ("b", 9, 9))
    for row, time in zip(results, (100, 50, 70), strict=True):
        row["timestamp"] = time
    (curve,) = plot.hypervolume(results, BOTH).data
    assert curve.y[-1] == pareto_front(results, BOTH).hypervolume == 25


def test_a_hypervolume_that_no_float_holds() -> None:
    results = rows(("a", -1e200, -1e200))
    front = pareto_front(results, BOTH)
    assert "1 of 1 trials is on the front, hypervolume too large for a float" in repr(front)
    assert "too large" in str(front)
    assert "too large" in front._repr_html_()
    with pytest.raises(ValueError, match="float"):
        front.hypervolume  # noqa: B018
    assert plot.front(results, BOTH).layout.title.text == front.summary()
    curve = plot.hypervolume(results, BOTH)
    assert curve.layout.title.text == "Hypervolume: too large for a float at the end"
    assert math.isnan(curve.data[0].y[-1])
    live = LiveFront(BOTH)
    live.add("a", results[0])
    assert live.numbers()["size"] == 1
    assert math.isnan(live.numbers()["hypervolume"])


def test_a_growing_front_keeps_few_reports() -> None:
    front = GrowingFront(BOTH, scope="best", constraints=as_constraints("ms <= 20"))
    for epoch in range(200):
        front.add("a", {"f": 9 - epoch / 100, "g": 5, "ms": 3 + epoch % 2})
    ((kept,),) = [one["reports"] for one in front.state().values()]
    assert kept["f"] == pytest.approx(7.01)
    front.remove("a")
    front.remove("never there")
    assert (front.size, front.hypervolume) == (0, 0.0)
