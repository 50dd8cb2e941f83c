"""Schedulers and searchers with several objectives for Ray Tune.

Schedulers::

    HypervolumePromotion  pauses trials; resumes the one that should improve the front most
    PromotionMOASHA       pauses trials; resumes the best at each rung
    ProjectedStopping     stops trials that should not improve the front
    StoppingMOASHA        stops all but the best trials at each rung
    PaperDominance        stops a trial that an earlier report dominates
    PaperRungwise         stops a trial that another trial at the same rung dominates
    ScalarizedScheduler   runs a single-objective scheduler of Ray on one combined metric
    HyperBand             Ray's scheduler of this name, without its deadlocks
    RuleScheduler         stops trials by a rule of your own
    PromotionScheduler    pauses and resumes trials by a rule of your own

Searchers::

    SobolSearcher         suggests quasi-random points
    RandomSearcher        suggests independent random points
    AxSearcher            suggests Sobol points, then points of a Bayesian model
    optuna_searcher       suggests points of NSGA-II or TPE
    AheadSearcher         computes another searcher's suggestions in advance

Others::

    ordered_choice        a Tune domain of values that have an order
    LiveFront             logs the front's size and hypervolume while trials report
    SchedulerState        saves a scheduler's state with the experiment
    restore_tuner         continues an experiment whose driver was killed
    problem_trainable     a trainable that trains a problem
    Team, team_resources  train each trial on several workers

``help(mobo_core.tune.SobolSearcher)`` explains one of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mobo_core.extras import is_installed, needs

if TYPE_CHECKING:
    from mobo_core.tune.live import LiveFront
    from mobo_core.tune.schedulers.hyperband import HyperBand
    from mobo_core.tune.schedulers.pausing import PromotionScheduler
    from mobo_core.tune.schedulers.promotion import HypervolumePromotion, PromotionMOASHA
    from mobo_core.tune.schedulers.saving import SchedulerState, restore_tuner
    from mobo_core.tune.schedulers.scalarized import ScalarizedScheduler
    from mobo_core.tune.schedulers.stopping import (
        PaperDominance,
        PaperRungwise,
        ProjectedStopping,
        RuleScheduler,
        StoppingMOASHA,
    )
    from mobo_core.tune.searchers.ahead import AheadSearcher
    from mobo_core.tune.searchers.ax import AxSearcher
    from mobo_core.tune.searchers.optuna import optuna_searcher
    from mobo_core.tune.searchers.quasirandom import RandomSearcher, SobolSearcher
    from mobo_core.tune.space import ordered_choice
    from mobo_core.tune.team import Team, team_resources
    from mobo_core.tune.trainable import problem_trainable

# The names above are imported on first use: a process that only trains need not load Ax and
# BoTorch, which takes seconds per worker.
__all__ = [
    "AheadSearcher",
    "AxSearcher",
    "HyperBand",
    "HypervolumePromotion",
    "LiveFront",
    "PaperDominance",
    "PaperRungwise",
    "ProjectedStopping",
    "PromotionMOASHA",
    "PromotionScheduler",
    "RandomSearcher",
    "RuleScheduler",
    "ScalarizedScheduler",
    "SchedulerState",
    "SobolSearcher",
    "StoppingMOASHA",
    "Team",
    "optuna_searcher",
    "ordered_choice",
    "problem_trainable",
    "restore_tuner",
    "team_resources",
]

_HOMES = {
    "AheadSearcher": "searchers.ahead",
    "AxSearcher": "searchers.ax",
    "HyperBand": "schedulers.hyperband",
    "HypervolumePromotion": "schedulers.promotion",
    "LiveFront": "live",
    "PaperDominance": "schedulers.stopping",
    "PaperRungwise": "schedulers.stopping",
    "ProjectedStopping": "schedulers.stopping",
    "PromotionMOASHA": "schedulers.promotion",
    "PromotionScheduler": "schedulers.pausing",
    "RandomSearcher": "searchers.quasirandom",
    "RuleScheduler": "schedulers.stopping",
    "ScalarizedScheduler": "schedulers.scalarized",
    "SchedulerState": "schedulers.saving",
    "SobolSearcher": "searchers.quasirandom",
    "StoppingMOASHA": "schedulers.stopping",
    "Team": "team",
    "optuna_searcher": "searchers.optuna",
    "ordered_choice": "space",
    "problem_trainable": "trainable",
    "restore_tuner": "schedulers.saving",
    "team_resources": "team",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs("optuna" if name == "optuna_searcher" else "ax", f"{__name__}.{name}"):
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    # With the names that are not imported yet, so that editors and notebooks complete them. `help`
    # imports every name that is here.
    absent = set() if is_installed("ax") else {"AxSearcher"}
    return sorted({*globals(), *__all__} - absent)
