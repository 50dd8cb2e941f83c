"""A bad report is skipped, or fails its own trial; it never ends the experiment."""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune
from ray.tune.schedulers import (
    ASHAScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.objectives import Points
from mobo_core.rules.rule import Decision
from mobo_core.tune import (
    HyperBand,
    HypervolumePromotion,
    PaperDominance,
    PaperRungwise,
    ProjectedStopping,
    PromotionMOASHA,
    PromotionScheduler,
    RuleScheduler,
    ScalarizedScheduler,
    StoppingMOASHA,
)
from mobo_core.tune.schedulers.reports import (
    CHECKING,
    FIRST_REPORTS,
    HOPELESS,
    Report,
    ReportError,
    ReportReader,
)
from mobo_core.virtual import InOrder, RecordedCurves, Simulation, simulate
from tests.mobo_core.tune.awkward import Misreports

OBJECTIVES = ObjectiveSet(
    [
        Objective("loss", "min", reference=9.0, ideal=0.0),
        Objective("size", "min", reference=9.0, ideal=0.0),
    ]
)
GOOD = {"loss": 0.5, "size": 1.0, "epoch": 3}


@pytest.fixture(autouse=True)
def default_checking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKING, raising=False)


def reader(max_t: float = math.inf) -> ReportReader:
    return ReportReader(OBJECTIVES, "epoch", max_t)


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key not in keys}


# Reading


@pytest.mark.parametrize(
    ("changes", "t"),
    [
        ({}, 3),
        ({"epoch": 2.5}, 2.5),
        ({"epoch": np.int64(3)}, 3),
        ({"epoch": "3"}, 3),
        ({"epoch": np.array([3])}, 3),
        ({"loss": np.array([0.5]), "size": np.float32(1)}, 3),
    ],
)
def test_a_usable_report(changes: dict[str, Any], t: float) -> None:
    for read in (reader().read("a", GOOD | changes), reader().last("a", GOOD | changes)):
        assert isinstance(read, Report)
        assert (read.t, read.point.tolist()) == (t, [0.5, 1.0])
        assert type(read.t) in (int, float)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_not_finite_is_for_the_rule_to_judge(value: float) -> None:
    read = reader().read("a", GOOD | {"loss": value})
    assert isinstance(read, Report)
    assert not np.isfinite(read.point[0])


@pytest.mark.parametrize("nested", [{"p": {"epoch": 3}}, {"p/epoch": 3}])
def test_nested_budgets_and_objectives_are_found(nested: dict[str, Any]) -> None:
    objectives = ObjectiveSet([Objective("val/loss", "min", reference=1.0)])
    made = ReportReader(objectives, "p/epoch", math.inf)
    read = made.read("a", nested | {"val": {"loss": 0.5}})
    assert isinstance(read, Report)
    assert (read.t, read.point.tolist()) == (3, [0.5])


@pytest.mark.parametrize(
    ("report", "lacking"),
    [
        (without("loss"), "objective 'loss'"),
        (GOOD | {"loss": None}, "objective 'loss'"),
        (without("loss", "size", "epoch"), "objective 'loss' and objective 'size' and time_attr"),
        (without("epoch"), "time_attr 'epoch'"),
        (GOOD | {"epoch": None}, "time_attr 'epoch'"),
        (GOOD | {"epoch": 0}, "a value of 'epoch' above 0"),
        ({"test_loss": 0.5}, "(is it 'test_loss'?)"),
    ],
)
def test_a_report_that_lacks_a_value_is_skipped_and_said_once(
    report: dict[str, Any], lacking: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = reader(max_t=4)
    made.read("a", GOOD)
    for trial_id in ("a", "a", "b"):
        assert made.read(trial_id, report) is Decision.CONTINUE
    assert made.skipped == 3
    (said,) = caplog.messages
    assert said.startswith("trial a has not reported ")
    assert lacking in said
    assert made.last("a", report) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "bad"}, "trial a: objective 'loss' must be a number, got 'bad'"),
        ({"loss": [0.5]}, r"trial a: objective 'loss' must be a number, got \[0.5\]"),
        ({"loss": np.zeros(2)}, "trial a: objective 'loss' must be a number"),
        ({"loss": 1 + 0j}, "trial a: objective 'loss' must be a number"),
        ({"epoch": -1}, "trial a reports epoch=-1: the budget spent so far must be a finite"),
        ({"epoch": math.nan}, "trial a reports epoch=nan"),
        ({"epoch": math.inf}, "trial a reports epoch=inf"),
        ({"epoch": "three"}, "trial a reports epoch='three'"),
        ({"epoch": True}, "trial a reports epoch=True"),
        ({"epoch": [3]}, r"trial a reports epoch=\[3\]"),
        ({"epoch": -1, "loss": None}, "trial a reports epoch=-1"),
    ],
)
def test_what_is_wrong_for_good_fails_the_trial(changes: dict[str, Any], message: str) -> None:
    made = reader()
    made.read("a", GOOD)
    assert made.read("a", GOOD | changes) is Decision.STOP
    with pytest.raises(ReportError, match=message):
        made.last("a", GOOD | changes)
    assert isinstance(made.last("a", GOOD), Report)  # it was raised, and is over
    with pytest.raises(ReportError, match=message):  # Tune shows only `last` a report with done
        made.last("a", GOOD | changes)


def test_a_trial_that_starts_again_is_not_failed_by_its_past() -> None:
    made = reader()
    assert made.read("a", GOOD | {"loss": "bad"}) is Decision.STOP
    made.start("a")
    assert isinstance(made.last("a", GOOD), Report)
    for _ in range(3):
        for _ in range(FIRST_REPORTS - 1):
            assert made.read("b", without("loss")) is Decision.CONTINUE
        made.start("b")


# A trial of which no report can be used


def test_a_trial_whose_first_reports_all_lack_an_objective_fails() -> None:
    made = reader()
    made.read("other", GOOD)
    decisions = [made.read("a", without("loss")) for _ in range(FIRST_REPORTS)]
    assert decisions == [Decision.CONTINUE] * (FIRST_REPORTS - 1) + [Decision.STOP]
    message = rf"never reported objective 'loss' \(reports: {FIRST_REPORTS}\): pass it to"
    with pytest.raises(ReportError, match=message):
        made.last("a", without("loss"))


def test_a_trial_that_has_reported_once_may_report_rarely() -> None:
    made = reader()
    made.read("a", GOOD)
    for _ in range(10 * FIRST_REPORTS):
        assert made.read("a", without("loss")) is Decision.CONTINUE
    assert made.last("a", without("loss")) is None


def test_a_trial_that_has_spent_its_budget_ends() -> None:
    made, spent = reader(max_t=3), without("loss")
    assert made.read("a", spent) is Decision.STOP
    with pytest.raises(ReportError, match=r"never reported objective 'loss' \(reports: 1\)"):
        made.last("a", spent)
    made.read("b", GOOD | {"epoch": 2})
    assert made.read("b", spent) is Decision.COMPLETE
    assert made.last("b", spent) is None


def test_a_trial_that_ends_without_a_usable_report_fails() -> None:
    with pytest.raises(ReportError, match="trial a has ended and never reported objective 'loss'"):
        reader().last("a", without("loss"))
    made = reader()
    made.read("b", without("loss"))
    with pytest.raises(ReportError, match="trial b has ended and never reported"):
        made.last("b", {})


def test_a_trial_that_says_nothing_at_all_does_not_fail_as_in_tune() -> None:
    silent = {"done": True, "trial_id": "a", "training_iteration": 0, "config/x": 1}
    assert reader().last("a", silent) is None
    assert reader().last("a", {}) is None


def test_when_no_trial_has_a_usable_report_later_ones_fail_at_once() -> None:
    made = reader()
    for trial_id in map(str, range(HOPELESS)):
        assert made.read(trial_id, without("loss")) is Decision.CONTINUE
        with pytest.raises(ReportError):
            made.last(trial_id, without("loss"))
    assert made.read("late", without("loss")) is Decision.STOP
    made.read("good", GOOD)
    assert made.read("later", without("loss")) is Decision.CONTINUE


# Ray's switch


def test_the_switch_of_ray_allows_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHECKING, "1")
    made = reader(max_t=4)
    for _ in range(2 * FIRST_REPORTS):
        assert made.read("a", without("loss")) is Decision.CONTINUE
    assert made.last("a", without("loss")) is None
    assert made.read("a", without("loss") | {"epoch": 4}) is Decision.COMPLETE
    assert made.read("a", GOOD | {"loss": "bad"}) is Decision.STOP
    monkeypatch.setenv(CHECKING, "0")
    made = reader()
    made.read("a", GOOD)
    assert made.read("a", without("loss")) is Decision.STOP
    with pytest.raises(ReportError, match="trial a has not reported objective 'loss'"):
        made.last("a", without("loss"))


def test_what_was_read_is_saved_with_the_scheduler() -> None:
    made = reader()
    made.read("a", GOOD)
    made.read("a", without("loss"))
    again = pickle.loads(pickle.dumps(made))
    assert again.skipped == 1
    assert again.last("a", without("loss")) is None


# All schedulers, in virtual time


class Until:
    """A stopping rule of a user, with no `max_t`."""

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        pass

    def end(self, trial_id: str, failed: bool) -> None:
        pass

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        return Decision.CONTINUE if t < 8 and np.isfinite(point).all() else Decision.STOP


def asha(**options: Any) -> TrialScheduler:
    return ASHAScheduler(time_attr="t", max_t=8, **options)


SCHEDULERS: dict[str, Any] = {
    "moasha-stopping": lambda: StoppingMOASHA(OBJECTIVES, 8, time_attr="t"),
    "projected": lambda: ProjectedStopping(OBJECTIVES, 8, time_attr="t"),
    "dominance": lambda: PaperDominance(OBJECTIVES, 8, time_attr="t"),
    "rungwise": lambda: PaperRungwise(OBJECTIVES, 8, time_attr="t"),
    "own-rule": lambda: RuleScheduler(Until(), objectives=list(OBJECTIVES), time_attr="t"),
    "moasha-promotion": lambda: PromotionMOASHA(list(OBJECTIVES), 8, time_attr="t", slots=2),
    "hv-promotion": lambda: HypervolumePromotion(list(OBJECTIVES), 8, time_attr="t", slots=2),
    "asha": lambda: ScalarizedScheduler(asha(), list(OBJECTIVES)),
    "median": lambda: ScalarizedScheduler(MedianStoppingRule(time_attr="t"), OBJECTIVES),
    "hyperband": lambda: ScalarizedScheduler(HyperBand(time_attr="t", max_t=8), OBJECTIVES),
    "hyperband-of-ray": lambda: ScalarizedScheduler(
        HyperBandScheduler(time_attr="t", max_t=8), OBJECTIVES
    ),
}

ALL = range(1, 9)
CASES: dict[str, list[dict[str, Any]]] = {
    "good": [{}] * 8,
    "sparse": [{"loss": None} if t % 2 else {} for t in ALL],
    "starts at 0": [{"t": t - 1} for t in ALL],
    "test": [{}] * 3 + [{"loss": None, "size": None, "t": None, "test_loss": 0.5}],
    "array": [{"loss": np.array([0.9])}] * 8,
    "text": [{"loss": "bad"}] * 8,
    "negative": [{"t": -1}] * 8,
    "no number": [{"t": math.nan}] * 8,
    "never": [{"loss": None}] * 8,
    "no time": [{"t": None}] * 8,
    "good too": [{}] * 8,
}
WRONG = {"text", "negative", "no number", "never", "no time"}


def run(scheduler: TrialScheduler, max_failures: int = 0) -> tuple[Simulation, InOrder]:
    curves = [
        [
            {"loss": (1 + number / 9) / t, "size": 1 + number / 99, "t": t} | changes
            for t, changes in enumerate(rows, start=1)
        ]
        for number, rows in enumerate(CASES.values())
    ]
    problem = RecordedCurves(curves)
    searcher = InOrder(problem.configs)
    ran = simulate(
        problem,
        searcher=searcher,
        scheduler=scheduler,
        num_samples=len(curves),
        max_failures=max_failures,
    )
    return ran, searcher


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("max_failures", [0, 1, -1])
def test_only_trials_with_wrong_reports_fail(name: str, max_failures: int) -> None:
    ran, _ = run(SCHEDULERS[name](), max_failures)
    failed = {case for case, trial in zip(CASES, ran.trials, strict=True) if trial.error}
    assert failed == WRONG
    assert all(trial.is_finished() for trial in ran.trials)
    for case, trial in zip(CASES, ran.trials, strict=True):
        assert trial.num_failures == (case in WRONG)  # it is not retried
        assert trial.max_failures == max_failures
        if case in WRONG:
            assert trial.error.startswith(f"ReportError: trial {trial.trial_id}")


@pytest.mark.parametrize("name", ["moasha-stopping", "moasha-promotion", "hv-promotion", "asha"])
def test_skipped_reports_leave_no_trace_in_decisions(name: str) -> None:
    """Trials that report rarely are judged as if the reports between had never been sent."""
    sparse = [
        [{"loss": (1 + n) / t if t % 2 == 0 else None, "size": 1 + n, "t": t} for t in ALL]
        for n in range(6)
    ]
    kept = [[row for row in curve if row["loss"] is not None] for curve in sparse]
    ends = []
    for curves in (sparse, kept):
        problem = RecordedCurves(curves)
        ran = simulate(
            problem,
            searcher=InOrder(problem.configs),
            scheduler=SCHEDULERS[name](),
            num_samples=len(curves),
        )
        ends.append([trial.last_result["t"] for trial in ran.trials])
    assert ends[0] == ends[1]
    assert min(ends[0]) < 8


def test_the_status_line_and_the_count_say_what_was_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheduler = StoppingMOASHA(OBJECTIVES, 8, time_attr="t")
    with caplog.at_level(logging.WARNING):
        run(scheduler)
    skipped = scheduler.skipped_reports
    assert skipped > 0
    assert scheduler.debug_string().endswith(f", reports skipped: {skipped}")
    assert sum("has not reported objective 'loss'." in line for line in caplog.messages) == 1


# Real Tune


@pytest.mark.ray
@pytest.mark.parametrize("name", ["promotion", "scalarized"])
def test_real_tune_fails_the_wrong_trials_only(
    name: str, ray_session: object, tmp_path: Path
) -> None:
    schedulers: dict[str, Any] = {
        "promotion": lambda: PromotionMOASHA(OBJECTIVES, 4, slots=2, time_attr="p/epoch"),
        "scalarized": lambda: ScalarizedScheduler(
            ASHAScheduler(time_attr="p/epoch", max_t=4), OBJECTIVES
        ),
    }
    cases = ["good", "sparse", "test", "text", "never"]
    errors = fit(schedulers[name](), cases, tmp_path)
    assert set(errors) == {"text", "never"}
    assert "objective 'loss' must be a number, got 'bad'" in errors["text"]
    assert "never reported objective 'loss'" in errors["never"]


class PausesBoth:
    """A rule for two trials: both pause at their first report, and both are resumed then."""

    def __init__(self) -> None:
        self.reported: set[str] = set()
        self.paused: list[str] = []

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        pass

    def end(self, trial_id: str, failed: bool) -> None:
        pass

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        if trial_id in self.reported:
            return Decision.CONTINUE if t < 3 else Decision.COMPLETE
        self.reported.add(trial_id)
        self.paused.append(trial_id)
        return Decision.PAUSE

    def choose(self, new_available: bool) -> str | None:
        return self.paused[0] if self.paused and len(self.reported) == 2 else None

    def resume(self, trial_id: str) -> None:
        self.paused.remove(trial_id)

    withdraw = resume

    def is_paused(self, trial_id: str) -> bool:
        return trial_id in self.paused


@pytest.mark.ray
def test_a_trial_that_starts_over_after_its_pause_fails(
    ray_session: object, tmp_path: Path
) -> None:
    # The rule chooses the trial that paused first, so each of the two is resumed from a checkpoint.
    scheduler = PromotionScheduler(
        PausesBoth(), objectives=OBJECTIVES, slots=2, time_attr="p/epoch"
    )
    errors = fit(scheduler, ["good", "over"], tmp_path)
    assert set(errors) == {"over"}
    message = "was resumed at p/epoch=1 and reports p/epoch=1: the trainable must load"
    assert message in errors["over"]


def fit(scheduler: TrialScheduler, cases: list[str], folder: Path) -> dict[str, str]:
    """Run one trial for each case, and return the errors of those that failed."""
    results = tune.Tuner(
        tune.with_resources(Misreports, {"cpu": 0.01, SLOT: 1}),
        tune_config=tune.TuneConfig(
            search_alg=InOrder([{"case": case} for case in cases]),
            scheduler=scheduler,
            num_samples=len(cases),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(name="test", storage_path=str(folder), verbose=0),
    ).fit()
    ends = [results[place] for place in range(len(results))]
    return {end.config["case"]: str(end.error) for end in ends if end.error}  # type: ignore[index]
