"""A run in which nothing can happen any more ends with an error that says what waits for what."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
from mobo_core.tune import PromotionScheduler, ScalarizedScheduler
from mobo_core.tune.schedulers.experiment import OneExperiment
from mobo_core.tune.schedulers.watchdog import (
    IDLE_LIMIT,
    IDLE_LIMIT_S,
    LONGEST_LOOK_S,
    Watchdog,
    idle_limit_s,
)
from mobo_core.virtual import Cluster, InOrder, simulate
from mobo_core.virtual.suggestions import Suggestions
from tests.bench.cheap import MAX_T, Cheap, CheapProblem

OBJECTIVES = ObjectiveSet(
    [Objective("error", "min", 0.6, ideal=0), Objective("size", "min", 100, ideal=0)]
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_time_without_a_sign_of_life_counts() -> None:
    clock = Clock()
    dog = Watchdog(clock)
    for expected in (0.0, 4.0, 8.0):
        dog.wait(list)
        assert dog.idle_s == expected
        clock.now += 4.0
    dog.restart()
    clock.now += 1000.0  # a trial has run
    for expected in (0.0, 4.0):
        dog.wait(list)
        assert dog.idle_s == expected
        clock.now += 4.0


def test_a_driver_that_was_away_has_seen_nothing() -> None:
    clock = Clock()
    dog = Watchdog(clock)
    dog.wait(list)
    clock.now += 3 * IDLE_LIMIT_S  # a model was computing, or the machine was asleep
    dog.wait(list)
    assert dog.idle_s == LONGEST_LOOK_S


def test_the_error_names_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDLE_LIMIT, "6")
    clock = Clock()
    dog = Watchdog(clock)
    for now in (0.0, 4.0):
        clock.now = now
        dog.wait(lambda: pytest.fail("is asked too early"))
    clock.now = 8.0
    with pytest.raises(RuntimeError, match=r"for 8 s.*: a; b\. .*set MOBO_TUNE_IDLE_LIMIT_S"):
        dog.wait(lambda: ["a", "b"])
    with pytest.raises(RuntimeError, match="; 9; and 90 more"):
        dog.wait(lambda: [str(number) for number in range(100)])


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan"])
def test_a_limit_that_is_no_time_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDLE_LIMIT, text)
    with pytest.raises(ValueError, match=f"{IDLE_LIMIT} must be a positive number.*{text!r}"):
        idle_limit_s()


def test_the_limit_is_minutes_and_may_be_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IDLE_LIMIT, raising=False)
    assert idle_limit_s() == IDLE_LIMIT_S >= 300
    monkeypatch.setenv(IDLE_LIMIT, "inf")
    assert idle_limit_s() == math.inf


class Lost(PromotionHalvingRule):
    """A rule that always resumes a trial that does not exist."""

    def choose(self, new_available: bool) -> str | None:
        return "no-such-trial"


def configs(count: int) -> list[dict[str, Any]]:
    return [{"number": number, "case": "finish"} for number in range(count)]


def test_paused_trials_that_nothing_resumes_end_the_run() -> None:
    """In virtual time too, by its clock."""
    scheduler = PromotionScheduler(
        Lost(HalvingSettings(MAX_T, reduction_factor=2)),
        objectives=OBJECTIVES,
        slots=2,
        time_attr="epoch",
    )
    with pytest.raises(
        RuntimeError,
        match=r"no trial has run for 9.. s.*InOrder suggests nothing; "
        r"trial 00000 is paused at epoch=1 and waits",
    ):
        simulate(
            CheapProblem(None),
            searcher=InOrder(configs(4)),
            scheduler=scheduler,
            num_samples=4,
            cluster=Cluster(2),
        )


class Mute(Searcher):
    """A searcher that suggests one trial and no other; it may say that it is still computing."""

    def __init__(self, is_making: bool) -> None:
        super().__init__()
        self.is_making = is_making
        self.configs = configs(1)

    def suggest(self, trial_id: str) -> dict[str, Any] | None:  # type: ignore[override]
        return self.configs.pop() if self.configs else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        pass


@pytest.mark.parametrize("is_making", [False, True])
def test_a_searcher_that_suggests_nothing_is_named(is_making: bool) -> None:
    rule = PromotionHalvingRule(HalvingSettings(MAX_T, reduction_factor=2))
    scheduler = PromotionScheduler(rule, objectives=OBJECTIVES, slots=2, time_attr="epoch")
    # While a suggestion is being computed, virtual time itself ends the run, 100,000 steps later.
    expected = "nothing happens any more" if is_making else "none can start: Mute suggests nothing"
    with pytest.raises(RuntimeError, match=expected):
        simulate(CheapProblem(None), searcher=Mute(is_making), scheduler=scheduler, num_samples=2)


class PausesForEver(FIFOScheduler):
    """A scheduler that pauses every trial and resumes none."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        return str(TrialScheduler.PAUSE)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        trials = tune_controller.get_trials()
        return next((trial for trial in trials if trial.status == trial.PENDING), None)


@pytest.mark.ray
def test_a_scheduler_of_others_that_waits_for_ever_ends_the_run(
    ray_session: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IDLE_LIMIT, "2")
    tuner = tune.Tuner(
        tune.with_resources(Cheap, {"cpu": 0.01}),
        tune_config=tune.TuneConfig(
            search_alg=InOrder(configs(2)),
            scheduler=ScalarizedScheduler(PausesForEver(), OBJECTIVES),
            num_samples=2,
        ),
        run_config=tune.RunConfig(name="test", storage_path=str(tmp_path), verbose=0),
    )
    with pytest.raises(RuntimeError, match=r"no trial has run for . s.*: all trials are suggested"):
        tuner.fit()


def test_a_mute_searcher_ends_a_run_that_never_pauses() -> None:
    class Controller:  # Tune's own would first ask the searcher for ten minutes
        clock = Clock()
        search_alg = Suggestions(Mute(is_making=False), num_samples=2, max_failures=0)

        def get_live_trials(self) -> set[Any]:
            return set()

    controller, experiment = Controller(), OneExperiment()
    for _ in range(2):  # Tune asks the searcher for ten minutes before it asks the scheduler
        assert experiment.watch(controller, None) is None
        controller.clock.now += 600
    with pytest.raises(RuntimeError, match=r"run for 1200 s.*: Mute suggests nothing"):
        experiment.watch(controller, None)


def test_long_epochs_are_no_idle_time() -> None:
    class Slow(CheapProblem):
        def start(self, config: Any, seed: int) -> Any:
            training = super().start(config, seed)
            run_epoch = training.run_epoch
            training.run_epoch = lambda: {**run_epoch(), "seconds": 10 * IDLE_LIMIT_S}  # type: ignore[method-assign]
            return training

    rule = PromotionHalvingRule(HalvingSettings(MAX_T, reduction_factor=2))
    run = simulate(
        Slow(MAX_T),
        searcher=InOrder(configs(3)),
        scheduler=PromotionScheduler(rule, objectives=OBJECTIVES, slots=1, time_attr="epoch"),
        num_samples=3,
        cluster=Cluster(1, startup_s=2 * IDLE_LIMIT_S, suggestion_s=2 * IDLE_LIMIT_S),
    )
    assert len(run.trials) == 3
    assert run.seconds > 40 * IDLE_LIMIT_S
