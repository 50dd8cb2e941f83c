"""Intervals against known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.statistics import iqm, mean_interval, paired_ratio, stratified_interval
from bench.analysis.statistics.intervals import Floats, tail

POSITIVE = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=12)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=-1))


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = np.random.default_rng(3).gamma(2, size=20)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        confidence_level=1 - 2 * tail(20),
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert mean_interval(values) == pytest.approx(theirs, rel=0.02)
    assert mean_interval(values) == mean_interval(values)


@pytest.mark.parametrize("seeds", [6, 25])
def test_it_covers_the_mean_as_often_as_it_says(seeds: int) -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(5, 2, size=(1000, seeds))
    intervals = [mean_interval(values) for values in drawn]
    # If the true share is 95 %, 1,000 draws give 92.9 to 97.0 % in 998 cases of 1,000.
    assert 0.929 <= np.mean([low <= 5 <= high for low, high in intervals]) <= 0.970


def test_for_normal_values_the_interval_is_students() -> None:
    """For six values of mean 0 and variance 1 the half-width is 2.571 / √6 = 1.05, by hand."""
    values = np.array([-1.4, -0.8, -0.1, 0.1, 0.8, 1.4])
    values /= values.std(ddof=1)
    assert mean_interval(values) == pytest.approx((-1.05, 1.05), rel=0.1)
    assert tail(6) == pytest.approx(0.0024, abs=0.0001)  # Φ(−2.571 · √(6/5)) = Φ(−2.816)
    assert tail(10**6) == pytest.approx(0.025, rel=1e-4)
    assert tail(1) == 0


def test_edges() -> None:
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(mean_interval([])).all()


def test_iqm_leaves_out_a_quarter_at_either_end() -> None:
    # By hand: the middle of 1…8 is 3, 4, 5, 6; five values lose one value at either end.
    assert iqm([8, 1, 7, 2, 6, 3, 5, 4]) == 4.5
    assert iqm([0, 1, 2, 3, 1000]) == 2.0
    assert iqm([1, 5]) == 3.0  # fewer than four: the mean
    np.testing.assert_array_equal(iqm([[1, 2, 3, 9], [0, 4, 6, 7]]), [2.5, 5])


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf], 3.0])
def test_iqm_refuses_what_has_no_mean(values: object) -> None:
    with pytest.raises(ValueError, match="iqm needs at least one value"):
        iqm(values)  # type: ignore[arg-type]


def test_ratio_by_hand() -> None:
    # Ratios 2 and 8: the geometric mean is 4, and resamples give √(2·2), √(2·8) or √(8·8).
    estimate = paired_ratio([2, 24], [1, 3], rng())
    assert estimate.value == pytest.approx(4)
    assert (estimate.low, estimate.high) == pytest.approx((2, 8))


@given(POSITIVE, st.floats(0.1, 10))
def test_ratio_of_the_swapped_is_the_reciprocal_and_scales(values: list[float], c: float) -> None:
    baseline = np.arange(1.0, len(values) + 1)
    there = paired_ratio(values, baseline, rng(), resamples=200)
    back = paired_ratio(baseline, values, rng(), resamples=200)
    assert there.value == pytest.approx(1 / back.value)
    assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))
    scaled = paired_ratio(c * np.asarray(values), baseline, rng(), resamples=200)
    assert scaled.value == pytest.approx(c * there.value)
    assert there.low <= there.high


@pytest.mark.parametrize(
    ("values", "baseline", "message"),
    [
        ([1], [1, 2], "same shape"),
        ([], [], "same shape"),
        ([0, 1], [1, 1], "positive finite"),
        ([1, 1], [1, np.inf], "positive finite"),
    ],
)
def test_ratio_refuses(values: list[float], baseline: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_ratio(values, baseline, rng())


def test_stratified_interval_of_one_cell_is_scipys() -> None:
    values = np.random.default_rng(3).gamma(2, size=20)
    theirs = stats.bootstrap(
        (values,),
        np.median,
        n_resamples=20_000,
        confidence_level=1 - 2 * tail(20),
        method="percentile",
        rng=rng(),
    ).confidence_interval
    ours = stratified_interval([values], lambda x: np.median(x, axis=-1), rng())
    assert (ours.low, ours.high) == pytest.approx(theirs, rel=0.05)  # two sets of resamples
    assert ours.value == np.median(values)


def test_cells_keep_their_weight() -> None:
    # The cells are constant: every resample has two tens and one four.
    estimate = stratified_interval([[10.0, 10.0], [4.0]], mean, rng())
    assert (estimate.value, estimate.low, estimate.high) == (8, 8, 8)


def test_cells_that_share_their_seeds_add_no_certainty() -> None:
    values = np.random.default_rng(0).normal(size=20)
    alone = stratified_interval([values], mean, rng())
    shared = stratified_interval([values] * 4, mean, rng(), matched=True)
    apart = stratified_interval([values] * 4, mean, rng())
    assert (shared.low, shared.high) == pytest.approx((alone.low, alone.high))
    # Four independent cells: half the width, less for their 76 degrees of freedom instead of 19,
    # within what 10,000 resamples vary.
    expected = 0.5 * stats.t.ppf(0.975, 76) / stats.t.ppf(0.975, 19)
    assert (apart.high - apart.low) / (alone.high - alone.low) == pytest.approx(expected, rel=0.05)


def test_matched_cells_cancel_what_a_seed_brings() -> None:
    # The mean of x and −x is 0 with every seed; drawn apart it is not.
    values = np.random.default_rng(0).normal(size=20)
    shared = stratified_interval([values, -values], mean, rng(), matched=True)
    assert shared.high - shared.low == pytest.approx(0, abs=1e-12)
    assert stratified_interval([values, -values], mean, rng()).high > 0.1


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6), min_size=1, max_size=4))
def test_intervals_repeat_stay_within_the_values_and_leave_the_global_rng(
    cells: list[list[float]],
) -> None:
    np.random.seed(5)  # noqa: NPY002 - the global state is what must not be touched
    before = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]  # noqa: NPY002
    one, two = (stratified_interval(cells, iqm, rng(), resamples=100) for _ in range(2))
    assert one == two
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index,union-attr]  # noqa: NPY002
    everything = np.concatenate(cells)
    slack = 1e-9 * max(1.0, np.abs(everything).max())  # rounding of a mean
    assert everything.min() - slack <= one.low <= one.high <= everything.max() + slack


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ([], {}, "at least one cell"),
        ([[1.0], []], {}, "at least one cell"),
        ([[np.nan]], {}, "values must be finite"),
        ([[1.0], [1.0, 2.0]], {"matched": True}, "matched cells need the same seeds"),
        ([[1.0]], {"level": 1.0}, "0 < level < 1"),
        ([[1.0]], {"resamples": 0}, "resamples ≥ 1"),
    ],
)
def test_stratified_interval_refuses(
    cells: list[list[float]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        stratified_interval(cells, mean, rng(), **options)  # type: ignore[arg-type]
