"""Projected ends, expected gains, and what the two rules do with them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.objectives import Points
from mobo_core.rules import exponents
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


def p(error: float, size: float) -> Points:
    return np.array([error, size])


def settings(**changes: object) -> ProjectionSettings:
    plain = {"max_t": 4, "margin": 0.005}
    return ProjectionSettings(OBJECTIVES, **{**plain, **changes})  # type: ignore[arg-type]


def test_without_curves_the_prior_power_law_holds() -> None:
    ends_of = Projection(settings())
    ends_of.curves.add("a", 1, p(0.4, 10))
    # α = 0.5: a quarter of the way, half of the distance; the size is known.
    assert ends_of.ends(["a"], np.array([0.1, 0.9])) == pytest.approx(
        np.array([[[0.2, 10], [0.2, 10]]])
    )


def test_unfinished_curves_count_from_where_they_are() -> None:
    ends_of = Projection(settings(max_t=9))
    ends_of.curves.add("a", 1, p(0.4, 10))
    ends_of.curves.add("a", 3, p(0.4 * 3**-1.5, 10))
    ends_of.curves.add("b", 1, p(0.3, 20))
    # Exponent 1.5 over a span of ln 3, against a prior of 0.5 that weighs as much as 1.
    weight = 1 / (1 + exponents.REPORT_NOISE / np.log(3) ** 2)
    expected = 0.5 + 1.0 * weight / (1 + weight)
    ends = ends_of.ends(["b"], np.array([0.5]))[0, 0]
    assert ends.tolist() == pytest.approx([0.3 * 9**-expected, 20])


def test_many_curves_take_the_priors_place() -> None:
    ends_of = Projection(settings())
    for trial in range(100):
        for t in (1, 2, 4):
            ends_of.curves.add(f"a{trial}", t, p(0.4 / t, 10))
    ends_of.curves.add("b", 1, p(0.4, 20))
    assert ends_of.ends(["b"], np.array([0.5]))[0, 0, 0] == pytest.approx(0.1, rel=0.02)


def test_a_trial_is_expected_to_go_on_as_it_has_begun() -> None:
    ends_of = Projection(settings())
    for t in (1, 2):
        ends_of.curves.add("fast", t, p(0.4 / t, 10))
        ends_of.curves.add("flat", t, p(0.4, 10))
    ends = ends_of.ends(["fast", "flat"], np.array([0.5]))[:, 0, 0]
    # Halved or not at all over a span of ln 2, as far as two reports can be trusted.
    trusted = 0.5 / (1 + exponents.REPORT_NOISE / np.log(2) ** 2)
    assert ends == pytest.approx([0.2 * 2 ** -(0.5 + trusted), 0.4 * 2 ** -(0.5 - trusted)])


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


def test_without_an_ideal_the_range_seen_stands_in() -> None:
    objectives = ObjectiveSet([Objective("reward", "max", 0)])
    ends_of = Projection(ProjectionSettings(objectives, max_t=4))
    ends_of.curves.add("a", 1, np.array([-1.0]))  # reward 1
    ends_of.curves.add("b", 1, np.array([-3.0]))  # reward 3, the best
    # Pseudo-ideal: reward 5. a: distance 4, halved by the prior: reward 3; b: 4.
    ends = ends_of.ends(["a", "b"], np.array([0.5]))[:, 0, 0]
    assert ends == pytest.approx([-3, -4])


def test_gain_by_hand() -> None:
    ends_of = Projection(settings())
    ends_of.curves.add("a", 4, p(0.2, 50))  # dominates (0.5 − 0.2)·(100 − 50) = 15
    ends_of.curves.add("b", 1, p(0.4, 60))  # ends at (0.2, 60): nothing beyond a
    ends_of.curves.add("c", 1, p(0.4, 40))  # now (0.5 − 0.4)·(50 − 40) = 1 of its own
    assert ends_of.hypervolume() == pytest.approx(16)
    # c ends at (0.2, 40): 10 × (0.5 − 0.2) = 3, of which it has 1 already.
    assert ends_of.gains(["b", "c"], []) == pytest.approx([0, 2], abs=1e-5)
    # If c trains now, its end stands: d at the same place would add nothing.
    ends_of.curves.add("d", 1, p(0.4, 40))
    assert ends_of.gains(["d"], ["c"]) == pytest.approx([0], abs=1e-5)


def test_the_gain_is_an_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponents, "PRIOR_SPREAD", 0.2)
    ends_of = Projection(settings())
    ends_of.curves.add("a", 4, p(0.3, 10))
    ends_of.curves.add("b", 1, p(0.8, 5))
    errors = ends_of.ends(["b"], np.array([0.1, 0.3, 0.5, 0.7, 0.9]))[0, :, 0]
    assert (np.diff(errors) < 0).all()
    # Beyond what a dominates at size 10: up to the reference (0.5, 100).
    gains = np.where(errors < 0.5, (0.5 - errors) * 95 - (0.5 - np.maximum(errors, 0.3)) * 90, 0)
    assert (gains > 0).sum() in (2, 3, 4)
    assert ends_of.gains(["b"], []) == pytest.approx([gains.mean()])


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
    # b gets worse, an exponent of −0.09, which is expected to go on in part: to 0.30 in two epochs.
    # One such curve leaves a an exponent of 0.25: to 0.28 in three.
    assert rule.report("b", 2, p(0.32, 50)) is Decision.PAUSE
    assert rule.projected_ends(["a", "b"], 0.5)[:, 0] == pytest.approx([0.281, 0.303], abs=0.001)
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


def test_what_is_left_of_a_trial_must_be_worth_its_part() -> None:
    # Both may gain 1.2: from 0.94 to 0.47 at t = 1 (0.03 · 40), from 0.23 to 0.20 at t = 3. The
    # margin asks for a tenth of 20 for three epochs of four, or a tenth of 31 for one.
    for t, error, chosen in ((1, 0.94, None), (3, 0.2 / 0.75**0.5, "b")):
        rule = HypervolumePromotionRule(settings(margin=0.1))
        rule.report("a", 4, p(0.1, 50))
        rule.report("b", t, p(error, 10))
        assert rule.choose(False) == chosen


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


def test_a_diverged_trial_does_not_stretch_the_unknown_ideal() -> None:
    objectives = ObjectiveSet([Objective("loss", "min", 1.0)])
    ends_of = Projection(ProjectionSettings(objectives, max_t=4))
    ends_of.curves.add("a", 1, np.array([0.5]))
    ends_of.curves.add("b", 1, np.array([1e6]))
    # Pseudo-ideal 2·0.5 − 1 = 0: the distance 0.5 halves.
    assert ends_of.ends(["a"], np.array([0.5]))[0, 0] == pytest.approx([0.25])


def test_a_diverged_trial_hides_no_course() -> None:
    def end(*losses: float) -> float:
        ends_of = Projection(settings())
        for t in (1, 2):
            ends_of.curves.add("a", t, p(0.4 / t, 10))
        for t, loss in enumerate(losses, 1):
            ends_of.curves.add("diverged", t, p(loss, 10))
        return float(ends_of.ends(["a"], np.array([0.5]))[0, 0, 0])

    assert end(1e15) == pytest.approx(end())


def test_one_perfect_trial_is_not_everybodys_future() -> None:
    ends_of = Projection(settings())
    ends_of.curves.add("a", 1, p(0.4, 10))
    ends_of.curves.add("a", 4, p(0.0, 10))
    ends_of.curves.add("b", 1, p(0.4, 10))
    # The exponent of a is capped at 3.
    assert ends_of.ends(["b"], np.array([1.0]))[0, 0, 0] == pytest.approx(0.4 / 64)


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


def test_who_was_at_the_ideal_spoils_nobodys_future() -> None:
    def end(*strange: float) -> float:
        ends_of = Projection(settings())
        for trial in range(5):
            for t in (1, 2, 4):
                ends_of.curves.add(str(trial), t, p(0.4 * t**-0.5, 10))
        for t, error in zip((1, 2, 4), strange, strict=False):
            ends_of.curves.add("strange", t, p(error, 10))
        for t in (1, 2):
            ends_of.curves.add("asked", t, p(0.4 * t**-0.5, 10))
        return float(ends_of.ends(["asked"], np.array([0.5]))[0, 0, 0])

    assert end() == pytest.approx(0.2)
    assert end(0.4, 0.0, 0.0) == pytest.approx(end(), rel=1e-6)
    assert end(0.4, 0.0, 0.01) == pytest.approx(end(), rel=1e-6)


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
