"""Promotion in real Tune: decisions as in virtual time, refusals in words, kill and resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from bench.execution.ray.cleanup import free_placement_groups
from mobo_core.tune import (
    HypervolumePromotion,
    PromotionMOASHA,
    RandomSearcher,
    SchedulerState,
    restore_tuner,
)
from mobo_core.tune.schedulers import pausing
from mobo_core.tune.schedulers.pausing import PromotionScheduler
from mobo_core.virtual import InOrder, simulate
from tests.bench.cheap import MAX_T, Cheap, CheapProblem
from tests.mobo_core.tune.awkward import (
    Bare,
    FailsOnce,
    FailsToReset,
    NoReset,
    NotAgain,
    checkpointing,
    forgetful,
)
from tests.mobo_core.tune.schedulers.promotion_driver import (
    OBJECTIVES,
    TRIALS,
    Numbers,
    resources,
    tuner,
)

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

SCHEDULERS = {
    "moasha": lambda slots: PromotionMOASHA(
        OBJECTIVES, MAX_T, reduction_factor=2, slots=slots, time_attr="epoch"
    ),
    "hv": lambda slots: HypervolumePromotion(OBJECTIVES, MAX_T, slots=slots, time_attr="epoch"),
}


class EpochBudget(tune.Stopper):
    """A stopper that ends the experiment after a number of reports."""

    def __init__(self, reports: int) -> None:
        self.left = reports

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.left -= 1
        return False

    def stop_all(self) -> bool:
        return self.left <= 0


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Free the processes of experiments that raised: they hold cores that later tests need."""
    yield
    free_placement_groups()


def epochs_of(results: tune.ResultGrid) -> dict[int, int]:
    return {r.config["number"]: r.metrics["epoch"] for r in results}  # type: ignore[index]


def test_one_slot_decides_as_in_virtual_time(tmp_path: Path) -> None:
    scheduler = SCHEDULERS["moasha"](1)
    results = tuner(scheduler, tmp_path, "finish").fit()
    cheap = CheapProblem(None)
    configs = [{"number": number, "case": "finish"} for number in range(TRIALS)]
    virtual = simulate(
        cheap, searcher=InOrder(configs), scheduler=SCHEDULERS["moasha"](1), num_samples=TRIALS
    )
    assert epochs_of(results) == {t.number: t.iteration for t in virtual.trials}
    assert scheduler.resumes == virtual.restores > 0


def test_resumed_trials_go_on_where_they_were_and_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    scheduler = SCHEDULERS["moasha"](2)
    results = tuner(scheduler, tmp_path, "finish", str(log)).fit()
    assert results.num_errors == 0
    trained = Counter(log.read_text().splitlines())
    assert max(trained.values()) == 1  # no epoch twice
    reached = epochs_of(results)
    assert set(trained) == {f"{n} {t}" for n, last in reached.items() for t in range(1, last + 1)}
    assert isinstance(scheduler, PromotionScheduler)
    assert f"{scheduler.resumes} resumed from a checkpoint" in scheduler.debug_string()
    assert "beyond the quota" in scheduler.debug_string()
    assert scheduler.counts() == {
        "resumes": scheduler.resumes,
        "excess_promotions": sum(scheduler.excess_promotions.values()),
    }


def test_functions_with_checkpoints_work(tmp_path: Path) -> None:
    extra = {"folder": str(tmp_path / "checkpoints")}
    results = tuner(
        SCHEDULERS["hv"](2), tmp_path, "finish", trainable=checkpointing, extra=extra, samples=4
    ).fit()
    assert results.num_errors == 0
    assert max(epochs_of(results).values()) == MAX_T


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        (forgetful, "to pause at epoch=1, but it has trained to its end without a checkpoint"),
        (NoReset, r"NoReset has no reset_config.*reuse_actors"),
        (Bare, "Bare has no save_checkpoint and load_checkpoint"),
    ],
)
def test_trainables_that_cannot_pause_are_refused(
    trainable: Any, message: str, tmp_path: Path
) -> None:
    extra = {"folder": str(tmp_path / "checkpoints")}
    with pytest.raises(Exception, match=message):
        tuner(SCHEDULERS["moasha"](1), tmp_path, "finish", trainable=trainable, extra=extra).fit()


def test_a_concurrency_limiter_is_refused(tmp_path: Path) -> None:
    searcher = ConcurrencyLimiter(Numbers("finish", None, {}), max_concurrent=2)
    with pytest.raises(Exception, match=r"ConcurrencyLimiter.*slots="):
        tuner(SCHEDULERS["moasha"](2), tmp_path, "finish", searcher=searcher).fit()


def test_no_searcher_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    space = {"number": tune.randint(0, 5), "case": tune.choice(["finish"])}
    for searcher in (None, RandomSearcher(space, seed=1)):
        made = tune.Tuner(
            tune.with_resources(Cheap, resources()),
            param_space=space if searcher is None else None,
            tune_config=tune.TuneConfig(
                scheduler=SCHEDULERS["moasha"](2), search_alg=searcher, num_samples=3
            ),
            run_config=tune.RunConfig(name="none", storage_path=str(tmp_path), verbose=0),
        )
        if searcher is None:
            with pytest.raises(Exception, match=r"needs a searcher.*RandomSearcher"):
                made.fit()
        else:
            assert made.fit().num_errors == 0


def test_processes_that_die_are_retried_from_their_pause(tmp_path: Path) -> None:
    log = tmp_path / "log"
    results = tuner(
        SCHEDULERS["moasha"](2),
        tmp_path,
        "finish",
        str(log),
        trainable=FailsOnce,
        max_failures=1,
    ).fit()
    assert results.num_errors == 0
    # A trial that died had paused before, and trained no epoch twice.
    reached = epochs_of(results)
    trained = Counter(log.read_text().splitlines())
    assert trained == {f"{n} {t}": 1 for n, last in reached.items() for t in range(1, last + 1)}
    assert list(tmp_path.glob("log-*-fell"))


@pytest.mark.parametrize(("trainable", "max_failures"), [(NotAgain, 0), (FailsToReset, 1)])
def test_processes_that_take_no_second_trial_cost_trials_not_slots(
    trainable: Any, max_failures: int, tmp_path: Path
) -> None:
    """Tune ends a trial that gets such a process; in the first case the scheduler is not told."""
    searcher = Hesitant(patient=True)
    scheduler = SCHEDULERS["moasha"](2)
    told, failures = scheduler.rule.end, Counter[str]()

    class Told:
        """A stand-in for the rule's `end` that counts the failed trials."""

        def __call__(self, trial_id: str, failed: bool) -> None:
            failures[trial_id] += failed
            told(trial_id, failed)

    scheduler.rule.end = Told()
    results = tuner(
        scheduler,
        tmp_path,
        "finish",
        trainable=trainable,
        searcher=searcher,
        max_failures=max_failures,
    ).fit()
    assert len(results) == TRIALS
    assert 0 < results.num_errors < TRIALS
    assert searcher.ended == TRIALS
    assert sum(failures.values()) == results.num_errors  # the rule is told of each


def test_slots_follow_from_the_cluster(tmp_path: Path) -> None:
    slots, counted = 4, []

    class Counts(EpochBudget):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            counted.append(scheduler._slots.count(scheduler._controller))
            return False

    scheduler = SCHEDULERS["moasha"](None)
    results = tuner(scheduler, tmp_path, "finish", slots=slots, stop=Counts(10**6)).fit()
    assert results.num_errors == 0
    assert len(results) == TRIALS
    assert set(counted) == {slots}


def test_a_scheduler_is_for_one_experiment(tmp_path: Path) -> None:
    scheduler = SCHEDULERS["moasha"](2)
    of_another = SchedulerState(SCHEDULERS["moasha"](2))
    with pytest.raises(Exception, match="SchedulerState in the callbacks has another scheduler"):
        tuner(SCHEDULERS["moasha"](2), tmp_path, "finish", callbacks=[of_another]).fit()
    one = tuner(scheduler, tmp_path / "one", "finish", samples=2)
    one.fit()
    with pytest.raises(Exception, match="used in another experiment"):
        one.fit()
    with pytest.raises(Exception, match="used in another experiment: make a PromotionMOASHA"):
        tuner(scheduler, tmp_path / "two", "finish", samples=2).fit()


class Hesitant(Numbers):
    """A searcher that makes four suggestions, then none until a trial has ended."""

    def __init__(self, patient: bool = False) -> None:
        super().__init__("finish", None, {})
        self.ended = 0
        self.declined = 0
        self.patient = patient

    def suggest(self, trial_id: str) -> Any:
        if self.count == 4 and not self.ended and not self.patient:
            self.declined += 1
            return None
        return super().suggest(trial_id)

    def on_trial_complete(self, *arguments: Any, **named: Any) -> None:
        self.ended += 1


def test_a_searcher_that_waits_for_results_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "SEARCHER_PATIENCE_S", 0.5)
    searcher = Hesitant()
    scheduler = PromotionMOASHA(OBJECTIVES, MAX_T, reduction_factor=4, slots=1, time_attr="epoch")
    results = tuner(scheduler, tmp_path, "finish", searcher=searcher).fit()
    assert searcher.declined > 0
    # The best of four goes on to 4, where it waits alone; one paused trial is given up.
    assert len(results) == TRIALS
    assert searcher.ended == TRIALS


def test_a_searcher_may_finish_early(tmp_path: Path) -> None:
    class Short(Numbers):
        def suggest(self, trial_id: str) -> Any:
            return super().suggest(trial_id) if self.count < 5 else Searcher.FINISHED

    results = tuner(
        SCHEDULERS["hv"](2), tmp_path, "finish", searcher=Short("finish", None, {})
    ).fit()
    assert len(results) == 5
    assert max(epochs_of(results).values()) == MAX_T


def test_endless_search_with_a_stopper_still_promotes(tmp_path: Path) -> None:
    limited = tuner(SCHEDULERS["hv"](2), tmp_path, "finish", samples=-1, stop=EpochBudget(60))
    # The trials that were just suggested have reported nothing.
    reached = [r.metrics["epoch"] for r in limited.fit() if "epoch" in (r.metrics or {})]
    assert len(reached) > 10
    assert max(reached) > 1


def test_bad_slots() -> None:
    with pytest.raises(ValueError, match="slots must be at least 1"):
        SCHEDULERS["moasha"](0)


def test_nothing_to_restore_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere is no folder: give that of the experiment"):
        restore_tuner(str(tmp_path / "nowhere"), Cheap)
    with pytest.raises(ValueError, match=r"has no experiment-state.zip.*tune.Tuner.restore"):
        restore_tuner(str(tmp_path), Cheap)


def test_killed_and_resumed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    address = ray.get_runtime_context().gcs_address
    driver = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.mobo_core.tune.schedulers.promotion_driver",
            address,
            tmp_path,
        ],
        env={**os.environ, "TUNE_GLOBAL_CHECKPOINT_S": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    # Past the first promotions: some trials have been at it twice, others wait.
    while not log.exists() or len(log.read_text().splitlines()) < 2 * TRIALS:
        assert driver.poll() is None, "the driver ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = len(log.read_text().splitlines())

    # A kill in the middle of a save leaves these of Tune's own files.
    for file in (tmp_path / "promotion").glob("experiment_state-*.json"):
        file.write_text(file.read_text()[: file.stat().st_size // 2])

    trainable = tune.with_resources(Cheap, resources())
    results = restore_tuner(str(tmp_path / "promotion"), trainable).fit()

    assert results.num_errors == 0
    reached = epochs_of(results)
    assert sorted(reached) == list(range(TRIALS))
    trained = Counter(log.read_text().splitlines())
    expected = {f"{n} {t}" for n, last in reached.items() for t in range(1, last + 1)}
    assert set(trained) >= expected
    # Trained again: at most what the two slots had trained since their trials' last pauses.
    assert sum(trained.values()) - len(expected) <= 2 * (MAX_T - 1)
    assert sum(trained.values()) > before
    # The rungs were restored: not all waiting trials were promoted.
    assert sorted(reached.values())[2] < MAX_T
    assert max(reached.values()) <= MAX_T
