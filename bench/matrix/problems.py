"""The problems that a matrix can name, and their data sets.

Another package adds a problem by an entry point (`bench.matrix.extensions`). To add one to this
suite, write it (see `mobo_core.problems.protocol`) and give it an entry in `PROBLEMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.errors import UserError
from bench.matrix import extensions
from bench.matrix.naming import dataset_name
from mobo_core.problems.learners import LearnerProblem
from mobo_core.problems.learners.recipes import RECIPES
from mobo_core.problems.protocol import Problem
from mobo_core.problems.synthetic import PROBLEMS as SYNTHETIC
from mobo_core.problems.synthetic import SyntheticProblem
from mobo_core.problems.tabular import TabularProblem, embedded_table
from mobo_core.problems.yahpo import YAHPOProblem, instances

MOST_SHOWN = 40
"""Number of data sets up to which a problem's are all named."""
USUAL_EPOCHS = 8
"""The number of epochs of a curve, where the problem does not say how many."""
SHORTEST = 2
"""A number of epochs that every problem has."""
AUTO = "auto"
"""The data set name that means MNIST if it can be had, and scikit-learn's digits otherwise."""


@dataclass(frozen=True)
class ProblemEntry:
    """A problem that a matrix can name.

    Args:
        make: A function of (data set, folder with the data, epochs) that returns the problem.
        datasets: Names of the data sets, the default first.
        title: The problem's title in reports; ``{}`` stands for the data set.
        trains: Whether the problem trains, in real time. Otherwise its curves are recorded or
            computed beforehand, and it runs in virtual time only.
        recorded: Name of the problem that replaces it in virtual time, with recorded curves.
        epochs: Data set → the number of epochs of its curves, where data sets differ in it.
    """

    make: Callable[[str, str, int], Problem]
    datasets: tuple[str, ...]
    title: str
    trains: bool = False
    recorded: str | None = None
    epochs: Mapping[str, int] = field(default_factory=dict)


def _mlp(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    from mobo_core.problems.mlp import MLPProblem  # this import takes seconds: only for training

    return MLPProblem(dataset, data_dir, max_epochs)  # type: ignore[arg-type]


def _mlp_table(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return TabularProblem(str(embedded_table(f"mlp-{dataset}")), max_epochs)


def _learner(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return LearnerProblem(dataset, data_dir, max_epochs)


def _learner_table(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return TabularProblem(str(embedded_table(dataset)), max_epochs)


def _lcbench(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return YAHPOProblem("lcbench", dataset, data_dir, max_epochs)


def _rbv2_rpart(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return YAHPOProblem("rbv2_rpart", dataset, data_dir, max_epochs)


def _rbv2_xgboost(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return YAHPOProblem("rbv2_xgboost", dataset, data_dir, max_epochs)


def _synthetic(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return SyntheticProblem(dataset, max_epochs)


LEARNER_EPOCHS = {name: recipe.epochs for name, recipe in RECIPES.items()}

PROBLEMS: Mapping[str, ProblemEntry] = {
    "lcbench": ProblemEntry(
        _lcbench, instances("lcbench"), "LCBench (YAHPO surrogate), data set {}"
    ),
    "learner": ProblemEntry(
        _learner,
        tuple(RECIPES),
        "Small learner {}",
        trains=True,
        recorded="learner-table",
        epochs=LEARNER_EPOCHS,
    ),
    "learner-table": ProblemEntry(
        _learner_table,
        tuple(RECIPES),
        "Small learner {}, a grid of recorded curves with two training seeds",
        epochs=LEARNER_EPOCHS,
    ),
    "mlp": ProblemEntry(_mlp, ("mnist", "digits"), "MLP on {}", trains=True, recorded="mlp-table"),
    "mlp-table": ProblemEntry(
        _mlp_table, ("mnist",), "MLP on {}, a grid of recorded curves with two training seeds"
    ),
    "rbv2-xgboost": ProblemEntry(
        _rbv2_xgboost, instances("rbv2_xgboost"), "XGBoost (YAHPO surrogate), data set {}"
    ),
    "rbv2-rpart": ProblemEntry(
        _rbv2_rpart, instances("rbv2_rpart"), "Decision trees (YAHPO surrogate), data set {}"
    ),
    "synthetic": ProblemEntry(_synthetic, SYNTHETIC, "Synthetic problem {}"),
}


def names() -> list[str]:
    """Return the names of all problems, those of other packages included."""
    return sorted({*PROBLEMS, *(part.name for part in extensions.found("problem"))})


def find(name: str) -> ProblemEntry:
    """Return the entry of a problem.

    Raises:
        UserError: If there is no problem of that name, or another package's entry is none.
    """
    entry = PROBLEMS.get(name) or extensions.load("problem", name)
    if entry is None:
        raise UserError(f"unknown problem {name!r}: choose from {', '.join(names())}")
    if not isinstance(entry, ProblemEntry):
        raise UserError(
            f"problem {name!r} must be a bench.matrix.problems.ProblemEntry, its package gives "
            f"{type(entry).__name__}"
        )
    return entry


def datasets_of(entry: ProblemEntry) -> str:
    """Return the data sets of a problem as text, with the names of those that are numbers."""
    shown = [d if d == (name := dataset_name(d)) else f"{d} ({name})" for d in entry.datasets]
    if len(shown) <= MOST_SHOWN:
        return ", ".join(shown)
    return f"{len(shown)} data sets of OpenML by number, e.g. {', '.join(shown[:5])}"


def epochs_of(name: str, dataset: str) -> int:
    """Return the number of epochs of a curve that is recorded.

    Raises:
        UserError: If there is no such problem or data set.
    """
    check_dataset(name, dataset)
    return find(name).epochs.get(dataset, USUAL_EPOCHS)


def title(name: str) -> str:
    """Return a problem's title for reports, also if its package is not installed any more."""
    try:
        return find(name).title
    except UserError:
        return f"{name} on {{}}"


def make(name: str, dataset: str, data_dir: str, max_epochs: int) -> Problem:
    """Return a problem on one of its data sets.

    Args:
        name: The problem's name.
        dataset: The data set's name.
        data_dir: Folder with the data.
        max_epochs: Full budget of a trial, in epochs.

    Raises:
        UserError: If there is no such problem or data set, or it has fewer epochs.
    """
    check_dataset(name, dataset)
    try:
        problem = find(name).make(dataset, data_dir, max_epochs)
        problem.max_epochs, problem.space, problem.objectives  # noqa: B018 - files are read here
    except ValueError as error:
        raise UserError(str(error)) from error
    except Exception as error:  # whatever the problem of another package raises
        if name in PROBLEMS:
            raise
        raise UserError(
            f"problem {name!r} on {dataset!r} cannot be made: {type(error).__name__}: {error}; "
            "this must be mended in the package that offers it"
        ) from error
    return problem


def check_dataset(name: str, dataset: str) -> None:
    """Check that a problem has a data set of this name.

    Raises:
        UserError: If there is no such problem or data set.
    """
    entry = find(name)
    if dataset not in entry.datasets:
        raise UserError(
            f"unknown data set {dataset!r} for problem {name!r}: choose from "
            f"{', '.join(entry.datasets)}"
        )


def check_data(name: str, dataset: str, data_dir: str) -> None:
    """Check that a data set is there and can be read.

    Raises:
        UserError: If there is no such problem or data set, or its files are missing or damaged.
    """
    problem = make(name, dataset, data_dir, SHORTEST)
    try:
        problem.data_checksum()
        if not find(name).trains:
            middle = problem.space.from_unit(np.full(len(problem.space), 0.5))
            problem.start(middle, 0).run_epoch()
    except ValueError as error:
        raise UserError(str(error)) from error
    except ImportError:
        raise
    except (Exception, SystemExit):  # noqa: S110 - a trial may fail, and the runs record why
        pass
