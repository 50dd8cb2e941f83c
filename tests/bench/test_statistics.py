"""Intervals against known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics import mean_interval


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = np.random.default_rng(3).gamma(2, size=20)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert mean_interval(values) == pytest.approx(theirs, rel=0.02)
    assert mean_interval(values) == mean_interval(values)


def test_it_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        low, high = mean_interval(rng.normal(5, 2, size=25), level=0.9)
        hits += low <= 5 <= high
    assert 0.82 <= hits / 200 <= 0.95


def test_edges() -> None:
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(mean_interval([])).all()
