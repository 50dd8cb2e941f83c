"""Names to factories: every searcher and scheduler that a matrix file can ask for.

To add a scheduler or searcher, write its factory here (or import it) and give it a name.
A factory takes a `Context` and keyword parameters; a matrix file sets the parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    TrialScheduler,
)
from ray.tune.search import Searcher

from bench.errors import UserError
from bench.matrix import problems
from bench.matrix.matrix import Cell, Component, Matrix
from mobo_core.objectives import ObjectiveSet
from mobo_core.pareto.scalarization import Kind
from mobo_core.problems.protocol import Problem
from mobo_core.rules.projection import MARGIN
from mobo_core.space import SearchSpace
from mobo_core.tune import (
    AheadSearcher,
    HyperBand,
    HypervolumePromotion,
    PaperDominance,
    PaperRungwise,
    ProjectedStopping,
    PromotionMOASHA,
    RandomSearcher,
    ScalarizedScheduler,
    SobolSearcher,
    StoppingMOASHA,
    optuna_searcher,
)
from mobo_core.tune.searchers.ax_names import PartialData

TIME_ATTR = "epoch"


@dataclass(frozen=True)
class Context:
    """What a factory may need to know about its run.

    Args:
        space: What is searched.
        objectives: What is optimised.
        max_t: Full budget of a trial, in epochs.
        slots: Trials that train at the same time.
        seed: Of the run.
        trials: Of the run; None is not known.
        real_time: Whether what is made in the background gains time.
    """

    space: SearchSpace
    objectives: ObjectiveSet
    max_t: int
    slots: int
    seed: int
    trials: int | None = None
    real_time: bool = False


def _ax(
    context: Context,
    *,
    initialization_trials: int = 5,
    partial_data: PartialData = "full-fidelity",
    optimizer_options: Mapping[str, Any] | None = None,
    ahead: int = 0,
) -> Searcher:
    from mobo_core.tune import AxSearcher  # takes seconds: for those who search with it

    searcher = AxSearcher(
        context.objectives,
        context.space,
        seed=context.seed,
        initialization_trials=initialization_trials,
        time_attr=TIME_ATTR,
        max_t=context.max_t,
        partial_data=partial_data,
        optimizer_options=optimizer_options,
    )
    if ahead == 0:
        return searcher
    return AheadSearcher(searcher, ahead=ahead, limit=context.trials, background=context.real_time)


def suggests_ahead(component: Component) -> bool:
    """Whether a searcher of the catalogue makes its suggestions in the background."""
    return bool(component.params.get("ahead"))


def _sobol(context: Context) -> Searcher:
    return SobolSearcher(context.space, seed=context.seed)


def _random(context: Context) -> Searcher:
    return RandomSearcher(context.space, seed=context.seed)


def _optuna_nsga2(context: Context, *, population_size: int = 10) -> Searcher:
    return optuna_searcher(
        context.objectives, context.space, "nsga2", context.seed, population_size=population_size
    )


def _optuna_tpe(context: Context, *, initialization_trials: int = 10) -> Searcher:
    options = {"n_startup_trials": initialization_trials}
    return optuna_searcher(context.objectives, context.space, "tpe", context.seed, **options)


def _fifo(context: Context) -> TrialScheduler:
    return FIFOScheduler()


def _paper_dominance(
    context: Context, *, grace_period: float = 1, reduction_factor: float = 6
) -> TrialScheduler:
    return PaperDominance(
        context.objectives, context.max_t, grace_period, reduction_factor, TIME_ATTR
    )


def _paper_rungwise(
    context: Context, *, grace_period: float = 1, reduction_factor: float = 6
) -> TrialScheduler:
    return PaperRungwise(
        context.objectives, context.max_t, grace_period, reduction_factor, TIME_ATTR
    )


def _moasha_stopping(
    context: Context,
    *,
    grace_period: float = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    ranking: str = "pareto_epsnet",
) -> TrialScheduler:
    return StoppingMOASHA(
        context.objectives,
        context.max_t,
        grace_period,
        reduction_factor,
        brackets,
        ranking,
        TIME_ATTR,
        context.seed,
    )


def _moasha_promotion(
    context: Context,
    *,
    grace_period: float = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    ranking: str = "pareto_epsnet",
) -> TrialScheduler:
    return PromotionMOASHA(
        context.objectives,
        context.max_t,
        grace_period,
        reduction_factor,
        brackets,
        ranking,
        context.slots,
        TIME_ATTR,
        context.seed,
    )


def _hv_promotion(
    context: Context,
    *,
    grace_period: float = 1,
    margin: float = MARGIN,
) -> TrialScheduler:
    return HypervolumePromotion(
        context.objectives,
        context.max_t,
        grace_period,
        margin,
        context.slots,
        TIME_ATTR,
    )


def _projected_stopping(
    context: Context,
    *,
    grace_period: float = 1,
    margin: float = MARGIN,
) -> TrialScheduler:
    return ProjectedStopping(context.objectives, context.max_t, grace_period, margin, TIME_ATTR)


def _asha(
    context: Context,
    *,
    grace_period: int = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    inner = AsyncHyperBandScheduler(
        time_attr=TIME_ATTR,
        max_t=context.max_t,
        grace_period=grace_period,
        reduction_factor=reduction_factor,
        brackets=brackets,
    )
    return _scalarized(inner, context, scalarization, random_weights)


def _hyperband(
    context: Context,
    *,
    reduction_factor: float = 2,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    inner = HyperBand(time_attr=TIME_ATTR, max_t=context.max_t, reduction_factor=reduction_factor)
    return _scalarized(inner, context, scalarization, random_weights)


def _median(
    context: Context,
    *,
    grace_period: float = 1,
    min_samples_required: int = 3,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    inner = MedianStoppingRule(
        time_attr=TIME_ATTR, grace_period=grace_period, min_samples_required=min_samples_required
    )
    return _scalarized(inner, context, scalarization, random_weights)


def _scalarized(
    inner: TrialScheduler, context: Context, kind: Kind, random_weights: bool
) -> TrialScheduler:
    return ScalarizedScheduler(
        inner, context.objectives, kind=kind, random_weights=random_weights, seed=context.seed
    )


SEARCHERS: Mapping[str, Callable[..., Searcher]] = {
    "ax": _ax,
    "optuna-nsga2": _optuna_nsga2,
    "optuna-tpe": _optuna_tpe,
    "random": _random,
    "sobol": _sobol,
}

SCHEDULERS: Mapping[str, Callable[..., TrialScheduler]] = {
    "asha": _asha,
    "fifo": _fifo,
    "hv-promotion": _hv_promotion,
    "hyperband": _hyperband,
    "median": _median,
    "moasha-promotion": _moasha_promotion,
    "moasha-stopping": _moasha_stopping,
    "paper-dominance": _paper_dominance,
    "paper-rungwise": _paper_rungwise,
    "projected-stopping": _projected_stopping,
}

PAUSING = frozenset({"hv-promotion", "hyperband", "median", "moasha-promotion"})
"""Schedulers that pause trials: a limit of concurrent trials would count those and deadlock."""
PAUSING_IN_RAY = PAUSING - {"hv-promotion", "moasha-promotion"}
"""Ray's own, which know no slots: only a resource can limit them."""

REFUSALS = (TypeError, ValueError, ArithmeticError, AssertionError, AttributeError, LookupError)
"""What a bad parameter makes of a factory: Ray's own schedulers assert what they expect."""
LARGEST = 100_000
"""Of the numbers among the parameters; beyond it some would fill the memory."""

Entry = TypeVar("Entry")


def make_problem(cell: Cell, data_dir: str, max_epochs: int) -> Problem:
    """The problem of a cell."""
    return problems.make(cell.problem, cell.dataset, data_dir, max_epochs)


def make_objectives(problem: Problem, names: tuple[str, ...]) -> ObjectiveSet:
    """The objective set with these short names of the problem."""
    return ObjectiveSet([_entry(problem.objectives, "objective", name) for name in names])


def make_searcher(component: Component, context: Context) -> Searcher:
    """The searcher of a component."""
    searcher: Searcher = _make(SEARCHERS, "searcher", component, context)
    return searcher


def find_scheduler(name: str) -> Callable[..., TrialScheduler]:
    """The factory of a scheduler.

    Raises:
        UserError: If there is none of that name.
    """
    return _entry(SCHEDULERS, "scheduler", name)


def make_scheduler(component: Component, context: Context) -> TrialScheduler:
    """The scheduler of a component."""
    scheduler: TrialScheduler = _make(SCHEDULERS, "scheduler", component, context)
    return scheduler


def check(matrix: Matrix, data_dir: str) -> None:
    """Build every part of a matrix once, so that a bad name or value ends before any run.

    Raises:
        UserError: Naming the part and the remedy.
    """
    for name in matrix.costs.suggestion_s if matrix.costs else ():
        _entry(SEARCHERS, "searcher", name)
    for cell in matrix.cells():
        problem = make_problem(cell, data_dir, matrix.budget.max_epochs)
        context = Context(
            problem.space,
            make_objectives(problem, cell.objectives),
            problem.max_epochs,
            matrix.budget.slots,
            seed=0,
        )
        make_scheduler(cell.scheduler, context)
        make_searcher(cell.searcher, context)


def _make(
    factories: Mapping[str, Callable[..., Any]], kind: str, component: Component, context: Context
) -> Any:
    factory = _entry(factories, kind, component.name)
    parameters = inspect.signature(factory).parameters
    known = [name for name in parameters if name != "context"]
    if unknown := [name for name in component.params if name not in known]:
        raise UserError(
            f"{kind} {component.name!r} has no parameter {unknown[0]!r}; "
            f"it has: {', '.join(known) or 'none'}"
        )
    for name, value in component.params.items():
        _check_type(f"{kind} {component.label!r}: {name}", value, parameters[name].default)
    try:
        return factory(context, **component.params)
    except REFUSALS as error:
        reason = str(error) or f"refuses {dict(component.params)}"
        raise UserError(f"{kind} {component.label!r}: {reason}") from error


def _check_type(what: str, value: Any, default: Any) -> None:
    """A parameter is of the kind of its default: a switch, a number or a name."""
    for kind, name in ((bool, "true or false"), ((int, float), "a number"), (str, "a name")):
        if isinstance(default, kind):
            if not isinstance(value, kind) or isinstance(value, bool) != isinstance(default, bool):
                raise UserError(f"{what} must be {name}, got {value!r}")
            if not isinstance(value, str) and not -LARGEST <= value <= LARGEST:
                raise UserError(f"{what} must lie between ±{LARGEST}, got {value!r}")
            return


def _entry(entries: Mapping[str, Entry], kind: str, name: str) -> Entry:
    if name not in entries:
        raise UserError(f"unknown {kind} {name!r}: choose from {', '.join(sorted(entries))}")
    return entries[name]
