"""The clock is right by hand; failures, costs, and calls of schedulers, searchers, callbacks."""

from __future__ import annotations

import contextlib
import gc
import math
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ray import tune
from ray.tune.search import Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import PromotionMOASHA, SobolSearcher, StoppingMOASHA
from mobo_core.virtual import Cluster, Simulation, VirtualTrial, simulate

OBJECTIVES = ObjectiveSet([Objective("error", "min", 1, ideal=0), Objective("size", "min", 9)])


class Steps:
    """A problem that reports the error 1/(t·quality) after epochs that last `seconds`.

    A configuration can make its training raise at an epoch.
    """

    max_epochs = 3

    def start(self, config: Mapping[str, Any], seed: int) -> Stepping:
        if config.get("hopeless"):
            raise RuntimeError("no hope")
        return Stepping(config)


class Stepping:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.t = 0

    def run_epoch(self) -> dict[str, Any]:
        self.t += 1
        if self.t == self.config.get("raises_at"):
            raise RuntimeError("out of luck")
        return {
            "epoch": self.t,
            "seconds": self.config.get("seconds", 1.0),
            "error": 1 / (self.t * self.config.get("quality", 1.0)),
            "size": self.config.get("size", 1.0),
        }

    def test_metrics(self) -> dict[str, float]:
        return {}

    def state(self) -> bytes:
        return str(self.t).encode()

    def load_state(self, state: bytes) -> None:
        self.t = int(state)

    def close(self) -> None:
        pass


class Given(Searcher):
    """A searcher that suggests the given configurations and records all reports and ends."""

    def __init__(self, *configs: dict[str, Any]) -> None:
        super().__init__()
        self.configs = list(configs)
        self.heard: list[tuple[str, int]] = []
        self.ended: dict[str, Any] = {}

    def suggest(self, trial_id: str) -> Any:
        return self.configs.pop(0) if self.configs else Searcher.FINISHED

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self.heard.append((trial_id, result["epoch"]))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        assert trial_id not in self.ended
        self.ended[trial_id] = "failed" if error else (result or {}).get("epoch")


class Broken(Searcher):
    """A searcher that raises an error at each suggestion."""

    def suggest(self, trial_id: str) -> Any:
        raise ValueError("the searcher is out of order")


def run(*configs: dict[str, Any], cluster: Cluster | None = None, **options: Any) -> Simulation:
    searcher = options.pop("searcher", Given(*configs))
    return simulate(Steps(), searcher=searcher, num_samples=-1, cluster=cluster, **options)


def test_one_worker_takes_the_sum_and_two_share_it() -> None:
    configs = [{"seconds": 1.0}, {"seconds": 2.0}, {"seconds": 4.0}]
    assert run(*configs).seconds == 3 + 6 + 12
    # 0 ends at 3 and hands its worker to 2, which takes 12; 1 ends at 6 beside it.
    shared = run(*configs, cluster=Cluster(2))
    assert (shared.seconds, shared.training_s, shared.reports) == (15, 21, 9)


def test_faster_workers_take_less() -> None:
    assert run({}, {}, cluster=Cluster(2, speeds=(1.0, 3.0))).seconds == 3
    assert run({}, cluster=Cluster(2, speeds=(3.0, 1.0))).seconds == 1


def test_processes_start_once_and_suggestions_keep_everyone_waiting() -> None:
    # Each worker starts a process for 5; later trials take 1 for their turn.
    assert (
        run({}, {}, {}, cluster=Cluster(1, startup_s=5, reset_s=1)).seconds == 5 + 3 + 1 + 3 + 1 + 3
    )
    # The driver suggests for 10, then again for 10; trial 0's reports wait for it from 11 on.
    result = run({}, {}, cluster=Cluster(2, suggestion_s=10))
    assert result.seconds == 23
    assert result.trials[0].last_result["epoch"] == 3


def test_a_suggestion_made_ahead_is_there_when_a_worker_is_free() -> None:
    # Not ahead: 10 + 3 + 10 + 3. Ahead: the second is made while the first waits to be heard.
    slow = Cluster(1, suggestion_s=10)
    assert run({}, {}, cluster=slow).seconds == 26
    assert run({}, {}, cluster=slow, ahead=1).seconds == 20 + 2 + 3


def test_suggestions_in_the_background_cost_the_driver_nothing() -> None:
    # The first takes its time; the others are there when a worker is free, or as soon as made.
    assert run({}, {}, {}, cluster=Cluster(1, suggestion_s=2), background=True).seconds == 2 + 9
    for workers in (1, 2):
        slow = run({}, {}, {}, cluster=Cluster(workers, suggestion_s=4), background=True)
        assert slow.seconds == 3 * 4 + 3


def test_saving_and_loading_cost_their_worker() -> None:
    def promotion() -> PromotionMOASHA:
        return PromotionMOASHA(OBJECTIVES, 3, reduction_factor=2, slots=1, time_attr="epoch")

    configs = [{"quality": 1.0}, {"quality": 2.0}]
    free = run(*configs, scheduler=promotion())
    # Both pause after an epoch (milestones 1 and 2); the better goes on at once and runs to 2,
    # where it waits alone in its rung: one of two may be promoted, one of one may not.
    assert [t.last_result["epoch"] for t in free.trials] == [1, 2]
    assert (free.seconds, free.restores) == (3, 0)
    # Saved: the first at 1; the second, when it pauses at 2 for good.
    priced = run(*configs, scheduler=promotion(), cluster=Cluster(1, checkpoint_s=0.5))
    assert (priced.seconds, priced.reports) == (4, 3)


def test_restoring_is_counted_and_paid() -> None:
    scheduler = PromotionMOASHA(OBJECTIVES, 3, reduction_factor=2, slots=1, time_attr="epoch")
    # The first is the better one: it is paused when the second promotes it.
    result = run(
        {"quality": 2.0}, {"quality": 1.0}, scheduler=scheduler, cluster=Cluster(1, restore_s=0.25)
    )
    assert [t.last_result["epoch"] for t in result.trials] == [2, 1]
    assert (result.restores, result.seconds) == (1, 3.25)


def test_errors_of_the_problem_are_the_trials_own() -> None:
    searcher = Given({"raises_at": 2}, {"hopeless": True}, {})
    result = run(searcher=searcher)
    assert [t.status for t in result.trials] == ["ERROR", "ERROR", "TERMINATED"]
    assert [t.error for t in result.trials] == [
        "RuntimeError: out of luck",
        "RuntimeError: no hope",
        "",
    ]
    assert searcher.ended == {"00000": "failed", "00001": "failed", "00002": 3}


def test_retries_go_on_from_the_last_checkpoint_or_the_beginning() -> None:
    result = run({"raises_at": 2}, max_failures=2)
    assert result.trials[0].error == "RuntimeError: out of luck"
    assert result.reports == 3  # epoch 1, three times


@pytest.mark.parametrize("pausing", [False, True])
def test_the_same_epochs_fail_under_every_scheduler(pausing: bool) -> None:
    cluster = Cluster(2, failure_rate=0.2, straggler_rate=0.3, straggler_factor=4, seed=1)
    configs = [{"quality": float(q)} for q in range(1, 21)]
    fifo = run(*configs, cluster=cluster)
    failed = {t.number: t.last_result.get("epoch", 0) for t in fifo.trials if t.error}
    assert 0 < len(failed) < 20
    scheduler = (
        PromotionMOASHA(OBJECTIVES, 3, reduction_factor=2, slots=2, time_attr="epoch")
        if pausing
        else StoppingMOASHA(OBJECTIVES, 3, reduction_factor=2, time_attr="epoch")
    )
    trials = run(*configs, cluster=cluster, scheduler=scheduler).trials
    for trial in trials:
        reached = trial.last_result.get("epoch", 0)
        if trial.error:
            assert failed[trial.number] == reached
        elif trial.number in failed:
            assert failed[trial.number] >= reached  # it was ended before it came to that
    assert any(trial.error and trial.last_result.get("epoch", 0) > 0 for trial in trials)
    assert fifo.seconds > 60 / 2  # stragglers


def test_retries_survive_failures() -> None:
    cluster = Cluster(3, failure_rate=0.2, seed=2)
    result = run(*[{}] * 10, cluster=cluster, max_failures=-1)
    assert {t.last_result["epoch"] for t in result.trials} == {3}
    assert result.reports > 30


@pytest.mark.parametrize("workers", [1, 3])
def test_promotion_survives_failures(workers: int) -> None:
    cluster = Cluster(workers, failure_rate=0.3, seed=3)
    scheduler = PromotionMOASHA(OBJECTIVES, 3, reduction_factor=2, slots=workers, time_attr="epoch")
    configs = [{"quality": float(q)} for q in range(1, 13)]
    result = run(*configs, cluster=cluster, scheduler=scheduler, max_failures=-1)
    assert len(result.trials) == 12
    assert {t.status for t in result.trials} == {"TERMINATED"}
    assert max(t.last_result["epoch"] for t in result.trials) == 3


def test_searchers_hear_what_tune_would_tell_them() -> None:
    searcher = Given({}, {})
    run(searcher=searcher)
    # The report that ends a trial comes with its completion.
    assert searcher.heard == [("00000", 1), ("00000", 2), ("00001", 1), ("00001", 2)]
    assert searcher.ended == {"00000": 3, "00001": 3}


class Log(tune.Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_trial_start(self, trial: VirtualTrial, **info: Any) -> None:  # type: ignore[override]
        self.lines.append(f"start {trial.number}")

    def on_trial_result(  # type: ignore[override]
        self, trial: VirtualTrial, result: dict[str, Any], **info: Any
    ) -> None:
        self.lines.append(f"{trial.number} at {result['epoch']}")

    def on_trial_complete(self, trial: VirtualTrial, **info: Any) -> None:  # type: ignore[override]
        self.lines.append(f"end {trial.number}")

    def on_trial_error(self, trial: VirtualTrial, **info: Any) -> None:  # type: ignore[override]
        self.lines.append(f"error {trial.number}")


def test_callbacks_are_called() -> None:
    log = Log()
    run({}, {"raises_at": 1}, callbacks=[log])
    assert log.lines == ["start 0", "0 at 1", "0 at 2", "0 at 3", "end 0", "start 1", "error 1"]


def test_large_runs_make_no_full_garbage_collection_and_leave_its_settings() -> None:
    class Watch(tune.Callback):
        threshold = (0, 0, 0)

        def on_trial_result(self, *args: Any, **told: Any) -> None:
            self.threshold = gc.get_threshold()

    before, watch = gc.get_threshold(), Watch()
    for trials, kept in ((999, True), (1000, False)):
        simulate(Steps(), searcher=Given({}), num_samples=trials, callbacks=[watch])
        assert (watch.threshold == before) is kept
        assert watch.threshold[:2] == before[:2]
        assert gc.get_threshold() == before
    with pytest.raises(ValueError, match="searcher is out of order"):
        simulate(Steps(), searcher=Broken(), num_samples=1000)
    assert gc.get_threshold() == before


def test_a_scheduler_that_pauses_gives_the_searcher_back() -> None:
    class Watching(PromotionMOASHA):
        search: Any = None

        def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
            super().on_trial_add(tune_controller, trial)
            self.search = tune_controller.search_alg

    class Last(tune.Callback):
        taken: object = None

        def on_experiment_end(self, trials: Any, **info: Any) -> None:
            self.taken = scheduler.search.searcher

    scheduler = Watching(OBJECTIVES, 3, slots=1, time_attr="epoch")
    searcher, last = Given({"quality": 2.0}), Last()
    simulate(Steps(), searcher=searcher, scheduler=scheduler, num_samples=1, callbacks=[last])
    assert last.taken is not searcher
    assert scheduler.search.searcher is searcher
    assert "is_finished" not in vars(scheduler.search)  # its class's holds again


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Breaking(Given):
    """A searcher that raises an error when it has suggested all given configurations."""

    def suggest(self, trial_id: str) -> Any:
        if not self.configs:
            raise ValueError("the searcher is out of order")
        return super().suggest(trial_id)


@pytest.mark.parametrize("searcher_class", [Given, Breaking])
def test_nothing_of_a_run_waits_for_the_garbage_collector(searcher_class: type[Given]) -> None:
    """Schedulers that pause hold the simulation that holds them, until it has ended."""
    breaks = searcher_class is Breaking
    scheduler = PromotionMOASHA(OBJECTIVES, 3, slots=1, time_attr="epoch")
    searcher = searcher_class(*({"quality": quality} for quality in (5.0, 4.0, 3.0, 2.0, 1.0)))
    gone = [weakref.ref(scheduler), weakref.ref(searcher)]
    with without_garbage_collection():
        with pytest.raises(ValueError, match="order") if breaks else contextlib.nullcontext():
            simulate(Steps(), searcher=searcher, scheduler=scheduler, num_samples=9)
        assert scheduler.resumes > 0
        assert not scheduler._lives.paused
        del scheduler, searcher
        assert [reference() for reference in gone] == [None, None]


def test_a_searcher_that_never_goes_on_is_a_deadlock_in_words() -> None:
    class Silent(Given):
        def suggest(self, trial_id: str) -> Any:
            return None

    with pytest.raises(RuntimeError, match="the searcher suggests none"):
        run(searcher=Silent())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be at least 1"),
        ({"workers": 2.5}, "workers must be a whole number, got 2.5"),
        ({"workers": True}, "workers must be a whole number, got True"),
        ({"workers": 2, "speeds": (1.0,)}, "speeds must hold 2, one per worker, got 1"),
        ({"speeds": (0.0,)}, "a speed must be greater than 0, got 0.0"),
        ({"speeds": (math.nan,)}, "a speed must be a finite number, got nan"),
        ({"startup_s": -1}, "startup_s must be at least 0, got -1"),
        ({"suggestion_s": "1"}, "suggestion_s must be a finite number, got '1'"),
        ({"failure_rate": 1.5}, "failure_rate must be at most 1, got 1.5"),
        ({"straggler_rate": math.nan}, "straggler_rate must be a finite number, got nan"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"straggler_factor": 0.5}, "straggler_factor must be at least 1"),
    ],
)
def test_clusters_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cluster(**options)


def test_bad_arguments() -> None:
    for options, message in (
        ({"num_samples": 0}, "num_samples must not be 0"),
        ({"num_samples": 2.5}, "num_samples must be a whole number, got 2.5"),
        ({"ahead": -1}, "ahead must be at least 0, got -1"),
        ({"max_failures": math.nan}, "max_failures must be a whole number, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            simulate(Steps(), **{"searcher": Given(), "num_samples": 1, **options})  # type: ignore[arg-type]
    unlimited = PromotionMOASHA(OBJECTIVES, 3)
    with pytest.raises(ValueError, match="slots"):
        run({}, scheduler=unlimited)


def test_without_an_end_a_finite_space_is_searched_once() -> None:
    space = {"quality": tune.choice([1.0, 2.0, 3.0])}
    run = simulate(Steps(), searcher=SobolSearcher(space, seed=0), num_samples=-1)
    assert sorted(trial.config["quality"] for trial in run.trials) == [1.0, 2.0, 3.0]
