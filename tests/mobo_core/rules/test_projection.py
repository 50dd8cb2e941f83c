"""Projected ends, expected gains, and what the two rules do with them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.objectives import Points
from mobo_core.pareto.indicators import hypervolumes
from mobo_core.rules import exponents
from mobo_core.rules.gains import LEVELS, WEIGHTS
from mobo_core.rules.projection import (
    NEWCOMERS,
    HypervolumePromotionRule,
    ProjectedStoppingRule,
    Projection,
    ProjectionSettings,
)
from mobo_core.rules.rule import Decision

ERROR = Objective("error", "min", 0.5, ideal=0)
SIZE = Objective("size", "min", 100, exact=True)
OBJECTIVES = ObjectiveSet([ERROR, SIZE])


@pytest.fixture(autouse=True)
def round_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the prior so that the distance halves from a quarter of the budget to its end.

    This makes expected values easy to work out by hand.
    """
    monkeypatch.setattr(exponents, "PRIOR_EXPONENT", 0.5)
    monkeypatch.setattr(exponents, "PRIOR_SPREAD", 1e-7)
    monkeypatch.setattr(exponents, "LEVEL_SPREAD", 1e-12)


def p(error: float, size: float) -> Points:
    return np.array([error, size])


def settings(**changes: object) -> ProjectionSettings:
    plain = {"max_t": 4, "margin": 0.005}
    return ProjectionSettings(OBJECTIVES, **{**plain, **changes})  # type: ignore[arg-type]


def test_configurations_tell_curves_apart() -> None:
    rule = HypervolumePromotionRule(settings())
    for number in range(20):
        rate = 10.0 ** (-number % 4)
        rule.add(str(number), {"rate": rate})
        for t in (1, 2, 4):
            rule.report(str(number), t, p(0.4 * t ** -(0.2 * (-number % 4)), 10))
    for trial, rate in (("slow", 1.0), ("fast", 1000.0)):
        rule.add(trial, {"rate": rate})
        rule.report(trial, 1, p(0.4, 10))
    slow, fast = rule.projected_ends(["slow", "fast"], 0.5)[:, 0]
    assert slow == pytest.approx(0.4, rel=0.05)
    assert fast == pytest.approx(0.4 * 4**-0.6, rel=0.05)


def test_gain_by_hand() -> None:
    projection = Projection(settings())
    add = projection.ends.curves.add
    add("a", 4, p(0.2, 50))  # dominates (0.5 − 0.2)·(100 − 50) = 15
    add("b", 1, p(0.4, 60))  # ends at (0.2, 60): nothing beyond a
    add("c", 1, p(0.4, 40))  # now (0.5 − 0.4)·(50 − 40) = 1 of its own
    # The unit is the volume between the best values and the reference point.
    unit = (0.5 - 0.2) * (100 - 40)
    assert projection.hypervolume() == pytest.approx(16 / unit)
    # c ends at (0.2, 40): 10 × (0.5 − 0.2) = 3, of which it has 1 already.
    assert projection.gains(["b", "c"]) == pytest.approx([0, 2 / unit], abs=1e-5)
    assert projection.expected_loss(["b", "c"], []) == pytest.approx(2 / 18, abs=1e-5)
    # If c trains now, d at the same place brings nothing of its own.
    add("d", 1, p(0.4, 40))
    assert projection.gains(["d"]) == pytest.approx([2 / unit], abs=1e-5)
    assert projection.shared(["d"], ["c"]) == pytest.approx([2 / unit], abs=1e-5)
    assert projection.expected_loss(["d"], ["c"]) == pytest.approx(0, abs=1e-5)


def test_the_gain_is_an_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponents, "PRIOR_SPREAD", 0.2)
    projection = Projection(settings())
    projection.ends.curves.add("a", 4, p(0.3, 10))
    projection.ends.curves.add("b", 1, p(0.8, 5))
    errors = projection.ends.of(["b"], LEVELS)[0, :, 0]
    assert (np.diff(errors) < 0).all()
    # Beyond what a dominates at size 10: up to the reference (0.5, 100).
    gains = np.where(errors < 0.5, (0.5 - errors) * 95 - (0.5 - np.maximum(errors, 0.3)) * 90, 0)
    assert 2 <= (gains > 0).sum() < len(LEVELS)
    unit = (0.5 - 0.3) * (100 - 5)
    assert projection.gains(["b"]) == pytest.approx([gains @ WEIGHTS / unit])


def test_the_expected_loss_counts_together_what_each_adds_alone() -> None:
    projection = Projection(settings())
    for number in range(8):  # a front of eight corners, each of which adds a little at its end
        projection.ends.curves.add(str(number), 1, p(0.04 * (8 - number), 10 + 10 * number))
    ids = [str(number) for number in range(8)]
    gains = projection.gains(ids)
    loss = projection.expected_loss(ids, [])
    ends = projection.ends.of(ids, np.array([0.5]))[:, 0]
    (whole,) = hypervolumes(ends[None], OBJECTIVES.reference_point)
    now = projection.hypervolume() * (0.5 - 0.04) * (100 - 10)
    assert loss == pytest.approx(1 - now / whole, abs=1e-5)
    assert gains.max() / (projection.hypervolume() + gains.max()) < loss
    assert loss < gains.sum() / (projection.hypervolume() + gains.sum())


def test_the_best_rate_goes_on() -> None:
    rule = HypervolumePromotionRule(settings())
    for trial in "ab":
        rule.add(trial, {})
    assert rule.report("a", 1, p(0.4, 50)) is Decision.PAUSE
    assert rule.report("b", 1, p(0.3, 50)) is Decision.PAUSE
    assert rule.choose(True) is None  # the first new trials are never outranked
    assert rule.choose(False) == "b" == rule.choose(False)
    rule.resume("b")
    assert not rule.is_paused("b")
    # a's end (0.2, 50) adds nothing to b's (0.15, 50), which is under way.
    assert rule.choose(False) is None
    # b gets worse, which counts as no progress, not as a trend: it may reach 0.29 in two epochs.
    # One such curve leaves a an exponent of 0.30: to 0.27 in three.
    assert rule.report("b", 2, p(0.32, 50)) is Decision.PAUSE
    assert rule.projected_ends(["a", "b"], 0.5)[:, 0] == pytest.approx([0.266, 0.289], abs=0.001)
    assert rule.choose(False) == "a"
    rule.resume("a")
    assert rule.report("a", 4, p(0.2, 50)) is Decision.COMPLETE
    assert rule.choose(False) is None


def test_new_trials_compete_with_what_the_latest_gained() -> None:
    rule = HypervolumePromotionRule(settings())
    for number in range(NEWCOMERS):
        assert rule.report(str(number), 1, p(0.4, 50)) is Decision.PAUSE
        if number < NEWCOMERS - 1:
            assert rule.choose(True) is None
    # All alike: each was expected to end at (0.2, 50) and gain 0.2 · 50 = 10 at its first pause.
    # A new one: 10 / 4 epochs; a paused one: 10 / 3 epochs.
    assert rule.choose(True) == "0"
    rule.resume("0")
    # Now the rest is expected to add nothing to it: a new trial is worth more.
    assert rule.choose(True) is None
    assert rule.choose(False) is None


def test_the_margin_ends_it() -> None:
    for margin, chosen in ((0.0, "b"), (0.2, None)):
        rule = HypervolumePromotionRule(settings(margin=margin))
        rule.report("a", 4, p(0.1, 10))  # 0.4 · 90 = 36
        rule.report("b", 1, p(0.4, 9))  # ends (0.2, 9): 0.3 · 1 more, of which it has 0.1
        assert rule.choose(False) == chosen


def test_many_small_gains_are_worth_as_much_as_a_large_one() -> None:
    """A margin that each trial alone stays below would end all of them."""
    for count, resumes in ((1, False), (12, True)):
        rule = HypervolumePromotionRule(settings(margin=0.06))
        rule.report("a", 4, p(0.3, 1))  # 0.2 · 99 = 19.8
        for number in range(count):
            # Each ends at a place of its own, 0.01 better at a size of 5 more: 0.01 · 90 or less.
            error = 0.29 - 0.01 * number
            rule.report(str(number), 3, p(error / 0.75**0.5, 5 + 5 * number))
        assert (rule.choose(False) is not None) == resumes


def test_trials_pause_at_budgets_that_grow_by_a_quarter() -> None:
    rule = HypervolumePromotionRule(settings(max_t=20, grace_period=2))
    paused = []
    for t in range(1, 20):
        if rule.report("a", t, p(0.4, 50)) is Decision.PAUSE:
            paused.append(t)
            rule.resume("a")
    # 2 · 1.25^k: 2, 2.5, 3.1, 3.9, 4.9, 6.1, 7.6, 9.5, 11.9, 14.9, 18.6
    assert paused == [2, 3, 4, 5, 7, 8, 10, 12, 15, 19]


def test_a_trial_without_a_checkpoint_pauses_at_its_next_report() -> None:
    rule = HypervolumePromotionRule(settings(max_t=20))
    for t in (8, 9):
        assert rule.report("a", t, p(0.4, 50)) is Decision.PAUSE
        rule.withdraw("a")
    rule.report("a", 10, p(0.4, 50))
    rule.resume("a")
    assert rule.report("a", 11, p(0.4, 50)) is Decision.CONTINUE


def test_exactly_known_corners_are_kept() -> None:
    # The smallest network of all is worth its training however bad it looks at first.
    rule = HypervolumePromotionRule(settings())
    rule.report("big", 4, p(0.01, 90))
    rule.report("small", 1, p(0.6, 1))
    assert rule.choose(False) == "small"


def test_nothing_inside_the_reference_yet() -> None:
    rule = HypervolumePromotionRule(settings())
    rule.report("a", 1, p(4.0, 50))  # ends at 2.0 by the prior
    rule.report("b", 1, p(3.0, 50))
    assert rule.choose(False) == "b"
    stopping = ProjectedStoppingRule(settings())
    assert stopping.report("a", 1, p(4.0, 50)) is Decision.CONTINUE


def test_failed_trials_leave_the_front_and_the_choice() -> None:
    rule = HypervolumePromotionRule(settings())
    rule.report("a", 1, p(0.1, 10))
    rule.report("b", 1, p(0.4, 50))
    assert rule.choose(False) == "a"
    rule.resume("a")
    assert rule.report("a", 2, p(np.nan, 10)) is Decision.STOP
    rule.end("a", failed=False)
    assert rule.choose(False) == "b"
    rule.withdraw("b")
    assert rule.choose(False) is None


@pytest.mark.parametrize("rule_class", [HypervolumePromotionRule, ProjectedStoppingRule])
def test_a_crashed_trial_outshines_nobody(
    rule_class: type[HypervolumePromotionRule] | type[ProjectedStoppingRule],
) -> None:
    good = {False: Decision.STOP, True: Decision.CONTINUE}
    for failed in (False, True):
        rule = rule_class(settings())
        rule.report("a", 4, p(0.1, 10))
        rule.end("a", failed=failed)
        decision = rule.report("b", 1, p(0.4, 50))
        if isinstance(rule, HypervolumePromotionRule):
            assert rule.choose(False) == ("b" if failed else None)
        else:
            assert decision is good[failed]


def test_budgets_count_from_above_0() -> None:
    with pytest.raises(ValueError, match="budget must be greater than 0, got 0 from trial a"):
        HypervolumePromotionRule(settings()).report("a", 0, p(0.4, 10))


def test_grace_period() -> None:
    rule = HypervolumePromotionRule(settings(grace_period=2))
    assert rule.report("a", 1, p(0.4, 50)) is Decision.CONTINUE
    assert rule.report("a", 2, p(0.4, 50)) is Decision.PAUSE
    stopping = ProjectedStoppingRule(settings(grace_period=2))
    stopping.report("good", 4, p(0.01, 1))
    assert stopping.report("bad", 1, p(0.9, 99)) is Decision.CONTINUE
    assert stopping.report("bad", 2, p(0.9, 99)) is Decision.STOP


def test_projected_stopping_by_hand() -> None:
    rule = ProjectedStoppingRule(settings())
    assert rule.report("a", 1, p(0.4, 50)) is Decision.CONTINUE
    assert rule.report("b", 1, p(0.4, 60)) is Decision.STOP  # a's end dominates its own
    assert rule.report("c", 1, p(0.4, 40)) is Decision.CONTINUE
    assert rule.report("c", 4, p(0.2, 40)) is Decision.COMPLETE


def test_a_trial_killed_at_its_end_is_paused_and_resumed_on_its_way_back() -> None:
    """The trial's checkpoint may be much older than its last report."""
    rule = HypervolumePromotionRule(settings())
    assert rule.report("a", 4, p(0.1, 50)) is Decision.COMPLETE
    assert rule.report("a", 2, p(0.3, 50)) is Decision.PAUSE
    assert rule.choose(new_available=False) == "a"


def test_a_finished_trial_ends_where_it_is() -> None:
    rule = HypervolumePromotionRule(settings())
    for t, trial in ((4, "a"), (5, "b"), (1, "c")):
        rule.report(trial, t, p(0.4 / t, 50))
    assert rule.projected_ends(["a", "b", "c"], 0.5)[:, 0] == pytest.approx([0.1, 0.08, 0.2])


def test_a_rule_goes_on_after_it_was_saved() -> None:
    rng = np.random.default_rng(3)
    rules = [HypervolumePromotionRule(settings(max_t=9))]
    for number in range(12):
        point = p(rng.uniform(0.1, 0.9), rng.uniform(1, 90))
        for rule in rules:
            rule.add(str(number), {"rate": 10.0 ** -(number % 3)})
            rule.report(str(number), 1, point)
        if number == 6:
            rules.append(pickle.loads(pickle.dumps(rules[0])))
    for t in (2, 3, 4):
        (chosen,) = {rule.choose(False) for rule in rules}
        assert chosen is not None
        for rule in rules:
            rule.resume(chosen)
            rule.report(chosen, t, p(0.3 / t, 50))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_t": 0}, r"max_t must be at least grace_period \(1\), got 0"),
        ({"max_t": math.inf}, "max_t must be a finite number, got inf"),
        ({"grace_period": 5}, r"max_t must be at least grace_period \(5\), got 4"),
        ({"grace_period": "1"}, "grace_period must be a finite number, got '1'"),
        ({"margin": -0.1}, "margin must be at least 0, got -0.1"),
        ({"margin": True}, "margin must be a finite number, got True"),
    ],
)
def test_bad_settings(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**changes)
