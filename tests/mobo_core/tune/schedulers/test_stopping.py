"""The paper's schedulers in real Tune, on a table of curves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune
from ray.tune.search import Searcher

from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule
from mobo_core.tune import (
    HypervolumePromotion,
    PaperDominance,
    PaperRungwise,
    ProjectedStopping,
    PromotionMOASHA,
    RuleScheduler,
    StoppingMOASHA,
)
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


HALVING = (PaperDominance, PaperRungwise, StoppingMOASHA, PromotionMOASHA)
BRACKETED = (StoppingMOASHA, PromotionMOASHA)
PROJECTING = (ProjectedStopping, HypervolumePromotion)
PAUSING = (PromotionMOASHA, HypervolumePromotion)
ANY = (*HALVING, *PROJECTING)
NO_NUMBERS = [math.nan, math.inf, "2", True, None, [2], 2j]


@pytest.mark.parametrize(
    ("schedulers", "options", "message"),
    [
        (ANY, {"max_t": 0}, r"max_t must be at least grace_period \(1\), got 0"),
        (ANY, {"grace_period": 0}, "grace_period must be at least 1, got 0"),
        (ANY, {"grace_period": 9}, r"max_t must be at least grace_period \(9\), got 8"),
        (HALVING, {"reduction_factor": 1}, "reduction_factor must be greater than 1, got 1"),
        (PROJECTING, {"margin": -0.1}, "margin must be at least 0, got -0.1"),
        (BRACKETED, {"brackets": 0}, "brackets must be at least 1, got 0"),
        (BRACKETED, {"brackets": 1.5}, "brackets must be a whole number, got 1.5"),
        (BRACKETED, {"seed": -1}, "seed must be at least 0, got -1"),
        (PAUSING, {"slots": 0}, "slots must be at least 1, got 0"),
        (PAUSING, {"slots": 2.5}, "slots must be a whole number, got 2.5"),
        (ANY, {"time_attr": ""}, "time_attr must be a key of the reports, got ''"),
        (ANY, {"time_attr": 3}, "time_attr must be a key of the reports, got 3"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    schedulers: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    for scheduler in schedulers:
        with pytest.raises(ValueError, match=message):
            scheduler(OBJECTIVES, **{"max_t": 8, **options})


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    ("schedulers", "name"),
    [
        *((ANY, name) for name in ("max_t", "grace_period")),
        (HALVING, "reduction_factor"),
        (PROJECTING, "margin"),
        *((BRACKETED, name) for name in ("brackets", "seed")),
        (PAUSING, "slots"),
    ],
)
def test_settings_that_are_no_numbers_are_refused(
    schedulers: tuple[Any, ...], name: str, value: Any
) -> None:
    if name == "slots" and value is None:
        return  # as many as the cluster has
    for scheduler in schedulers:
        with pytest.raises(ValueError, match=f"^{name} must be a (finite|whole) number, got "):
            scheduler(OBJECTIVES, **{"max_t": 8, name: value})


@pytest.mark.parametrize("number", [np.int64, np.float32, np.float64, float])
def test_numbers_of_numpy_are_taken(number: Any) -> None:
    for scheduler in ANY:
        made: Any = scheduler(OBJECTIVES, max_t=number(8), grace_period=number(2))
        assert made.rule.max_t == 8
        assert type(made.rule.max_t) in (int, float)
    promotion = PromotionMOASHA(OBJECTIVES, number(8), slots=number(3), brackets=number(2))
    assert (promotion.slots, type(promotion.slots)) == (3, int)


def test_budgets_need_not_be_whole() -> None:
    scheduler = StoppingMOASHA(OBJECTIVES, max_t=2.5, time_attr="epoch")
    report = {"gain": 0.5, "cost": 1.0}
    trial: Any = FakeTrial("a")
    for epoch, action in ((0.5, "CONTINUE"), (1.25, "CONTINUE"), (2.5, "STOP")):
        assert scheduler.on_trial_result(None, trial, report | {"epoch": epoch}) == action
    assert scheduler.debug_string() == "StoppingMOASHA: 0 trials stopped, 1 complete"


def test_a_list_of_objectives_will_do() -> None:
    for scheduler in ANY:
        made: Any = scheduler(list(OBJECTIVES), 8, time_attr="epoch")
        trial: Any = FakeTrial("a")
        report = made._read(trial, {"gain": 0.5, "cost": 1.0, "epoch": 1})
        assert report.point.tolist() == [-0.5, 1.0]
        with pytest.raises(TypeError, match="objectives must be an ObjectiveSet or a list of"):
            scheduler("gain", 8)
