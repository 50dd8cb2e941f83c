"""Optuna's samplers as searchers."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np
import pytest
from optuna.samplers import NSGAIISampler
from optuna.trial import TrialState
from ray import tune
from ray.tune.search import Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import optuna_searcher, ordered_choice
from mobo_core.tune.space import tune_space

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
    states = [trial.state for trial in searcher.study.trials]
    assert states == [TrialState.COMPLETE] + [TrialState.FAIL] * 3
    assert len(searcher.study.best_trials) == 1


def test_a_last_report_without_objectives_does_not_hide_the_one_before() -> None:
    searcher = optuna_searcher(OBJECTIVES, SPACE)
    searcher.suggest("a")
    searcher.on_trial_result("a", {"acc": 0.9, "size": 10})
    searcher.on_trial_result("a", {"test_acc": 0.8})
    searcher.on_trial_complete("a", result={"test_acc": 0.8})
    (best,) = searcher.study.best_trials
    assert best.values == [0.9, 10]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("best",), {}, "sampler must be one of nsga2, tpe, got 'best'"),
        (("nsga2",), {"popsize": 3}, "sampler 'nsga2' has no option 'popsize'; it has: "),
        (("tpe",), {"population_size": 3}, "sampler 'tpe' has no option 'population_size'"),
        (("nsga2",), {"population_size": 1}, "sampler 'nsga2' refuses {'population_size': 1}: "),
        (("tpe",), {"n_startup_trials": -1, "n_ei_candidates": "x"}, None),
    ],
)
def test_a_sampler_and_its_options_are_checked(
    arguments: tuple[str, ...], options: dict[str, Any], message: str | None
) -> None:
    if message is None:  # Optuna itself accepts any value here
        optuna_searcher(OBJECTIVES, SPACE, *arguments, **options)  # type: ignore[arg-type]
        return
    with pytest.raises(ValueError, match=re.escape(message)):
        optuna_searcher(OBJECTIVES, SPACE, *arguments, **options)  # type: ignore[arg-type]


def test_objectives_may_be_a_list_and_metrics_have_any_name() -> None:
    objectives = [Objective("lambda", "min", 1), Objective("val/loss-(ü)", "max", 0)]
    searcher = optuna_searcher(objectives, SPACE)
    searcher.suggest("0")
    searcher.on_trial_complete("0", {"lambda": np.float32(0.5), "val": {"loss-(ü)": 2}})
    assert searcher.study.trials[0].values == [0.5, 2.0]


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_samplers_learn_from_known_results(sampler: Any) -> None:
    space = {"x": tune.uniform(0, 1), "kind": tune.choice([None, dict])}
    # Both objectives are best at x = 0.3 with `dict`, and 12 known results lie there.
    known = [
        ({"x": 0.3 + i / 1000, "kind": dict}, {"acc": 1 - i / 1000, "size": i}) for i in range(12)
    ]
    known += [({"x": 0.9, "kind": None}, {"acc": 0.1, "size": 99 - i}) for i in range(12)]
    known += [({"x": 0.5, "kind": None}, None)]
    options: dict[str, Any] = {"population_size": 12} if sampler == "nsga2" else {}

    def suggested(**start: Any) -> list[float]:
        searcher = optuna_searcher(OBJECTIVES, space, sampler, 0, **start, **options)
        return [searcher.suggest(str(number))["x"] for number in range(12)]

    searcher = optuna_searcher(OBJECTIVES, space, sampler, 0, known_results=known, **options)
    states = [trial.state for trial in searcher.study.trials]
    assert states == [TrialState.COMPLETE] * 24 + [TrialState.FAIL]
    assert [t.number for t in searcher.study.best_trials] == [0]
    near, far = (np.abs(np.array(x) - 0.3) for x in (suggested(known_results=known), suggested()))
    # TPE smooths widely with few trials; without known results both draw uniform points here.
    assert np.median(near) < 0.7 * np.median(far)


def test_points_given_in_full_are_parents_of_the_next_generation() -> None:
    # Optuna itself leaves out a trial for which it had to choose nothing.
    points = [{"x": x} for x in (0.1, 0.2, 0.3)]
    space = {"x": tune.uniform(0, 1)}
    searcher = optuna_searcher(
        OBJECTIVES, space, "nsga2", population_size=3, points_to_evaluate=points
    )
    for number in range(3):
        config = searcher.suggest(str(number))
        assert config == points[number]
        searcher.on_trial_complete(str(number), {"acc": config["x"], "size": config["x"]})
    sampler = searcher.study.sampler
    assert isinstance(sampler, NSGAIISampler)
    assert len(sampler.get_population(searcher.study, 0)) == 3


@pytest.mark.parametrize("domain", [tune.qloguniform(0.3, 30, 0.3), tune.qlograndint(3, 300, 3)])
def test_quantised_logarithmic_ranges_are_spread_as_those_of_other_searchers(domain: Any) -> None:
    searcher = optuna_searcher(OBJECTIVES, {"x": domain}, "tpe", n_startup_trials=1000)
    drawn = [searcher.suggest(str(number))["x"] for number in range(400)]
    parameter = tune_space({"x": domain}).space["x"]
    assert all(parameter.checked(x) == x and type(x) is type(parameter.at(0)) for x in drawn)
    # The quantiles of 400 values differ by some 10 %; of values spread evenly the median is 50
    # steps, of these it is 7.
    for u in (0.25, 0.5, 0.75):
        assert np.quantile(drawn, u) == pytest.approx(parameter.from_unit(u), rel=0.3)


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_values_at_the_bounds_are_legal_points_and_results(sampler: Any) -> None:
    space = {
        "step": tune.quniform(0.1, 0.7, 0.1),
        "third": tune.uniform(2 / 3, 1),
        "rate": tune.loguniform(math.exp(-7), math.exp(7)),
        "log_step": tune.qloguniform(0.1, 0.7, 0.1),
        "n": tune.qrandint(3, 9, 3),
    }
    bounds = tune_space(space).space
    ends = [
        {p.name: p.checked(getattr(p, end)) for p in bounds.parameters if hasattr(p, end)}
        for end in ("lower", "upper")
    ]
    known = [({**ends[0], "step": 0.3}, {"acc": 1, "size": 1})]  # 0.1 + 2 * 0.1 > 0.3
    start: dict[str, Any] = {"points_to_evaluate": ends, "known_results": known}
    # Optuna warns about a value outside of its bounds, and warnings are errors here.
    searcher = optuna_searcher(OBJECTIVES, space, sampler, 0, **start)
    assert [searcher.suggest(str(k)) for k in range(2)] == ends
    for k in range(2, 20):
        config = searcher.suggest(str(k))
        assert isinstance(config, dict)
        values = bounds.parameters
        assert all(p.checked(config[p.name]) == config[p.name] for p in values)


def test_repeats_are_refused_where_they_help_nobody() -> None:
    space = {"n": tune.choice([1, 2, 3])}

    def suggested(failing: int | None, **options: Any) -> list[Any]:
        searcher = optuna_searcher(OBJECTIVES, space, "tpe", 0, **options)
        configs: list[Any] = []
        for k in range(20):
            configs.append(searcher.suggest(str(k)))
            if isinstance(configs[-1], str):
                break
            failed = configs[-1]["n"] == failing
            searcher.on_trial_complete(str(k), {"acc": 1, "size": k % 3}, error=failed)
        return [config if isinstance(config, str) else config["n"] for config in configs]

    assert len(suggested(None)) == 20  # the Tuner ends a search of limited length
    assert suggested(2).count(2) == 1
    assert suggested(2, repeats=True).count(2) > 1
    once = suggested(None, repeats=False)
    assert sorted(once[:3]) == [1, 2, 3]
    assert once[3:] == [Searcher.FINISHED]


def test_without_optuna_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mobo_core.tune.searchers.optuna_study", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'mobo-bench\[optuna\]'"):
        optuna_searcher(OBJECTIVES, SPACE)
