"""The look of the page's figures: styles, names without markup, and numbers with few digits."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bench.matrix.naming import axis_label
from bench.report.figures import drawing
from bench.report.figures.drawing import Style
from bench.report.page.parts import Spec
from mobo_core.objectives import Objective

DIGITS = 5
"""Significant digits of a number in a figure; more cannot be seen, and would double the page."""
MOST_STEPS = 200
"""Points of a curve; more cannot be seen."""
SYMBOLS: Mapping[str, str] = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "^": "triangle-up",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "*": "star",
}
QUIET = "quiet"
"""The name of an annotation that the page's script draws in a quiet colour."""
DASHES: Mapping[str, str] = {"-": "solid", "--": "dash", ":": "dot"}


def styles(names: Iterable[str]) -> dict[str, Style]:
    """Return the style of each series, the same as in the printed figures."""
    return drawing.styles(names)


def plain(text: object) -> str:
    """Return a text that Plotly shows as it is: no tag, no template, no formula."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return line.replace("%{", "%&#123;").replace("$", "&#36;")


def lean(values: ArrayLike) -> list[float | int | None]:
    """Return numbers rounded to `DIGITS` significant digits; None where a number is not finite."""
    return [_lean(value) for value in np.asarray(values, dtype=float).tolist()]


def _lean(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Return at most `MOST_STEPS` rows, evenly spaced, with the first and the last among them."""
    if len(frame) <= MOST_STEPS:
        return frame
    keep = np.unique(np.linspace(0, len(frame) - 1, MOST_STEPS).round().astype(int))
    return frame.iloc[keep]


def line(style: Style, width: float = 2, **more: Any) -> dict[str, Any]:
    """Return the line of a series for Plotly."""
    return {"color": style.colour, "dash": DASHES[style.line], "width": width, **more}


def marker(style: Style, size: float = 8, **more: Any) -> dict[str, Any]:
    """Return the marker of a series for Plotly."""
    return {"color": style.colour, "symbol": SYMBOLS[style.marker], "size": size, **more}


def faint(colour: str, opacity: float) -> str:
    """Return a colour such as ``#0173b2`` with an opacity between 0 and 1."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def level(y: float) -> dict[str, Any]:
    """Return a grey line across the figure at a height, below the data."""
    line = {"width": 1, "color": drawing.GREY}
    ends = {"xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y}
    return {"type": "line", "layer": "below", "line": line, **ends}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis; a title with names from others must be made plain first."""
    return {"title": {"text": title, "standoff": 12}, "automargin": True, **more}


def objective_axis(objective: Objective, limits: tuple[float, float] | None) -> dict[str, Any]:
    """Return an axis of an objective, with an arrow in the direction that is better."""
    more = {} if limits is None else {"range": lean(limits)}
    return axis(plain(axis_label(objective)), **more)


def spec(data: list[dict[str, Any]], **layout: Any) -> Spec:
    """Return a figure for the page, see `parts.Spec`."""
    return {"data": data, "layout": layout}
