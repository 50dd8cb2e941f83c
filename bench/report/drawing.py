"""How every figure looks: a style per scheduler, panels, titles, legends, files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = 10
"""Of seaborn's colour-blind palette; more schedulers repeat them with other lines and hatches."""
INCHES_PER_LABEL = 2.5
CHARACTERS_PER_INCH = 12
MARKERS, LINES, HATCHES = "osD^vPX*", ("-", "--", ":"), ("", "////", "....")


@dataclass(frozen=True)
class Style:
    """How a scheduler is drawn, the same in every figure."""

    colour: str
    marker: str
    line: str
    hatch: str


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each different name, in their order."""
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


plain_text = mpl.rc_context({"text.parse_math": False})
"""Decorator of what draws figures: labels with ``$…$`` are drawn as they are, not as formulas."""


def save(figures: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write each figure as PNG and PDF; their names."""
    for name, figure in figures.items():
        # Type 42 keeps text in the PDF as text; no creation date keeps the files repeatable.
        with mpl.rc_context({"pdf.fonttype": 42}):
            figure.savefig(folder / f"{name}.png", dpi=150)
            figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
    return list(figures)


def grid(
    count: int, columns: int, subject: str, title: str, inches: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, `inches` high each, with its title."""
    rows = -(-count // columns)
    figure = Figure(figsize=(4.0 * columns, inches * rows + 0.9), layout="constrained")
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
    """What is shown, and of what data."""
    width = int(CHARACTERS_PER_INCH * figure.get_figwidth())
    figure.suptitle(f"{title}\n{textwrap.fill(subject, width)}", fontsize=10)


def legend(figure: Figure, axis: Axes) -> None:
    """One legend under all panels, of what one of them shows."""
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(),
        unique.keys(),
        loc="outside lower center",
        ncols=max(1, min(len(unique), int(figure.get_figwidth() / INCHES_PER_LABEL))),
        fontsize=8,
    )
