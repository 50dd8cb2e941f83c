"""The figure of the front, drawn by Matplotlib."""

from __future__ import annotations

from itertools import combinations
from textwrap import wrap
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mobo_core.plot import style
from mobo_core.plot.scatter import axis, in_view, legend_label, staircase
from mobo_core.plot.shown import Kind, ShownPoints

PANEL = 4.2
"""The width and height of a panel, in inches."""
SIZE = 9.5
"""The size of letters, in points."""
LETTERS = 12
"""The number of letters of this size that fit into an inch."""
LOOKS: dict[Kind, dict[str, Any]] = {
    "front": {"color": style.BLUE, "marker": "o", "s": 42, "zorder": 4},
    "dominated": {"color": style.GREY, "marker": "o", "s": 18, "alpha": 0.7, "zorder": 3},
    "infeasible": {"color": style.ORANGE, "marker": "x", "s": 30, "zorder": 3},
    "outside": {"facecolors": "none", "edgecolors": style.GREY, "marker": "o", "s": 18},
}


def printed_front(shown: ShownPoints) -> Figure:
    """Return a Matplotlib figure of the front, with a panel for each pair of objectives.

    The figure does not belong to `matplotlib.pyplot`, so nothing has to be closed.

    Args:
        shown: The points.

    Example:
        >>> from mobo_core import Objective
        >>> from mobo_core.plot.shown import shown_points
        >>> shown = shown_points([{"loss": 1.0}], [Objective("loss", "min", reference=3)])
        >>> printed_front(shown).axes[0].get_ylabel()
        'loss ↓ (lower is better)'
    """
    m = len(shown.objectives)
    pairs = list(combinations(range(m), 2)) or [(0, 0)]
    columns = min(len(pairs), 3)
    rows = -(-len(pairs) // columns)
    figure = Figure(figsize=(PANEL * max(columns, 1.5), PANEL * rows + 0.8), layout="constrained")
    letters = int(LETTERS * figure.get_figwidth())
    figure.suptitle(_lines(shown.front.summary(), letters), fontsize=SIZE)
    if not shown.candidates:
        figure.text(0.5, 0.5, _lines(shown.why_empty(), letters), ha="center", fontsize=SIZE)
        return figure
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (x, y) in zip(grid, pairs, strict=False):
        if m == 1:
            _draw_one(axes, shown)
        else:
            _draw_pair(axes, shown, x, y)
    for axes in grid[len(pairs) :]:
        axes.axis("off")
    labels = {kind: legend_label(shown, kind) for kind in reversed(shown.present)}
    handles = [_handle(kind, label) for kind, label in labels.items()]
    fits = 2 * max(map(len, labels.values())) + 16 <= letters
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=2 if fits else 1,
        frameon=False,
        fontsize=SIZE,
    )
    return figure


def _lines(text: str, letters: int) -> str:
    return _literal("\n".join(wrap(text, letters)))


def _literal(text: str) -> str:
    """Return a text in which Matplotlib finds no formula."""
    return text.replace("$", r"\$")


def _handle(kind: Kind, label: str) -> Line2D:
    look = LOOKS[kind]
    colour = look.get("color", look.get("edgecolors"))
    fill = "none" if kind == "outside" else colour
    return Line2D(
        [], [], linestyle="", marker=look["marker"], color=colour, markerfacecolor=fill, label=label
    )


def _draw_one(axes: Axes, shown: ShownPoints) -> None:
    numbers = np.array(shown.numbers)
    for kind in shown.present:
        indices = shown.of_kind(kind)
        axes.scatter(numbers[indices], shown.values[indices, 0], **LOOKS[kind])
    (objective,) = shown.objectives
    axes.axhline(objective.reference, color=style.GREY, linestyle=":", linewidth=1)
    axes.set_xlabel("trial, in the order of the search")
    _set_axis(axes, "y", shown, 0)


def _draw_pair(axes: Axes, shown: ShownPoints, x: int, y: int) -> None:
    if len(shown.objectives) == 2 and len(corners := staircase(shown)):
        axes.plot(*corners.T, color=style.BLUE, linewidth=1.2, zorder=2)
        area = np.vstack([corners, [[o.reference for o in shown.objectives]]])
        axes.fill(*area.T, color=style.BLUE, alpha=0.10, linewidth=0, zorder=1)
    for kind in shown.present:
        values = shown.values[shown.of_kind(kind)]
        axes.scatter(values[:, x], values[:, y], **LOOKS[kind])
    _set_axis(axes, "x", shown, x)
    _set_axis(axes, "y", shown, y)


def _set_axis(axes: Axes, which: Literal["x", "y"], shown: ShownPoints, index: int) -> None:
    """Label an axis with its objective, and set its scale and its ends."""
    objective = list(shown.objectives)[index]
    settings = axis(objective, in_view(shown)[:, index])
    axes.grid(visible=True, color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)
    getattr(axes, f"set_{which}label")(_literal(style.axis_label(objective)), fontsize=SIZE)
    getattr(axes, f"set_{which}scale")(settings["type"])
    ends = settings["range"]
    is_log = settings["type"] == "log"
    if not is_log:
        axes.locator_params(axis=which, nbins=5)
    getattr(axes, f"set_{which}lim")(*(10**end if is_log else end for end in ends))
