"""Bounds of skewed losses cover as often as is said, and a margin is shown only if it holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from bench.analysis.statistics.margins import (
    POWER,
    below_margin,
    detectable,
    head_to_head,
    skewed_mean,
    upper_bound,
)

Draw = Callable[[np.random.Generator, int], np.ndarray]

EXPONENTIAL: Draw = lambda rng, n: rng.exponential(1, n)  # noqa: E731
LOGNORMAL: Draw = lambda rng, n: rng.lognormal(0, 1, n)  # noqa: E731
MOSTLY_ZERO: Draw = lambda rng, n: rng.exponential(1, n) * (rng.random(n) < 0.3)  # noqa: E731
NORMAL: Draw = lambda rng, n: rng.normal(0, 1, n)  # noqa: E731


@pytest.mark.parametrize(
    ("draw", "mean", "n", "two_sided", "one_sided"),
    [
        (NORMAL, 0.0, 6, 0.95, 0.95),
        (NORMAL, 0.0, 20, 0.95, 0.95),
        (EXPONENTIAL, 1.0, 6, 0.93, 0.89),
        (EXPONENTIAL, 1.0, 20, 0.94, 0.93),
        (LOGNORMAL, np.exp(0.5), 6, 0.88, 0.84),
        (LOGNORMAL, np.exp(0.5), 20, 0.93, 0.90),
        (MOSTLY_ZERO, 0.3, 6, 0.82, 0.80),
        (MOSTLY_ZERO, 0.3, 20, 0.96, 0.95),
    ],
)
def test_coverage(draw: Draw, mean: float, n: int, two_sided: float, one_sided: float) -> None:
    """The shares are stated in the docstring; Student's intervals cover less often."""
    rng = np.random.default_rng(n)
    samples = [draw(rng, n) for _ in range(2000)]
    found = [skewed_mean(sample) for sample in samples]
    covered = np.mean([one.low <= mean <= one.high for one in found])
    above = np.mean([upper_bound(sample) >= mean for sample in samples])
    assert covered == pytest.approx(two_sided, abs=0.02)
    assert above == pytest.approx(one_sided, abs=0.02)
    if draw is not NORMAL:
        errors = [sample.std(ddof=1) / np.sqrt(n) for sample in samples]
        reach = stats.t.ppf(0.975, n - 1) * np.array(errors)
        students = np.mean(np.abs([sample.mean() - mean for sample in samples]) <= reach)
        assert students < covered


def test_of_values_that_are_not_skewed_it_is_students() -> None:
    sample = [1.0, 2.0, 3.0, 4.0, 5.0]
    low, high = stats.t.interval(0.95, 4, 3.0, stats.sem(sample))
    found = skewed_mean(sample)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, low, high))


def test_few_and_equal_values() -> None:
    assert np.isnan(skewed_mean([0.3]).high)
    assert skewed_mean([0.3, 0.3, 0.3]).high == pytest.approx(0.3)
    assert skewed_mean([0.0, 0.0]).high == 0.0
    for values in ([], [1.0, np.nan], [[1.0]]):
        with pytest.raises(ValueError, match="a mean needs at least one value, and only finite"):
            skewed_mean(values)


def test_a_margin_is_shown_by_the_bound_and_not_by_the_mean() -> None:
    losses = [0.0, 0.0, 0.0, 0.0, 0.001, 0.02]
    found = below_margin(losses, margin=0.005)
    assert found.mean < 0.005 < found.bound
    assert not found.is_shown
    assert below_margin(losses, margin=0.1).is_shown


def test_what_is_detectable_is_found_as_often_as_is_said() -> None:
    rng = np.random.default_rng(1)
    n, pilot = 12, np.linspace(-1, 1, 12)
    loss, spread = detectable(pilot), pilot.std(ddof=1)
    samples = rng.normal(loss, spread, (4000, n))
    t = samples.mean(axis=1) / (samples.std(axis=1, ddof=1) / np.sqrt(n))
    assert (t > stats.t.ppf(0.95, n - 1)).mean() == pytest.approx(POWER, abs=0.03)


def test_head_to_head() -> None:
    rng = np.random.default_rng(0)
    second = rng.random(20)
    found = head_to_head(second + 0.1, second)
    assert (found.wins, found.ties, found.losses) == (20, 0, 0)
    assert found.median == pytest.approx(0.1)
    assert found.p == pytest.approx(2 * 0.5**20)
    same = head_to_head(second, second + 1e-9, tie=1e-6)
    assert (same.wins, same.ties, same.losses, same.p) == (0, 20, 0, 1.0)
    with pytest.raises(ValueError, match="both methods need the same cases, got 20 and 19"):
        head_to_head(second, second[:19])
