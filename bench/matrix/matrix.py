"""Cells, runs and matrix files: what is to be computed, with ids that never change.

A *cell* is problem × searcher × scheduler × objective set; a *run* is a cell with a seed; a
*matrix* is a set of cells that share a budget.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UserError
from bench.matrix.costs import Costs
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from mobo_core.seeding import digest

ID_DIGITS = 8
LABEL_BYTES = 60
"""Of a label; run ids are names of folders, which have 255 bytes at most."""
MOST_SEEDS, LARGEST_SEED = 10_000, 2**32 - 1
LARGEST_BUDGET = 1_000_000

Settings = TypeVar("Settings", Costs, Limits)


@dataclass(frozen=True)
class Component:
    """A searcher or scheduler of the catalogue with its parameters.

    Args:
        label: What tables and plots call it; unique within a matrix.
        name: Key in the catalogue.
        params: Keyword arguments of the catalogue's factory.
    """

    label: str
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Budget:
    """What every run of a matrix may spend.

    Args:
        trials: Configurations per run.
        max_epochs: Full budget of a trial.
        slots: Trials that train at the same time.
        workers_per_trial: That train one trial together.
    """

    trials: int
    max_epochs: int
    slots: int
    workers_per_trial: int = 1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"{name} must be a whole number of at least 1, got {value!r}")
            if value > LARGEST_BUDGET:
                raise UserError(f"{name} must be at most {LARGEST_BUDGET}, got {value!r}")

    def to_json(self) -> dict[str, int]:
        """As a dictionary. One worker is not named: ids of runs are older than the choice."""
        document = asdict(self)
        if self.workers_per_trial == 1:
            del document["workers_per_trial"]
        return document


@dataclass(frozen=True)
class Cell:
    """One row of a table: what is searched, how, under which schedule, for what.

    Args:
        problem: Key in the catalogue.
        dataset: What the problem trains on.
        searcher: Suggests configurations.
        scheduler: Stops, pauses and resumes them.
        objectives: Short names of the problem's objectives.
    """

    problem: str
    dataset: str
    searcher: Component
    scheduler: Component
    objectives: tuple[str, ...]

    @property
    def objectives_label(self) -> str:
        """E.g. ``acc+params``."""
        return "+".join(self.objectives)

    @property
    def label(self) -> str:
        """E.g. ``fifo / acc+params``."""
        return f"{self.scheduler.label} / {self.objectives_label}"


@dataclass(frozen=True)
class Run:
    """A cell with its budget and a seed: the unit that is executed and recorded.

    Args:
        cell: What is run.
        budget: What it may spend.
        seed: Of search and training.
        costs: Of the simulated cluster, for a run in virtual time; None is real time.
    """

    cell: Cell
    budget: Budget
    seed: int
    costs: Costs | None = None

    def spec(self) -> dict[str, Any]:
        """Everything that can change the result, as JSON; the id's source.

        Labels are left out: renaming a row does not make another run of it.
        """
        virtual = (
            {"virtual": asdict(self.costs.of(self.cell.searcher.name, self.cell.scheduler.name))}
            if self.costs
            else {}
        )
        return {
            "problem": self.cell.problem,
            "dataset": self.cell.dataset,
            "searcher": {"name": self.cell.searcher.name, **self.cell.searcher.params},
            "scheduler": {"name": self.cell.scheduler.name, **self.cell.scheduler.params},
            "objectives": list(self.cell.objectives),
            "budget": self.budget.to_json(),
            "seed": self.seed,
            **virtual,
        }

    @property
    def run_id(self) -> str:
        """Readable and stable, e.g. ``fifo.acc+params.ax.seed0.1a2b3c4d``."""
        parts = (
            self.cell.scheduler.label,
            self.cell.objectives_label,
            self.cell.searcher.label,
            f"seed{self.seed}",
            digest(self.spec())[:ID_DIGITS],
        )
        return ".".join(parts)


@dataclass(frozen=True)
class Matrix:
    """A set of cells that share problem and budget.

    Args:
        name: File name without extension.
        title: For reports.
        problem: Key in the catalogue.
        dataset: Data set name, or ``auto``.
        searchers: At least one.
        schedulers: At least one; the one called ``fifo`` is the baseline of all ratios.
        objective_sets: Each a tuple of the problem's short names.
        budget: Of every run.
        costs: Of the simulated cluster, for virtual time; None is real time.
        limits: When trials and runs are given up; may differ between runs of one table.
    """

    name: str
    title: str
    problem: str
    dataset: str
    searchers: tuple[Component, ...]
    schedulers: tuple[Component, ...]
    objective_sets: tuple[tuple[str, ...], ...]
    budget: Budget
    costs: Costs | None = None
    limits: Limits = DEFAULT_LIMITS

    def cells(self) -> Iterator[Cell]:
        """All cells, scheduler by scheduler."""
        for searcher in self.searchers:
            for scheduler in self.schedulers:
                for objectives in self.objective_sets:
                    yield Cell(self.problem, self.dataset, searcher, scheduler, objectives)

    def runs(self, seeds: Sequence[int]) -> list[Run]:
        """All runs, seed by seed, so that an early end leaves complete seeds."""
        return [Run(cell, self.budget, seed, self.costs) for seed in seeds for cell in self.cells()]

    def with_dataset(self, dataset: str) -> Matrix:
        """The same matrix on another data set."""
        return replace(self, dataset=dataset)

    def in_real_time(self) -> Matrix:
        """The same matrix on Ray."""
        return replace(self, costs=None)

    def in_virtual_time(self) -> Matrix:
        """The same matrix on a simulated cluster."""
        return replace(self, costs=self.costs or Costs())

    def with_budget(self, **changes: int | None) -> Matrix:
        """The same matrix with the given parts of the budget changed; None leaves one alone."""
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(self, budget=replace(self.budget, **given))

    def with_limits(self, **changes: float | None) -> Matrix:
        """The same matrix with the given limits changed; None leaves one alone."""
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(self, limits=replace(self.limits, **given))

    def settings(self) -> dict[str, Any]:
        """What must be equal for runs to stand in one table, as JSON."""
        virtual = {"virtual": asdict(self.costs)} if self.costs else {}
        return {
            "name": self.name,
            "title": self.title,
            "problem": self.problem,
            "dataset": self.dataset,
            "searchers": [asdict(c) for c in self.searchers],
            "schedulers": [asdict(c) for c in self.schedulers],
            "objective_sets": ["+".join(names) for names in self.objective_sets],
            "budget": self.budget.to_json(),
            **virtual,
        }


def parse_seeds(text: str) -> list[int]:
    """``"6"`` is the six seeds 0…5, ``"0,3,7"`` those three, ``"3,"`` seed 3 alone.

    Raises:
        UserError: If the text is neither.
    """
    remedy = "give a count (6) or a list (0,3,7; a single seed as '3,')"
    try:
        if "," in text:
            seeds = [int(part) for part in text.split(",") if part.strip()]
        else:
            seeds = list(range(min(int(text), MOST_SEEDS + 1)))
    except ValueError:
        raise UserError(f"bad seeds {text!r}: {remedy}") from None
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise UserError(f"bad seeds {text!r}: at least one, none negative, none twice; {remedy}")
    if len(seeds) > MOST_SEEDS or max(seeds) > LARGEST_SEED:
        raise UserError(
            f"bad seeds {text!r}: at most {MOST_SEEDS}, none above {LARGEST_SEED}; {remedy}"
        )
    return seeds


def matrix_names() -> list[str]:
    """Names of the matrices that come with the package."""
    return sorted(
        Path(entry.name).stem
        for entry in resources.files("bench").joinpath("matrices").iterdir()
        if entry.name.endswith(".toml")
    )


def load_matrix(name_or_path: str) -> Matrix:
    """A matrix by its name, or from a TOML file.

    Raises:
        UserError: If there is no such matrix or the file is not one, with the place.
    """
    path = Path(name_or_path)
    if name_or_path in matrix_names():
        text = (resources.files("bench") / "matrices" / f"{name_or_path}.toml").read_text("utf-8")
    elif path.suffix == ".toml":
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read matrix file {name_or_path}: {error}") from None
    else:
        raise UserError(
            f"unknown matrix {name_or_path!r}: choose from {', '.join(matrix_names())} or give "
            "the path of a .toml file"
        )
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond Python's limits
        raise UserError(f"matrix file {name_or_path}: {error}") from None
    return _matrix_from_table(path.stem, table, name_or_path)


def _matrix_from_table(name: str, table: dict[str, Any], where: str) -> Matrix:
    known = {"title", "problem", "dataset", "objective_sets", "budget", "searcher", "scheduler"}
    known |= {"virtual", "schedulers_of", "limits"}
    if unknown := sorted(set(table) - known):
        raise UserError(f"matrix file {where}: unknown key {unknown[0]!r}; known: {sorted(known)}")
    sets = _typed(table, "objective_sets", list, where)
    if not sets or not all(isinstance(entry, str) for entry in sets):
        raise UserError(
            f"matrix file {where}: objective_sets must list names like 'acc+params', got {sets}"
        )
    objective_sets = tuple(tuple(entry.split("+")) for entry in sets)
    repeated = [names for names in objective_sets if len(set(names)) < len(names)]
    if repeated or len(set(objective_sets)) < len(objective_sets):
        raise UserError(
            f"matrix file {where}: objective_sets names an objective or a set twice: {sets}"
        )
    budget = _typed(table, "budget", dict, where)
    if set(budget) - {"workers_per_trial"} != {"trials", "max_epochs", "slots"}:
        raise UserError(
            f"matrix file {where}: [budget] needs exactly trials, max_epochs and slots, and may "
            f"have workers_per_trial, got {sorted(budget)}"
        )
    limits = _settings_of(Limits, table, "limits", where)
    return Matrix(
        name=name,
        title=_typed(table, "title", str, where),
        problem=_typed(table, "problem", str, where),
        dataset=_typed(table, "dataset", str, where),
        searchers=_components(table, "searcher", where),
        schedulers=_schedulers(table, where),
        objective_sets=objective_sets,
        budget=Budget(**budget),
        costs=_settings_of(Costs, table, "virtual", where),
        limits=limits or DEFAULT_LIMITS,
    )


def _settings_of(
    kind: type[Settings], table: Mapping[str, Any], key: str, where: str
) -> Settings | None:
    """The dataclass that the table `key` fills in; None without that table."""
    if key not in table:
        return None
    given = _typed(table, key, dict, where)
    known = [f.name for f in fields(kind)]
    if unknown := sorted(set(given) - set(known)):
        raise UserError(
            f"matrix file {where}: unknown key {unknown[0]!r} in [{key}]; known: {known}"
        )
    try:
        return kind(**given)
    except UserError as error:
        raise UserError(f"matrix file {where}: {error}") from error


def _schedulers(table: Mapping[str, Any], where: str) -> tuple[Component, ...]:
    """Its own, or those of another matrix."""
    if "schedulers_of" not in table:
        return _components(table, "scheduler", where)
    if "scheduler" in table:
        raise UserError(f"matrix file {where}: give schedulers_of or [[scheduler]], not both")
    name = _typed(table, "schedulers_of", str, where)
    if name not in matrix_names():
        raise UserError(
            f"matrix file {where}: schedulers_of must be one of {', '.join(matrix_names())}, "
            f"got {name!r}"
        )
    return load_matrix(name).schedulers


def _components(table: Mapping[str, Any], key: str, where: str) -> tuple[Component, ...]:
    components = []
    for entry in _typed(table, key, list, where):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise UserError(f"matrix file {where}: every [[{key}]] needs a name, got {entry}")
        label = entry.get("label", entry["name"])
        if not isinstance(label, str) or not label.replace("-", "").isalnum():
            raise UserError(
                f"matrix file {where}: label {label!r} of a [[{key}]] must consist of letters, "
                "digits and hyphens"
            )
        if len(label.encode()) > LABEL_BYTES:
            raise UserError(
                f"matrix file {where}: label {label!r} of a [[{key}]] must have at most "
                f"{LABEL_BYTES} bytes, it has {len(label.encode())}"
            )
        params = {k: v for k, v in entry.items() if k not in ("name", "label")}
        try:
            digest(params)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"matrix file {where}: [[{key}]] {label!r} may have finite numbers, text, lists "
                f"and tables of them as parameters ({error})"
            ) from None
        components.append(Component(label, entry["name"], params))
    labels = [component.label for component in components]
    if not components or len(set(labels)) < len(labels):
        raise UserError(
            f"matrix file {where}: needs at least one [[{key}]] and different labels, got {labels}"
        )
    return tuple(components)


def _typed(table: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in table:
        raise UserError(f"matrix file {where}: key {key!r} is missing")
    if not isinstance(table[key], kind):
        raise UserError(
            f"matrix file {where}: {key!r} must be a {kind.__name__}, got {table[key]!r}"
        )
    return table[key]
