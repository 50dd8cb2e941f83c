"""Recorded curves are replayed, one trial after the other."""

from __future__ import annotations

import pytest
from ray.tune.schedulers import FIFOScheduler, MedianStoppingRule

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import (
    HypervolumePromotion,
    PaperDominance,
    ProjectedStopping,
    PromotionMOASHA,
    StoppingMOASHA,
)
from mobo_core.virtual import TUNE_AHEAD, InOrder, RecordedCurves, replay, simulate

OBJECTIVES = ObjectiveSet([Objective("gain", "max", 0), Objective("cost", "min", 100)])


def curve(scale: float, cost: float, length: int = 6) -> list[dict[str, float]]:
    return [{"gain": scale * t, "cost": cost, "t": float(t)} for t in range(1, length + 1)]


def test_fifo_waits_for_every_report() -> None:
    curves = {"a": curve(0.1, 10), "b": curve(0.2, 20, length=3)}
    assert replay(FIFOScheduler(), curves) == {"a": 6, "b": 3}  # type: ignore[no-untyped-call]


def test_dominated_curves_end_at_the_milestone_where_they_are() -> None:
    # 1 is dominated at 1 by the first; 2 gains more at 1, but the first's last report dominates.
    curves = {0: curve(0.1, 10), 1: curve(0.05, 20), 2: curve(0.2, 30), 3: curve(0.01, 1)}
    scheduler = PaperDominance(OBJECTIVES, 6, 1, 2, time_attr="t")
    assert replay(scheduler, curves) == {0: 6, 1: 1, 2: 1, 3: 6}


def promotion() -> PromotionMOASHA:
    return PromotionMOASHA(OBJECTIVES, 4, reduction_factor=2, slots=1, time_attr="t")


def flat(level: float) -> list[dict[str, float]]:
    return [{"gain": -level, "cost": level, "t": float(t)} for t in range(1, 5)]


def test_stopping_by_hand() -> None:
    def stopping() -> StoppingMOASHA:
        return StoppingMOASHA(OBJECTIVES, 4, reduction_factor=2, time_attr="t")

    # Every newcomer is better than all earlier trials, so all continue at 1 and 2.
    better = {level: flat(level) for level in (4, 3, 2, 1)}
    assert replay(stopping(), better) == {4: 4, 3: 4, 2: 4, 1: 4}
    # In the opposite order only the first trial of a rung continues.
    worse = {level: flat(level) for level in (1, 2, 3, 4)}
    assert replay(stopping(), worse) == {1: 4, 2: 1, 3: 1, 4: 1}


def test_promotion_by_hand() -> None:
    # Each newcomer better: 4 waits at 1; 3 is the best of two and goes on at once to 2, where
    # ⌊1/2⌋ = 0 and it waits; 2 is the best of three, ⌊3/2⌋ = 1: goes on to 2; there it is the best
    # of two: goes on to the end. 1 is the best of four: to 2, best of three, ⌊3/2⌋ = 1: to the end.
    better = {level: flat(level) for level in (4, 3, 2, 1)}
    assert replay(promotion(), better) == {4: 1, 3: 2, 2: 4, 1: 4}
    # Worse and worse: after the second trial the first is the best of two and is resumed to 2;
    # then the third (⌊3/2⌋ = 1, taken) and the fourth wait at 1. Of four, two may go on: the
    # second is resumed to 2, where the first is the best of two and is resumed to the end.
    worse = {level: flat(level) for level in (1, 2, 3, 4)}
    assert replay(promotion(), worse) == {1: 4, 2: 2, 3: 1, 4: 1}


def test_promotion_of_curves_that_trade_off() -> None:
    curves = {0: curve(0.1, 10), 1: curve(0.05, 20), 2: curve(0.2, 5), 3: curve(0.01, 50)}
    scheduler = PromotionMOASHA(OBJECTIVES, 6, reduction_factor=2, slots=1, time_attr="t")
    # Milestones 1, 2 and 4. Two of the four trials continue at 1: trial 0 when trial 1 reports,
    # and trial 2 when it reports itself. At 2 the better one, trial 2, continues to 4 and waits.
    assert replay(scheduler, curves) == {0: 2, 1: 1, 2: 4, 3: 1}


def test_a_trial_waits_behind_the_one_that_trains_as_in_tune() -> None:
    """Ray's median rule pauses early trials while others wait, and ends some of them later."""

    def median() -> MedianStoppingRule:
        return MedianStoppingRule(
            time_attr="t", metric="gain", mode="max", grace_period=1, min_samples_required=3
        )

    curves = {k: curve(0.1 * k, 10) for k in (3, 5, 1, 4, 2, 8, 6, 7)}
    problem = RecordedCurves(list(curves.values()))

    def reached(ahead: int) -> list[int]:
        run = simulate(
            problem,
            searcher=InOrder(problem.configs),
            scheduler=median(),
            num_samples=8,
            ahead=ahead,
        )
        return [trial.iteration for trial in run.trials]

    assert list(replay(median(), curves).values()) == reached(TUNE_AHEAD) != reached(0)


def test_empty_curves() -> None:
    assert replay(FIFOScheduler(), {}) == {}  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match="curve 0 is empty"):
        replay(FIFOScheduler(), {"a": []})  # type: ignore[no-untyped-call]


def test_a_curve_that_a_scheduler_cannot_use_is_named() -> None:
    scheduler = ProjectedStopping(OBJECTIVES, 4, time_attr="t")
    wrong = [{"t": t, "wrong": 1.0} for t in (1, 2, 3, 4)]
    with pytest.raises(ValueError, match="curve 'b' cannot be replayed: ReportError: trial 00001 "):
        replay(scheduler, {"a": flat(1), "b": wrong})


@pytest.mark.parametrize("promotion", [True, False])
def test_schedulers_are_told_the_configurations(promotion: bool) -> None:
    for configs, expected in (([{"rate": 1.0}, {"rate": 3.0}], [[-1], [1]]), (None, [[], []])):
        problem = RecordedCurves([flat(1), flat(2)], configs)
        scheduler = (
            HypervolumePromotion(OBJECTIVES, 4, slots=1, time_attr="t")
            if promotion
            else ProjectedStopping(OBJECTIVES, 4, time_attr="t")
        )
        run = simulate(
            problem, searcher=InOrder(problem.configs), scheduler=scheduler, num_samples=2
        )
        ids = [trial.trial_id for trial in run.trials]
        features = scheduler.rule._projection.ends.features
        features.rescale()
        assert features.of(ids).tolist() == expected


def test_as_many_configurations_as_curves() -> None:
    with pytest.raises(ValueError, match="2 curves need as many configs, got 1"):
        RecordedCurves([flat(1), flat(2)], [{}])
