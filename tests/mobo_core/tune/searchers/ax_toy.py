"""A small problem with two objectives, and an `AxSearcher` on it that suggests fast."""

from __future__ import annotations

from typing import Any

from ax.core.trial_status import TrialStatus
from ray import tune

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import AxSearcher, ordered_choice

OBJECTIVES = ObjectiveSet([Objective("gain", "max", 0.2), Objective("cost", "min", 5, exact=True)])
SPACE = {"x": tune.uniform(0, 1), "n": ordered_choice([1, 2, 4])}


def report(config: dict[str, Any], epoch: int = 4) -> dict[str, Any]:
    return {"gain": config["x"] * epoch / 4, "cost": config["n"] + config["x"], "epoch": epoch}


FAST = {"num_restarts": 1, "raw_samples": 4}
"""Options of the acquisition optimiser: what is tested here does not need its best point."""


def searcher(**options: Any) -> AxSearcher:
    defaults = {"time_attr": "epoch", "max_t": 4, "optimizer_options": FAST}
    return AxSearcher(OBJECTIVES, SPACE, **{**defaults, **options})


def status(ax: AxSearcher, trial: int) -> TrialStatus:
    return ax.client._experiment.trials[trial].status


def complete(ax: AxSearcher, count: int) -> None:
    for k in range(count):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config))
