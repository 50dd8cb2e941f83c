"""The printed figure of savings: epochs saved and hypervolume kept by each scheduler."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.aggregate import BASELINE
from bench.report import summary
from bench.report.figures import savings_data
from bench.report.figures.drawing import GREY, Style, styles
from bench.report.figures.placing import Place
from bench.report.figures.savings_data import FIFO_NOTE, Cut, Point, Savings
from bench.report.statistics_section import Findings

INCHES = (8.0, 5.0)
LABEL_SIZE = 8.5
CARETS = {"left": 4, "right": 5, "up": 6, "down": 7}
"""Edge of the figure → Matplotlib's number for a triangle whose tip lies there."""
CUT_NOTE = "a triangle at the edge: the 95 % interval goes on"
NOTE_OFFSETS = (4.0, -12.0, 16.0, 28.0, -24.0, -36.0)
"""Distances of FIFO's note from the line where nothing is lost, in points; the first that fits."""
NOTE_ROOM = 6.0
"""The least distance of FIFO's note from the middle of a point, in pixels."""
EDGE = "0.15"
"""The colour of the edges of highlighted points, which makes light colours stand out, too."""
QUIET = "0.35"
"""The grey of names that are not highlighted."""


def savings(findings: Findings, subject: str) -> Figure:
    """Draw the epochs that each scheduler saves against the hypervolume that it keeps.

    Args:
        findings: The comparison with FIFO.
        subject: The problem and the data, for the line below the title.
    """
    looks = styles([BASELINE, *map(str, findings.baseline["series"])])
    return draw(savings_data.savings(findings), looks, summary.headline(findings), subject)


def draw(
    shown: Savings,
    looks: Mapping[str, Style],
    title: str,
    subject: str,
    x_title: str = savings_data.X_TITLE,
) -> Figure:
    """Draw training saved against hypervolume kept.

    Args:
        shown: The content of the figure.
        looks: Name of each scheduler → its style.
        title: One sentence: what was found.
        subject: What was run, for the line below the title.
        x_title: The title of the axis of savings.
    """
    figure = Figure(figsize=INCHES)
    axis = figure.subplots()
    headline = textwrap.fill(title, 76)
    about = textwrap.fill(subject, 112)
    below = 0.38 + 0.2 * headline.count("\n")  # inches from the top; so is the next line
    top = below + 0.54 + 0.16 * about.count("\n")
    edge, left, right, height = 0.015, 0.085, 0.97, INCHES[1]
    figure.subplots_adjust(left=left, right=right, bottom=0.105, top=1 - top / height)
    figure.text(edge, 1 - 0.12 / height, headline, va="top", fontsize=12, weight="bold")
    figure.text(edge, 1 - below / height, about, va="top", fontsize=9, color=QUIET)
    axis.set(xlim=shown.x, ylim=shown.y)
    axis.set_xlabel(x_title, fontsize=9.5)
    axis.set_title(savings_data.Y_TITLE, fontsize=9.5, loc="left", x=(edge - left) / (right - left))
    _dress(axis)
    for point in reversed(shown.points):
        _draw_point(axis, point, looks[point.name], shown.cuts(point))
    if shown.any_cut:
        axis.set_title(CUT_NOTE, fontsize=8, loc="right", color=QUIET)
    if shown.with_fifo:
        axis.plot(0, 100, color="black", marker="o", markersize=7, linestyle="none", zorder=4)
    _label(figure, axis, shown)
    return figure


def _dress(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color("0.6")
    axis.grid(color="0.92", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.axhline(100, color="0.55", linewidth=1, zorder=1)
    axis.tick_params(labelsize=9, color="0.6")
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
        each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _draw_point(axis: Axes, point: Point, style: Style, cuts: Sequence[Cut]) -> None:
    colour = style.colour if point.highlighted else GREY
    if point.highlighted:  # intervals of all schedulers would hide the names
        kept, saved = (point.kept, point.kept), (point.saved, point.saved)
        for x, y in ((point.saved_interval, kept), (saved, point.kept_interval)):
            axis.plot(x, y, color=colour, alpha=0.7, linewidth=1.8, zorder=2)
        for cut in cuts:
            axis.plot(
                cut.x,
                cut.y,
                color=colour,
                marker=CARETS[cut.toward],
                markersize=6,
                markeredgewidth=0,
                linestyle="none",
                clip_on=False,
                zorder=4,
            )
    axis.plot(
        point.saved,
        point.kept,
        color=colour,
        marker=style.marker if point.highlighted else "o",
        markersize=_size(point),
        markeredgecolor=EDGE if point.highlighted else "white",
        markeredgewidth=1.0 if point.highlighted else 0.8,
        linestyle="none",
        zorder=4 if point.highlighted else 3,
    )


def _size(point: Point) -> float:
    """Return the size of a point's marker, the larger the more important it is."""
    if point.recommended:
        return 10.5
    return 8.5 if point.highlighted else 6.5


def _label(figure: Figure, axis: Axes, shown: Savings) -> None:
    """Write the names where they cover least, and the name of FIFO at its point or at the edge."""
    figure.draw_without_rendering()
    low, high = axis.transData.transform([(shown.x[0], shown.y[0]), (shown.x[1], shown.y[1])])
    if shown.with_fifo:
        fifo = axis.annotate(
            BASELINE, (0, 100), (6, 5), textcoords="offset points", fontsize=LABEL_SIZE
        )
    else:
        fifo = _note_of_fifo(axis, shown)
    names = [
        axis.text(point.saved, point.kept, point.name, fontsize=LABEL_SIZE, weight=_weight(point))
        for point in shown.points
    ]
    boxes = [name.get_window_extent() for name in names]
    sizes = np.array([(box.width + 2, 0.85 * box.height) for box in boxes])
    note = fifo.get_window_extent()
    taken = [[note.x0 - low[0], note.y0 - low[1], note.x1 - low[0], note.y1 - low[1]]]
    if shown.with_fifo:
        x, y = axis.transData.transform((0, 100)) - low
        taken.append([x - 6, y - 6, x + 6, y + 6])
    area = (float(high[0] - low[0]), float(high[1] - low[1]))
    places = savings_data.places(shown, sizes, area, np.array(taken))
    for name in names:
        name.remove()
    # A name that is more important lies over the lines to others, and points over all names.
    for point, place in reversed(list(zip(shown.points, places, strict=True))):
        if place is not None:
            _write(axis, point, place, 72 / figure.dpi)


def _note_of_fifo(axis: Axes, shown: Savings) -> Annotation:
    """Write at the left edge that FIFO lies beyond it, where the note hides no point."""
    points = axis.transData.transform([(point.saved, point.kept) for point in shown.points])
    area = axis.get_window_extent()
    for offset in NOTE_OFFSETS:
        note = axis.annotate(
            FIFO_NOTE,
            (shown.x[0], 100),
            (4, offset),
            textcoords="offset points",
            fontsize=LABEL_SIZE,
        )
        box = note.get_window_extent()
        away = box.padded(NOTE_ROOM).count_contains(points) == 0
        if away and area.y0 <= box.y0 and box.y1 <= area.y1:
            return note
        note.remove()
    return axis.annotate(
        FIFO_NOTE,
        (shown.x[0], 100),
        (4, NOTE_OFFSETS[0]),
        textcoords="offset points",
        fontsize=LABEL_SIZE,
    )


def _write(axis: Axes, point: Point, place: Place, points_per_pixel: float) -> None:
    line = None if place.near else {"arrowstyle": "-", "color": "0.6", "linewidth": 0.7}
    if line is not None:
        line |= {"shrinkA": 0, "shrinkB": 4, "relpos": _nearest(place)}
    text = axis.annotate(
        point.name,
        (point.saved, point.kept),
        (place.x * points_per_pixel, place.y * points_per_pixel),
        textcoords="offset points",
        ha=place.side,
        va="center",
        fontsize=LABEL_SIZE,
        weight=_weight(point),
        color="black" if point.highlighted else QUIET,
        arrowprops=line,
        zorder=2.5,
    )
    text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _nearest(place: Place) -> tuple[float, float]:
    """Return the part of the label at which the line to its point begins."""
    across = {"left": 0.0, "center": 0.5, "right": 1.0}[place.side]
    return across, 0.5 if place.side != "center" else (0.0 if place.y > 0 else 1.0)


def _weight(point: Point) -> str:
    return "bold" if point.recommended else "normal"
