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
"""A function that reduces the last axis, like ``np.mean(values, axis=-1)``."""

RESAMPLES = 10_000
"""The default number of bootstrap resamples."""
ENOUGH_SEEDS = 6
"""The fewest seeds for which an interval is shown.

With fewer, an exact paired test cannot reach 0.05, and an interval would promise too much."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, both in the unit of the values.

    Args:
        value: The statistic of the sample itself.
        low: The lower end of the interval.
        high: The upper end of the interval.
    """

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Return whether the interval lies entirely above or entirely below a value."""
        return self.low > value or self.high < value


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the bootstrap interval of a mean (see `tail`).

    The result is the same at every call.

    Args:
        values: (n,) values, one per seed.
        level: The confidence level, 0 to 1.

    Returns:
        The lower and the upper end of the interval; NaN without values.
    """
    sample = np.asarray(values, dtype=float)
    if len(sample) == 0:
        return float("nan"), float("nan")
    picks = np.random.default_rng(0).integers(len(sample), size=(RESAMPLES, len(sample)))
    return _ends(sample[picks].mean(axis=1), tail(len(sample), level=level))


def tail(size: int, degrees: int | None = None, level: float = 0.95) -> float:
    """Return the share of resamples that an interval leaves out at each end (expanded percentile).

    The plain percentile interval is too narrow for few values: resamples have only (n − 1) / n of
    the values' variance and the tails of a normal distribution. The expanded interval leaves out
    what lies beyond Student's t, widened by √(n / (n − 1)). For six normal values it covers the
    mean in 94 % of cases, and the plain interval in 86 %.

    Args:
        size: n ≥ 1, the number of values that are resampled together. For a single value nothing
            is left out.
        degrees: The degrees of freedom; None means ``size - 1``.
        level: The confidence level, 0 to 1.

    Source: Hesterberg 2015, doi:10.1080/00031305.2015.1089789 (expanded percentile interval).
    """
    if size < 2:
        return 0.0
    quantile = stats.t.ppf((1 - level) / 2, size - 1 if degrees is None else degrees)
    return float(stats.norm.cdf(quantile * np.sqrt(size / (size - 1))))


def _ends(resampled: Floats, left_out: float) -> tuple[float, float]:
    """Return both ends of the interval of resampled values."""
    low, high = np.quantile(resampled, [left_out, 1 - left_out])
    return float(low), float(high)


def iqm(values: ArrayLike) -> Floats:
    """Return the interquartile mean of the last axis: the mean without the outer quarters.

    Of n values, the lowest and the highest ⌊n/4⌋ are left out. The IQM is less noisy than a median,
    and no outlier changes it.

    Raises:
        ValueError: If there is no value, or if a value is not finite.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.3.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim == 0 or array.shape[-1] == 0 or not np.isfinite(array).all():
        raise ValueError(f"iqm needs at least one value, and only finite ones, got {values!r}")
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
    """Return the geometric mean of ``values / baseline`` over the pairs, with a bootstrap interval.

    Swapping the two gives the reciprocal. Pairs are resampled, so effects that both share cancel.

    Args:
        values: (n,) positive values.
        baseline: (n,) positive values of the same seeds.
        rng: The generator that draws the resamples.
        resamples: The number of resamples.
        level: The confidence level, 0 to 1.

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
        raise ValueError("a ratio needs positive finite values; leave out the other pairs")
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
    """Return a statistic of the values of all cells, with a stratified bootstrap interval.

    Seeds are resampled within their cell, so every cell keeps its weight. `tail` gives the share of
    resamples that lie outside the interval.

    Args:
        cells: One (n_i,) array per cell, n_i ≥ 1, finite.
        statistic: A function that reduces the last axis of (..., Σ n_i), e.g. `iqm`.
        rng: The generator that draws the resamples.
        matched: Whether the k-th value of every cell is of the same seed, and the cells share what
            that seed determines (its configurations). Seeds are then drawn once for all cells.
            Drawing them for each cell would make the interval too narrow.
        resamples: The number of resamples.
        level: The confidence level, 0 to 1.

    Raises:
        ValueError: If a cell is empty or not finite, if matched cells differ in length, or if
            `resamples` or `level` is out of range.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.1. For matched cells: Davison & Hinkley
    1997, section 3.8 (independent units are what is resampled).
    """
    arrays = checked(cells, matched)
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(
            f"resamples ≥ 1 and 0 < level < 1 are required, got {resamples} and {level}"
        )
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
    """Return (resamples, size) positions of values, drawn with replacement."""
    return rng.integers(size, size=(resamples, size))


def checked(cells: Sequence[ArrayLike], matched: bool) -> list[Floats]:
    """Return the cells as arrays, or raise the ValueError of `stratified_interval`."""
    arrays = [np.asarray(cell, dtype=float) for cell in cells]
    if not arrays or any(array.ndim != 1 or array.size == 0 for array in arrays):
        shapes = [array.shape for array in arrays]
        raise ValueError(f"at least one cell is required, each of shape (n,), n ≥ 1, got {shapes}")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("values must be finite: leave out runs without a value and report that")
    if matched and len({len(array) for array in arrays}) > 1:
        lengths = [len(array) for array in arrays]
        raise ValueError(f"matched cells need the same seeds, got cells of {lengths} values")
    return arrays


def _mean(values: Floats) -> Floats:
    """Return the mean of the last axis."""
    mean: Floats = np.mean(values, axis=-1)
    return mean
