"""Check before the first trial that the results of a problem can be recorded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from bench.errors import UserError
from bench.execution.epochs import METRICS_OF_TUNE
from bench.matrix.matrix import Run
from bench.records import columns, plain
from bench.records.storage import RETIRED
from mobo_core.objectives import Objective
from mobo_core.problems.protocol import Problem
from mobo_core.seeding import canonical_json
from mobo_core.space import ChoiceParameter

LONGEST_NAME = 255
"""The bytes that the name of a folder may have."""
SET_BY_TUNE = METRICS_OF_TUNE | {"startup_s"}
"""Metrics that a report has beside the problem's own; a problem's value would be overwritten."""


def check(problem: Problem, names: Iterable[str]) -> None:
    """Check the names and the search space of a problem.

    Args:
        problem: The problem.
        names: The short names of the objectives that are used.

    Raises:
        UserError: If a result could not be recorded; the message names the remedy.
    """
    for short in names:
        if not short.replace("-", "").replace("_", "").isalnum():
            raise UserError(
                f"problem {problem.name!r}: the short name {short!r} of an objective becomes a "
                "part of folder names; use letters, digits, hyphens and underscores only"
            )
        _check_objective(problem.name, problem.objectives[short])
    for parameter in problem.space.parameters:
        if parameter.name != plain.text(parameter.name):
            raise UserError(
                f"problem {problem.name!r}: the name of parameter {parameter.name!r} is no valid "
                "text; rename it"
            )
        if isinstance(parameter, ChoiceParameter):
            _check_choices(problem.name, parameter)


def _check_objective(problem: str, objective: Objective) -> None:
    name = objective.name
    if name.partition("/")[0] in SET_BY_TUNE:
        why = "every report of Ray Tune has a value of its own under that name"
    elif columns.of_metric(name) != name:
        why = "the tables of results use that name for something else"
    elif name != plain.text(name):
        why = "it is no valid text"
    else:
        return
    raise UserError(
        f"problem {problem!r}: an objective cannot be called {name!r}, because {why}; report the "
        "metric under another name"
    )


def _check_choices(problem: str, parameter: ChoiceParameter) -> None:
    """Check that records can tell the values of a choice apart."""
    seen: dict[str, object] = {}
    for choice in parameter.values:
        text = canonical_json(plain.value(choice))
        if text in seen:
            raise UserError(
                f"problem {problem!r}: values {seen[text]!r} and {choice!r} of parameter "
                f"{parameter.name!r} are both recorded as {text}; offer names instead, and look "
                "the object up by its name when the training starts"
            )
        seen[text] = choice


def check_ids(runs: Sequence[Run]) -> None:
    """Check that the ids of runs can be names of folders.

    Raises:
        UserError: If one is too long.
    """
    for run in runs:
        length = len(os.fsencode(RETIRED + run.run_id))
        if length > LONGEST_NAME:
            raise UserError(
                f"{run.cell.label} / {run.cell.searcher.label}: the name of its folder would have "
                f"{length} bytes, more than {LONGEST_NAME}; give shorter labels"
            )
