"""The figure of parameter importance: how much each parameter tells about each objective."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from plotly import graph_objects as go
from plotly.subplots import make_subplots
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.plot import style
from mobo_core.plot.columns import NO_PARAMETER, ParameterColumn, parameter_columns
from mobo_core.results import TrialHistory, read_trials
from mobo_core.results.candidates import counted_reports
from mobo_core.results.names import check_reported

FEWEST = 20
"""The smallest number of trials from which importance is estimated."""
TREES, FOLDS, SHUFFLES = 100, 5, 5
AXIS = "fall of R² when shuffled<br>thin lines: ± 1 standard deviation over folds and shuffles"
MOST_LETTERS = 24
"""The length to which a parameter's name is shortened."""
WEAK = 0.3
"""Below this R² the figure says that the importance means little."""


class Importance(NamedTuple):
    """How much each of k parameters tells about one objective.

    Args:
        means: (k,) the mean fall of R² when the parameter's values are shuffled.
        spreads: (k,) the standard deviation of that fall over folds and shuffles.
        r2: The out-of-bag R² of the model of all trials: 1 is a perfect model, and 0 is no better
            than the mean.

    Example:
        >>> Importance(np.array([0.8]), np.array([0.1]), r2=0.95).r2
        0.95
    """

    means: Points
    spreads: Points
    r2: float


def parameter_importance(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    seed: int = 0,
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> go.Figure:
    """Return a figure of how much each parameter tells about each objective.

    A model of extremely randomised trees predicts the objective from the parameters. A parameter's
    importance is how much the model's R² on trials that it has not seen falls when the values of
    this parameter are shuffled among them. The bars show the mean over five folds, with five
    shuffles each, and the thin lines the standard deviation. The title of each panel gives the
    model's out-of-bag R²: if the model predicts badly, its importances mean little, and the panel
    says so.

    It describes the trials of this search. Schedulers and searchers prefer some regions, so it need
    not hold elsewhere, and two parameters that always change together share their importance.

    Args:
        results: The results, as in `mobo_core.pareto_front`. Each trial counts with its last report
            that has all objectives, unless one of them is not a finite number there; trials that
            failed do not count.
        objectives: The objectives.
        seed: The seed of the trees, the folds and the shuffles.
        trial_column: As in `mobo_core.pareto_front`.
        config_columns: As in `mobo_core.pareto_front`.

    Raises:
        TypeError: If the results or the objectives are something else.
        ValueError: If fewer than `FEWEST` trials can be used, no parameter differs, or as in
            `mobo_core.pareto_front`.

    Source: Geurts et al. 2006, doi:10.1007/s10994-006-6226-1 (the trees); Breiman 2001,
    doi:10.1023/A:1010933404324, section 10 (importance by permutation).

    Example:
        >>> from mobo_core import Objective, plot
        >>> reports = [{"loss": x % 7, "config": {"a": x % 7, "b": x % 3}} for x in range(40)]
        >>> figure = plot.parameter_importance(reports, [Objective("loss", "min", reference=9)])
        >>> figure.layout.yaxis.ticktext  # the most important one is at the top, so it comes last
        ('b', 'a')
    """
    wanted = as_objective_set(objectives)
    read = read_trials(results, trial_column=trial_column, config_columns=config_columns)
    check_reported(wanted, (), read)
    trials, values = _last_values(read, wanted)
    columns = parameter_columns(trials)
    if len(trials) < FEWEST:
        raise ValueError(
            f"parameter importance needs at least {FEWEST} trials that reported all objectives, "
            f"got {len(trials)}"
        )
    if not columns:
        raise ValueError(NO_PARAMETER)
    found = [importance(columns, column, seed) for column in values.T]
    return _drawn(columns, wanted, found, len(trials))


def _last_values(
    trials: Iterable[TrialHistory], objectives: ObjectiveSet
) -> tuple[list[TrialHistory], Points]:
    """Return the trials that can be used, and their last values (n, m)."""
    used, points = [], []
    for trial in trials:
        reports = counted_reports(trial, objectives, "last")
        if not isinstance(reports, str) and np.isfinite(reports[-1].point).all():
            used.append(trial)
            points.append(reports[-1].point)
    return used, objectives.to_metrics(np.array(points).reshape(-1, len(objectives)))


def importance(columns: Sequence[ParameterColumn], values: Points, seed: int) -> Importance:
    """Return the importance of k parameters for one objective.

    Args:
        columns: The k parameters of n trials.
        values: (n,) the objective's values. If they are positive and span two orders of magnitude,
            their logarithms are predicted.
        seed: The seed.

    Example:
        >>> width = ParameterColumn("width", tuple(range(40)), is_number=True, is_log=False)
        >>> found = importance([width], np.arange(40.0) % 20, seed=0)
        >>> found.means.shape, found.r2 > 0.5
        ((1,), True)
    """
    target = np.log10(values) if style.is_wide(values) else values
    if np.ptp(target) == 0:
        return Importance(np.zeros(len(columns)), np.zeros(len(columns)), 0.0)
    table = np.column_stack([column.positions for column in columns])
    model = _model(columns, seed)
    falls = []
    for fold, (seen, unseen) in enumerate(
        KFold(FOLDS, shuffle=True, random_state=seed).split(table)
    ):
        model.fit(table[seen], target[seen])
        if np.ptp(target[unseen]) > 0:  # otherwise R² is not defined
            tested = permutation_importance(
                model, table[unseen], target[unseen], n_repeats=SHUFFLES, random_state=seed + fold
            )
            falls.append(tested.importances)
    model.fit(table, target)
    r2 = float(model[-1].oob_score_)
    if not falls:
        return Importance(np.zeros(len(columns)), np.zeros(len(columns)), r2)
    together = np.concatenate(falls, axis=1)
    return Importance(together.mean(axis=1), together.std(axis=1), r2)


def _model(columns: Sequence[ParameterColumn], seed: int) -> Pipeline:
    """Return trees behind an encoding: choices as indicators, missing numbers as medians."""
    numbers = [index for index, column in enumerate(columns) if column.is_number]
    choices = [index for index, column in enumerate(columns) if not column.is_number]
    encoding = ColumnTransformer(
        [
            ("numbers", SimpleImputer(strategy="median", add_indicator=True), numbers),
            ("choices", OneHotEncoder(handle_unknown="ignore"), choices),
        ],
        sparse_threshold=0,
    )
    trees = ExtraTreesRegressor(
        TREES, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=seed
    )
    return make_pipeline(encoding, trees)


def _drawn(
    columns: Sequence[ParameterColumn],
    objectives: ObjectiveSet,
    found: Sequence[Importance],
    trials: int,
) -> go.Figure:
    # Bars are drawn from the bottom up, in one order for all panels.
    order = np.argsort(np.mean([one.means for one in found], axis=0), kind="stable")
    names = [columns[index].name for index in order]
    width = 60 // len(found)
    titles = [
        f"{style.plain(style.shortened(objective.name, width))}<br>R² {one.r2:.2f}"
        + ("<br>too low to rely on" if one.r2 < WEAK else "")
        for objective, one in zip(objectives, found, strict=True)
    ]
    figure = make_subplots(
        rows=1,
        cols=len(found),
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.05,
        x_title=AXIS,
    )
    for column, (objective, one) in enumerate(zip(objectives, found, strict=True), start=1):
        weak = one.r2 < WEAK
        bars = go.Bar(
            x=one.means[order],
            y=np.arange(len(order)),
            hovertext=[style.plain(f"{name} for {objective.name}") for name in names],
            orientation="h",
            marker={"color": style.GREY if weak else style.BLUE},
            error_x={"array": one.spreads[order], "color": "#444444", "thickness": 1.2},
            hovertemplate="%{hovertext}:<br>R² falls by %{x:.3f}<extra></extra>",
            showlegend=False,
        )
        figure.add_trace(bars, row=1, col=column)
    figure.update_layout(style.layout(f"Parameter importance, {trials} trials"))
    figure.update_layout(height=220 + 34 * max(len(columns), 3), margin={"t": 120, "b": 90})
    figure.update_layout(title={"y": 0.97, "yanchor": "top"})  # above the titles of the panels
    figure.update_annotations(font={"size": 12})
    # The places are numbers, so that names which are shortened to the same text stay apart.
    texts = [style.plain(style.shortened(name, MOST_LETTERS)) for name in names]
    figure.update_yaxes(automargin=True, tickvals=list(range(len(texts))), ticktext=texts)
    return figure
