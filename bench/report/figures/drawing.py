"""The look of every printed figure: a style per scheduler, panels, titles, legends and files."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = 10
"""Number of colours in seaborn's colour-blind palette.

Further schedulers repeat the colours with other line styles and hatches.
"""
GREY = "#949494"
"""The colour of schedulers that a figure does not highlight; it is legible on light and dark."""
INCHES_PER_LABEL = 2.5
CHARACTERS_PER_INCH = 12
MARKERS, LINES, HATCHES = "osD^vPX*", ("-", "--", ":"), ("", "////", "....")


@dataclass(frozen=True)
class Style:
    """The look of one scheduler, the same in every figure.

    Args:
        colour: The colour as ``#rrggbb``.
        marker: Matplotlib's letter for the marker.
        line: Matplotlib's sign for the line style.
        hatch: Matplotlib's pattern for filled areas.
    """

    colour: str
    marker: str
    line: str
    hatch: str


def styles(names: Iterable[str]) -> dict[str, Style]:
    """Return a style for each different name, in the order of the names."""
    palette = sns.color_palette("colorblind", COLOURS).as_hex()
    return {
        name: Style(
            palette[k % COLOURS],
            MARKERS[k % len(MARKERS)],
            LINES[k // COLOURS % len(LINES)],
            HATCHES[k // COLOURS % len(HATCHES)],
        )
        for k, name in enumerate(dict.fromkeys(names))
    }


def highlighted(looks: Mapping[str, Style], names: Collection[str]) -> dict[str, Style]:
    """Return the styles with every name grey that is not highlighted, the grey ones first.

    What is drawn last lies on top, so the highlighted schedulers are never hidden.

    Args:
        looks: Name → style.
        names: The highlighted names.
    """
    others = {
        name: replace(style, colour=GREY, line="-")
        for name, style in looks.items()
        if name not in names
    }
    return others | {name: style for name, style in looks.items() if name in names}


plain_text = mpl.rc_context({"text.parse_math": False})
"""Decorator for functions that draw figures: labels with ``$…$`` are text, not formulas."""


def save(figures: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write each figure as PNG and PDF, and return the figures' names."""
    for name, figure in figures.items():
        # Type 42 keeps text in the PDF as text; without a creation date the files are repeatable.
        with mpl.rc_context({"pdf.fonttype": 42}):
            figure.savefig(folder / f"{name}.png", dpi=150)
            figure.set_layout_engine("none")  # both files have one layout, computed once
            figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
    return list(figures)


def grid(
    count: int, columns: int, subject: str, title: str, inches: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a title and a grid of panels.

    Args:
        count: The number of panels.
        columns: The largest number of panels beside each other.
        subject: The problem and the data, for the title's second line.
        title: The title's first line.
        inches: The height of a panel.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    width = 4.0 * columns if columns > 1 else 6.5  # a narrower title would not be legible
    figure = Figure(figsize=(width, inches * rows + 0.9), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel())
    for axis in axes[count:]:
        axis.set_visible(False)
    for axis in axes[:count]:
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=8)
        axis.title.set_fontsize(10)
        axis.xaxis.label.set_fontsize(9)
        axis.yaxis.label.set_fontsize(9)
    set_title(figure, title, subject)
    sns.despine(figure)
    return figure, axes


def set_title(figure: Figure, title: str, subject: str) -> None:
    """Set the figure's title: what it shows, and below it the problem and the data."""
    width = int(CHARACTERS_PER_INCH * figure.get_figwidth())
    lines = [textwrap.fill(text, width) for text in (title, subject)]
    figure.suptitle("\n".join(lines), fontsize=10)


def legend(figure: Figure, axis: Axes, last: str = "") -> None:
    """Draw one legend under all panels, with the entries of one panel.

    Args:
        figure: The figure.
        axis: The panel whose entries are shown.
        last: The label of the entry that comes last, if it is there.
    """
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if last in unique:
        unique[last] = unique.pop(last)
    figure.legend(
        unique.values(),
        unique.keys(),
        loc="outside lower center",
        ncols=max(1, min(len(unique), int(figure.get_figwidth() / INCHES_PER_LABEL))),
        fontsize=8,
    )
