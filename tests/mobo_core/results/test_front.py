"""The front of a search, by hand and against the definition."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from mobo_core import Objective, ObjectiveSet, ParetoFront, pareto_front
from mobo_core.results import TrialHistory
from mobo_core.results.constraints import as_constraints
from tests.mobo_core import oracles
from tests.mobo_core.oracles import Array, point_sets, rows
from tests.mobo_core.results.examples import write_trial

pytestmark = pytest.mark.filterwarnings("error")

ACCURACY = Objective("val/acc", "max", reference=0.5)
SIZE = Objective("size", "min", reference=100, unit="kB")
BOTH = ObjectiveSet([ACCURACY, SIZE])


def trial(name: str, *reports: dict[str, Any], **more: Any) -> TrialHistory:
    return TrialHistory(name, {"lr": 0.1}, reports, **more)


def report(accuracy: Any, size: Any, **more: Any) -> dict[str, Any]:
    return {"val/acc": accuracy, "size": size, **more}


SEARCH = [
    trial("good", report(0.7, 60), report(0.9, 60)),
    trial("small", report(0.8, 10), report(0.6, 10)),
    trial("dominated", report(0.8, 70)),
    trial("failed", report(0.99, 1), error="ValueError: x"),
    trial("silent"),
    trial("other", {"loss": 1.0}),
    trial("half", {"val/acc": 0.9}, {"val/acc": 0.9, "size": None}),
    trial("broken", report(float("nan"), 5)),
    trial("outside", report(0.9, 100)),
    trial("test", report(0.95, 90), {"test_acc": 0.9}),
]


def test_the_front_by_hand() -> None:
    front = pareto_front(SEARCH, [ACCURACY, SIZE])
    assert [member.trial_id for member in front] == ["test", "good", "small"]  # best first
    assert [member.values for member in front] == [
        {"val/acc": 0.95, "size": 90.0},
        {"val/acc": 0.9, "size": 60.0},
        {"val/acc": 0.6, "size": 10.0},
    ]
    assert front.points.tolist() == [[-0.95, 90.0], [-0.9, 60.0], [-0.6, 10.0]]
    # 0.45 x 10 for the first, 0.4 x 30 below it, and 0.1 x 50 below both.
    assert front.hypervolume == pytest.approx(4.5 + 12 + 5)
    assert front.left_out == {
        "failed": "it failed: ValueError: x",
        "silent": "it reported nothing",
        "other": "it reported none of the objectives",
        "half": "no report has all objectives: 'size' is missing",
        "broken": "val/acc is nan",
        "outside": "it is not better than the reference: size is 100, the reference is 100",
    }
    assert front.trials == len(SEARCH)


def test_the_best_reports_of_each_trial() -> None:
    front = pareto_front(SEARCH, BOTH, scope="best")
    assert [(member.trial_id, member.values["val/acc"]) for member in front] == [
        ("test", 0.95),
        ("good", 0.9),
        ("small", 0.8),
    ]
    # Two reports of one trial may both be on the front; of equal ones the first one counts.
    reports = [report(0.6, 10, epoch=1), report(0.8, 50, epoch=2), report(0.8, 50, epoch=3)]
    twice = pareto_front([trial("a", *reports)], BOTH, scope="best")
    assert [member.metrics["epoch"] for member in twice] == [2, 1]
    assert twice.summary() == "1 of 1 trials is on the front, hypervolume 19"


def test_equal_trials_stay_together() -> None:
    front = pareto_front([trial(name, report(0.9, 10)) for name in "ab"], BOTH)
    assert [member.trial_id for member in front] == ["a", "b"]


@given(point_sets(min_m=2, max_m=3, broken=True))
def test_the_front_is_what_the_definition_says(points: Array) -> None:
    m = points.shape[1]
    objectives = [Objective(f"f{k}", "min", reference=3.5) for k in range(m)]
    reports = [{f"f{k}": value for k, value in enumerate(row)} for row in points.tolist()]
    inside = [oracles.is_valid(row) and max(row) < 3.5 for row in rows(points)]
    expected = {
        str(number)
        for number, row in enumerate(rows(points))
        if inside[number]
        and not any(oracles.dominates(other, row) for other in rows(points[inside]))
    }
    front = pareto_front(reports, objectives)
    assert {member.trial_id for member in front} == expected
    assert set(front.left_out) == {str(n) for n, counts in enumerate(inside) if not counts}
    firsts = front.points[:, 0].tolist()
    assert firsts == sorted(firsts)


def test_constraints() -> None:
    trials = [
        trial("slow", report(0.9, 10, ms=30)),
        trial("fast", report(0.8, 20, ms=10)),
        trial("once", {"ms": 12.0}, report(0.7, 5)),
        trial("unknown", report(0.9, 10)),
    ]
    front = pareto_front(trials, BOTH, constraints=["ms <= 20", "val/acc>=0.6"])
    assert [member.trial_id for member in front] == ["fast", "once"]
    assert front.left_out == {
        "slow": "ms <= 20 does not hold, ms is 30",
        "unknown": "ms <= 20 cannot be checked, ms is None",
    }
    # With the best reports, an infeasible report does not hide a feasible one.
    reports = report(0.9, 10, ms=30), report(0.8, 10, ms=20)
    (member,) = pareto_front([trial("a", *reports)], BOTH, scope="best", constraints="ms <= 20")
    assert member.metrics["ms"] == 20


@pytest.mark.parametrize(
    "text",
    [
        *("ms < 20", "ms <= x", "<= 20", "ms", "1 <= ms <= 2", "ms <= nan", "ms == 2", "", 3),
        *("a + b <= 1", "a - b >= 1", "2 * a <= 1", "2*a <= 1", "a >= 0.95 * baseline"),
    ],
)
def test_constraints_of_another_form_are_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"must have the form 'metric <= number'"):
        as_constraints([text])


def test_names_of_constrained_metrics() -> None:
    found = as_constraints(["p-95 (ms) <= 1e2", "val/recall>=.8", "a_b >= -1_000"])
    assert [(c.metric, c.sense, c.bound) for c in found] == [
        ("p-95 (ms)", "<=", 100.0),
        ("val/recall", ">=", 0.8),
        ("a_b", ">=", -1000.0),
    ]


def test_it_is_a_sequence_that_cannot_be_changed() -> None:
    front = pareto_front(SEARCH, BOTH)
    assert isinstance(front, ParetoFront)
    assert front[0] is front.members[0]
    assert front[:2] == front.members[:2]
    assert front[-1] in front
    assert next(reversed(front)).trial_id == "small"
    with pytest.raises(dataclasses.FrozenInstanceError):
        front.members = ()  # type: ignore[misc]


def test_the_front_as_a_table_and_as_text() -> None:
    front = pareto_front(SEARCH, BOTH)
    frame = front.to_frame()
    assert frame.columns.tolist() == ["trial_id", "val/acc", "size", "config/lr"]
    assert frame["size"].tolist() == [90.0, 60.0, 10.0]
    # The table is a result again.
    again = pareto_front(frame, BOTH)
    assert (again.points == front.points).all()
    assert again[0].config == {"lr": 0.1}
    assert str(front).splitlines()[0] == (
        "3 of 10 trials are on the front, hypervolume 21.5, 6 left out"
    )
    assert str(front).splitlines()[2].split() == ["test", "0.95", "90"]
    assert repr(front).startswith("<ParetoFront: 3 of 10")
    shown = front._repr_html_()
    assert "<table" in shown
    assert "silent: it reported nothing" in shown
    many = pareto_front([trial(str(n), report(0.9 - n / 100, 50 - n)) for n in range(25)], BOTH)
    assert str(many).endswith("and 5 more")


def test_html_shows_names_and_never_runs_them() -> None:
    name = "<script>alert(1)</script>"
    front = pareto_front([TrialHistory(name, {}, ())], BOTH)
    assert "<script>" not in front._repr_html_()
    front = pareto_front([TrialHistory(name, {"a": name}, (report(0.9, 1),))], BOTH)
    assert "<script>" not in front._repr_html_()


@pytest.mark.parametrize("empty", [[], [{}], pd.DataFrame(), pd.DataFrame({"loss": []})])
def test_an_empty_front(empty: Any) -> None:
    front = pareto_front(empty, BOTH)
    assert (len(front), front.hypervolume) == (0, 0.0)
    assert front.points.shape == (0, 2)
    assert front.to_frame().columns.tolist() == ["trial_id", "val/acc", "size"]
    assert "0 of" in str(front)


def test_numbers_of_numpy_and_arrays() -> None:
    rows = [{"val": {"acc": np.float32(0.75)}, "size": np.int64(7)}]
    (member,) = pareto_front(rows, BOTH)
    assert member.values == {"val/acc": 0.75, "size": 7.0}
    assert member.result == rows[0]


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match=r"scope must be one of \('last', 'best'\), got 'all'"):
        pareto_front(SEARCH, BOTH, scope="all")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be an ObjectiveSet or a list of Objective"):
        pareto_front(SEARCH, "loss")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="results must be"):
        pareto_front(3, BOTH)


def test_a_constraint_on_a_metric_that_nobody_reported_is_refused() -> None:
    reports = [report(0.9, 10, latency_ms=3), report(0.8, 5)]
    message = (
        r"no trial reported 'latency' of the constraint 'latency <= 20': did you mean 'latency_ms'"
    )
    with pytest.raises(ValueError, match=message):
        pareto_front(reports, BOTH, constraints="latency <= 20")
    with pytest.raises(ValueError, match=r"no trial reported 'q'.*check its name"):
        pareto_front(reports, BOTH, constraints=["latency_ms <= 20", "q >= 0"])
    # Before the first report nothing can be checked.
    waiting = [trial("a"), trial("b", {"training_iteration": 1, "trial_id": "b"})]
    assert len(pareto_front(waiting, BOTH, constraints="latency <= 20")) == 0


def test_an_objective_that_nobody_reported_is_refused() -> None:
    misspelt = [Objective("val/accuracy", "max", reference=0.5), SIZE]
    reports = [{"val": {"acc": 0.9}, "size": 10}, {"val/acc": None, "size": 5}]
    with pytest.raises(ValueError, match=r"the objective 'val/accuracy': did you mean 'val/acc'"):
        pareto_front(reports, misspelt)
    far = [Objective("f1", "max", reference=0.5)]
    with pytest.raises(ValueError, match=r"'f1': check its name; there are 'size', 'val/acc'$"):
        pareto_front(reports, far)
    # A metric that was reported without a value is no mistake in its name; nor is an early trial.
    nothing = pd.DataFrame({"val/acc": [None, float("nan")], "size": [1, 2], "config/lr": [1, 2]})
    assert len(pareto_front(nothing, BOTH).left_out) == 2
    assert len(pareto_front([trial("a"), *SEARCH], BOTH)) == 3
    assert len(pareto_front([trial("a"), trial("b")], misspelt)) == 0


def test_an_empty_front_says_why() -> None:
    reports = [report(0.3, 60), report(0.9, 200), report(0.1, 5, ms=1), {}]
    assert str(pareto_front(reports, BOTH)).splitlines()[1:] == [
        "3 of 4 trials: it is not better than the reference; for example, val/acc is 0.3, the "
        "reference is 0.5"
    ]
    front = pareto_front([trial("a", error="E: 1"), trial("b", error="E: 2")], BOTH)
    assert front.why_empty() == "2 of 2 trials: it failed; for example, E: 1"
    assert pareto_front([], BOTH).why_empty() == "there is no trial yet"


def test_an_empty_cell_is_missing_and_a_nan_elsewhere_is_a_value(tmp_path: Path) -> None:
    rows = [
        {"trial": "a", "epoch": 1, "val/acc": 0.9, "size": 10},
        {"trial": "a", "epoch": 2, "val/acc": float("nan"), "size": 10},
    ]
    # In a DataFrame, the last row that has all objectives counts.
    (member,) = pareto_front(pd.DataFrame(rows), BOTH)
    assert member.metrics["epoch"] == 1
    write_trial(tmp_path / "train_a", [{**row, "trial_id": "a"} for row in rows])
    for source in (rows, tmp_path):
        assert pareto_front(source, BOTH).left_out == {"a": "val/acc is nan"}


def test_columns_with_parameters() -> None:
    rows = [
        {"run": run, "epoch": epoch, "lr": lr, "config/act": "relu", **report(0.9 - lr, 10 * epoch)}
        for run, lr in (("a", 0.1), ("b", 0.2))
        for epoch in (1, 2)
    ]
    for source in (rows, pd.DataFrame(rows)):
        found = pareto_front(source, BOTH, config_columns=["lr"])
        assert [member.config for member in found] == [{"act": "relu", "lr": 0.1}]
        assert found[0].metrics["lr"] == 0.1  # also a constraint may be on it
        assert pareto_front(source, BOTH, config_columns="lr").members == found.members
    with pytest.raises(ValueError, match=r"no column 'lrs' with a parameter.*did you mean 'lr'"):
        pareto_front(rows, BOTH, config_columns="lrs")
    with pytest.raises(
        ValueError, match=r"config_columns=\('lr',\) names columns of a table.*list"
    ):
        pareto_front(SEARCH, BOTH, config_columns="lr")


def test_the_keys_of_tune_are_no_reports() -> None:
    found = {"trial_id": "a", "config": {"lr": 1}, "training_iteration": 1, "done": True}
    assert pareto_front([trial("a", found)], BOTH).left_out == {"a": "it reported nothing"}


def test_the_checkpoint_of_a_report(tmp_path: Path) -> None:
    class Result:
        best_checkpoints = (
            ("at 1", {"training_iteration": 1}),
            ("at 2", {"training_iteration": 2}),
        )

    named = {"checkpoint_dir_name": "checkpoint_000001"}
    reports = [
        report(0.9, 50, training_iteration=1),
        report(0.8, 40, training_iteration=3),
        report(0.7, 30, training_iteration=4, **named),
        report(0.6, 20, training_iteration=5, checkpoint_dir_name="deleted"),
    ]
    (tmp_path / "checkpoint_000001").mkdir()
    history = trial("a", *reports, result=Result(), path=str(tmp_path))
    found = [member.checkpoint for member in pareto_front([history], BOTH, scope="best")]
    assert (found[0], found[1], found[3]) == ("at 1", None, None)
    assert found[2].path == str(tmp_path / "checkpoint_000001")
    (member,) = pareto_front([report(0.9, 50)], BOTH)
    assert member.checkpoint is None


def test_the_column_of_the_trials() -> None:
    table = pd.DataFrame({"run": [1, 1, 2], "val/acc": [0.6, 0.9, 0.8], "size": [9, 9, 10]})
    front = pareto_front(table, BOTH, trial_column="run")
    assert (front.trials, front[0].trial_id) == (2, "1")
    with pytest.raises(ValueError, match=r"trial_column='run' names columns of a table.*list"):
        pareto_front(SEARCH, BOTH, trial_column="run")
