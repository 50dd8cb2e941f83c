"""The model behind a model-based search, fitted again: how well it predicts, and what it believes.

Ax fits and cross-validates; only runs whose searcher had a model are looked at, and few of them,
because each takes seconds.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
"""What trials that a model suggested have as their origin; see `mobo_core.tune.AxSearcher`."""
MOST_STEPS = 40
"""Of a contour along each parameter: more cannot be seen."""
SEED = 0


@dataclass(frozen=True)
class Fit:
    """Leave-one-out cross-validation of one objective.

    Args:
        objective: Its name.
        r2: Coefficient of determination of the predictions, at most 1.
        points: Columns observed, predicted and margin (half of the 95 % interval), a row a trial.
    """

    objective: str
    r2: float
    points: pd.DataFrame


@dataclass(frozen=True)
class Contour:
    """What the model predicts of one objective over two parameters, the others in the middle.

    Args:
        objective: Its name.
        parameters: Along x and y.
        logarithmic: Whether the axes are.
        x: (n,) values.
        y: (m,) values.
        means: (m, n) predicted.
        tried: (k, 2) what the trials had, x and y.
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
    """What the model of one run is worth.

    Args:
        record: Of the run.
        fits: One an objective; empty if the model could not be fitted.
        contours: Likewise; none with fewer than two numeric parameters.
        error: Why there are none; empty otherwise.
    """

    record: RunRecord
    fits: tuple[Fit, ...] = ()
    contours: tuple[Contour, ...] = ()
    error: str = ""


def diagnose(
    finished: Sequence[RunRecord], settings: Mapping[str, Any], data_dir: str, most: int
) -> list[Diagnosis]:
    """Fit Ax's model to the recorded trials of some runs; a failure is told, never raised.

    Args:
        finished: In the matrix's order.
        settings: Of the matrix.
        data_dir: Has the files that some search spaces are read from.
        most: Runs at most.
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
    """The first run with a model of each searcher and objective set, FIFO's if it is there.

    FIFO trains every trial to the end, so that its model has learned from final values alone.
    """
    found: dict[tuple[str, tuple[str, ...]], RunRecord] = {}
    for record in sorted(finished, key=lambda r: r.labels["scheduler"] != BASELINE):
        if record.result and any(t.origin == MODEL for t in record.result.trials):
            found.setdefault((record.labels["searcher"], tuple(record.spec["objectives"])), record)
    return list(found.values())


def _diagnose(record: RunRecord, space: SearchSpace) -> Diagnosis:
    from ax.adapter.registry import Generators

    try:
        experiment = exports.ax_client(record, space, every_report=False)._experiment
        adapter = Generators.BOTORCH_MODULAR(
            experiment=experiment, data=_learned(record, experiment)
        )
        fits = _cross_validation(experiment, adapter, record)
        contours = tuple(
            found
            for name in record.objective_set.names
            if (found := _contour(experiment, adapter, name)) is not None
        )
    except Exception as error:  # whatever the fit of a strange record ends in
        return Diagnosis(record, error=one_line(error))
    return Diagnosis(record, fits, contours)


def _learned(record: RunRecord, experiment: Experiment) -> Data:
    """What the searcher's model knew: of full trials alone, unless stopped ones count as final."""
    if record.spec.get("searcher", {}).get("partial_data", "full-fidelity") != "full-fidelity":
        return experiment.lookup_data()
    full = [index for index, trial in experiment.trials.items() if trial.status.is_completed]
    return experiment.lookup_data(trial_indices=full)


def _cross_validation(
    experiment: Experiment, adapter: Adapter, record: RunRecord
) -> tuple[Fit, ...]:
    from ax.adapter.cross_validation import cross_validate
    from ax.utils.stats.model_fit_stats import coefficient_of_determination

    results = cross_validate(adapter, folds=-1, untransform=True)
    fits = []
    for name in record.objective_set.names:
        rows = []
        for result in results:
            seen, guess = result.observed.data, result.predicted
            at, k = seen.metric_signatures.index(name), guess.metric_signatures.index(name)
            margin = 1.96 * float(np.sqrt(guess.covariance[k, k]))
            rows.append((float(seen.means[at]), float(guess.means[k]), margin))
        points = pd.DataFrame(rows, columns=["observed", "predicted", "margin"])
        observed, predicted = points["observed"].to_numpy(), points["predicted"].to_numpy()
        r2 = coefficient_of_determination(observed, predicted, np.ones(len(points)))
        fits.append(Fit(name, float(r2), points))
    return tuple(fits)


def _contour(experiment: Experiment, adapter: Adapter, objective: str) -> Contour | None:
    """Over the two parameters along which the prediction ranges most."""
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
    from ax.analysis.plotly.surface.slice import SlicePlot

    ranges = {}
    for name, parameter in experiment.search_space.parameters.items():
        if parameter.is_numeric:
            frame = SlicePlot(name, objective).compute(experiment=experiment, adapter=adapter).df
            ranges[name] = float(np.ptp(frame[f"{objective}_mean"].to_numpy(dtype=float)))
    ordered = sorted(ranges, key=ranges.__getitem__, reverse=True)
    return (ordered[0], ordered[1]) if len(ordered) > 1 else None


def _spaced(count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Positions of at most `MOST_STEPS`, evenly spaced, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).round().astype(np.int64))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Ax and GPyTorch say of every fold, and with PyTorch's random state untouched."""
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
