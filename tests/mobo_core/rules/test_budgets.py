"""Budgets that no two trials share are rounded, so that decisions are made and stay cheap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core import Objective, ObjectiveSet
from mobo_core.objectives import Points
from mobo_core.rules import ends
from mobo_core.rules.budgets import ENOUGH, STEP, CommonBudgets
from mobo_core.rules.exponents import Past, Regression
from mobo_core.rules.projection import HypervolumePromotionRule, ProjectionSettings

OBJECTIVES = ObjectiveSet(
    [
        Objective("loss", "min", reference=2.0, ideal=0.0),
        Objective("size", "min", reference=100.0, exact=True),
    ]
)


def rounding(max_t: float) -> CommonBudgets:
    """Return budgets that have turned out not to be shared."""
    budgets = CommonBudgets(max_t)
    for number in range(ENOUGH):
        budgets.of(str(number), 1 + number / 100)
    return budgets


def test_shared_budgets_stay_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    budgets = CommonBudgets(max_t=81)
    for t in range(1, 82):  # the first trial runs alone to its end
        assert budgets.of("first", t) == t
    for number in range(3 * ENOUGH):
        for t in (1, 2, 3 + number):  # further on, each trial reports where no other does
            assert budgets.of(str(number), t) == t
    assert caplog.messages == []


def test_half_of_the_trials_must_share_theirs(caplog: pytest.LogCaptureFixture) -> None:
    budgets = CommonBudgets(max_t=8)
    for number in range(ENOUGH // 2):
        assert budgets.of(str(number), 1) == 1
    for number in range(ENOUGH // 2, ENOUGH):
        t = 1 + number / 100
        assert budgets.of(str(number), t) == t
    assert caplog.messages == []
    assert budgets.of("another", 3.3) != 3.3
    assert budgets.of("another", 4.4) != 4.4
    (said,) = caplog.messages
    assert said.startswith("6 of 11 trials have reported no budget that another trial")


@given(st.floats(0.01, 1e6), st.floats(1, 1e5))
def test_rounding_changes_a_budget_by_half_a_step_and_never_ends_a_trial(
    t: float, max_t: float
) -> None:
    rounded = rounding(max_t).of("late", t)
    if t >= max_t:
        assert rounded == max_t
    else:
        assert rounded < max_t
        nearest = STEP ** (0.5 if t < max_t / STEP else 1)  # a budget just below R is rounded down
        assert t / nearest * (1 - 1e-9) <= rounded <= t * nearest * (1 + 1e-9)


def test_trials_that_count_seconds_are_compared_and_cost_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A decision needs a regression per rounded budget, and these have curves to learn from."""
    max_t, trials = 27.0, 60
    known: list[int] = []

    fitted = Regression.fitted

    def counted(past: Past, shown: Points, lengths: np.ndarray, length: float) -> Regression:
        known.append(len(lengths))
        return fitted(past, shown, lengths, length)

    monkeypatch.setattr(ends.Regression, "fitted", counted)
    rule = HypervolumePromotionRule(ProjectionSettings(OBJECTIVES, max_t))
    rng = np.random.default_rng(0)
    for number in range(trials):
        speed, decay = rng.uniform(0.8, 1.25), rng.uniform(0.05, 0.6)
        for epoch in range(1, 9):
            point = np.array([epoch**-decay, 50.0])
            rule.report(str(number), epoch * speed, point)
            if rule.is_paused(str(number)) and epoch < 8:
                rule.resume(str(number))
    monkeypatch.setattr(ends, "GROWTH", 0)  # all regressions are fitted again
    rule.report("last", 1.0, np.array([0.9, 40.0]))
    known.clear()
    assert rule.choose(new_available=False) is not None
    most = np.log(1.25 / 0.8) / np.log(STEP) + 2 + ENOUGH  # the first trials were not rounded
    assert len(known) <= most
    assert max(known) > 5
