"""Draw the Mermaid flowcharts of the pages as SVG, so that they need neither network nor script.

GitHub draws Mermaid itself. This extension covers what the pages use: ``flowchart TD``, boxes
``name["first line<br/>second line"]`` and arrows ``a --> b``. A box lies one floor below the lowest
box that points to it. An arrow that passes floors gets a place of its own on each of them. On every
floor the order follows the mean place of the neighbours above, then below (Sugiyama et al. 1981).
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

BOX_WIDTH, BOX_HEIGHT, PASSAGE_WIDTH = 240, 50, 30
GAP_X, GAP_Y, BORDER = 16, 40, 6
SWEEPS = 8
"""Number of times that the order of each floor is improved."""

BOX = re.compile(r'(\w+)\["([^"]+)"\]')
ARROW = re.compile(r"(\w+) --> (\w+)")

Place = tuple[str, ...]
"""A place on a floor: a box (its name), or where an arrow passes (its two ends and the floor)."""


@dataclass(frozen=True)
class Flowchart:
    """A flowchart.

    Args:
        boxes: The name of each box and the lines of its text.
        arrows: The names of the two boxes that each arrow joins, from the first to the second.
    """

    boxes: Mapping[str, Sequence[str]]
    arrows: Sequence[tuple[str, str]]


def parse(source: str) -> Flowchart:
    """Return the flowchart that Mermaid's source describes.

    Raises:
        ValueError: If a line is none of those that the module's text names.
    """
    first, *lines = (line.strip() for line in source.strip().splitlines())
    boxes, arrows = {}, []
    for line in lines:
        if box := BOX.fullmatch(line):
            boxes[box[1]] = box[2].split("<br/>")
        elif arrow := ARROW.fullmatch(line):
            arrows.append((arrow[1], arrow[2]))
        elif line:
            raise ValueError(f"expected a box or an arrow of a flowchart, got {line!r}")
    unknown = {name for arrow in arrows for name in arrow} - boxes.keys()
    if first != "flowchart TD" or unknown:
        raise ValueError(f"expected 'flowchart TD' and known boxes, got {first!r}, {unknown or ''}")
    return Flowchart(boxes, arrows)


def floors(chart: Flowchart) -> dict[str, int]:
    """Return the floor of each box, 0 at the top.

    Raises:
        ValueError: If the arrows form a circle.
    """
    floor = dict.fromkeys(chart.boxes, 0)
    for _ in chart.boxes:
        before = dict(floor)
        for upper, lower in chart.arrows:
            floor[lower] = max(floor[lower], floor[upper] + 1)
        if floor == before:
            return floor
    raise ValueError("the arrows of the flowchart form a circle")


def svg(chart: Flowchart) -> str:
    """Return the flowchart as an SVG element whose colours follow the page's theme."""
    floor = floors(chart)
    paths = [_path(arrow, floor) for arrow in chart.arrows]
    rows: list[list[Place]] = [[] for _ in range(max(floor.values()) + 1)]
    for name, level in floor.items():
        rows[level].append((name,))
    for path in paths:
        for level, place in enumerate(path[1:-1], start=floor[path[0][0]] + 1):
            rows[level].append(place)
    rows = _ordered(rows, paths)
    width = max(_width(row) for row in rows)
    x = {place: left + (width - _width(row)) / 2 for row in rows for place, left in _lefts(row)}
    y = {place: level * (BOX_HEIGHT + GAP_Y) for level, row in enumerate(rows) for place in row}
    drawn = [_arrow([(x[place], y[place]) for place in path]) for path in paths]
    drawn += [_box(x[(name,)], y[(name,)], lines) for name, lines in chart.boxes.items()]
    height = len(rows) * (BOX_HEIGHT + GAP_Y) - GAP_Y
    size = f"{-BORDER} {-BORDER} {width + 2 * BORDER:.0f} {height + 2 * BORDER}"
    label = html.escape("; ".join(f"{upper} to {lower}" for upper, lower in chart.arrows))
    head = (
        '<marker id="arrowhead" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 Z" fill="currentColor"/></marker>'
    )
    return (
        f'<svg class="flowchart" viewBox="{size}" role="img" '
        f'aria-label="Flowchart. Arrows: {label}">'
        f"<defs>{head}</defs>{''.join(drawn)}</svg>"
    )


def _path(arrow: tuple[str, str], floor: Mapping[str, int]) -> list[Place]:
    """Return the places of an arrow: its first box, where it passes floors, its second box."""
    upper, lower = arrow
    passed = range(floor[upper] + 1, floor[lower])
    return [(upper,), *((upper, lower, str(level)) for level in passed), (lower,)]


def _ordered(rows: list[list[Place]], paths: Sequence[Sequence[Place]]) -> list[list[Place]]:
    above: dict[Place, list[Place]] = {}
    below: dict[Place, list[Place]] = {}
    for path in paths:
        for upper, lower in itertools.pairwise(path):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for sweep in range(SWEEPS):
        neighbours, order = (above, 1) if sweep % 2 == 0 else (below, -1)
        centre: dict[Place, float] = {}
        for row in rows[::order]:
            means = {}
            for place, left in _lefts(row):
                near = [centre[other] for other in neighbours.get(place, ()) if other in centre]
                means[place] = sum(near) / len(near) if near else left - _width(row) / 2
            row.sort(key=lambda place: means[place])
            centre.update({place: left - _width(row) / 2 for place, left in _lefts(row)})
    return rows


def _lefts(row: Sequence[Place]) -> list[tuple[Place, float]]:
    """Return each place of a row and the distance of its middle from the row's left end."""
    found, left = [], 0.0
    for place in row:
        wide = _wide(place)
        found.append((place, left + wide / 2))
        left += wide + GAP_X
    return found


def _width(row: Sequence[Place]) -> float:
    return sum(_wide(place) for place in row) + GAP_X * (len(row) - 1)


def _wide(place: Place) -> int:
    return BOX_WIDTH if len(place) == 1 else PASSAGE_WIDTH


def _arrow(points: Sequence[tuple[float, float]]) -> str:
    """Return an arrow from below the first point's box, past the others, to above the last's."""
    x, y = points[0][0], points[0][1] + BOX_HEIGHT
    steps = [f"M{x:.0f},{y:.0f}"]
    for end_x, end_y in points[1:]:
        half = (end_y - y) / 2
        steps.append(f"C{x:.0f},{y + half:.0f} {end_x:.0f},{end_y - half:.0f} {end_x:.0f},{end_y}")
        x, y = end_x, end_y
        if (end_x, end_y) != points[-1]:
            y += BOX_HEIGHT
            steps.append(f"V{y:.0f}")
    return f'<path d="{" ".join(steps)}" fill="none" marker-end="url(#arrowhead)"/>'


def _box(x: float, y: float, lines: Sequence[str]) -> str:
    left, first = x - BOX_WIDTH / 2, y + BOX_HEIGHT / 2 - 9 * (len(lines) - 1) + 5
    texts = "".join(
        f'<text x="{x:.0f}" y="{first + 18 * number:.0f}" class="line{number}">'
        f"{html.escape(line)}</text>"
        for number, line in enumerate(lines)
    )
    return f'<rect x="{left:.0f}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>{texts}'


class DrawFlowcharts(SphinxTransform):
    """A transform that replaces each block of Mermaid's source with its drawing."""

    default_priority = 300

    def apply(self, **kwargs: Any) -> None:
        """Replace the blocks of one page."""
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid" or "mermaid" in block.get("classes", ()):
                drawing = svg(parse(block.astext()))
                block.replace_self(nodes.raw("", drawing, format="html"))


def setup(app: Any) -> dict[str, bool]:
    """Register the transform; Sphinx calls this."""
    app.add_transform(DrawFlowcharts)
    return {"parallel_read_safe": True}
