from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.rules.rungs import milestones, promotion_quota, stopping_quota

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(
    ("grace_period", "reduction_factor", "max_t", "bracket", "expected"),
    [
        # Li et al. 2020 (arXiv:1810.05934), figure 1: r = 1, η = 3, R = 9 has the rungs 1, 3, 9 in
        # bracket 0, 3, 9 in bracket 1 and 9 in bracket 2; R itself is no milestone here.
        (1, 3, 9, 0, (1, 3)),
        (1, 3, 9, 1, (3,)),
        (1, 3, 9, 2, ()),
        # Li et al. 2018 (Hyperband), table 1: R = 81, η = 3, from 1 to 81.
        (1, 3, 81, 0, (1, 3, 9, 27)),
        (1, 3, 81, 3, (27,)),
        # The paper's tables 2 and 4, and 3: η = 6 and 8 epochs.
        (1, 6, 8, 0, (1, 6)),
        (2, 6, 8, 0, (2,)),
    ],
)
def test_published_rungs(
    grace_period: int,
    reduction_factor: int,
    max_t: int,
    bracket: int,
    expected: tuple[int, ...],
) -> None:
    assert milestones(grace_period, reduction_factor, max_t, bracket) == expected


def test_the_full_budget_is_no_milestone() -> None:
    assert milestones(1, 2, 4) == (1, 2)
    assert milestones(1, 2, 4.5) == (1, 2, 4)
    assert milestones(3, 3, 3) == ()


def test_fractions_are_cut_and_repeats_dropped() -> None:
    # 1.5^k: 1, 1.5, 2.25, 3.375, 5.06, 7.59, 11.4
    assert milestones(1, 1.5, 10) == (1, 2, 3, 5, 7)


def test_rounding_does_not_cost_a_step() -> None:
    # sqrt(3)^2 is 2.9999999999999996 in floats, and so on for 9 and 27.
    root = math.sqrt(3)
    assert root**2 < 3
    assert milestones(1, root, 28) == (1, 3, 5, 9, 15, 27)


def test_rounding_does_not_make_the_full_budget_a_milestone() -> None:
    # The same product, 2.9999999999999996, is meant to be R = 3.
    assert milestones(1, math.sqrt(3), 3) == (1,)


def test_a_first_rung_far_beyond_the_budget_leaves_none() -> None:
    assert milestones(1, 3, 81, bracket=4) == ()
    assert milestones(1, 3, 81, bracket=100) == ()
    # 3^10000 is no float, but still beyond 81.
    assert milestones(1, 3, 81, bracket=10_000) == ()


@pytest.mark.parametrize("grace_period", [0, 0.5, -1, math.nan])
def test_grace_period_starts_at_one(grace_period: float) -> None:
    with pytest.raises(ValueError, match=r"^grace_period"):
        milestones(grace_period, 3, 9)


@pytest.mark.parametrize("reduction_factor", [1, 0.5, 0, -3, math.nan, math.inf])
def test_reduction_factor_is_finite_and_greater_than_one(reduction_factor: float) -> None:
    with pytest.raises(ValueError, match=r"^reduction_factor"):
        milestones(1, reduction_factor, 9)


@pytest.mark.parametrize("max_t", [1, 0, math.nan, math.inf])
def test_max_t_is_finite_and_at_least_the_grace_period(max_t: float) -> None:
    with pytest.raises(ValueError, match=r"^max_t"):
        milestones(2, 3, max_t)


def test_bracket_is_not_negative() -> None:
    with pytest.raises(ValueError, match=r"^bracket"):
        milestones(1, 3, 9, bracket=-1)


@given(st.integers(1, 9), st.integers(2, 9), st.integers(0, 500), st.integers(0, 3))
def test_whole_numbers_give_exact_powers(r: int, eta: int, extra: int, s: int) -> None:
    max_t = r + extra
    expected = tuple(r * eta**k for k in range(s, 20) if r * eta**k < max_t)
    assert milestones(r, eta, max_t, s) == expected


@given(st.integers(10, 50), st.integers(11, 60), st.integers(0, 300))
def test_tenths_against_fractions(r10: int, eta10: int, extra: int) -> None:
    # 400 steps of at least 1.1 pass every budget here.
    r, eta, max_t = Fraction(r10, 10), Fraction(eta10, 10), r10 + extra
    exact = {math.floor(r * eta**k) for k in range(100)}
    expected = tuple(sorted(b for b in exact if b < max_t))
    assert milestones(r10 / 10, eta10 / 10, max_t) == expected


@given(st.floats(1, 20), st.floats(1.01, 10), st.floats(20, 1000), st.integers(0, 4))
def test_milestones_ascend_below_the_budget(r: float, eta: float, max_t: float, s: int) -> None:
    budgets = milestones(r, eta, max_t, s)
    assert all(isinstance(b, int) and math.floor(r) <= b < max_t for b in budgets)
    assert list(budgets) == sorted(set(budgets))


@pytest.mark.parametrize(
    ("reduction_factor", "promoted"),
    [
        # ⌊n/η⌋ for n = 1, …, 7.
        (2, (0, 1, 1, 2, 2, 3, 3)),
        (3, (0, 0, 1, 1, 1, 2, 2)),
        (2.5, (0, 0, 1, 1, 2, 2, 2)),
        (1.5, (0, 1, 2, 2, 3, 4, 4)),
        (8, (0, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_quotas_by_hand(reduction_factor: float, promoted: tuple[int, ...]) -> None:
    for count, number in enumerate(promoted, start=1):
        assert promotion_quota(count, reduction_factor) == number
        assert promotion_quota(count, reduction_factor, "floor") == number
        assert promotion_quota(count, reduction_factor, "floor_plus_one") == number + 1
        # Under stopping the first trial at a rung always continues.
        assert stopping_quota(count, reduction_factor) == (number or 1)
        assert stopping_quota(count, reduction_factor, "floor") == (number or 1)
        assert stopping_quota(count, reduction_factor, "floor_plus_one") == number + 1


@given(st.integers(1, 400), st.integers(2, 9))
def test_one_more_is_a_place_of_at_most_one_in_eta(count: int, eta: int) -> None:
    # Syne Tune's condition: with the places 0, …, n − 1, a trial stops if place / n > 1 / η.
    continuing = sum(not place / count > 1 / eta for place in range(count))
    assert stopping_quota(count, eta, "floor_plus_one") == continuing
    assert promotion_quota(count, eta, "floor_plus_one") == continuing


def test_rounding_does_not_cost_a_place() -> None:
    # 33 / 1.1 is 29.999999999999996 in floats.
    assert 33 / 1.1 < 30
    assert promotion_quota(33, 1.1) == 30
    assert stopping_quota(33, 1.1) == 30
    assert stopping_quota(33, 1.1, "floor_plus_one") == 31


@given(st.integers(0, 2000), st.integers(11, 100))
def test_quotas_against_fractions(count: int, eta10: int) -> None:
    expected = count * 10 // eta10
    assert promotion_quota(count, eta10 / 10) == expected
    assert stopping_quota(count, eta10 / 10) == max(1, expected)
    assert promotion_quota(count, eta10 / 10, "floor_plus_one") == expected + 1
    assert stopping_quota(count, eta10 / 10, "floor_plus_one") == expected + 1
