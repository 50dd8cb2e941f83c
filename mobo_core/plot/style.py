"""The look of the figures: colours, labels, the ends of axes, and texts without markup.

The colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart. No figure
uses colour alone: symbols differ too.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from plotly import graph_objects as go

from mobo_core.objectives import Objective, Points

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8A8A8A"
COLOURS = (BLUE, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", ORANGE)
FILL = "rgba(0,114,178,0.10)"
WIDE = 100.0
"""A positive axis is logarithmic if its largest value is at least this many times its smallest."""
MARGIN = 0.06
"""The free space at each end of an axis, as a share of the values' range."""
MOST_LETTERS = 36
"""The length to which the label of a long axis is shortened."""
MOST_LINES = 14
"""The number of parameters in a hover text."""
EMPTY_WIDTH = 75
"""The number of letters in a line of the text of an empty figure."""


def plain(text: object) -> str:
    """Return a text that Plotly shows as it is: without tags, templates and formulas.

    Example:
        >>> plain("loss <b>$x$</b>")
        'loss &lt;b&gt;&#36;x&#36;&lt;/b&gt;'
    """
    line = html.escape(" ".join(str(text).split()), quote=False)
    return line.replace("%{", "%&#123;").replace("$", "&#36;")


def shortened(text: str, most: int) -> str:
    """Return a text without its middle if it is too long.

    The beginning and the end are kept, because long names of metrics and parameters, which are
    paths, differ there.

    Args:
        text: The text, such as a name.
        most: The largest number of letters of what is returned, at least 3.

    Example:
        >>> shortened("validation/metrics/cross_entropy", most=20), shortened("loss", most=20)
        ('validation…s_entropy', 'loss')
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def axis_label(objective: Objective, most: int = MOST_LETTERS) -> str:
    """Return the label of an axis with much space: it says which direction is better.

    Args:
        objective: The objective.
        most: The largest number of letters. If the label has more, it is `short_label`.

    Example:
        >>> axis_label(Objective("latency", "min", reference=20, unit="ms"))
        'latency / ms ↓ (lower is better)'
    """
    better = "higher" if objective.goal == "max" else "lower"
    whole = f"{_with_arrow(objective)} ({better} is better)"
    return whole if len(whole) <= most else short_label(objective, most)


def short_label(objective: Objective, most: int = MOST_LETTERS) -> str:
    """Return an objective's name, its unit, and an arrow in the better direction.

    Args:
        objective: The objective.
        most: The largest number of letters; the middle is left out of a longer label.

    Example:
        >>> short_label(Objective("latency", "min", reference=20, unit="ms"))
        'latency / ms ↓'
    """
    return shortened(_with_arrow(objective), most)


def _with_arrow(objective: Objective) -> str:
    unit = f" / {objective.unit}" if objective.unit else ""
    return f"{objective.name}{unit} {'↑' if objective.goal == 'max' else '↓'}"


def number(value: Any) -> str:
    """Return a value with few digits, or its text.

    Example:
        >>> number(0.123456789), number(None), number("relu")
        ('0.123457', 'None', 'relu')
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return f"{value:.6g}" if is_number else str(value)


def hover_text(title: str, values: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the text that Plotly shows beside a point.

    Args:
        title: The first line.
        values: The values of the objectives.
        config: The configuration, flat.

    Example:
        >>> hover_text("trial a", {"loss": 0.25}, {"lr": 0.1})
        '<b>trial a</b><br>loss: 0.25<br><i>lr: 0.1</i>'
    """
    lines = [f"<b>{plain(title)}</b>"]
    lines += [f"{plain(name)}: {plain(number(value))}" for name, value in values.items()]
    shown = list(config.items())[:MOST_LINES]
    lines += [f"<i>{plain(name)}: {plain(number(value))}</i>" for name, value in shown]
    lines += [f"<i>and {len(config) - MOST_LINES} more</i>"] * (len(config) > MOST_LINES)
    return "<br>".join(lines)


def is_wide(values: ArrayLike) -> bool:
    """Return whether an axis with these values should be logarithmic.

    Example:
        >>> is_wide([1e-4, 1e-1]), is_wide([1, 5]), is_wide([-1, 1000]), is_wide([])
        (True, False, False, False)
    """
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array)]
    return bool(len(array) and array.min() > 0 and array.max() >= WIDE * array.min())


def axis_range(values: Points, reference: float) -> tuple[float, float]:
    """Return the ends of an axis that shows all values, and the reference if it is near.

    Args:
        values: (n,) finite values, n ≥ 1.
        reference: The reference value. It is near if it is no farther from the values than they are
            from each other, or if there is only one value.

    Example:
        >>> [round(end, 2) for end in axis_range(np.array([1.0, 2.0]), reference=2.5)]
        [0.91, 2.59]
        >>> [round(end, 2) for end in axis_range(np.array([1.0, 2.0]), reference=100.0)]
        [0.94, 2.06]
    """
    low, high = float(values.min()), float(values.max())
    width = high - low
    if width == 0 or low - width <= reference <= high + width:
        low, high = min(low, reference), max(high, reference)
    space = MARGIN * (high - low) or MARGIN * abs(high) or 1.0
    return low - space, high + space


def layout(title: str, **more: Any) -> go.Layout:
    """Return the layout that all figures share.

    Args:
        title: The figure's title, plain text.
        more: Further entries of the layout.

    Example:
        >>> layout("The front").title.text
        'The front'
    """
    return go.Layout(
        template="plotly_white",
        title={"text": plain(title), "font": {"size": 16}},
        font={"size": 13},
        margin={"l": 70, "r": 30, "t": 60, "b": 60},
        hoverlabel={"align": "left"},
        **more,
    )


def add_note(figure: go.Figure, text: str) -> None:
    """Add a note below the drawing.

    Args:
        figure: The figure, which is changed.
        text: The note, plain text.

    Example:
        >>> figure = go.Figure(layout=layout("The front"))
        >>> add_note(figure, "one trial has no value")
        >>> figure.layout.annotations[0].text
        'one trial has no value'
    """
    lines = [plain(line) for line in wrap(text, EMPTY_WIDTH)]
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 0, "yshift": -12, "yanchor": "top"}
    figure.add_annotation(
        text="<br>".join(lines), showarrow=False, align="left", xanchor="left", **place
    )
    figure.update_layout(margin={"b": 30 + 20 * len(lines)})


def empty_figure(title: str, reason: str) -> go.Figure:
    """Return a figure that says why there is nothing to show.

    Args:
        title: The figure's title, plain text.
        reason: The reason, plain text.

    Example:
        >>> empty_figure("The front", "there is no trial yet").layout.annotations[0].text
        'there is no trial yet'
    """
    figure = go.Figure(layout=layout(title))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    lines = [plain(line) for line in wrap(reason, EMPTY_WIDTH)]
    figure.add_annotation(text="<br>".join(lines), showarrow=False, font={"size": 14})
    return figure
