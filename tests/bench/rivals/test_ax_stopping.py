"""Ax's early stopping decides in our rule as it does by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from ax.early_stopping.strategies import (
    AndEarlyStoppingStrategy,
    BaseEarlyStoppingStrategy,
    OrEarlyStoppingStrategy,
    PercentileEarlyStoppingStrategy,
)

from bench.rivals.ax_stopping import AxStoppingRule, Percentile
from mobo_core.rules.rule import Decision

MAX_T, TRIALS, AT_A_TIME = 5, 9, 3


def curves(seed: int) -> np.ndarray:
    """Return curves (TRIALS, MAX_T, 2) that fall and cross, with ties in the second objective."""
    rng = np.random.default_rng(seed)
    rates, ends = rng.random((2, TRIALS, 1, 2))
    points = ends + np.arange(1, MAX_T + 1)[None, :, None] ** -(0.2 + rates)
    points[..., 1] = np.round(points[:, :1, 1], 1)  # constant over time, as a number of parameters
    return points


class ByItself:
    """Ax alone: a real experiment with all of its data, as a user has it."""

    def __init__(self, strategy: BaseEarlyStoppingStrategy) -> None:
        self.experiment = Experiment(
            SearchSpace([RangeParameter("n", ParameterType.INT, 0, 100)]),
            tracking_metrics=[Metric(f"m{k}", lower_is_better=True) for k in (0, 1)],
        )
        self.strategy = strategy
        self.rows: list[dict[str, object]] = []

    def add(self, number: int) -> None:
        trial = self.experiment.new_trial()
        trial.add_arm(Arm({"n": number}))
        trial.mark_running(no_runner_required=True)
        assert trial.index == number

    def goes_on(self, number: int, t: int, point: np.ndarray) -> bool:
        trial = self.experiment.trials[number]
        for k in (0, 1):
            row = {"trial_index": number, "arm_name": trial.arm.name, "sem": np.nan, "step": t}
            name = {"metric_name": f"m{k}", "metric_signature": f"m{k}"}
            self.rows.append({**row, **name, "mean": point[k]})
        self.experiment.attach_data(Data(df=pd.DataFrame(self.rows[-2:]).astype({"step": float})))
        if t == MAX_T:
            trial.mark_completed()
            return False
        if number in self.strategy.should_stop_trials_early({number}, self.experiment):
            trial.mark_early_stopped()
            return False
        return True


class ByRule:
    """The rule."""

    def __init__(self, rule: AxStoppingRule) -> None:
        self.rule = rule

    def add(self, number: int) -> None:
        self.rule.add(str(number), {})

    def goes_on(self, number: int, t: int, point: np.ndarray) -> bool:
        decision = self.rule.report(str(number), t, point)
        if decision is not Decision.CONTINUE:
            self.rule.end(str(number), failed=False)
        return decision is Decision.CONTINUE


def epochs(system: ByItself | ByRule, points: np.ndarray) -> list[int]:
    """Train trials, a few at a time, and return the epochs of each."""
    reached = [0] * TRIALS
    live: list[int] = []
    added = 0
    while live or added < TRIALS:
        while len(live) < AT_A_TIME and added < TRIALS:
            system.add(added)
            live.append(added)
            added += 1
        for number in list(live):
            t = reached[number] = reached[number] + 1
            if not system.goes_on(number, t, points[number, t - 1]):
                live.remove(number)
    return reached


def strategy(metric: int, percentile: float) -> PercentileEarlyStoppingStrategy:
    return PercentileEarlyStoppingStrategy(
        [f"m{metric}"], percentile_threshold=percentile, min_progression=2, min_curves=2
    )


def of_rule(metric: int, percentile: float) -> Percentile:
    return Percentile(metric, percentile, min_progression=2, min_curves=2)


def test_its_decisions_are_axs_own() -> None:
    points = curves(0)
    both = [strategy(0, 50), strategy(1, 30)]
    ours = [of_rule(0, 50), of_rule(1, 30)]
    pairs = {
        "one": (strategy(0, 50), AxStoppingRule([of_rule(0, 50)], "and", MAX_T)),
        "and": (AndEarlyStoppingStrategy(*both), AxStoppingRule(ours, "and", MAX_T)),
        "or": (OrEarlyStoppingStrategy(*both), AxStoppingRule(ours, "or", MAX_T)),
    }
    found = {}
    for name, (alone, rule) in pairs.items():
        found[name] = epochs(ByRule(rule), points)
        assert found[name] == epochs(ByItself(alone), points), name
    assert sum(found["or"]) < sum(found["one"]) < MAX_T * TRIALS  # all of them stop trials
    assert sum(found["one"]) <= sum(found["and"])


def test_no_trial_stops_before_the_least_progression_and_curves() -> None:
    points = curves(0)
    late = AxStoppingRule([Percentile(0, 50, min_progression=4, min_curves=2)], "and", MAX_T)
    assert min(epochs(ByRule(late), points)) == 4
    never = AxStoppingRule([Percentile(0, 50, min_progression=2, min_curves=99)], "and", MAX_T)
    assert set(epochs(ByRule(never), points)) == {MAX_T}


def test_failed_trials_and_bad_reports() -> None:
    rule = AxStoppingRule([of_rule(0, 50)], "and", MAX_T)
    for name in "abc":
        rule.add(name, {})
    assert rule.report("a", 1, np.array([np.nan, 1])) is Decision.STOP
    rule.end("a", failed=True)
    rule.end("a", failed=True)
    assert rule.report("b", MAX_T, np.array([1.0, 1])) is Decision.COMPLETE
    rule.end("b", failed=False)
    rule.add("c", {})  # it starts again
    assert rule.report("c", 1, np.array([1.0, 1])) is Decision.CONTINUE


def test_a_bad_percentile_is_refused() -> None:
    with pytest.raises(ValueError, match="percentile must lie from 0 to 100, got 101"):
        Percentile(0, 101)
