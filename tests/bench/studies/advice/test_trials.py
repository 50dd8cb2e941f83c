"""Curves of any kind become reports with all objectives, at whole steps, with durations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from bench.curves.curve import Curve, End, Found, Series, series
from bench.errors import UserError
from bench.studies.advice import goals
from bench.studies.advice.plan import Plan
from bench.studies.advice.trials import Budget, Trials, prepare

NAN = float("nan")


def values(
    steps: Sequence[float], of: Sequence[float], clock: Sequence[float] | None = None
) -> Series:
    return series(steps, of, clock or [NAN] * len(steps))


def found(*curves: Curve, time_attr: str = "epoch") -> Found:
    return Found("table", "curves.csv", curves, time_attr)


def made(source: Found, *objectives: str, **budget: Any) -> Trials:
    return prepare(source, [goals.parse(text) for text in objectives], Budget(**budget))


def steps_of(trials: Trials) -> list[list[int]]:
    return [trial.steps.tolist() for trial in trials.members]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acc:max:0.9", goals.Wish("acc", "max", 0.9)),
        ("params:min:1e5:exact", goals.Wish("params", "min", 1e5, exact=True)),
        ("val:loss:min:2:ideal=0:exact", goals.Wish("val:loss", "min", 2, exact=True, ideal=0)),
        ("acc:max", goals.Wish("acc", "max", None)),
        ("gain:max:-1e-3", goals.Wish("gain", "max", -1e-3)),
    ],
)
def test_objectives_as_they_are_typed(text: str, expected: goals.Wish) -> None:
    assert goals.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "acc", "acc:0.9", "acc:up:0.9", ":max:0.9", "acc:max:much", "acc:max:1:ideal=x"]
)
def test_objectives_with_mistakes(text: str) -> None:
    with pytest.raises(UserError, match=r"bad --objective .* expected NAME:max\|min:REFERENCE"):
        goals.parse(text)


def test_metrics_with_other_steps_are_joined_at_the_rarest() -> None:
    curve = Curve(
        "a",
        {
            "train": values([10, 20, 30, 40, 50], [5, 4, 3, 2, 1]),
            "val": values([25, 50], [0.5, 0.9]),
            "params": values([0], [7]),
        },
    )
    trials = made(found(curve), "val:max:0", "train:min:9", "params:min:99:exact")
    (trial,) = trials.members
    # At step 25 the latest training loss is that of step 20.
    assert trial.values.tolist() == [[0.5, 4, 7], [0.9, 1, 7]]
    assert (trials.unit, trials.max_t, steps_of(trials)) == (25, 2, [[1, 2]])


def test_counters_that_begin_at_zero_are_shifted() -> None:
    trials = made(found(Curve("a", {"acc": values([0, 1, 2], [0.1, 0.2, 0.3])})), "acc:max:0")
    assert (steps_of(trials), trials.max_t, trials.shift) == ([[1, 2, 3]], 3, 1)
    assert "epoch begins at 0: counted from 1" in trials.notes


def test_steps_that_differ_are_rounded_to_the_usual_distance() -> None:
    even = Curve("a", {"acc": values([100, 200, 300, 400], [0.1, 0.2, 0.3, 0.4])})
    odd = Curve("b", {"acc": values([90, 130, 310], [0.1, 0.15, 0.3])})
    trials = made(found(even, odd), "acc:max:0")
    assert (trials.unit, steps_of(trials)) == (100, [[1, 2, 3, 4], [1, 3]])
    assert trials.members[1].values.ravel().tolist() == [0.15, 0.3]  # the last one of the unit
    assert trials.members[1].seconds.tolist() == [130, 180]  # all of the time is kept
    assert any("nearest multiple of 100" in note for note in trials.notes)


def test_incomplete_curves_are_kept_as_far_as_they_go_or_dropped() -> None:
    curves = [
        Curve("whole", {"acc": values([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])}),
        Curve("stopped", {"acc": values([1, 2], [0.1, 0.1])}),
        Curve("by itself", {"acc": values([1, 2, 3], [0.1, 0.2, 0.3])}, end="complete"),
        Curve("crashed", {"acc": values([1, 2], [0.1, 0.2])}, end="failed"),
        Curve("other", {"loss": values([1, 2], [0.1, 0.2])}),
    ]
    trials = made(found(*curves), "acc:max:0")
    assert [trial.name for trial in trials.members] == ["whole", "stopped", "by itself"]
    assert [trial.complete for trial in trials.members] == [True, False, True]
    assert trials.incomplete == 1
    assert trials.left_out == {"failed": 1, "without 'acc'": 1}
    dropped = made(found(*curves), "acc:max:0", keep_incomplete=False)
    assert [trial.name for trial in dropped.members] == ["whole", "by itself"]
    assert dropped.left_out["incomplete"] == 1


def test_a_budget_of_ones_own_cuts_or_lengthens() -> None:
    curve = Curve("a", {"acc": values([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])})
    short, long = (made(found(curve), "acc:max:0", max_t=t) for t in (2, 9))
    assert (short.max_t, steps_of(short), short.incomplete) == (2, [[1, 2]], 0)
    assert (long.max_t, steps_of(long), long.incomplete) == (9, [[1, 2, 3, 4]], 1)


@pytest.mark.parametrize(
    ("clock", "started", "expected"),
    [
        ([2.0, 4.0, 6.0], 0.0, [2, 2, 2]),
        ([102.0, 104.0, 106.0], NAN, [2, 2, 2]),  # the first is as long as the others
        ([2.0, NAN, 6.0], 0.0, [2, 2, 2]),
        ([2.0, 4.0, 90_006.0], 0.0, [2, 2, 2]),  # a night between two reports
        ([2.0, 1.0, 3.0], 0.0, [2, 2, 2]),  # a clock that was put back
    ],
)
def test_durations_from_clocks(clock: list[float], started: float, expected: list[float]) -> None:
    curve = Curve("a", {"acc": values([1, 2, 3], [0.1, 0.2, 0.3], clock)}, started_s=started)
    trials = made(found(curve), "acc:max:0")
    assert trials.timed
    assert trials.members[0].seconds.tolist() == expected


@pytest.mark.parametrize("started", [0.0, NAN])
@pytest.mark.parametrize("step_s", [0.2, 0.4, 0.9])
def test_a_clock_of_whole_seconds_is_spread_over_the_steps(step_s: float, started: float) -> None:
    steps = np.arange(1, 41)
    clock = np.floor(steps * step_s + 0.05).tolist()
    curve = Curve("a", {"acc": values(steps.tolist(), steps.tolist(), clock)}, started_s=started)
    trials = made(found(curve), "acc:max:0")
    # The clock is wrong by up to a second at each end.
    assert trials.members[0].seconds.sum() == pytest.approx(40 * step_s, abs=2)
    assert trials.members[0].seconds.max() < 2 * step_s
    assert any("clock too coarse" in note for note in trials.notes)


def test_without_times_a_step_takes_a_unit() -> None:
    timed = Curve("a", {"acc": values([1, 2], [0.1, 0.2], [3.0, 6.0])}, started_s=0.0)
    bare = Curve("b", {"acc": values([1, 2], [0.1, 0.2])})
    both, none = made(found(timed, bare), "acc:max:0"), made(found(bare), "acc:max:0")
    assert both.members[1].seconds.tolist() == [3, 3]
    assert (none.timed, none.members[0].seconds.tolist()) == (False, [1, 1])


def test_ideals_are_assumed_where_values_suggest_them() -> None:
    curve = Curve(
        "a",
        {
            "acc": values([1, 2], [0.1, 0.2]),
            "percent": values([1, 2], [10, 20]),
            "loss": values([1, 2], [3, 2]),
            "nll": values([1, 2], [1, -1]),
        },
    )
    trials = made(found(curve), "acc:max:0", "percent:max:0", "loss:min:9:ideal=1", "nll:min:2")
    assert [objective.ideal for objective in trials.objectives] == [1, None, 1, None]
    assert sum("best possible" in note for note in trials.notes) == 1


def test_exact_is_not_believed_where_values_change() -> None:
    curves = [
        Curve("a", {"acc": values([1, 2], [0.1, 0.2]), "size": values([1, 2], [5, 5 + 1e-12])}),
        Curve("b", {"acc": values([1, 2], [0.1, 0.2]), "size": values([1, 2], [5, NAN])}),
    ]
    assert len(made(found(*curves), "acc:max:0", "size:min:9:exact")) == 2
    with pytest.raises(UserError, match=r"'acc' is not exact: in trial a it changes .* 0.1 to 0.2"):
        made(found(*curves), "acc:max:0:exact", "size:min:9")


@pytest.mark.parametrize("goal", ["max", "min"])
@pytest.mark.parametrize("ends", [[0.5] * 5, [0.0] * 5, [1e6 + k for k in range(5)], [-3, -2, 7]])
def test_a_suggested_reference_is_then_accepted(goal: str, ends: list[float]) -> None:
    source = found(*(Curve(f"t{k}", {"x": values([1, 2], [v, v])}) for k, v in enumerate(ends)))
    with pytest.raises(UserError, match="needs a reference") as refusal:
        made(source, f"x:{goal}")
    (suggestion,) = re.findall(r"for example (\S+),", str(refusal.value))
    reference = float(suggestion.split(":")[2])
    better = [(v > reference) if goal == "max" else (v < reference) for v in ends]
    assert sum(better) >= 0.6 * len(ends)


def test_a_trial_that_is_far_longer_than_the_others_is_pointed_out() -> None:
    curves = [Curve(f"t{k}", {"acc": values([1, 2, 3], [0.1, 0.2, 0.3])}) for k in range(3)]
    typo = Curve("typo", {"acc": values([1, 2, 1e9], [0.1, 0.2, 0.3])})
    trials = made(found(*curves, typo), "acc:max:0")
    assert any("last step of typo, 1000000000 epochs" in note for note in trials.notes)
    assert not any("last step" in note for note in made(found(*curves), "acc:max:0").notes)
    cut = made(found(*curves, typo), "acc:max:0", max_t=3)
    assert not any("last step" in note for note in cut.notes)


def test_objectives_that_end_before_other_reports_are_pointed_out() -> None:
    whole = Curve("a", {"acc": values([5, 10], [0.1, 0.2]), "loss": values(range(13), range(13))})
    lost = Curve("b", {"acc": values([5], [0.1])}, last_step=10)
    trials = made(found(whole, lost), "acc:max:0")
    assert [note for note in trials.notes if "end before" in note] == [
        "1 trial in which the objectives end before other values or steps do: if they were NaN "
        "there, the source has lost it, and the trial is better here than it was"
    ]


def test_the_number_of_reports_is_not_the_number_of_units() -> None:
    trials = made(found(Curve("a", {"acc": values([90, 100], [0.1, 0.2])})), "acc:max:0")
    setting = trials.setting(Plan((), 1, 4))
    assert (setting.max_t, setting.unit, setting.reports) == (10, 10, 2)


def test_dropping_all_trials_is_said() -> None:
    curve = Curve("a", {"acc": values([1, 2], [0.1, 0.2])})
    with pytest.raises(UserError, match=r"all trials .* end before the full budget of 9 epochs"):
        made(found(curve), "acc:max:0", max_t=9, keep_incomplete=False)


def test_an_objective_is_never_a_setting() -> None:
    curve = Curve("a", {"acc": values([1, 2], [0.1, 0.2])}, {"params": 5, "width": 3})
    (trial,) = made(found(curve), "acc:max:0", "params:min:9:exact").members
    assert (trial.config, trial.values[0].tolist()) == ({"width": 3}, [0.1, 5])


TWO: Mapping[str, Series] = {"acc": values([1, 2], [0.1, 0.2]), "size": values([2], [5])}


@pytest.mark.parametrize(
    ("metrics", "objectives", "message"),
    [
        (TWO, ["ac:max:0"], "has 'ac'; its metrics are acc, size"),
        (TWO, ["acc:max"], r"needs a reference, .* for example acc:max:0.196,"),
        (TWO, ["acc:max:0", "size:min:9"], "'size' has one value in each trial: add ':exact'"),
        (TWO, ["size:min:9:exact"], "without an objective that changes"),
        ({"acc": values([1], [0.5])}, ["acc:max:0"], "one report with all objectives"),
        (TWO, ["acc:max:0", "acc:max:0"], "objective names must differ"),
        (TWO, ["acc:max:0:ideal=-1"], "must be better than its reference"),
    ],
)
def test_objectives_that_do_not_fit(
    metrics: Mapping[str, Series], objectives: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        made(found(Curve("a", metrics)), *objectives)


@pytest.mark.parametrize("end", ["complete", "stopped", "unknown"])
def test_values_that_are_not_finite_stay_what_they_are(end: End) -> None:
    curve = Curve("a", {"acc": values([1, 2], [0.1, NAN])}, end=end)
    (trial,) = made(found(curve), "acc:max:0").members
    assert np.isnan(trial.values[1, 0])
