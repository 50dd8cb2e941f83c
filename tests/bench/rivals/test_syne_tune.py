"""Syne Tune's MO-ASHA decides in our rule as it does by itself, and what its repair changes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from mobo_core.pareto.dominance import non_dominated_ranks
from mobo_core.rules.rule import Decision

pytest.importorskip("syne_tune", reason="Syne Tune is not installed: run 'make rivals' once")

from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

from bench.rivals.syne_tune import MOASHARule, MOASHASettings, RankPriority

MAX_T = 9


def curves(seed: int, trials: int = 30, objectives: int = 2) -> np.ndarray:
    """Return curves (trials, MAX_T, objectives) that fall and cross."""
    rng = np.random.default_rng(seed)
    rates, ends = rng.random((2, trials, 1, objectives))
    return ends + np.arange(1, MAX_T + 1)[None, :, None] ** -(0.2 + rates)


def by_rule(settings: MOASHASettings, points: np.ndarray) -> list[int]:
    """Return the epochs of each trial; all trials train in turns."""
    rule = MOASHARule(settings)
    reached = dict.fromkeys(map(str, range(len(points))), 0)
    for trial in reached:
        rule.add(trial, {})
    live = list(reached)
    for t in range(1, MAX_T + 1):
        for trial in list(live):
            reached[trial] = t
            if rule.report(trial, t, points[int(trial), t - 1]) is not Decision.CONTINUE:
                rule.end(trial, failed=False)
                live.remove(trial)
    assert not live
    return list(reached.values())


def by_itself(points: np.ndarray) -> list[int]:
    """Return the epochs of each trial as Syne Tune alone decides."""
    names = ["a", "b"]
    moasha = MOASHA({}, metrics=names, time_attr="epoch", max_t=MAX_T, random_seed=0)
    trials = [Trial(number, {}, datetime.now(UTC)) for number in range(len(points))]
    for trial in trials:
        moasha.on_trial_add(trial)
    reached = [0] * len(points)
    live = list(trials)
    for t in range(1, MAX_T + 1):
        for trial in list(live):
            reached[trial.trial_id] = t
            values = dict(zip(names, points[trial.trial_id, t - 1], strict=True))
            if moasha.on_trial_result(trial, {"epoch": t, **values}) == "STOP":
                live.remove(trial)
    return reached


@pytest.mark.parametrize("seed", range(3))
def test_its_decisions_are_syne_tunes_own(seed: int) -> None:
    points = curves(seed)
    assert by_rule(MOASHASettings(2, MAX_T), points) == by_itself(points)


def test_brackets_follow_the_seed() -> None:
    points = curves(0, trials=60)
    first, again, other = (
        by_rule(MOASHASettings(2, MAX_T, brackets=2, seed=seed), points) for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("objectives", [2, 3])
def test_repaired_ranks_rank(objectives: int) -> None:
    points = np.random.default_rng(objectives).random((40, objectives))
    ranks = RankPriority()(points)
    assert sorted(ranks) == list(range(40))
    # Front by front: nothing in a later front has a better rank.
    fronts = non_dominated_ranks(points)
    assert (np.diff(fronts[np.argsort(ranks)]) >= 0).all()
    # Inside the first front the ε-net begins with the best in the first objective.
    first = np.flatnonzero(fronts == 0)
    assert first[np.argmin(points[first, 0])] == np.argmin(ranks)
    # Whatever the order of the points, each keeps its rank.
    order = np.random.default_rng(0).permutation(40)
    assert (RankPriority()(points[order]) == ranks[order]).all()


def test_repaired_ranks_of_a_chain_are_its_order() -> None:
    chain = np.repeat([[5.0], [1.0], [4.0], [2.0], [3.0]], 2, axis=1)
    assert RankPriority()(chain).tolist() == [4, 0, 3, 1, 2]


def test_the_repair_lets_the_better_trials_train_longer() -> None:
    def correlation(repaired: bool) -> float:
        found = []
        for seed in range(3):
            points = curves(seed, trials=60)
            epochs = by_rule(MOASHASettings(2, MAX_T, repaired=repaired), points)
            fronts = non_dominated_ranks(points[:, -1])
            found.append(np.corrcoef(fronts, epochs)[0, 1])
        return float(np.mean(found))

    shipped, repaired = correlation(repaired=False), correlation(repaired=True)
    assert repaired < -0.4  # a better front, more epochs
    assert shipped > repaired + 0.3


def test_a_trial_that_starts_again_keeps_its_bracket_and_a_bad_report_stops() -> None:
    rule = MOASHARule(MOASHASettings(2, MAX_T))
    rule.add("a", {})
    assert rule.report("a", 1, np.array([1.0, 1.0])) is Decision.CONTINUE
    rule.add("a", {})
    assert rule.report("a", 1, np.array([1.0, 1.0])) is Decision.CONTINUE
    assert rule.report("a", 2, np.array([1.0, np.nan])) is Decision.STOP
    rule.end("a", failed=True)
    rule.end("a", failed=True)


def test_what_syne_tune_refuses_is_an_error() -> None:
    with pytest.raises(AssertionError, match="reduction factor not valid"):
        MOASHARule(MOASHASettings(2, MAX_T, reduction_factor=1))


def test_settings_are_used() -> None:
    points = curves(0)
    late = by_rule(MOASHASettings(2, MAX_T, grace_period=3), points)
    assert min(late) == 3
    harder = by_rule(MOASHASettings(2, MAX_T, reduction_factor=4), points)
    assert sum(harder) < sum(by_rule(MOASHASettings(2, MAX_T, reduction_factor=2), points))
