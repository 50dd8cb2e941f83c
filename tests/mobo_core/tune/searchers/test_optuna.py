"""Optuna's samplers as searchers."""

from __future__ import annotations

import pytest
from optuna.trial import TrialState
from ray import tune

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import optuna_searcher, ordered_choice

OBJECTIVES = ObjectiveSet([Objective("acc", "max", 0.5), Objective("size", "min", 100)])
SPACE = {
    "lr": tune.loguniform(1e-4, 1e-1),
    "units": ordered_choice([16, 32]),
    "depth": tune.randint(1, 5),
    "inner": {"dropout": tune.quniform(0.1, 0.3, 0.1)},
}


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_suggestions_lie_in_the_space_and_repeat(sampler: str) -> None:
    def suggested() -> list[object]:
        searcher = optuna_searcher(OBJECTIVES, SPACE, sampler, seed=3)  # type: ignore[arg-type]
        configs = []
        for i in range(15):
            config = searcher.suggest(str(i))
            assert config is not None
            configs.append(config)
            result = {"acc": config["lr"], "size": config["units"]}
            searcher.on_trial_complete(str(i), result)
        return configs

    configs = suggested()
    assert configs == suggested()
    for config in configs:
        assert 1e-4 <= config["lr"] <= 1e-1  # type: ignore[index]
        assert config["units"] in (16, 32)  # type: ignore[index]
        assert config["depth"] in range(1, 5)  # type: ignore[index]
        dropout = config["inner"]["dropout"]  # type: ignore[index]
        assert min(abs(dropout - v) for v in (0.1, 0.2, 0.3)) < 1e-9


def test_nothing_stays_running() -> None:
    searcher = optuna_searcher(OBJECTIVES, SPACE, "nsga2", seed=0)
    for i in range(4):
        searcher.suggest(str(i))
    searcher.on_trial_complete("0", {"acc": 0.9, "size": 10})
    searcher.on_trial_complete("1", {"acc": float("nan"), "size": 10})
    searcher.on_trial_complete("2", error=True)
    searcher.on_trial_complete("3", {"acc": 0.9})
    states = [trial.state for trial in searcher._ot_study.trials]
    assert states == [TrialState.COMPLETE] + [TrialState.FAIL] * 3
    assert len(searcher._ot_study.best_trials) == 1


def test_an_unknown_sampler() -> None:
    with pytest.raises(ValueError, match="sampler must be one of nsga2, tpe, got 'best'"):
        optuna_searcher(OBJECTIVES, SPACE, "best")  # type: ignore[arg-type]
