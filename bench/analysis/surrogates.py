"""Refit the model behind a model-based search, to show how well it predicts and what it predicts.

Ax fits and cross-validates the model. Only runs whose searcher had a model are examined, and only
a few of them, because each takes seconds.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.analysis import exports
from bench.analysis.aggregate import BASELINE
from bench.errors import UserError
from bench.matrix import problems
from bench.records.record import RunRecord
from bench.records.storage import one_line
from mobo_core.space import SearchSpace

if TYPE_CHECKING:
    from ax.adapter.base import Adapter
    from ax.core.data import Data
    from ax.core.experiment import Experiment

MODEL = "BoTorch"
"""The origin of the trials that a model suggested; see `mobo_core.tune.AxSearcher`."""
MOST_STEPS = 40
"""The most steps of a contour along each parameter; more would not be visible."""
SEED = 0
"""The seed of PyTorch while a model is fitted."""


@dataclass(frozen=True)
class Fit:
    """The leave-one-out cross-validation of one objective.

    Args:
        objective: The objective's name.
        r2: The coefficient of determination of the predictions, at most 1.
        points: A row per trial with the columns ``observed``, ``predicted`` and ``margin`` (half
            the width of the 95 % interval), all in the objective's unit.
    """

    objective: str
    r2: float
    points: pd.DataFrame


@dataclass(frozen=True)
class Contour:
    """The model's predictions of one objective over two parameters.

    The other parameters stay in the middle of their ranges.

    Args:
        objective: The objective's name.
        parameters: The names of the parameters along x and y.
        logarithmic: Whether the x axis is logarithmic, and whether the y axis is.
        x: (n,) values of the first parameter.
        y: (m,) values of the second parameter.
        means: (m, n) predicted values of the objective.
        tried: (k, 2) values of both parameters in the run's trials.
    """

    objective: str
    parameters: tuple[str, str]
    logarithmic: tuple[bool, bool]
    x: np.ndarray[Any, np.dtype[np.float64]]
    y: np.ndarray[Any, np.dtype[np.float64]]
    means: np.ndarray[Any, np.dtype[np.float64]]
    tried: np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Diagnosis:
    """The quality of the model behind one run.

    Args:
        record: The run.
        fits: One fit per objective; empty if the model could not be fitted.
        contours: At most one contour per objective. Empty if the model could not be fitted, or if
            fewer than two parameters are numeric.
        error: The reason why the model could not be fitted; empty otherwise.
    """

    record: RunRecord
    fits: tuple[Fit, ...] = ()
    contours: tuple[Contour, ...] = ()
    error: str = ""


def diagnose(
    finished: Sequence[RunRecord], settings: Mapping[str, Any], data_dir: str, most: int
) -> list[Diagnosis]:
    """Fit Ax's model to the recorded trials of a few runs.

    A failure is stored in the run's diagnosis and never raised.

    Args:
        finished: The finished runs, in the matrix's order.
        settings: The matrix's settings.
        data_dir: The folder with the files that some search spaces are read from.
        most: The largest number of runs to examine.
    """
    chosen = choose(finished)[:most]
    if not chosen:
        return []
    try:
        epochs = settings["budget"]["max_epochs"]
        space = problems.make(settings["problem"], settings["dataset"], data_dir, epochs).space
    except (UserError, OSError) as error:
        return [Diagnosis(record, error=str(error)) for record in chosen]
    with _quiet():
        return [_diagnose(record, space) for record in chosen]


def choose(finished: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the first run with a model of each searcher and objective set, preferably FIFO's.

    FIFO trains every trial to the end, so its model has learned from final values only.
    """
    found: dict[tuple[str, tuple[str, ...]], RunRecord] = {}
    for record in sorted(finished, key=lambda r: r.labels["scheduler"] != BASELINE):
        if record.result and any(t.origin == MODEL for t in record.result.trials):
            found.setdefault((record.labels["searcher"], tuple(record.spec["objectives"])), record)
    return list(found.values())


def _diagnose(record: RunRecord, space: SearchSpace) -> Diagnosis:
    """Return the fits and contours of one run, or the reason why there are none."""
    from ax.adapter.registry import Generators

    from mobo_core.tune.searchers.ax_experiment import metric_names

    try:
        experiment = exports.ax_client(record, space, every_report=False)._experiment
        adapter = Generators.BOTORCH_MODULAR(
            experiment=experiment, data=_learned(record, experiment)
        )
        fits = _cross_validation(experiment, adapter, record)
        contours = tuple(
            replace(found, objective=name)
            for name, there in metric_names(record.objective_set).items()
            if (found := _contour(experiment, adapter, there)) is not None
        )
    except Exception as error:  # fitting an unusual record may fail in any way
        return Diagnosis(record, error=one_line(error))
    return Diagnosis(record, fits, contours)


def _learned(record: RunRecord, experiment: Experiment) -> Data:
    """Return the data that the searcher's model had.

    These are completed trials only, unless the searcher also treats the last values of stopped
    trials as final.
    """
    if record.spec.get("searcher", {}).get("partial_data", "full-fidelity") != "full-fidelity":
        return experiment.lookup_data()
    full = [index for index, trial in experiment.trials.items() if trial.status.is_completed]
    return experiment.lookup_data(trial_indices=full)


def _cross_validation(
    experiment: Experiment, adapter: Adapter, record: RunRecord
) -> tuple[Fit, ...]:
    """Return the leave-one-out cross-validation of every objective."""
    from ax.adapter.cross_validation import cross_validate
    from ax.utils.stats.model_fit_stats import coefficient_of_determination

    from mobo_core.tune.searchers.ax_experiment import metric_names

    results = cross_validate(adapter, folds=-1, untransform=True)
    fits = []
    for name, there in metric_names(record.objective_set).items():
        rows = []
        for result in results:
            seen, guess = result.observed.data, result.predicted
            at, k = seen.metric_signatures.index(there), guess.metric_signatures.index(there)
            margin = 1.96 * float(np.sqrt(guess.covariance[k, k]))
            rows.append((float(seen.means[at]), float(guess.means[k]), margin))
        points = pd.DataFrame(rows, columns=["observed", "predicted", "margin"])
        observed, predicted = points["observed"].to_numpy(), points["predicted"].to_numpy()
        r2 = coefficient_of_determination(observed, predicted, np.ones(len(points)))
        fits.append(Fit(name, float(r2), points))
    return tuple(fits)


def _contour(experiment: Experiment, adapter: Adapter, objective: str) -> Contour | None:
    """Return the contour over the two parameters that change the prediction most, or None."""
    from ax.analysis.plotly.surface.contour import ContourPlot
    from ax.analysis.plotly.surface.utils import is_axis_log_scale

    pair = _most_telling(experiment, adapter, objective)
    if pair is None:
        return None
    x, y = pair
    frame = ContourPlot(x, y, objective).compute(experiment=experiment, adapter=adapter).df
    wide = frame.pivot_table(index=y, columns=x, values=f"{objective}_mean", aggfunc="mean")
    wide = wide.iloc[_spaced(len(wide)), _spaced(wide.shape[1])]
    parameters = experiment.search_space.parameters
    return Contour(
        objective,
        pair,
        (is_axis_log_scale(parameters[x]), is_axis_log_scale(parameters[y])),
        wide.columns.to_numpy(dtype=float),
        wide.index.to_numpy(dtype=float),
        wide.to_numpy(dtype=float),
        np.array([[a.parameters[x], a.parameters[y]] for a in experiment.arms_by_name.values()]),
    )


def _most_telling(
    experiment: Experiment, adapter: Adapter, objective: str
) -> tuple[str, str] | None:
    """Return the two numeric parameters along which the prediction varies most.

    The result is None if fewer than two parameters are numeric.
    """
    from ax.analysis.plotly.surface.slice import SlicePlot

    ranges = {}
    for name, parameter in experiment.search_space.parameters.items():
        # Ax draws no surface over values without an order, which it may have by their numbers.
        if parameter.is_numeric and getattr(parameter, "is_ordered", True):
            frame = SlicePlot(name, objective).compute(experiment=experiment, adapter=adapter).df
            ranges[name] = float(np.ptp(frame[f"{objective}_mean"].to_numpy(dtype=float)))
    ordered = sorted(ranges, key=ranges.__getitem__, reverse=True)
    return (ordered[0], ordered[1]) if len(ordered) > 1 else None


def _spaced(count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return at most `MOST_STEPS` evenly spaced positions, including both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).round().astype(np.int64))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Ax and GPyTorch, and keep PyTorch's random state untouched.

    Both libraries would print a message for every fold.
    """
    import torch

    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            torch.manual_seed(SEED)
            yield
    finally:
        logging.disable(disabled)
