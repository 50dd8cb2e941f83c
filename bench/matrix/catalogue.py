"""The catalogue: every searcher and scheduler that a matrix file can name, by name.

Those of this suite are in `bench.matrix.searchers` and `bench.matrix.schedulers`, and those that
others wrote in `bench.matrix.rivals`. Other packages add more by entry points
(`bench.matrix.extensions`). A factory takes a `Context` and keyword parameters with defaults; a
matrix file sets the parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from bench.errors import UserError
from bench.matrix import extensions, problems, rivals
from bench.matrix.context import TIME_ATTR, Context
from bench.matrix.matrix import Cell, Component, Matrix
from bench.matrix.schedulers import SCHEDULERS, pauses
from bench.matrix.searchers import SEARCHERS, suggests_ahead
from bench.rivals.asked import AskedScheduler
from mobo_core.objectives import ObjectiveSet
from mobo_core.problems.protocol import Problem

__all__ = [
    "SCHEDULERS",
    "SEARCHERS",
    "TIME_ATTR",
    "Context",
    "absent",
    "check",
    "check_names",
    "find_scheduler",
    "find_searcher",
    "make_objectives",
    "make_parts",
    "make_problem",
    "make_scheduler",
    "make_searcher",
    "pauses",
    "suggests_ahead",
]

KINDS: Mapping[str, type] = {"searcher": Searcher, "scheduler": TrialScheduler}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
REFUSALS = (TypeError, ValueError, ArithmeticError, AssertionError, AttributeError, LookupError)
"""Exceptions of a factory that mean a bad parameter: Ray's own schedulers use assertions."""
LARGEST = 100_000
"""Largest absolute value of a parameter: beyond it some schedulers would fill the memory."""

Entry = TypeVar("Entry")


def make_problem(cell: Cell, data_dir: str, max_epochs: int) -> Problem:
    """Return the problem of a cell."""
    return problems.make(cell.problem, cell.dataset, data_dir, max_epochs)


def make_objectives(problem: Problem, names: tuple[str, ...]) -> ObjectiveSet:
    """Return the objective set made of the problem's objectives with these short names."""
    return ObjectiveSet([_entry(problem.objectives, "objective", name) for name in names])


def make_searcher(component: Component, context: Context) -> Searcher:
    """Return the searcher that a component describes.

    Raises:
        UserError: If there is no such searcher, or it refuses a parameter.
    """
    factory = find_searcher(component.name)
    searcher: Searcher = _make(factory, "searcher", component, context)
    return searcher


def find_searcher(name: str) -> Callable[..., Searcher]:
    """Return the factory of a searcher.

    Raises:
        UserError: If there is no searcher of that name.
    """
    factory: Callable[..., Searcher] = _part(SEARCHERS, "searcher", name)
    return factory


def find_scheduler(name: str) -> Callable[..., TrialScheduler]:
    """Return the factory of a scheduler.

    Raises:
        UserError: If there is no scheduler of that name.
    """
    factory: Callable[..., TrialScheduler] = _part(SCHEDULERS, "scheduler", name)
    return factory


def make_scheduler(component: Component, context: Context) -> TrialScheduler:
    """Return the scheduler that a component describes.

    Raises:
        UserError: If there is no such scheduler, or it refuses a parameter.
    """
    factory = find_scheduler(component.name)
    scheduler: TrialScheduler = _make(factory, "scheduler", component, context)
    return scheduler


def make_parts(cell: Cell, context: Context) -> tuple[Searcher, TrialScheduler]:
    """Return the searcher and the scheduler of a cell.

    A rival that suggests as well as it schedules takes the place of the cell's searcher.

    Raises:
        UserError: If there is no such part, or it refuses a parameter.
    """
    scheduler = make_scheduler(cell.scheduler, context)
    own = scheduler.searcher if isinstance(scheduler, AskedScheduler) else None
    return own or make_searcher(cell.searcher, context), scheduler


def check_names(matrix: Matrix) -> None:
    """Check that the problem, the searchers and the schedulers of a matrix exist.

    Raises:
        UserError: If one does not; the message lists those that do.
    """
    problems.find(matrix.problem)
    for searcher in (*(c.name for c in matrix.searchers), *_charged(matrix)):
        find_searcher(searcher)
    for scheduler in matrix.schedulers:
        find_scheduler(scheduler.name)


def _charged(matrix: Matrix) -> tuple[str, ...]:
    """Return the searchers for whose suggestions the matrix sets a time."""
    return tuple(matrix.costs.suggestion_s) if matrix.costs else ()


def absent(cell: Cell) -> str:
    """Return why a cell cannot run here: a rival is not installed. Empty if it can.

    Args:
        cell: A cell of parts that the catalogue has.
    """
    parts = (("scheduler", cell.scheduler), ("searcher", cell.searcher))
    found = ((part, rivals.absent(kind, part.name)) for kind, part in parts)
    return next((f"{part.name}: {reason}" for part, reason in found if reason), "")


def check(matrix: Matrix, data_dir: str) -> None:
    """Build every part of a matrix once, so that a bad name or value is found before any run.

    Rivals that are not installed are left out.

    Raises:
        UserError: If a part cannot be built; the message names the part and the remedy.
    """
    check_names(matrix)
    for cell in matrix.cells():
        if absent(cell):
            continue
        problem = make_problem(cell, data_dir, matrix.budget.max_epochs)
        context = Context(
            problem.space,
            make_objectives(problem, cell.objectives),
            problem.max_epochs,
            matrix.budget.slots,
            seed=0,
        )
        make_parts(cell, context)


def _make(factory: Callable[..., Any], kind: str, component: Component, context: Context) -> Any:
    """Call a factory with a component's parameters, which are checked first.

    Raises:
        UserError: If there is no such parameter, the factory refuses a value, or what it returns
            is not of the kind.
    """
    if reason := rivals.absent(kind, component.name):
        raise UserError(f"{kind} {component.label!r}: {reason}")
    defaults = _defaults(factory, kind, component.name)
    if unknown := [name for name in component.params if name not in defaults]:
        raise UserError(
            f"{kind} {component.name!r} has no parameter {unknown[0]!r}; "
            f"it has: {', '.join(defaults) or 'none'}"
        )
    for name, value in component.params.items():
        _check_type(f"{kind} {component.label!r}: {name}", value, defaults[name])
    try:
        made = factory(context, **component.params)
    except REFUSALS as error:
        reason = str(error) or f"refuses {dict(component.params)}"
        raise UserError(f"{kind} {component.label!r}: {reason}") from error
    if not isinstance(made, KINDS[kind]):
        raise UserError(
            f"{kind} {component.name!r}: its factory must return a {KINDS[kind].__name__} of Ray "
            f"Tune, it returned {type(made).__name__}"
        )
    return made


def _defaults(factory: Any, kind: str, name: str) -> dict[str, Any]:
    """Return the parameters of a factory that a matrix file can set, with their defaults.

    Raises:
        UserError: If another package offers something that is no factory.
    """
    try:
        _context, *others = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{kind} {name!r} must be a factory, a function factory(context, **parameters), got "
            f"{factory!r}"
        ) from error
    return {p.name: p.default for p in others if p.kind in NAMED}


def _check_type(what: str, value: Any, default: Any) -> None:
    """Refuse a parameter that is not of the kind of its default: a switch, a number or a name."""
    for kind, name in ((bool, "true or false"), ((int, float), "a number"), (str, "a name")):
        if isinstance(default, kind):
            if not isinstance(value, kind) or isinstance(value, bool) != isinstance(default, bool):
                raise UserError(f"{what} must be {name}, got {value!r}")
            if not isinstance(value, str) and not -LARGEST <= value <= LARGEST:
                raise UserError(f"{what} must lie between ±{LARGEST}, got {value!r}")
            return


def _part(parts: Mapping[str, Entry], kind: str, name: str) -> Any:
    """Return a searcher's or scheduler's factory: of this suite, a rival, or of another package."""
    if name in parts:
        return parts[name]
    if name in rivals.KINDS[kind]:
        return rivals.KINDS[kind][name].make
    if (extension := extensions.load(kind, name)) is not None:
        return extension
    others = [*rivals.KINDS[kind], *(part.name for part in extensions.found(kind))]
    return _entry(parts, kind, name, others)


def _entry(entries: Mapping[str, Entry], kind: str, name: str, others: Sequence[str] = ()) -> Entry:
    """Return an entry of a table; ``others`` are further names that the error message lists."""
    if name not in entries:
        choices = ", ".join(sorted({*entries, *others}))
        raise UserError(f"unknown {kind} {name!r}: choose from {choices}")
    return entries[name]
