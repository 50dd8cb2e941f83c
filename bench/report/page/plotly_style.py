"""How Plotly's figures look: the styles of the printed ones, names as they are, lean numbers."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bench.matrix.naming import axis_label
from bench.report import drawing
from bench.report.drawing import Style
from bench.report.page.parts import Spec
from mobo_core.objectives import Objective

DIGITS = 5
"""Significant ones of a number in a figure: more cannot be seen, and double the page."""
MOST_STEPS = 200
"""Points of a curve: more cannot be seen."""
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
DASHES: Mapping[str, str] = {"-": "solid", "--": "dash", ":": "dot"}
PATTERNS: Mapping[str, str] = {"": "", "////": "/", "....": "."}


def styles(names: Iterable[str]) -> dict[str, Style]:
    """The style of each series, as in the printed figures."""
    return drawing.styles(names)


def plain(text: object) -> str:
    """A text of others as Plotly shows it: no tag, no template, no formula."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return line.replace("%{", "%&#123;").replace("$", "&#36;")


def lean(values: ArrayLike) -> list[float | int | None]:
    """Numbers to so many digits that the eye can tell apart; None where there is none."""
    return [_lean(value) for value in np.asarray(values, dtype=float).tolist()]


def _lean(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """At most so many rows, evenly spaced, the first and the last among them."""
    if len(frame) <= MOST_STEPS:
        return frame
    keep = np.unique(np.linspace(0, len(frame) - 1, MOST_STEPS).round().astype(int))
    return frame.iloc[keep]


def line(style: Style, width: float = 2, **more: Any) -> dict[str, Any]:
    """Of a series."""
    return {"color": style.colour, "dash": DASHES[style.line], "width": width, **more}


def marker(style: Style, size: float = 8, **more: Any) -> dict[str, Any]:
    """Of a series."""
    return {"color": style.colour, "symbol": SYMBOLS[style.marker], "size": size, **more}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a title of ours, or one that is made plain."""
    return {"title": {"text": title}, "automargin": True, **more}


def objective_axis(objective: Objective, limits: tuple[float, float] | None) -> dict[str, Any]:
    """An axis of an objective, with the direction in which it gets better."""
    more = {} if limits is None else {"range": lean(limits)}
    return axis(plain(axis_label(objective)), **more)


def spec(data: list[dict[str, Any]], **layout: Any) -> Spec:
    """A figure."""
    return {"data": data, "layout": layout}
