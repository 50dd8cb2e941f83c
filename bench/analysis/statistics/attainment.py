"""The regions of objective space that one method's runs attain more often than another's."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike

from bench.analysis.statistics.intervals import Floats
from mobo_core.pareto.dominance import as_points, inside_mask
from mobo_core.pareto.indicators import attainment_surface

__all__ = ["attainment_difference", "attainment_surface"]


def attainment_difference(
    sets: Sequence[ArrayLike], others: Sequence[ArrayLike], reference_point: ArrayLike
) -> Floats:
    """Return (k, 5) boxes that tile the regions where two methods' attainment differs.

    The columns are ``lower x, lower y, upper x, upper y, difference``. The difference is the share
    of `sets` that attain the box minus the share of `others`. It lies within −1 and 1 and is not 0.
    Regions beyond the reference point do not count. A run without a point inside attains nothing.

    Args:
        sets: One method's runs: an (n_i, 2) array of minimised points per run.
        others: The other method's runs in the same form; their number may differ.
        reference_point: (2,) finite point at which the boxes end.

    Raises:
        ValueError: If a side has no set, or if there are not two objectives.

    Source: López-Ibáñez, Paquete & Stützle 2010, doi:10.1007/978-3-642-02538-9_9; computed by
    moocore.
    """
    reference = np.asarray(reference_point, dtype=float)
    if reference.shape != (2,) or not np.isfinite(reference).all():
        raise ValueError(
            f"an attainment difference needs a finite reference point of two objectives, got "
            f"{reference_point!r}"
        )
    if not sets or not others:
        raise ValueError("an attainment difference needs at least one set on each side")
    boxes = _rectangles(sets, others, reference)
    boxes[:, 2:4] = np.minimum(boxes[:, 2:4], reference)
    filled = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3]) & (boxes[:, 4] != 0)
    different: Floats = boxes[filled]
    return different


def _rectangles(
    sets: Sequence[ArrayLike], others: Sequence[ArrayLike], reference: Floats
) -> Floats:
    """Return moocore's boxes, with their differences as shares of the runs."""
    # moocore requires equally many sets on both sides, so each side is repeated.
    total = int(np.lcm(len(sets), len(others)))
    left = _labelled(sets, reference, total // len(sets))
    right = _labelled(others, reference, total // len(others))
    try:
        boxes: Floats = np.array(moocore.eafdiff(left, right, rectangles=True), dtype=float)
    except ValueError:  # moocore 0.3 fails if there is no box, that is, if nothing differs
        return np.empty((0, 5))
    boxes[:, 4] /= total
    return boxes


def _labelled(sets: Sequence[ArrayLike], reference: Floats, times: int) -> Floats:
    """Return (Σ n_i, 3) points inside the reference point, each with the number of its set.

    A set without such a point gets the reference point, which attains nothing.
    """
    rows = []
    for number, points in enumerate([one for one in sets for _ in range(times)]):
        array = as_points(points)
        array = array[inside_mask(array, reference)] if len(array) else array
        array = array if len(array) else reference[None]
        rows.append(np.column_stack([array, np.full(len(array), number + 1.0)]))
    return np.vstack(rows)
