"""Places for labels beside the points of a figure, so that they overlap as little as possible.

The search is greedy with a few rounds of repair and uses no random numbers: the same points give
the same places. All lengths are in pixels; x grows to the right and y grows upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.analysis.statistics.intervals import Floats

Side = Literal["left", "center", "right"]

RINGS = (9.0, 16.0, 26.0, 38.0, 52.0, 70.0, 92.0, 118.0)
"""Distances between a point and its label that are tried."""
DIRECTIONS = 16
"""Directions from a point that are tried."""
MARKER = 7.0
"""Half the width of the square around a point that no label should cover."""
ROUNDS = 4
"""Times that every label may move again when all others have a place."""
AMBIGUOUS = 80.0
"""The cost of a label without a line that is about as close to another point as to its own."""
CLEARANCE = 5.0
"""A label must be closer to its own point than to any other, by this many pixels."""
SAME = 4.0
"""Points that are closer than this many pixels look like one; their labels may stand together."""
SAMPLES = np.linspace(0.1, 0.95, 12)
"""Parts of the line between point and label at which it is tested for what it crosses."""
TOLERATED = 0.02
"""The part of a label that other labels may cover; a label that is covered more is left out."""


@dataclass(frozen=True)
class Place:
    """The place of one label.

    Args:
        x: Distance of the label's anchor from its point, to the right.
        y: Distance of the label's middle from its point, upwards.
        side: The side of the text at which the anchor is.
        near: True if the label is so close to its point that no line needs to join them.
    """

    x: float
    y: float
    side: Side
    near: bool


@dataclass(frozen=True)
class _Candidates:
    """All places that are tried for one label, C of them.

    Args:
        places: The places.
        boxes: (C, 4) left, bottom, right and top of the label.
        lines: (C, S, 2) points on the line between point and label; NaN where none is drawn.
        costs: (C,) the cost that does not depend on other labels.
    """

    places: Sequence[Place]
    boxes: Floats
    lines: Floats
    costs: Floats


def place(
    points: Floats,
    sizes: Floats,
    area: tuple[float, float],
    taken: Floats | None = None,
    avoided: Floats | None = None,
    rules: Floats | None = None,
) -> list[Place | None]:
    """Return a place for each label, or None for a label that would cover another one.

    Args:
        points: (n, 2) positions in the area, the most important first: it keeps its label.
        sizes: (n, 2) width and height of the labels.
        area: Width and height of the area that labels may not leave.
        taken: (k, 4) left, bottom, right and top of boxes that no label may cover.
        avoided: (k, 4) boxes that a label covers only if that saves it a longer way.
        rules: (k, 4) boxes that no label may cover, but the line to a label may cross them.
    """
    taken = np.empty((0, 4)) if taken is None else taken
    avoided = np.empty((0, 4)) if avoided is None else avoided
    closed = taken if rules is None else np.vstack([taken, rules])
    fixed = np.asarray(area), taken, avoided, closed
    tried = [_candidates(k, points, size, *fixed) for k, size in enumerate(sizes)]
    chosen: dict[int, int] = {}
    for _ in range(ROUNDS):
        before = dict(chosen)
        for k, mine in enumerate(tried):
            others = [(tried[i], c) for i, c in chosen.items() if i != k]
            chosen[k] = int(np.argmin(mine.costs + _between(mine, others)))
        if chosen == before:
            break
    return _kept(tried, chosen, np.asarray(area), closed)


def _candidates(
    which: int,
    points: Floats,
    size: Floats,
    area: Floats,
    taken: Floats,
    avoided: Floats,
    closed: Floats,
) -> _Candidates:
    point, (width, height) = points[which], size
    places, boxes, ends, costs = [], [], [], []
    for ring, distance in enumerate(RINGS):
        for turn in range(0, DIRECTIONS, 1 if ring else 2):
            angle = 2 * np.pi * turn / DIRECTIONS
            right, up = float(np.cos(angle)), float(np.sin(angle))
            side: Side = "left" if right > 0.3 else "right" if right < -0.3 else "center"
            x, y = distance * right, distance * up + 0.5 * height * up
            left = {"left": x, "center": x - width / 2, "right": x - width}[side]
            box = np.array([left, y - height / 2, left + width, y + height / 2])
            places.append(Place(x, y, side, ring == 0))
            boxes.append(box + np.tile(point, 2))
            end = np.clip(np.zeros(2), box[:2], box[2:])  # the corner or edge that is nearest
            ends.append(end if ring else np.full(2, np.nan))
            # Right beside the point reads best, then left, then above and below.
            turned = 8 * (1 - abs(right)) + (3 if right < 0 else 0)
            costs.append(distance + turned + (12 if ring else 0))
    found, ending = np.array(boxes), np.array(ends)
    lines = point + SAMPLES[None, :, None] * ending[:, None, :]
    markers = np.hstack([points - MARKER, points + MARKER])
    others = np.delete(markers, which, axis=0)
    surface = width * height
    drawn = np.array([not each.near for each in places])
    outside = np.clip(-found[:, :2], 0, None) + np.clip(found[:, 2:] - area, 0, None)
    fixed = (
        np.array(costs)
        + 20 * outside.sum(axis=1)
        + 600 * _overlap(found, others) / surface
        + _covering(found, closed)
        + 25 * _overlap(found, avoided) / surface
        + 25 * _crossed(lines, np.vstack([others, taken]))
        + _ambiguous(found, drawn, points, which)
    )
    return _Candidates(places, found, lines, fixed)


def _ambiguous(boxes: Floats, drawn: Floats, points: Floats, which: int) -> Floats:
    """Return the (C,) cost of labels that a reader may take for the label of another point.

    Args:
        boxes: (C, 4) boxes of one label.
        drawn: (C,) true where a line joins the label and its point.
        points: (n, 2) all points.
        which: The index of the label's own point.
    """
    nearest = np.clip(points[None], boxes[:, None, :2], boxes[:, None, 2:])
    distances = np.linalg.norm(points[None] - nearest, axis=2)
    others = np.linalg.norm(points - points[which], axis=1) > SAME
    if not others.any():
        return np.zeros(len(boxes))
    closest = distances[:, others].min(axis=1)
    # A line tells which point is meant, so there another point must only not touch the label.
    limit = np.where(drawn, MARKER + CLEARANCE, distances[:, which] + CLEARANCE)
    cost: Floats = np.where(closest < limit, np.where(drawn, AMBIGUOUS / 8, AMBIGUOUS), 0.0)
    return cost


def _between(mine: _Candidates, others: Sequence[tuple[_Candidates, int]]) -> Floats:
    """Return the (C,) cost of each candidate against the labels that have a place."""
    if not others:
        return np.zeros(len(mine.boxes))
    boxes = np.array([theirs.boxes[c] for theirs, c in others])
    lines = np.array([theirs.lines[c] for theirs, c in others])
    through = _crossings(lines, mine.boxes).sum(axis=0)
    cost: Floats = _covering(mine.boxes, boxes) + 25 * (_crossed(mine.lines, boxes) + through)
    return cost


def _kept(
    tried: Sequence[_Candidates], chosen: dict[int, int], area: Floats, taken: Floats
) -> list[Place | None]:
    """Return the chosen places without those that cover something more important."""
    found: list[Place | None] = []
    covered = taken
    for k, mine in enumerate(tried):
        box = mine.boxes[chosen[k]]
        surface = np.prod(box[2:] - box[:2])
        inside = (box[:2] >= -2).all() and (box[2:] <= area + 2).all()
        clear = _overlap(box[None], covered)[0] <= TOLERATED * surface
        found.append(mine.places[chosen[k]] if inside and clear else None)
        if inside and clear:
            covered = np.vstack([covered, box])
    return found


def _covering(boxes: Floats, others: Floats) -> Floats:
    """Return the (C,) cost of boxes that cover others; it is high where a label is left out."""
    part = _overlap(boxes, others) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    cost: Floats = 1000 * part + np.where(part > TOLERATED, 200.0, 0.0)
    return cost


def _overlap(boxes: Floats, others: Floats) -> Floats:
    """Return for each of (C, 4) boxes the area that (k, 4) others cover, summed over the others."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: Floats = np.prod(np.clip(high - low, 0, None), axis=2).sum(axis=1)
    return shared


def _crossed(lines: Floats, boxes: Floats) -> Floats:
    """Return for each of (C, S, 2) lines how many (k, 4) boxes it crosses."""
    counts: Floats = _crossings(lines, boxes).sum(axis=1)
    return counts


def _crossings(lines: Floats, boxes: Floats) -> Floats:
    """Return (C, k) ones where a line, given by S points on it, crosses a box; else zeros."""
    at = lines[:, :, None, :]
    above = np.all(at >= boxes[:, :2], axis=3)
    below = np.all(at <= boxes[:, 2:], axis=3)
    crossed: Floats = np.any(above & below, axis=1).astype(float)
    return crossed
