"""The paper's schedulers in real Tune, on a table of curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.search import Searcher

from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule
from mobo_core.tune import PaperDominance, PaperRungwise, RuleScheduler
from tests.mobo_core.tune.table import CURVES, Table

OBJECTIVES = ObjectiveSet([Objective("gain", "max", 0), Objective("cost", "min", 100)])


class InOrder(Searcher):
    """A searcher that suggests the curves one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = list(range(len(CURVES)))

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        return {"number": self.numbers.pop(0)} if self.numbers else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        pass


def last_epochs(scheduler: RuleScheduler, folder: Path, slots: int = 1) -> list[int]:
    """Return the epochs that each curve is trained for in real Tune."""
    tuner = tune.Tuner(
        tune.with_resources(Table, {"cpu": 0.01, SLOT: 1}),
        tune_config=tune.TuneConfig(
            search_alg=InOrder(),
            scheduler=scheduler,
            num_samples=len(CURVES),
            max_concurrent_trials=slots,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(name="test", storage_path=str(folder), verbose=0),
    )
    results = tuner.fit()
    assert results.num_errors == 0
    epochs = {r.config["number"]: r.metrics["epoch"] for r in results}  # type: ignore[index]
    return [epochs[number] for number in range(len(CURVES))]


def by_rule(rule: StoppingRule) -> list[int]:
    """Return the epochs that each curve is trained for according to the rule alone."""
    epochs = []
    for k, curve in enumerate(CURVES):
        for t, (gain, cost) in enumerate(curve, start=1):
            point = OBJECTIVES.to_point({"gain": gain, "cost": cost})
            if rule.report(str(k), t, point) is not Decision.CONTINUE:
                break
        epochs.append(t)
    return epochs


# By hand. Dominance keeps every report of every trial:
#   0 runs through (its later gains dominate its own earlier ones, never the other way round);
#   1 stops at 1: (0.05, 20) is dominated by (0.1, 10);
#   2 at 1: (0.2, 30) is dominated by trial 0's later (0.6, 10);
#   3 at 1: (0.1, 10) is dominated by trial 0's (0.2, 10);
#   4 passes 1 with (0.9, 5); at 2 its (0.5, 5) is dominated by its own (0.9, 5);
#   5 passes 1, (0.5, 1) is cheapest; NaN at 2 ends it.
# Rungwise compares with other trials' reports at the same milestone only:
#   1 at 1; 2 passes 1, 2, 4 with more gain than 0 at each; 3 ties with 0 at 1, 2 and 4, and a tie
#   is no dominance; 4 passes 1, 2 and 4: cheapest; 5 at NaN.
@pytest.mark.ray
@pytest.mark.parametrize(
    ("scheduler", "rule", "expected"),
    [
        (PaperDominance, PaperDominanceRule, [6, 1, 1, 1, 2, 2]),
        (PaperRungwise, PaperRungwiseRule, [6, 1, 6, 6, 6, 2]),
    ],
)
def test_real_tune_takes_the_rules_decisions(
    ray_session: object, tmp_path: Path, scheduler: Any, rule: Any, expected: list[int]
) -> None:
    made = scheduler(OBJECTIVES, 6, grace_period=1, reduction_factor=2, time_attr="epoch")
    assert by_rule(rule(6, 1, 2)) == expected
    assert last_epochs(made, tmp_path) == expected


@pytest.mark.ray
def test_more_slots_than_trials(ray_session: object, tmp_path: Path) -> None:
    made = PaperRungwise(OBJECTIVES, 6, 1, 2, time_attr="epoch")
    epochs = last_epochs(made, tmp_path, slots=16)
    # In any order trials end at a rung, or after the last epoch; the last one at its NaN.
    assert set(epochs) <= {1, 2, 4, 6}
    assert max(epochs) == 6
    assert epochs[5] <= 2


class FakeTrial:
    """A trial with the only attribute that the scheduler reads."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def test_the_report_that_ends_a_trial_is_kept_too() -> None:
    # Tune shows a trial's last report (done=True) to on_trial_complete only.
    scheduler = PaperDominance(OBJECTIVES, 6, 1, 2, time_attr="epoch")
    first, second = FakeTrial("a"), FakeTrial("b")
    poor, good = {"gain": 0.1, "cost": 10.0}, {"gain": 0.9, "cost": 10.0}
    assert scheduler.on_trial_result(None, first, {**poor, "epoch": 1}) == "CONTINUE"  # type: ignore[arg-type]
    scheduler.on_trial_complete(None, first, {**good, "epoch": 6, "done": True})  # type: ignore[arg-type]
    assert (
        scheduler.on_trial_result(None, second, {"gain": 0.5, "cost": 10.0, "epoch": 1}) == "STOP"
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"gain": 1.0, "cost": 1.0}, "time_attr 'epoch' is missing from the report of trial a"),
        ({"gain": 1.0, "epoch": 1}, "objective 'cost' is missing from the report"),
        ({"gain": "x", "cost": 1.0, "epoch": 1}, "objective 'gain' must be a number, got 'x'"),
    ],
)
def test_reports_that_cannot_be_judged_are_errors(report: dict[str, Any], message: str) -> None:
    scheduler = PaperDominance(OBJECTIVES, 6, time_attr="epoch")
    with pytest.raises(ValueError, match=message):
        scheduler.on_trial_result(None, FakeTrial("a"), report)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_t": 0}, "max_t"),
        ({"max_t": 8, "grace_period": 0}, "grace_period must be at least 1"),
        ({"max_t": 8, "grace_period": 9}, "max_t must be finite and at least grace_period"),
        ({"max_t": 8, "reduction_factor": 1}, "reduction_factor must be finite and greater than 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    for scheduler in (PaperDominance, PaperRungwise):
        with pytest.raises(ValueError, match=message):
            scheduler(OBJECTIVES, **options)
