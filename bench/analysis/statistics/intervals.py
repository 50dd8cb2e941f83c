"""Estimates with bootstrap intervals: means, paired ratios, and the IQM over cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Floats = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
Statistic = Callable[[Floats], Floats]
"""Of the last axis, like ``np.mean(values, axis=-1)``."""

RESAMPLES = 10_000
ENOUGH_SEEDS = 6
"""With fewer an exact paired test cannot reach 0.05, and an interval would promise too much."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, all in the unit of the values.

    Args:
        value: The statistic of the sample itself.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether the interval lies to one side of a value."""
        return self.low > value or self.high < value


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of a mean, see `tail`; the same at every call.

    Args:
        values: (n,), one per seed.
        level: Of confidence, 0 to 1.

    Returns:
        Its lower and upper end; NaN for no values.
    """
    sample = np.asarray(values, dtype=float)
    if len(sample) == 0:
        return float("nan"), float("nan")
    picks = np.random.default_rng(0).integers(len(sample), size=(RESAMPLES, len(sample)))
    return _ends(sample[picks].mean(axis=1), tail(len(sample), level=level))


def tail(size: int, degrees: int | None = None, level: float = 0.95) -> float:
    """Share of resamples that an interval leaves out at either end: the expanded percentile.

    The plain percentile interval is too narrow for few values, whose resamples vary by (n − 1) / n
    of their variance and have the tails of a normal distribution. This one leaves out what lies
    beyond Student's t, widened by √(n / (n − 1)): of six normal values it covers the mean 94 times
    in a hundred, the plain one 86 times.

    Args:
        size: n ≥ 1, values that are resampled together; one alone leaves out nothing.
        degrees: Of freedom; None is ``size - 1``.
        level: Of confidence, 0 to 1.

    Source: Hesterberg 2015, doi:10.1080/00031305.2015.1089789 (expanded percentile interval).
    """
    if size < 2:
        return 0.0
    quantile = stats.t.ppf((1 - level) / 2, size - 1 if degrees is None else degrees)
    return float(stats.norm.cdf(quantile * np.sqrt(size / (size - 1))))


def _ends(resampled: Floats, left_out: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, [left_out, 1 - left_out])
    return float(low), float(high)


def iqm(values: ArrayLike) -> Floats:
    """Interquartile mean of the last axis: without the lowest and the highest quarter.

    Of n values, ⌊n/4⌋ are left out at each end: less noisy than a median, and no outlier moves it.

    Raises:
        ValueError: If there is no value or one is not finite.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.3.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim == 0 or array.shape[-1] == 0 or not np.isfinite(array).all():
        raise ValueError(f"iqm needs at least one value, and finite ones, got {values!r}")
    trimmed: Floats = np.asarray(stats.trim_mean(array, 0.25, axis=-1))
    return trimmed


def paired_ratio(
    values: ArrayLike,
    baseline: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Geometric mean of ``values / baseline``, pair by pair, with a bootstrap interval.

    Swapping the two gives the reciprocal. Pairs are resampled, so what they share cancels.

    Args:
        values: (n,) positive.
        baseline: (n,) positive, of the same seeds.
        rng: Draws the resamples.
        resamples: How many.
        level: Of confidence, 0 to 1.

    Raises:
        ValueError: If the shapes differ, or a value is not positive and finite.

    Source: Fleming & Wallace 1986, doi:10.1145/5666.5673, for the geometric mean.
    """
    mine, theirs = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    if mine.shape != theirs.shape or mine.ndim != 1 or mine.size == 0:
        raise ValueError(
            f"paired values need the same shape (n,), n ≥ 1, got {mine.shape} and {theirs.shape}"
        )
    if not (np.isfinite(mine) & np.isfinite(theirs) & (mine > 0) & (theirs > 0)).all():
        raise ValueError("a ratio needs positive finite values; leave the other pairs out")
    logs = np.log(mine) - np.log(theirs)
    of_logs = stratified_interval([logs], _mean, rng, resamples=resamples, level=level)
    return Estimate(*(float(np.exp(end)) for end in (of_logs.value, of_logs.low, of_logs.high)))


def stratified_interval(
    cells: Sequence[ArrayLike],
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    matched: bool = False,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """A statistic of the values of all cells, with a stratified bootstrap interval.

    Seeds are resampled within their cell, so every cell keeps its weight. How many resamples lie
    outside of the interval: see `tail`.

    Args:
        cells: One (n_i,) array a cell, n_i ≥ 1, finite.
        statistic: Of the last axis of (..., Σ n_i), e.g. `iqm`.
        rng: Draws the resamples.
        matched: Whether the k-th value of every cell comes from the same seed, and what a seed
            brings (its configurations) is shared by the cells. Seeds are then drawn once for all
            cells: as if the cells were independent, the interval would be too narrow.
        resamples: How many.
        level: Of confidence, 0 to 1.

    Raises:
        ValueError: If a cell is empty or not finite, matched cells differ in length, or
            `resamples` or `level` are out of range.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.1; matched: Davison & Hinkley 1997,
    section 3.8 (the units that are independent are what is resampled).
    """
    arrays = checked(cells, matched)
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(f"needs resamples ≥ 1 and 0 < level < 1, got {resamples} and {level}")
    picks = [_picks(len(array), resamples, rng) for array in arrays[: 1 if matched else None]]
    picks *= len(arrays) if matched else 1
    drawn = [array[pick] for array, pick in zip(arrays, picks, strict=True)]
    sizes = [len(array) for array in arrays]
    degrees = sizes[0] - 1 if matched else sum(size - 1 for size in sizes)
    left_out = tail(min(sizes), degrees, level)
    ends = _ends(statistic(np.concatenate(drawn, axis=1)), left_out)
    return Estimate(float(statistic(np.concatenate(arrays))), *ends)


def _picks(
    size: int, resamples: int, rng: np.random.Generator
) -> np.ndarray[tuple[Any, ...], np.dtype[np.int64]]:
    return rng.integers(size, size=(resamples, size))


def checked(cells: Sequence[ArrayLike], matched: bool) -> list[Floats]:
    """The cells as arrays, or a ValueError: see `stratified_interval`."""
    arrays = [np.asarray(cell, dtype=float) for cell in cells]
    if not arrays or any(array.ndim != 1 or array.size == 0 for array in arrays):
        shapes = [array.shape for array in arrays]
        raise ValueError(f"needs at least one cell, each of shape (n,), n ≥ 1, got {shapes}")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("values must be finite: leave out runs without one and say so")
    if matched and len({len(array) for array in arrays}) > 1:
        lengths = [len(array) for array in arrays]
        raise ValueError(f"matched cells need the same seeds, got cells of {lengths} values")
    return arrays


def _mean(values: Floats) -> Floats:
    mean: Floats = np.mean(values, axis=-1)
    return mean
