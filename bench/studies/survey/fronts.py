"""Known fronts: what a data set has to offer, from a large fixed sample and never from results.

    python -m bench.studies.survey.fronts DATA_DIR [FAMILY ...]

writes ``known_fronts.parquet``, which comes with the package: for each data set and objective set
of the survey the non-dominated final values, over all training seeds, of

* the whole grid of a recorded table,
* `TRUE` points of the true front of a test function, where it is known,
* `SAMPLE` Sobol points of a surrogate or another test function.

They hold for the survey's own number of epochs. The fronts of other data sets, or of other numbers
of epochs, are computed when they are needed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import qmc

from bench.matrix import catalogue, problems
from bench.matrix.surveys import Unit, load_survey
from mobo_core.objectives import Points
from mobo_core.pareto.dominance import front_mask
from mobo_core.problems.curve import CurveTraining
from mobo_core.problems.protocol import Problem, train_again
from mobo_core.problems.synthetic import SyntheticProblem
from mobo_core.problems.tabular import TabularProblem

SAMPLE = 2048
"""The number of configurations of the sample."""
SEED = 2**32 - 1
"""The seed of the sample: the largest one, which no run is likely to use."""
TRUE = 512
"""The number of points of a true front."""
FILE = "known_fronts.parquet"


def known_front(unit: Unit, names: tuple[str, ...], data_dir: str) -> Points:
    """Return the known front (k, m) of a data set, minimised, in the order of the objectives.

    Args:
        unit: The data set.
        names: The short names of the objectives.
        data_dir: The folder with the data, which is read if the front is not shipped.
    """
    if _shipped_epochs().get(unit.name) == unit.budget.max_epochs:
        shipped = _shipped().get((unit.name, "+".join(names)))
        if shipped is not None:
            return shipped
    return fronts_of(unit, [names], data_dir)[names]


@functools.cache
def _shipped_epochs() -> Mapping[str, int]:
    """Return data set → the number of epochs to which its shipped fronts belong."""
    return {unit.name: unit.budget.max_epochs for unit in load_survey("survey").units()}


@functools.cache
def _shipped() -> Mapping[tuple[str, str], Points]:
    path = resources.files("bench.studies.survey") / FILE
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        frame = pd.read_parquet(stream)
    groups = frame.groupby(["dataset", "objectives"], observed=True)
    return {
        (str(dataset), str(objectives)): rows[_columns(str(objectives))].to_numpy(float)
        for (dataset, objectives), rows in groups
    }


def _columns(objectives: str) -> list[str]:
    return [f"f{i}" for i in range(1, objectives.count("+") + 2)]


def fronts_of(
    unit: Unit, sets: list[tuple[str, ...]], data_dir: str
) -> dict[tuple[str, ...], Points]:
    """Compute the known fronts of a data set, objective set → (k, m).

    Args:
        unit: The data set.
        sets: The objective sets.
        data_dir: The folder with the data.
    """
    problem = problems.make(unit.problem, unit.dataset, data_dir, unit.budget.max_epochs)
    ends = _true_ends(problem)
    if ends is None:
        ends = pd.DataFrame(list(_ends(problem)))
    found = {}
    for names in sets:
        objectives = catalogue.make_objectives(problem, names)
        points = ends[list(objectives.names)].to_numpy(float) * objectives.signs
        points = points[np.isfinite(points).all(axis=1)]  # a training may diverge
        mask = front_mask(points, points.max(axis=0) + 1)
        found[names] = np.unique(points[mask], axis=0)
    return found


def _ends(problem: Problem) -> Iterator[Mapping[str, Any]]:
    """Yield the last reports of the sample's trainings."""
    if isinstance(problem, TabularProblem):
        for config, seed in problem.entries():
            yield _last(problem, config, seed)
        return
    rng = np.random.default_rng(SEED)
    sample = qmc.Sobol(len(problem.space), scramble=True, rng=rng).random(SAMPLE)
    for unit in sample:
        yield _last(problem, problem.space.from_unit(unit), 0)


def _last(problem: Problem, config: Mapping[str, Any], seed: int) -> Mapping[str, Any]:
    training = problem.start(config, seed)
    if isinstance(training, CurveTraining):
        training.load_state(str(problem.max_epochs - 1).encode())  # skips what is not read
        return training.run_epoch()
    return train_again(problem, config, seed, problem.max_epochs)[0]


def _true_ends(problem: Problem) -> pd.DataFrame | None:
    """Return points of the true front of all objectives, if it is known."""
    if not isinstance(problem, SyntheticProblem):
        return None
    try:
        return pd.DataFrame(problem.front(TRUE), columns=list(problem.objectives))
    except NotImplementedError:
        return None


def main(data_dir: str, *families: str) -> None:
    """Write the known fronts of the survey's families, by default of all; others remain."""
    path = Path(__file__).with_name(FILE)
    units = [u for u in load_survey("survey").units() if not families or u.family in families]
    made = []
    if families and path.is_file():
        old = pd.read_parquet(path)
        made.append(old[~old["dataset"].isin([unit.name for unit in units])])
    for unit in units:
        sets = objective_sets_of(unit, data_dir)
        for names, front in fronts_of(unit, sets, data_dir).items():
            rows = pd.DataFrame(front.astype(np.float32), columns=_columns("+".join(names)))
            made.append(rows.assign(dataset=unit.name, objectives="+".join(names)))
        sys.stderr.write(f"{unit.name}\n")
    frame = pd.concat(made)
    for name in ("dataset", "objectives"):
        frame[name] = frame[name].astype("category")
    frame.to_parquet(path, index=False, compression="zstd")


def objective_sets_of(unit: Unit, data_dir: str) -> list[tuple[str, ...]]:
    """Return the objective sets of a data set: the family's, or all objectives together."""
    if unit.objective_sets:
        return list(unit.objective_sets)
    problem = problems.make(unit.problem, unit.dataset, data_dir, unit.budget.max_epochs)
    return [tuple(problem.objectives)]


if __name__ == "__main__":
    main(*sys.argv[1:])
