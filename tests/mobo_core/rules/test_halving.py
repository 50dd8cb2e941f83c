"""Successive halving: decisions on rung tables drawn by hand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.objectives import Points
from mobo_core.pareto.ranking import pareto_epsnet, ranks_of
from mobo_core.rules.halving import HalvingRule, HalvingSettings, PromotionHalvingRule
from mobo_core.rules.rule import Decision

CONTINUE, PAUSE, STOP, COMPLETE = (
    Decision.CONTINUE,
    Decision.PAUSE,
    Decision.STOP,
    Decision.COMPLETE,
)


def p(x: float, y: float) -> Points:
    return np.array([x, y])


# Stopping, η = 2, R = 4: milestones 1 and 2. At 1, by dominance alone:
#   a (2, 2) first: in.
#   b (3, 3) dominated by a; 2 there, best 1: out.
#   c (1, 4) shares the front with a; 3 there, best 1. Scaled by the ranges 2 and 2 the sums of the
#     front are a .5 + 0 = .5, c 0 + 1 = 1: a stands first, c is out.
#   d (1, 1) dominates all; 4 there, best 2: d, a: in.
#   e (2, 1.5): 5 there, best 2: behind d, e in the second front with (e, c): e dominates a; sums
#     e .5 + .5/3, c 0 + 1: d, e are the best two: in.
def test_stopping_by_hand() -> None:
    rule = HalvingRule(HalvingSettings(max_t=4, reduction_factor=2))
    reports = [
        ("a", p(2, 2), CONTINUE),
        ("b", p(3, 3), STOP),
        ("c", p(1, 4), STOP),
        ("d", p(1, 1), CONTINUE),
        ("e", p(2, 1.5), CONTINUE),
    ]
    for trial, point, expected in reports:
        rule.add(trial, {})
        assert rule.report(trial, 1, point) is expected
    # At 2 the rung is empty again: the first is always in, a worse second is not.
    assert rule.report("a", 2, p(1, 2)) is CONTINUE
    assert rule.report("e", 2, p(2, 2)) is STOP
    assert rule.report("a", 3, p(9, 9)) is CONTINUE  # no milestone
    assert rule.report("a", 4, p(9, 9)) is COMPLETE


# The same reports with the quota ⌊n/2⌋ + 1. Each continues that is among the best 1, 2, 2, 3, 3:
#   b is the second of 2: in. c is behind a in the same front, the second of 3: in.
#   d is the best of 4. e of 5 is among d, e, c (see above): in, and f (4, 4) is the last of 6, best
#   4: out.
def test_stopping_with_one_more_by_hand() -> None:
    rule = HalvingRule(HalvingSettings(max_t=4, reduction_factor=2, quota="floor_plus_one"))
    reports = [
        ("a", p(2, 2), CONTINUE),
        ("b", p(3, 3), CONTINUE),
        ("c", p(1, 4), CONTINUE),
        ("d", p(1, 1), CONTINUE),
        ("e", p(2, 1.5), CONTINUE),
        ("f", p(4, 4), STOP),
    ]
    for trial, point, expected in reports:
        assert rule.report(trial, 1, point) is expected
    # At 2 the second of two continues as well, and the last of three does not.
    for trial, point, expected in (
        ("a", p(1, 2), CONTINUE),
        ("e", p(2, 2), CONTINUE),
        ("d", p(3, 3), STOP),
    ):
        assert rule.report(trial, 2, point) is expected


@pytest.mark.parametrize("eta", [2, 3, 4])
@given(
    values=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12),
)
def test_one_more_decides_as_the_share_of_better_trials(
    eta: int, values: list[tuple[int, int]]
) -> None:
    # Syne Tune's stopping rule: the place from 0 among the n recorded, divided by n, is compared
    # with 1/η.
    settings = HalvingSettings(max_t=9, reduction_factor=eta, quota="floor_plus_one")
    rule = HalvingRule(settings)
    points = np.array(values, float)
    for index, point in enumerate(points):
        place = ranks_of(pareto_epsnet(points[: index + 1]))[-1]
        expected = STOP if place / (index + 1) > 1 / eta else CONTINUE
        assert rule.report(str(index), 1, point) is expected


def test_a_newcomer_on_the_front_is_not_stopped_where_an_order_read_as_ranks_would() -> None:
    # The newcomer is the best of four. Read as ranks, the order [3, 0, 1, 2] would say that the
    # newcomer, at index 3, has rank 2 and not 0.
    rule = HalvingRule(HalvingSettings(max_t=9, reduction_factor=3))
    for trial, value in (("a", 4.0), ("b", 5.0), ("c", 6.0)):
        rule.report(trial, 1, p(value, value))
    assert rule.report("d", 1, p(1, 1)) is CONTINUE


def test_a_milestone_that_was_skipped_is_not_made_up_for() -> None:
    rule = HalvingRule(HalvingSettings(max_t=8, reduction_factor=2))
    assert rule.report("a", 3, p(1, 1)) is CONTINUE  # recorded at 2
    assert rule.report("b", 1, p(9, 9)) is CONTINUE  # the first at 1


@pytest.mark.parametrize("rule", [HalvingRule, PromotionHalvingRule])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_invalid_points_end_a_trial(
    rule: type[HalvingRule] | type[PromotionHalvingRule], bad: float
) -> None:
    made = rule(HalvingSettings(max_t=8))
    assert made.report("a", 1, p(bad, 0)) is STOP
    assert made.report("b", 8, p(bad, 0)) is STOP


# Promotion, η = 2, R = 4: milestones 1 and 2, ⌊n/2⌋ of a rung.
def test_promotion_by_hand() -> None:
    rule = PromotionHalvingRule(HalvingSettings(max_t=4, reduction_factor=2))
    for trial in "abcd":
        rule.add(trial, {})
    assert rule.report("a", 1, p(2, 2)) is PAUSE
    assert rule.choose(True) is None  # ⌊1/2⌋ = 0
    assert rule.report("b", 1, p(3, 3)) is PAUSE
    assert rule.choose(True) == "a" == rule.choose(False)
    rule.resume("a")
    assert rule.choose(True) is None  # a's place is taken
    assert rule.report("c", 1, p(1, 1)) is PAUSE
    # c is now the best of three, but ⌊3/2⌋ = 1 and c comes first: promoted, one beyond ⌊n/η⌋.
    assert rule.choose(True) == "c"
    rule.resume("c")
    assert rule.excess_promotions() == {(0, 1): 1}
    assert rule.report("a", 2, p(2, 1)) is PAUSE
    assert rule.choose(True) is None
    assert rule.report("c", 2, p(1, 1)) is PAUSE
    assert rule.report("d", 1, p(2.5, 2.5)) is PAUSE
    # At 2 the best of {c, a} is c. At 1 the best two of {c, a, d, b} are c and a, which have left.
    # The top rung comes first.
    assert rule.choose(True) == "c"
    rule.resume("c")
    assert rule.choose(True) is None
    assert rule.report("c", 3, p(1, 1)) is CONTINUE
    assert rule.report("c", 4, p(1, 1)) is COMPLETE
    assert rule.excess_promotions() == {}  # ⌊4/2⌋ = 2 by now


# Promotion, η = 3, R = 9: milestones 1 and 3. The quota ⌊n/3⌋ + 1 is 1, 1, 2, 2 for 1 to 4 trials.
def test_promotion_with_one_more_by_hand() -> None:
    settings = HalvingSettings(max_t=9, reduction_factor=3, quota="floor_plus_one")
    rule = PromotionHalvingRule(settings)
    rule.report("a", 1, p(2, 2))
    assert rule.choose(True) == "a"  # the best one of one
    rule.resume("a")
    rule.report("b", 1, p(3, 3))
    assert rule.choose(True) is None  # the best one of two is a, which has left
    rule.report("c", 1, p(1, 1))
    assert rule.choose(True) == "c"  # the best two of three are c and a
    rule.resume("c")
    assert rule.choose(True) is None
    assert rule.excess_promotions() == {}  # two of two
    rule.report("d", 1, p(1.5, 1.5))
    assert rule.choose(True) == "d"  # the best two of four are c and d: three have been promoted
    rule.resume("d")
    assert rule.excess_promotions() == {(0, 1): 1}
    assert rule.report("a", 3, p(2, 2)) is PAUSE
    assert rule.choose(True) == "a"  # the only one at 3
    rule.resume("a")
    assert rule.report("a", 9, p(2, 2)) is COMPLETE


@pytest.mark.parametrize("rule", [HalvingRule, PromotionHalvingRule])
def test_a_rule_saved_before_there_was_a_quota_keeps_the_floor(
    rule: type[HalvingRule] | type[PromotionHalvingRule],
) -> None:
    settings = HalvingSettings(max_t=9, reduction_factor=3, quota="floor_plus_one")
    del settings.__dict__["quota"]  # as in a file of that time
    restored = pickle.loads(pickle.dumps(rule(settings)))
    decisions = [restored.report(str(i), 1, p(3 - i, 3 - i)) for i in range(3)]
    if isinstance(restored, HalvingRule):
        assert decisions == [CONTINUE, CONTINUE, CONTINUE]
        assert restored.report("3", 1, p(2, 2)) is STOP  # the second of four, and ⌊4/3⌋ = 1
    else:
        assert restored.choose(True) == "2"
        restored.resume("2")
        assert restored.choose(True) is None


def test_top_rung_first() -> None:
    rule = PromotionHalvingRule(HalvingSettings(max_t=8, reduction_factor=2))
    for trial, value in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)):
        rule.report(trial, 1, p(value, value))
    for trial in ("a", "b"):
        rule.resume(trial)
        rule.report(trial, 2, p(5, 5) if trial == "a" else p(4, 4))
    rule.report("e", 1, p(0, 0))
    assert rule.choose(True) == "b"  # at 2, though e waits at 1
    rule.resume("b")
    assert rule.choose(True) == "e"


def test_a_withdrawn_trial_is_not_chosen_and_pauses_again_when_it_starts_over() -> None:
    rule = PromotionHalvingRule(HalvingSettings(max_t=4, reduction_factor=2))
    rule.report("a", 1, p(1, 1))
    rule.report("b", 1, p(2, 2))
    assert rule.is_paused("a")
    rule.withdraw("a")
    assert not rule.is_paused("a")
    assert rule.choose(True) is None
    assert rule.report("a", 1, p(9, 9)) is PAUSE  # its first point stands
    assert rule.choose(True) == "a"
    rule.resume("a")
    rule.withdraw("a")  # fails after its promotion, starts over
    assert rule.report("a", 1, p(1, 1)) is CONTINUE
    assert rule.report("a", 2, p(1, 1)) is PAUSE


def test_ties_and_duplicates_promote_the_earlier() -> None:
    rule = PromotionHalvingRule(HalvingSettings(max_t=4, reduction_factor=2))
    for trial in "abcd":
        rule.report(trial, 1, p(1, 1))
    assert rule.choose(False) == "a"
    rule.resume("a")
    assert rule.choose(False) == "b"
    rule.resume("b")
    assert rule.choose(False) is None


def test_brackets_have_rungs_of_their_own() -> None:
    settings = HalvingSettings(max_t=8, reduction_factor=2, brackets=3, seed=1)
    assert settings.ladders() == [(1, 2, 4), (2, 4), (4,)]
    rule = HalvingRule(settings)
    drawn = {str(i): settings.draw_bracket(i) for i in range(40)}
    assert set(drawn.values()) == {0, 1, 2}
    firsts = {0: 1, 1: 2, 2: 4}
    for trial, bracket in drawn.items():
        rule.add(trial, {})
        for t in (1, 2, 4):
            # Each is worse than all before it: stopped at the first milestone of its bracket,
            # unless it is the first there.
            decision = rule.report(trial, t, p(int(trial), int(trial)))
            first = next(k for k, b in drawn.items() if b == bracket) == trial
            if t == firsts[bracket] and not first:
                # Among n ≥ 4 trials the best ⌊n/2⌋ continue, and the newcomer is the worst.
                assert decision is STOP
                break
            assert decision is CONTINUE


def test_brackets_are_drawn_with_hyperbands_shares() -> None:
    settings = HalvingSettings(max_t=9, reduction_factor=3, brackets=2)
    drawn = [settings.draw_bracket(i) for i in range(4000)]
    # R = 9, η = 3: Hyperband starts ⌈3·9/3⌉ = 9 trials at 1 and ⌈3·3/2⌉ ≈ 4.5 at 3 (Li et al.
    # 2018, algorithm 1 with s_max = 2): two thirds and one. Four standard errors of 4,000: 0.03.
    assert np.mean(np.equal(drawn, 0)) == pytest.approx(2 / 3, abs=0.03)
    assert drawn[:50] == [settings.draw_bracket(i) for i in range(50)]


def test_a_ranking_of_ones_own() -> None:
    def reversed_net(points: object, reference_point: object = None) -> np.ndarray:
        return pareto_epsnet(points)[::-1]  # type: ignore[arg-type]

    rule = HalvingRule(HalvingSettings(max_t=4, reduction_factor=2, ranking=reversed_net))
    rule.report("a", 1, p(1, 1))
    assert rule.report("b", 1, p(2, 2)) is CONTINUE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_t": 0.5}, "max_t must be"),
        ({"max_t": 8, "grace_period": 0}, "grace_period must be at least 1"),
        ({"max_t": 8, "reduction_factor": 1}, "reduction_factor must be"),
        ({"max_t": 8, "brackets": 0}, "brackets must be at least 1, got 0"),
        ({"max_t": 8, "brackets": 1.5}, "whole number"),
        ({"max_t": 8, "reduction_factor": 2, "brackets": 4}, "at most 3 brackets"),
        ({"max_t": 8, "ranking": "best"}, "unknown ranking 'best'"),
        ({"max_t": 8, "quota": "ceil"}, "unknown quota 'ceil': choose from floor, floor_plus_one"),
        ({"max_t": 8, "quota": None}, "unknown quota None"),
    ],
)
def test_bad_settings(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HalvingSettings(**arguments)  # type: ignore[arg-type]


def test_ranking_happens_once_per_change() -> None:
    calls = []

    def counted(points: object, reference_point: object = None) -> np.ndarray:
        calls.append(1)
        return pareto_epsnet(points)  # type: ignore[arg-type]

    rule = PromotionHalvingRule(HalvingSettings(max_t=4, reduction_factor=2, ranking=counted))
    for i in range(10):
        rule.report(str(i), 1, p(i, i))
        for _ in range(5):
            rule.choose(True)
    assert len(calls) == 9  # not before two are there
