"""The section "The searcher's model": cross-validation, contours and the order of the trials."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from bench.analysis import aggregate
from bench.analysis.surrogates import Contour, Diagnosis, Fit
from bench.matrix.naming import name_of
from bench.records.record import RunRecord
from bench.report.page import plotly_style
from bench.report.page.parts import Dimension, Figures, Part, Spec, Specs, Text
from bench.report.tables_and_notes import Note
from mobo_core.objectives import Objective

NO_MODEL = ("Sobol", "fallback")
"""Origins of trials that were drawn without a model, see `AxSearcher.generation_node`."""
ABOUT = (
    "The figures show Ax's default model (BoTorch's Gaussian processes). It is fitted again to the "
    "final values of one run of each searcher and objective set. That run is FIFO's first seed, or "
    "another scheduler's if FIFO did not run. With R² near or below 0 the model predicts no better "
    "than the mean, so it can hardly guide a search."
)


def parts(diagnosed: Sequence[Diagnosis]) -> list[Part]:
    """Return three figures of the models, and the reasons why others could not be fitted.

    Args:
        diagnosed: The models that were fitted again; empty for a section without content.
    """
    fitted = [diagnosis for diagnosis in diagnosed if not diagnosis.error]
    found: list[Part] = [Text(Note(ABOUT))] if diagnosed else []
    found += [
        Text(Note(f" {diagnosis.error}", f"No model of {diagnosis.record.run_id}:"))
        for diagnosis in diagnosed
        if diagnosis.error
    ]
    for name, title, caption, entries in (
        (
            "cross-validation",
            "Leave-one-out cross-validation",
            "Each point is a trial: its observed value, and the prediction of a model fitted "
            "without it, with the 95 % interval. The points of a good model lie on the diagonal.",
            [(d, _name(d.record, f.objective), _fit(d.record, f)) for d in fitted for f in d.fits],
        ),
        (
            "contours",
            "Contour slices",
            "The model's prediction over the two parameters that change it most; all other "
            "parameters are in the middle of the search space. Crosses are the trials.",
            [
                (d, _name(d.record, c.objective), _contour(d.record, c))
                for d in fitted
                for c in d.contours
            ],
        ),
        (
            "order",
            "Trials by index",
            "The final points of all trials; the colour shows the order in which they were "
            "suggested. Hollow points were drawn without a model.",
            [entry for d in diagnosed for entry in _orders(d)],
        ),
    ):
        if entries:
            options = [_option(d.record, what, len(diagnosed) > 1) for d, what, _ in entries]
            specs: Specs = {(k,): spec for k, (_, _, spec) in enumerate(entries)}
            found.append(Figures(name, title, caption, specs, (Dimension("Shown", options),)))
    return found


def _option(record: RunRecord, what: str, several: bool) -> str:
    run = f"{record.labels['searcher']}, {'+'.join(record.spec['objectives'])}: "
    return (run if several else "") + what


def _name(record: RunRecord, metric: str) -> str:
    return next(name_of(o) for o in record.objectives if o.name == metric)


def _fit(record: RunRecord, fit: Fit) -> Spec:
    observed = fit.points["observed"].to_numpy(dtype=float)
    predicted = fit.points["predicted"].to_numpy(dtype=float)
    ends = [min(observed.min(), predicted.min()), max(observed.max(), predicted.max())]
    name = plotly_style.plain(_name(record, fit.objective))
    margin = plotly_style.lean(fit.points["margin"])
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": plotly_style.lean(ends),
            "y": plotly_style.lean(ends),
            "line": {"dash": "dot", "width": 1.5, "color": "#949494"},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": plotly_style.lean(observed),
            "y": plotly_style.lean(predicted),
            "error_y": {"type": "data", "array": margin, "thickness": 1, "width": 0},
            "customdata": margin,
            "marker": {"size": 8, "color": "#0173b2"},
            "hovertemplate": "observed %{x}<br>predicted %{y} ± %{customdata}<extra></extra>",
            "showlegend": False,
        },
    ]
    return plotly_style.spec(
        data,
        title={"text": f"{name}, R² = {round(fit.r2, 2) + 0.0:.2f}"},
        xaxis=plotly_style.axis("observed"),
        yaxis=plotly_style.axis("predicted without this trial"),
        hovermode="closest",
    )


def _contour(record: RunRecord, contour: Contour) -> Spec:
    x, y = contour.parameters
    data: list[dict[str, Any]] = [
        {
            "type": "contour",
            "x": plotly_style.lean(contour.x),
            "y": plotly_style.lean(contour.y),
            "z": [plotly_style.lean(row) for row in contour.means],
            "colorscale": "Cividis",
            "colorbar": {"thickness": 12},
            "hovertemplate": "%{x}, %{y}<br>predicted %{z}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": plotly_style.lean(contour.tried[:, 0]),
            "y": plotly_style.lean(contour.tried[:, 1]),
            "marker": {
                "symbol": "x",
                "size": 8,
                "color": "#ffffff",
                "line": {"width": 1, "color": "#000000"},
            },
            "hovertemplate": "tried: %{x}, %{y}<extra></extra>",
            "showlegend": False,
        },
    ]
    kinds = ["log" if logarithmic else "linear" for logarithmic in contour.logarithmic]
    name = plotly_style.plain(_name(record, contour.objective))
    return plotly_style.spec(
        data,
        title={"text": f"predicted {name}"},
        xaxis=plotly_style.axis(plotly_style.plain(x), type=kinds[0]),
        yaxis=plotly_style.axis(plotly_style.plain(y), type=kinds[1]),
        hovermode="closest",
    )


def _orders(diagnosis: Diagnosis) -> list[tuple[Diagnosis, str, Spec]]:
    """Return a figure for each pair of objectives."""
    record = diagnosis.record
    found = []
    for first, second in combinations(range(len(record.objectives)), 2):
        x, y = record.objectives[second], record.objectives[first]
        found.append((diagnosis, f"{name_of(y)}, {name_of(x)}", _order(record, x, y)))
    return found


def _order(record: RunRecord, x: Objective, y: Objective) -> Spec:
    assert record.result is not None, "only finished runs are drawn"
    last = aggregate.last_reports(record)
    origins = {trial.trial: trial.origin for trial in record.result.trials}
    drawn = [origins[int(number)] for number in last["trial"]]
    data: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": plotly_style.lean(last[x.name]),
        "y": plotly_style.lean(last[y.name]),
        "customdata": [
            [int(number), plotly_style.plain(origin)]
            for number, origin in zip(last["trial"], drawn, strict=True)
        ],
        "marker": {
            "size": 10,
            "color": plotly_style.lean(np.asarray(last["trial"], dtype=float)),
            "symbol": ["circle-open" if origin in NO_MODEL else "circle" for origin in drawn],
            "line": {"width": 2},
            "colorscale": "Viridis",
            "colorbar": {"title": {"text": "trial"}, "thickness": 12},
        },
        "hovertemplate": "trial %{customdata[0]}, %{customdata[1]}<br>%{y}<br>%{x}<extra></extra>",
        "showlegend": False,
    }
    return plotly_style.spec(
        [data],
        xaxis=plotly_style.objective_axis(x, None),
        yaxis=plotly_style.objective_axis(y, None),
        hovermode="closest",
    )
