"""The problems that a matrix can name, and their data sets.

To add a problem, write it (see `mobo_core.problems.protocol`) and give it an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.errors import UserError
from mobo_core.problems.protocol import Problem
from mobo_core.problems.synthetic import FUNCTIONS, SyntheticProblem
from mobo_core.problems.tabular import TabularProblem, embedded_table
from mobo_core.problems.yahpo import YAHPOProblem, instances

SHORTEST = 2
"""Epochs that every problem has."""
AUTO = "auto"
"""Data set of a matrix file: MNIST if it can be had, and the digits otherwise."""


@dataclass(frozen=True)
class ProblemEntry:
    """A problem of the catalogue.

    Args:
        make: (data set, folder with the data, epochs) → the problem.
        datasets: Names of its data sets, the usual one first.
        title: For reports; ``{}`` is the data set.
        trains: Whether it takes real time; otherwise it knows its curves beforehand, which makes
            sense in virtual time alone.
        recorded: Name of the problem that stands for it in virtual time, with recorded curves.
    """

    make: Callable[[str, str, int], Problem]
    datasets: tuple[str, ...]
    title: str
    trains: bool = False
    recorded: str | None = None


def _mlp(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    from mobo_core.problems.mlp import MLPProblem  # takes seconds: for those who train

    return MLPProblem(dataset, data_dir, max_epochs)  # type: ignore[arg-type]


def _mlp_table(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return TabularProblem(str(embedded_table(f"mlp-{dataset}")), max_epochs)


def _lcbench(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return YAHPOProblem("lcbench", dataset, data_dir, max_epochs)


def _rbv2_xgboost(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return YAHPOProblem("rbv2_xgboost", dataset, data_dir, max_epochs)


def _synthetic(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    return SyntheticProblem(dataset, max_epochs)


PROBLEMS: Mapping[str, ProblemEntry] = {
    "lcbench": ProblemEntry(
        _lcbench, instances("lcbench"), "LCBench (YAHPO surrogate), data set {}"
    ),
    "mlp": ProblemEntry(_mlp, ("mnist", "digits"), "MLP on {}", trains=True, recorded="mlp-table"),
    "mlp-table": ProblemEntry(
        _mlp_table, ("mnist",), "MLP on {}, a grid of recorded curves with two training seeds"
    ),
    "rbv2-xgboost": ProblemEntry(
        _rbv2_xgboost, instances("rbv2_xgboost"), "XGBoost (YAHPO surrogate), data set {}"
    ),
    "synthetic": ProblemEntry(_synthetic, tuple(FUNCTIONS), "Synthetic problem {}"),
}


def find(name: str) -> ProblemEntry:
    """The entry of a problem.

    Raises:
        UserError: If there is none.
    """
    if name not in PROBLEMS:
        raise UserError(f"unknown problem {name!r}: choose from {', '.join(sorted(PROBLEMS))}")
    return PROBLEMS[name]


def make(name: str, dataset: str, data_dir: str, max_epochs: int) -> Problem:
    """A problem on one of its data sets.

    Raises:
        UserError: If there is no such problem or data set, or the epochs are too many.
    """
    entry = find(name)
    if dataset not in entry.datasets:
        raise UserError(
            f"unknown data set {dataset!r} for problem {name!r}: choose from "
            f"{', '.join(entry.datasets)}"
        )
    try:
        problem = entry.make(dataset, data_dir, max_epochs)
        problem.max_epochs, problem.space, problem.objectives  # noqa: B018 - files are read here
    except ValueError as error:
        raise UserError(str(error)) from error
    return problem


def check_data(name: str, dataset: str, data_dir: str) -> None:
    """Refuse data that are not there.

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
