"""Searchers and schedulers for Ray Tune, and the trainable that runs a problem there.

Names are imported when first used: a process that only trains need not load Ax and BoTorch,
which takes seconds per worker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

__all__ = [
    "AheadSearcher",
    "AxSearcher",
    "HyperBand",
    "HypervolumePromotion",
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
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
