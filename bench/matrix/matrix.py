"""Cells, runs and matrices: what is to be computed, with ids that never change.

A *cell* is problem × searcher × scheduler × objective set. A *run* is a cell with a seed. A
*matrix* is a set of cells that share a budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.errors import UserError
from bench.matrix.costs import Costs
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from mobo_core.seeding import digest

ID_DIGITS = 8
MOST_SEEDS, LARGEST_SEED = 10_000, 2**32 - 1
LARGEST_BUDGET = 1_000_000


@dataclass(frozen=True)
class Component:
    """A searcher or scheduler of the catalogue with its parameters.

    Args:
        label: The name in tables and plots; unique within a matrix.
        name: The key in the catalogue.
        params: The keyword arguments of the catalogue's factory.
    """

    label: str
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Budget:
    """The budget of every run of a matrix.

    Args:
        trials: The number of configurations per run.
        max_epochs: The full budget of a trial.
        slots: The number of trials that train at the same time.
        workers_per_trial: The number of workers that train one trial together.
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
        """Return the budget as a dictionary; one worker is left out, as in older run ids."""
        document = asdict(self)
        if self.workers_per_trial == 1:
            del document["workers_per_trial"]
        return document


@dataclass(frozen=True)
class Cell:
    """One row of a table: a problem, a searcher, a scheduler and an objective set.

    Args:
        problem: The problem's key in the catalogue.
        dataset: The data set that the problem trains on.
        searcher: The part that suggests configurations.
        scheduler: The part that stops, pauses and resumes trials.
        objectives: Short names of the problem's objectives.
    """

    problem: str
    dataset: str
    searcher: Component
    scheduler: Component
    objectives: tuple[str, ...]

    @property
    def objectives_label(self) -> str:
        """The label of the objective set, e.g. ``acc+params``."""
        return "+".join(self.objectives)

    @property
    def label(self) -> str:
        """The label of the cell, e.g. ``fifo / acc+params``."""
        return f"{self.scheduler.label} / {self.objectives_label}"


@dataclass(frozen=True)
class Run:
    """A cell with its budget and a seed: the unit that is executed and recorded.

    Args:
        cell: The cell to run.
        budget: The run's budget.
        seed: The seed of search and training.
        costs: The costs of the simulated cluster, for a run in virtual time; None is real time.
    """

    cell: Cell
    budget: Budget
    seed: int
    costs: Costs | None = None

    def spec(self) -> dict[str, Any]:
        """Return everything that can change the result, as JSON; the run's id derives from it.

        Labels are left out, so renaming a row does not create another run.
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
        """A readable and stable id, e.g. ``fifo.acc+params.ax.seed0.1a2b3c4d``."""
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
        name: The file name without extension.
        title: The title for reports.
        problem: The problem's key in the catalogue.
        dataset: The name of the data set, or ``auto``.
        searchers: At least one searcher.
        schedulers: At least one scheduler; the one called ``fifo`` is the baseline of all ratios.
        objective_sets: Tuples of the problem's short names.
        budget: The budget of every run.
        costs: The costs of the simulated cluster, for virtual time; None is real time.
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
        """Yield all cells, scheduler by scheduler."""
        for searcher in self.searchers:
            for scheduler in self.schedulers:
                for objectives in self.objective_sets:
                    yield Cell(self.problem, self.dataset, searcher, scheduler, objectives)

    def runs(self, seeds: Sequence[int]) -> list[Run]:
        """Return all runs, seed by seed, so that an interrupted matrix has complete seeds."""
        return [Run(cell, self.budget, seed, self.costs) for seed in seeds for cell in self.cells()]

    def with_dataset(self, dataset: str) -> Matrix:
        """Return the same matrix on another data set."""
        return replace(self, dataset=dataset)

    def in_real_time(self) -> Matrix:
        """Return the same matrix on Ray."""
        return replace(self, costs=None)

    def in_virtual_time(self) -> Matrix:
        """Return the same matrix on a simulated cluster."""
        return replace(self, costs=self.costs or Costs())

    def with_budget(self, **changes: int | None) -> Matrix:
        """Return the matrix with some parts of the budget changed; None keeps a part."""
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(self, budget=replace(self.budget, **given))

    def with_limits(self, **changes: float | None) -> Matrix:
        """Return the matrix with some limits changed; None keeps a limit."""
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(self, limits=replace(self.limits, **given))

    def settings(self) -> dict[str, Any]:
        """Return, as JSON, the settings that all runs in one table must share."""
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
    """Return the seeds of a text: ``"6"`` means 0…5, ``"0,3,7"`` these three, ``"3,"`` only seed 3.

    Raises:
        UserError: If the text is neither a count nor a list.
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
        raise UserError(f"bad seeds {text!r}: at least one, not negative, no repeats; {remedy}")
    if len(seeds) > MOST_SEEDS or max(seeds) > LARGEST_SEED:
        raise UserError(
            f"bad seeds {text!r}: at most {MOST_SEEDS} seeds up to {LARGEST_SEED}; {remedy}"
        )
    return seeds
