"""The figure of the front, drawn by Plotly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from plotly import graph_objects as go

from mobo_core.extras import needs
from mobo_core.objectives import Objective, ObjectiveSet, Points
from mobo_core.plot import style
from mobo_core.plot.shown import NAMES, Kind, ShownPoints, shown_points
from mobo_core.results.candidates import Scope
from mobo_core.results.history import flat

if TYPE_CHECKING:
    from matplotlib.figure import Figure as PrintedFigure

Engine = Literal["plotly", "matplotlib"]
NARROW = 20
"""The length to which the names of objectives are shortened where there is little space."""
MARKERS: dict[Kind, dict[str, Any]] = {
    "front": {"color": style.BLUE, "symbol": "circle", "size": 10},
    "dominated": {"color": style.GREY, "symbol": "circle", "size": 7, "opacity": 0.7},
    "infeasible": {"color": style.ORANGE, "symbol": "x", "size": 8},
    "outside": {"color": style.GREY, "symbol": "circle-open", "size": 7},
}


def front(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    scope: Scope = "last",
    constraints: str | Iterable[str] = (),
    engine: Engine = "plotly",
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> go.Figure | PrintedFigure:
    """Return a figure of all trials with the front.

    With two objectives the shaded area is the hypervolume, up to the reference point. With three,
    Plotly draws them in space, and Matplotlib each pair. With more, each pair is drawn. With one
    objective, the figure shows its value for each trial, in the order of the trials.

    Args:
        results: The results, as in `mobo_core.pareto_front`.
        objectives: The objectives.
        scope: As in `mobo_core.pareto_front`.
        constraints: As in `mobo_core.pareto_front`.
        engine: ``"plotly"`` for a figure that shows each trial's configuration under the pointer,
            or ``"matplotlib"`` for one to print.
        trial_column: As in `mobo_core.pareto_front`.
        config_columns: As in `mobo_core.pareto_front`.

    Returns:
        A ``plotly.graph_objects.Figure`` or a ``matplotlib.figure.Figure``.

    Raises:
        TypeError: If the results or the objectives are something else.
        ValueError: If the engine is unknown, or as in `mobo_core.pareto_front`.

    Example:
        >>> from mobo_core import Objective, plot
        >>> objectives = [Objective("loss", "min", 3), Objective("size", "min", 9)]
        >>> reports = [{"loss": 2, "size": 1}, {"loss": 1, "size": 4}, {"loss": 2, "size": 5}]
        >>> plot.front(reports, objectives).layout.title.text
        '2 of 3 trials are on the front, hypervolume 13'
    """
    if engine not in get_args(Engine):
        raise ValueError(f"engine must be one of {get_args(Engine)}, got {engine!r}")
    shown = shown_points(
        results,
        objectives,
        scope=scope,
        constraints=constraints,
        trial_column=trial_column,
        config_columns=config_columns,
    )
    if engine == "matplotlib":
        with needs("plot", "mobo_core.plot.front"):
            from mobo_core.plot.printed import printed_front

        return printed_front(shown)
    if not shown.candidates:
        return style.empty_figure(shown.front.summary(), shown.why_empty())
    figure = go.Figure(layout=style.layout(shown.front.summary()))
    draw = {1: _one, 2: _two, 3: _three}.get(len(shown.objectives), _many)
    draw(figure, shown)
    figure.update_layout(legend={"orientation": "h", "y": -0.18, "x": 0})
    return figure


def staircase(shown: ShownPoints) -> Points:
    """Return the corners (k, 2) of the line from the front of two objectives to the reference.

    They are values of the objectives in their own directions, sorted by the first one.

    Args:
        shown: The points, with two objectives.

    Example:
        >>> objectives = [Objective("loss", "min", 3), Objective("size", "min", 9)]
        >>> staircase(shown_points([{"loss": 2, "size": 1}], objectives)).tolist()
        [[2.0, 9.0], [2.0, 1.0], [3.0, 1.0]]
    """
    objectives = shown.objectives
    points, reference = shown.front.points, objectives.reference_point
    if not len(points):
        return np.empty((0, 2))
    x = np.append(np.repeat(points[:, 0], 2), reference[0])
    y = np.concatenate([[reference[1]], np.repeat(points[:, 1], 2)])
    return objectives.to_metrics(np.column_stack([x, y]))


def axis(objective: Objective, values: Points) -> dict[str, Any]:
    """Return Plotly's settings for the axis of an objective.

    Args:
        objective: The objective.
        values: (n,) the values that the axis shows.

    Example:
        >>> axis(Objective("size", "min", reference=9), np.array([1.0, 500.0]))["type"]
        'log'
    """
    is_log = style.is_wide(values)
    low, high = (
        style.axis_range(np.log10(values), np.log10(max(objective.reference, values.min())))
        if is_log
        else style.axis_range(values, objective.reference)
    )
    return {
        "title": {"text": style.plain(style.axis_label(objective)), "font": {"size": 12}},
        "type": "log" if is_log else "linear",
        "range": [low, high],
    }


def in_view(shown: ShownPoints) -> Points:
    """Return the values (n, m) that the axes must show.

    Trials that are worse than the reference may be far away. They set the axes only if there is no
    other trial.

    Args:
        shown: The points, at least one.

    Example:
        >>> objectives = [Objective("loss", "min", reference=3)]
        >>> in_view(shown_points([{"loss": 1.0}, {"loss": 1e9}], objectives)).tolist()
        [[1.0]]
    """
    inside = [index for index, kind in enumerate(shown.kinds) if kind != "outside"]
    return shown.values[inside or slice(None)]


def legend_label(shown: ShownPoints, kind: Kind) -> str:
    """Return the name of one kind of points, their number, and how many no axis reaches.

    Args:
        shown: The points, at least one.
        kind: The kind.

    Example:
        >>> objectives = [Objective("loss", "min", reference=3)]
        >>> legend_label(shown_points([{"loss": 1.0}, {"loss": 1e9}], objectives), "outside")
        'not better than the reference (1, 1 outside the view)'
    """
    values = shown.values[shown.of_kind(kind)]
    hidden = np.zeros(len(values), dtype=bool)
    for objective, column, seen in zip(shown.objectives, values.T, in_view(shown).T, strict=True):
        settings = axis(objective, seen)
        low, high = (10**end if settings["type"] == "log" else end for end in settings["range"])
        hidden |= (column < low) | (column > high)
    more = f", {hidden.sum()} outside the view" if hidden.any() else ""
    return f"{NAMES[kind]} ({len(values)}{more})"


def _traces(shown: ShownPoints, kind: Kind) -> dict[str, Any]:
    """Return the settings that all traces of one kind of points share."""
    indices = shown.of_kind(kind)
    values = shown.values[indices]
    texts = [
        style.hover_text(
            f"trial {shown.candidates[index].trial.trial_id}, {NAMES[kind]}",
            dict(zip(shown.objectives.names, row, strict=True)),
            flat(shown.candidates[index].trial.config),
        )
        for index, row in zip(indices, values, strict=True)
    ]
    return {
        "mode": "markers",
        "name": legend_label(shown, kind),
        "marker": MARKERS[kind],
        "hovertext": texts,
        "hoverinfo": "text",
    }


def _one(figure: go.Figure, shown: ShownPoints) -> None:
    numbers = np.array(shown.numbers)
    for kind in shown.present:
        indices = shown.of_kind(kind)
        y = shown.values[indices, 0]
        figure.add_trace(go.Scatter(x=numbers[indices], y=y, **_traces(shown, kind)))
    (objective,) = shown.objectives
    figure.add_hline(objective.reference, line={"color": style.GREY, "dash": "dot"})
    figure.update_xaxes(title="trial, in the order of the search")
    figure.update_yaxes(axis(objective, in_view(shown)[:, 0]))


def _two(figure: go.Figure, shown: ShownPoints) -> None:
    corners = staircase(shown)
    if len(corners):
        # The area ends at the reference point, which closes the staircase.
        area = np.vstack([corners, [[o.reference for o in shown.objectives]]])
        figure.add_trace(
            go.Scatter(
                x=area[:, 0],
                y=area[:, 1],
                fill="toself",
                fillcolor=style.FILL,
                line={"width": 0},
                mode="lines",
                name="hypervolume",
                hoverinfo="skip",
            )
        )
        line = {"color": style.BLUE, "width": 1.5}
        figure.add_trace(
            go.Scatter(
                x=corners[:, 0],
                y=corners[:, 1],
                mode="lines",
                line=line,
                showlegend=False,
                hoverinfo="skip",
            )
        )
    for kind in shown.present:
        x, y = shown.values[shown.of_kind(kind)].T
        figure.add_trace(go.Scatter(x=x, y=y, **_traces(shown, kind)))
    first, second = shown.objectives
    view = in_view(shown)
    figure.update_xaxes(axis(first, view[:, 0]))
    figure.update_yaxes(axis(second, view[:, 1]))


def _three(figure: go.Figure, shown: ShownPoints) -> None:
    for kind in shown.present:
        x, y, z = shown.values[shown.of_kind(kind)].T
        settings = _traces(shown, kind)
        marker = settings["marker"]
        # In space the symbol "x" is a letter that many fonts lack, and a box is drawn instead.
        symbol = "cross" if marker["symbol"] == "x" else marker["symbol"]
        settings["marker"] = {**marker, "symbol": symbol, "size": marker["size"] / 2}
        figure.add_trace(go.Scatter3d(x=x, y=y, z=z, **settings))
    axes = {
        f"{letter}axis": axis(objective, column)
        | {"title": _short_title(objective, NARROW), "nticks": 6}
        for letter, objective, column in zip("xyz", shown.objectives, in_view(shown).T, strict=True)
    }
    # So far away that the whole cube and the titles of its axes are in view, and a bit higher.
    camera = {"eye": {"x": 1.6, "y": 1.6, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.2}}
    figure.update_layout(scene=axes | {"camera": camera, "aspectmode": "cube"})
    figure.update_layout(height=560, margin={"l": 10, "r": 10, "b": 20})


def _short_title(objective: Objective, most: int) -> dict[str, Any]:
    return {"text": style.plain(style.short_label(objective, most)), "font": {"size": 12}}


def _many(figure: go.Figure, shown: ShownPoints) -> None:
    m = len(shown.objectives)
    axes = [
        axis(objective, column) | {"title": _short_title(objective, 2 * NARROW // (m - 1))}
        for objective, column in zip(shown.objectives, in_view(shown).T, strict=True)
    ]
    for kind in shown.present:
        columns = shown.values[shown.of_kind(kind)].T
        dimensions = [
            {"label": settings["title"]["text"], "values": column}
            for settings, column in zip(axes, columns, strict=True)
        ]
        settings = _traces(shown, kind)
        del settings["mode"]
        figure.add_trace(
            go.Splom(
                dimensions=dimensions,
                diagonal={"visible": False},
                showupperhalf=False,
                **settings,
            )
        )
    # Both axes of an objective have its number. The grid has no diagonal: its columns are all
    # objectives but the last, its rows all but the first.
    for number, settings in enumerate(axes, start=1):
        for letter in "xy":
            figure.update_layout({f"{letter}axis{number if number > 1 else ''}": settings})
    figure.update_layout(height=150 * m + 60)
