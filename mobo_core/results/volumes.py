"""The hypervolume of a front as people read it, also where no float can hold it."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from mobo_core.pareto.indicators import hypervolume


def volume_or_nan(points: ArrayLike, reference_point: ArrayLike) -> float:
    """Return the hypervolume, or NaN if no float can hold it.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Example:
        >>> volume_or_nan([[1.0, 4.0]], [5.0, 5.0]), volume_or_nan([[-1e200, -1e200]], [0.0, 0.0])
        (4.0, nan)
    """
    try:
        return hypervolume(points, reference_point)
    except ValueError:
        return math.nan


def volume_text(volume: float) -> str:
    """Return the text for a hypervolume of `volume_or_nan`.

    Args:
        volume: The hypervolume; NaN if no float can hold it.

    Example:
        >>> volume_text(12.5), volume_text(float("nan"))
        ('12.5', 'too large for a float')
    """
    return "too large for a float" if math.isnan(volume) else f"{volume:.6g}"
