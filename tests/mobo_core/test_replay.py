"""Replays: a hand-made trace, and what cannot be replayed."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core.halving import HalvingRule, HalvingSettings, PromotionHalvingRule
from mobo_core.objectives import Points
from mobo_core.replay import replay
from mobo_core.rules import Decision


class Always:
    """Lets everything run."""

    def add(self, trial_id: str) -> None:
        pass

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        return Decision.CONTINUE


CURVES = np.array([[[v, v]] * 4 for v in (4.0, 3.0, 2.0, 1.0)])
SETTINGS = HalvingSettings(max_t=4, reduction_factor=2)


def test_fifo_on_two_slots() -> None:
    seconds = np.array([[1.0] * 4, [2.0] * 4, [1.0] * 4, [1.0] * 4])
    result = replay(Always(), CURVES, slots=2, epoch_seconds=seconds)
    assert result.epochs.tolist() == [4, 4, 4, 4]
    assert result.resumes == 0
    # 0 until 4, then 2 until 8; 1 until 8, then 3 until 12.
    assert result.seconds == 12


def test_stopping_by_hand() -> None:
    # Every newcomer is better than all before: at 1 and 2 all go on.
    assert replay(HalvingRule(SETTINGS), CURVES).epochs.tolist() == [4, 4, 4, 4]
    # The other way round only the first of a rung does.
    assert replay(HalvingRule(SETTINGS), CURVES[::-1]).epochs.tolist() == [4, 1, 1, 1]


def test_promotion_by_hand() -> None:
    # One slot, each newcomer better: 0 waits at 1; 1 is the best of two and goes on at once to 2,
    # where ⌊1/2⌋ = 0 and it waits; 2 is the best of three, ⌊3/2⌋ = 1: goes on to 2; there it is
    # the best of two: goes on to the end. 3 is the best of four: to 2, best of three, ⌊3/2⌋ = 1:
    # to the end.
    result = replay(PromotionHalvingRule(SETTINGS), CURVES)
    assert result.epochs.tolist() == [1, 2, 4, 4]
    assert result.resumes == 0
    # Worse and worse: after the second trial the first is the best of two and is resumed to 2;
    # then the third (⌊3/2⌋ = 1, taken) and the fourth wait at 1. Of four, two may go on: the
    # second is resumed to 2, where the first is the best of two and is resumed to the end.
    result = replay(PromotionHalvingRule(SETTINGS), CURVES[::-1])
    assert result.epochs.tolist() == [4, 2, 1, 1]
    assert result.resumes == 3


@pytest.mark.parametrize(
    ("curves", "slots", "seconds"),
    [
        (np.zeros((2, 3)), 1, None),
        (np.zeros((2, 3, 2)), 0, None),
        (np.zeros((2, 3, 2)), 1, np.zeros((3, 2))),
    ],
)
def test_bad_input(curves: Points, slots: int, seconds: Points | None) -> None:
    with pytest.raises(ValueError, match="shape"):
        replay(Always(), curves, slots, seconds)
