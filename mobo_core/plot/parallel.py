"""The figure of parallel coordinates: each trial is a line through its values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from plotly import graph_objects as go

from mobo_core.objectives import Objective, ObjectiveSet, Points
from mobo_core.plot import style
from mobo_core.plot.columns import NO_PARAMETER, ParameterColumn, parameter_columns
from mobo_core.plot.shown import shown_points
from mobo_core.results.candidates import Scope

MOST_LABELS = 20
"""The number of choices that are labelled on an axis; further ones are left out evenly."""
LABEL, TICK = 20, 18
"""The lengths to which the names of axes, and of choices on an axis, are shortened."""
MOST_AXES, WIDTH = 8, 95
"""More axes than this get a fixed width each, in pixels, and the figure can be scrolled."""
MOST_TICKS, NEAREST = 6, 0.06
"""The number of steps on an axis, and how near a tick may be to an end, as a share of the axis."""
COLOURS = ((0.0, "#C9C9C9"), (0.5, "#C9C9C9"), (0.5, style.BLUE), (1.0, style.BLUE))


def parallel_coordinates(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    scope: Scope = "last",
    constraints: str | Iterable[str] = (),
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> go.Figure:
    """Return a figure in which each trial is a line through its parameters and its objectives.

    The lines of the front are blue, the others are grey. A part of an axis can be selected with the
    mouse, and axes can be moved. Parameters that are the same in all trials are left out. Axes of
    positive numbers that span two orders of magnitude are logarithmic. A trial that lacks a number,
    in a conditional space for example, is drawn below that axis. Long names lose their middle.

    Args:
        results: The results, as in `mobo_core.pareto_front`.
        objectives: The objectives.
        scope: As in `mobo_core.pareto_front`.
        constraints: As in `mobo_core.pareto_front`.
        trial_column: As in `mobo_core.pareto_front`.
        config_columns: As in `mobo_core.pareto_front`.

    Raises:
        TypeError: If the results or the objectives are something else.
        ValueError: As in `mobo_core.pareto_front`.

    Example:
        >>> from mobo_core import Objective, plot
        >>> reports = [{"loss": loss, "config": {"lr": loss / 9}} for loss in (1.0, 2.0, 5.0)]
        >>> figure = plot.parallel_coordinates(reports, [Objective("loss", "min", reference=3)])
        >>> [dimension.label for dimension in figure.data[0].dimensions]
        ['lr', 'loss ↓']
    """
    shown = shown_points(
        results,
        objectives,
        scope=scope,
        constraints=constraints,
        trial_column=trial_column,
        config_columns=config_columns,
    )
    title = shown.front.summary()
    if not shown.candidates:
        return style.empty_figure(title, shown.why_empty())
    # Lines are drawn in their order: the front comes last and lies on top.
    order = np.argsort([kind == "front" for kind in shown.kinds], kind="stable")
    columns = parameter_columns([shown.candidates[index].trial for index in order])
    values = shown.values[order]
    dimensions = [_of_parameter(column) for column in columns]
    dimensions += [
        _of_numbers(style.short_label(objective, LABEL), column, style.is_wide(column))
        for objective, column in zip(shown.objectives, values.T, strict=True)
    ]
    on_front = [float(shown.kinds[index] == "front") for index in order]
    line = {"color": on_front, "colorscale": COLOURS, "cmin": 0, "cmax": 1}
    figure = go.Figure(layout=style.layout(title))
    # Long labels would cover the texts for the ends of the axes, which the ticks tell too.
    hidden = {"color": "rgba(0,0,0,0)"}
    lines = go.Parcoords(
        dimensions=dimensions, line=line, labelangle=-18, labelfont={"size": 11}, rangefont=hidden
    )
    figure.add_trace(lines)
    figure.update_layout(margin={"t": 130, "l": 90, "r": 90})
    if not columns and len(shown.trials) > 1:
        style.add_note(figure, NO_PARAMETER)
    if len(dimensions) > MOST_AXES:
        figure.update_layout(width=WIDTH * len(dimensions))
    return figure


def _of_parameter(column: ParameterColumn) -> dict[str, Any]:
    if column.is_number:
        numbers = np.array([np.nan if v is None else float(v) for v in column.values])
        return _of_numbers(style.shortened(column.name, LABEL), numbers, column.is_log)
    labels = column.labels
    step = -(-len(labels) // MOST_LABELS)
    return {
        "label": style.plain(style.shortened(column.name, LABEL)),
        "values": column.positions,
        "range": [-0.2, len(labels) - 0.8],
        "tickvals": list(range(0, len(labels), step)),
        "ticktext": [style.plain(style.shortened(label, TICK)) for label in labels[::step]],
    }


def _of_numbers(label: str, numbers: Points, is_log: bool) -> dict[str, Any]:
    values = np.log10(numbers) if is_log else numbers
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    space = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    missing = not np.isfinite(values).all()
    found: dict[str, Any] = {
        "label": style.plain(label),
        "values": np.where(np.isfinite(values), values, low - space),
        "range": [low - (space if missing else 0), high] if high > low else [low - 1, high + 1],
    }
    if high == low:  # no range is known, so that only the value is labelled
        found |= {"tickvals": [low], "ticktext": [f"{10**low if is_log else low:.4g}"]}
    else:
        ticks = _ticks(low, high, is_log)
        texts = [f"{10**tick:.3g}" if is_log else f"{tick:.4g}" for tick in ticks]
        found |= {"tickvals": ticks, "ticktext": texts}
    if missing:
        found["tickvals"] = [low - space, *found["tickvals"]]
        found["ticktext"] = ["none", *found["ticktext"]]
    return found


def _ticks(low: float, high: float, is_log: bool) -> list[float]:
    """Return the places of an axis's ticks: both ends, and round numbers between them.

    Args:
        low: The lower end, or its logarithm.
        high: The higher end, or its logarithm.
        is_log: Whether the ends are logarithms.
    """
    step = 1.0 if is_log else _round_step((high - low) / MOST_TICKS)
    if is_log and high - low > MOST_TICKS:
        step = float(np.ceil((high - low) / MOST_TICKS))
    inside = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    free = NEAREST * (high - low)
    between = inside[(inside > low + free) & (inside < high - free)].tolist()
    if is_log and not between:
        return [float(tick) for tick in np.linspace(low, high, 4)]
    return [low, *between, high]


def _round_step(least: float) -> float:
    """Return the smallest number 1, 2 or 5 times a power of ten that is not below another one."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least))
