"""Surveys: the same schedulers on all data sets of several families of problems.

A survey is a TOML file like ``bench/matrices/surveys/survey.toml``. A *family* names a problem of
the catalogue, and its data sets are those of the problem, or a list. The unit of a survey is the
data set. Random search (Sobol points) gives every scheduler the same configurations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.matrix import problems, rivals
from bench.matrix.files import MATRICES, components, read_table, typed
from bench.matrix.matrix import Budget, Cell, Component, Run
from bench.matrix.split import Side, side_of

SURVEYS = MATRICES / "surveys"
"""The folder of the surveys that come with the package."""
SEARCHER = Component("sobol", "sobol", {})
"""The searcher of every survey: its configurations do not depend on the scheduler."""
BASELINE = "fifo"
"""The label of the scheduler to which the others are compared."""
REPLICATE = "fifo-replicate"
"""The label of the baseline's runs with another training seed, where that changes the curves: they
show how large differences by chance are.
"""


@dataclass(frozen=True)
class Family:
    """The data sets of a problem that a survey uses.

    Args:
        name: The family's name in tables. Families of one name are shown as one.
        problem: The problem's key in the catalogue.
        datasets: The names of the data sets.
        objective_sets: Tuples of the problem's short names; empty for all objectives together.
        budgets: Data set → the budget of its runs.
    """

    name: str
    problem: str
    datasets: tuple[str, ...]
    objective_sets: tuple[tuple[str, ...], ...]
    budgets: Mapping[str, Budget]


@dataclass(frozen=True)
class Unit:
    """A data set of a survey.

    Args:
        family: The family's name.
        problem: The problem's key in the catalogue.
        dataset: The data set's name.
        objective_sets: Tuples of the problem's short names; empty for all objectives together.
        budget: The budget of every run.
    """

    family: str
    problem: str
    dataset: str
    objective_sets: tuple[tuple[str, ...], ...]
    budget: Budget

    @property
    def name(self) -> str:
        """The full name of the data set, by which the split is made, e.g. ``lcbench-189866``."""
        if self.problem in OWN_NAMES:
            return f"{OWN_NAMES[self.problem]}{self.dataset}"
        return f"{self.problem.replace('rbv2-', 'rbv2_')}-{self.dataset}"

    @property
    def side(self) -> Side:
        """The side of the data set: ``tuning`` or ``test``."""
        return side_of(self.name)

    def run(self, scheduler: Component, objectives: tuple[str, ...], seed: int) -> Run:
        """Return a run of the survey, by which it is identified."""
        cell = Cell(self.problem, self.dataset, SEARCHER, scheduler, objectives)
        return Run(cell, self.budget, seed)


OWN_NAMES: Mapping[str, str] = {"learner-table": "", "mlp-table": "mlp-"}
"""Problem → what stands before its data sets' names; other problems' names stand there."""


@dataclass(frozen=True)
class Survey:
    """The same schedulers on many data sets.

    Args:
        name: The file's name without its extension.
        title: The title for reports.
        families: The families of data sets.
        schedulers: The schedulers, `BASELINE` among them.
    """

    name: str
    title: str
    families: tuple[Family, ...]
    schedulers: tuple[Component, ...]

    def units(self) -> list[Unit]:
        """Return all data sets, family by family."""
        return [
            Unit(family.name, family.problem, dataset, family.objective_sets, budget)
            for family in self.families
            for dataset, budget in family.budgets.items()
        ]


def survey_names() -> list[str]:
    """Return the names of the surveys that come with the package."""
    return sorted(Path(entry.name).stem for entry in SURVEYS.iterdir())


def load_survey(name_or_path: str) -> Survey:
    """Return a survey by its name, or read it from a TOML file.

    Raises:
        UserError: If there is no such survey, or the file is not a survey, with the place.
    """
    table = read_table(name_or_path, "survey", survey_names(), SURVEYS)
    return _survey(Path(name_or_path).stem, table, f"survey file {name_or_path}")


def without_absent(survey: Survey) -> tuple[Survey, dict[str, str]]:
    """Return the survey with the schedulers that can run, and why the others cannot.

    Args:
        survey: The survey, which may name rivals that are not installed.

    Returns:
        The survey, and label → reason of each scheduler that was left out.
    """
    absent = {c.label: rivals.absent("scheduler", c.name) for c in survey.schedulers}
    reasons = {label: reason for label, reason in absent.items() if reason}
    left = tuple(c for c in survey.schedulers if c.label not in reasons)
    return replace(survey, schedulers=left), reasons


def _survey(name: str, table: Mapping[str, Any], where: str) -> Survey:
    _refuse_unknown(table, {"title", "trials", "slots", "family", "scheduler"}, where)
    schedulers = components(table, "scheduler", where)
    if (BASELINE, BASELINE) not in ((c.label, c.name) for c in schedulers):
        raise UserError(f"{where}: a [[scheduler]] called {BASELINE!r} is needed to compare with")
    if REPLICATE in (component.label for component in schedulers):
        raise UserError(f"{where}: the label {REPLICATE!r} is that of FIFO with another seed")
    families = tuple(_family(entry, table, where) for entry in typed(table, "family", list, where))
    if not families:
        raise UserError(f"{where}: needs at least one [[family]]")
    named = Counter((f.problem, dataset) for f in families for dataset in f.datasets)
    if twice := [dataset for (_, dataset), times in named.items() if times > 1]:
        raise UserError(f"{where}: data set {twice[0]!r} is in two families; leave it out of one")
    return Survey(name, typed(table, "title", str, where), families, schedulers)


def _family(entry: Any, table: Mapping[str, Any], where: str) -> Family:
    if not isinstance(entry, dict):
        raise UserError(f"{where}: every [[family]] must be a table, got {entry!r}")
    known = {"name", "problem", "datasets", "objective_sets", "trials", "slots", "max_epochs"}
    known |= {"leave_out"}
    _refuse_unknown(entry, known, f"{where}: [[family]]")
    problem = typed(entry, "problem", str, where)
    offered = problems.find(problem).datasets
    given = {
        key: typed(entry, key, list, where)
        for key in ("datasets", "leave_out", "objective_sets")
        if key in entry
    }
    left_out = given.get("leave_out", [])
    for dataset in (*left_out, *given.get("datasets", [])):
        problems.check_dataset(problem, dataset)
    chosen = tuple(d for d in given.get("datasets", offered) if d not in left_out)
    if not chosen:
        raise UserError(f"{where}: family of problem {problem!r} has no data sets")
    sets = tuple(tuple(str(names).split("+")) for names in given.get("objective_sets", ()))
    if len(set(sets)) < len(sets) or any(len(set(names)) < len(names) for names in sets):
        raise UserError(f"{where}: objective_sets repeats an objective or a set")
    settings = {**{key: table[key] for key in ("trials", "slots") if key in table}, **entry}
    for key in ("trials", "slots"):
        if key not in settings:
            raise UserError(f"{where}: key {key!r} is missing; add it to the file")
    return Family(
        typed(entry, "name", str, where),
        problem,
        chosen,
        sets,
        {
            dataset: Budget(
                settings["trials"],
                entry.get("max_epochs", problems.epochs_of(problem, dataset)),
                settings["slots"],
            )
            for dataset in chosen
        },
    )


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise UserError(f"{where}: unknown key {unknown[0]!r}; known: {sorted(known)}")
