"""The rivals that a matrix file can name: schedulers and searchers that others wrote.

Each factory imports its system when it is called. `absent` says which of them cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from bench.matrix.context import TIME_ATTR, Context
from bench.rivals import installed
from bench.rivals.asked import AskedRule, AskedScheduler, System
from mobo_core.rules.rule import StoppingRule
from mobo_core.tune import RuleScheduler


@dataclass(frozen=True)
class Rival:
    """A part that others wrote.

    Args:
        make: Its factory, as `bench.matrix.catalogue` describes it.
        system: The system that it needs.
    """

    make: Callable[..., Any]
    system: installed.System


def _syne_tune_moasha(
    context: Context, *, grace_period: int = 1, reduction_factor: float = 3, brackets: int = 1
) -> TrialScheduler:
    """MOASHA of Syne Tune, as shipped: stops by an order that is read as ranks."""
    return _syne_tune(context, grace_period, reduction_factor, brackets, repaired=False)


def _syne_tune_moasha_repaired(
    context: Context, *, grace_period: int = 1, reduction_factor: float = 3, brackets: int = 1
) -> TrialScheduler:
    """MOASHA of Syne Tune with ranks in place of the order."""
    return _syne_tune(context, grace_period, reduction_factor, brackets, repaired=True)


def _syne_tune(
    context: Context, grace_period: int, reduction_factor: float, brackets: int, repaired: bool
) -> TrialScheduler:
    from bench.rivals.syne_tune import MOASHARule, MOASHASettings

    settings = MOASHASettings(
        len(context.objectives),
        context.max_t,
        grace_period,
        reduction_factor,
        brackets,
        repaired,
        context.seed,
    )
    return _by_rule(MOASHARule(settings), context)


def _ax_percentile(
    context: Context,
    *,
    metric: str = "",
    percentile: float = 50,
    min_progression: float = 10,
    min_curves: int = 5,
) -> TrialScheduler:
    """PercentileEarlyStoppingStrategy of Ax, on one metric: the first if none is named."""
    from bench.rivals.ax_stopping import AxStoppingRule, Percentile

    position = _position(metric, context) if metric else 0
    strategy = Percentile(position, percentile, min_progression, min_curves)
    return _by_rule(AxStoppingRule([strategy], "and", context.max_t), context)


def _ax_and(
    context: Context,
    *,
    percentile: float = 50,
    percentiles: Mapping[str, float] | None = None,
    min_progression: float = 10,
    min_curves: int = 5,
) -> TrialScheduler:
    """AndEarlyStoppingStrategy of Ax: stops a trial that is below a percentile in all metrics."""
    of_metrics = _percentiles(percentile, percentiles, context)
    return _ax_combined(context, "and", of_metrics, min_progression, min_curves)


def _ax_or(
    context: Context,
    *,
    percentile: float = 50,
    percentiles: Mapping[str, float] | None = None,
    min_progression: float = 10,
    min_curves: int = 5,
) -> TrialScheduler:
    """OrEarlyStoppingStrategy of Ax: stops a trial that is below a percentile in any metric."""
    of_metrics = _percentiles(percentile, percentiles, context)
    return _ax_combined(context, "or", of_metrics, min_progression, min_curves)


def _ax_combined(
    context: Context,
    combination: Literal["and", "or"],
    percentiles: Sequence[float],
    min_progression: float,
    min_curves: int,
) -> TrialScheduler:
    from bench.rivals.ax_stopping import AxStoppingRule, Percentile

    strategies = [
        Percentile(metric, percentile, min_progression, min_curves)
        for metric, percentile in enumerate(percentiles)
    ]
    return _by_rule(AxStoppingRule(strategies, combination, context.max_t), context)


def _percentiles(
    percentile: float, of_metrics: Mapping[str, float] | None, context: Context
) -> list[float]:
    """Return the percentile of each objective: its own, or else that of all."""
    found = [percentile] * len(context.objectives)
    for name, value in (of_metrics or {}).items():
        found[_position(name, context)] = value
    return found


def _position(metric: str, context: Context) -> int:
    """Return the position of an objective.

    Raises:
        ValueError: If there is none of that name.
    """
    names = context.objectives.names
    if metric not in names:
        raise ValueError(f"metric must be one of {', '.join(names)}, got {metric!r}")
    return names.index(metric)


def _neps_moasha(context: Context, *, eta: int = 3, early_stopping_rate: int = 0) -> TrialScheduler:
    """Moasha of NePS, as shipped: promotes a third of those not yet promoted, so nearly all."""
    return _neps(context, "moasha", {"eta": eta, "early_stopping_rate": early_stopping_rate})


def _neps_mo_hyperband(context: Context, *, eta: int = 3) -> TrialScheduler:
    """mo_hyperband of NePS: synchronous brackets that promote by fronts and an ε-net."""
    return _neps(context, "mo_hyperband", {"eta": eta})


def _neps(
    context: Context, algorithm: Literal["moasha", "mo_hyperband"], options: Mapping[str, Any]
) -> TrialScheduler:
    from bench.rivals.neps import NePSSettings, NePSSystem

    settings = NePSSettings(algorithm, context.max_t, options, context.seed)
    return _by_asking(partial(NePSSystem, settings), context)


def _neps_primo(
    context: Context, *, eta: int = 3, initial_design_size: int = 0, epsilon: float = 0.25
) -> TrialScheduler:
    """Primo of NePS: MO-ASHA first, then Bayesian optimisation at the full budget; it suggests."""
    from bench.rivals.neps import NePSSettings, NePSSystem

    size: dict[str, Any] = {"initial_design_size": initial_design_size or len(context.space)}
    options = {"eta": eta, "epsilon": epsilon, "prior_centers": {}, **size}
    settings = NePSSettings("primo", context.max_t, options, context.seed, context.space)
    return _by_asking(partial(NePSSystem, settings), context, suggests=True)


def _smac(context: Context, *, eta: int = 3) -> TrialScheduler:
    """MultiFidelityFacade of SMAC: Hyperband with random forests and ParEGO; it suggests."""
    from bench.rivals.smac import SMACSettings, SMACSystem

    settings = SMACSettings(
        context.space, context.objectives.names, context.max_t, eta, context.trials, context.seed
    )
    return _by_asking(partial(SMACSystem, settings), context, suggests=True)


def _by_asking(
    start: Callable[[], System], context: Context, suggests: bool = False
) -> TrialScheduler:
    return AskedScheduler(
        AskedRule(start, context.max_t),
        objectives=context.objectives,
        slots=context.slots,
        time_attr=TIME_ATTR,
        suggests=suggests,
    )


def _deephyper_cbo(
    context: Context,
    *,
    scalarization: Literal["Linear", "Chebyshev", "PBI"] = "Chebyshev",
    kappa: float = 1.96,
    initialization_trials: int = 10,
    acq_optimizer: str = "sampling",
) -> Searcher:
    """CBO of DeepHyper: random forests on scalarised objectives with random weights."""
    from bench.rivals.deephyper import CBOSearcher

    return CBOSearcher(
        context.objectives,
        context.space,
        context.seed,
        scalarization=scalarization,
        kappa=kappa,
        initialization_trials=initialization_trials,
        acq_optimizer=acq_optimizer,
    )


def _by_rule(rule: StoppingRule, context: Context) -> TrialScheduler:
    return RuleScheduler(rule, objectives=context.objectives, time_attr=TIME_ATTR)


SCHEDULERS: Mapping[str, Rival] = {
    "ax-and": Rival(_ax_and, installed.AX),
    "ax-or": Rival(_ax_or, installed.AX),
    "ax-percentile": Rival(_ax_percentile, installed.AX),
    "neps-mo-hyperband": Rival(_neps_mo_hyperband, installed.NEPS),
    "neps-moasha": Rival(_neps_moasha, installed.NEPS),
    "neps-primo": Rival(_neps_primo, installed.NEPS),
    "smac-parego-hyperband": Rival(_smac, installed.SMAC),
    "syne-tune-moasha": Rival(_syne_tune_moasha, installed.SYNE_TUNE),
    "syne-tune-moasha-repaired": Rival(_syne_tune_moasha_repaired, installed.SYNE_TUNE),
}
SEARCHERS: Mapping[str, Rival] = {
    "deephyper-cbo": Rival(_deephyper_cbo, installed.DEEPHYPER),
}
KINDS: Mapping[str, Mapping[str, Rival]] = {"scheduler": SCHEDULERS, "searcher": SEARCHERS}


def absent(kind: str, name: str) -> str:
    """Return why a rival cannot be made here; empty if it can, or the part is no rival.

    Args:
        kind: ``"scheduler"`` or ``"searcher"``.
        name: The name that a matrix file uses.
    """
    rival = KINDS[kind].get(name)
    return rival.system.missing() if rival else ""
