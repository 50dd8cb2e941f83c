"""Runs on real Ray Tune with real training: a local Ray of our own, or an existing cluster."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import numpy as np
import ray
import torch
from ray import tune
from ray.tune.schedulers import TrialScheduler
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import UserError
from bench.execution.observation import (
    Observer,
    TimedSearcher,
    epoch_table,
    final_front,
    front_member,
    last_reports,
    model_based,
    predicted,
    timing,
    trial_records,
)
from bench.execution.ray.cleanup import Scratch, free_placement_groups
from bench.execution.ray.failures import Failures
from bench.execution.ray.retraining import RetrainingError, retrain
from bench.execution.ray.session import SLOT, RaySession
from bench.execution.ray.settings import TUNE_SETTINGS, RaySettings
from bench.execution.ray.training_processes import (
    HOST_TIMEOUT_S,
    HostedProblem,
    Lender,
    shared_data,
)
from bench.execution.silence import silence_runs
from bench.matrix import catalogue
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from bench.matrix.matrix import Component, Run
from bench.records.record import FrontMember, RunResult, TrialRecord
from mobo_core.objectives import ObjectiveSet
from mobo_core.problems.protocol import Problem
from mobo_core.tune import PromotionScheduler, problem_trainable

PROXY_CPUS = 0.01
"""A trial's own process only passes on what its training process does."""
COLD_S = 30.0
"""What a process's first epoch may take longer than others."""
STALLED_S = 300.0
"""Real seconds in which trials wait and none trains, after which a run is given up."""


class RayBackend(AbstractContextManager["RayBackend"]):
    """One Ray for a whole matrix; enter it, execute runs, leave it.

    Args:
        settings: Where trials run.
        data_dir: Where the problem's data lies.
        slots: Trials at a time.
        limits: Of every run.
    """

    processes = 1
    """Runs at a time: each has all slots."""

    def __init__(
        self,
        settings: RaySettings,
        data_dir: str,
        slots: int,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._data_dir = data_dir
        self._slots = slots
        self._lender: tuple[Problem, Any] | None = None
        self._untrainable: RetrainingError | None = None

    def __enter__(self) -> RayBackend:
        # All slots may start their processes at once; Tune's default is one after the other.
        settings = {**TUNE_SETTINGS, "TUNE_MAX_PENDING_TRIALS_PG": str(self._slots)}
        os.environ.update({k: os.environ.get(k, v) for k, v in settings.items()})
        torch.set_num_threads(1)
        silence_runs()
        self._scratch = Scratch()
        self._session = RaySession(self._settings, self._slots, self._scratch.path)
        try:
            self._session.open()
        except BaseException:
            self._scratch.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lender = None
        self._session.close()
        self._scratch.remove()

    def warm_up(
        self, searcher: Component, problem: Problem, objectives: ObjectiveSet, trials: int
    ) -> float:
        """Pay the searcher's one-off imports before any run; seconds of the last suggestion.

        It is driven with made-up results until it has fitted its model twice, which loads what
        would else load in the first run. Training processes start meanwhile.

        Args:
            searcher: Of the matrix.
            problem: Of the matrix.
            objectives: Of one of its cells.
            trials: Of a run.
        """
        self._lender_of(problem)
        self._start_spares()
        context = catalogue.Context(
            problem.space, objectives, problem.max_epochs, self._slots, seed=0
        )
        timed = TimedSearcher(catalogue.make_searcher(searcher, context))
        fitted = 0
        for index in range(trials):
            trial_id = str(index)
            if not isinstance(timed.suggest(trial_id), dict):
                break  # a small space has no more
            fitted += model_based(timed.inner, trial_id)
            if fitted == 2:
                break
            result = {o.name: o.reference * (1 + 0.01 * index) for o in objectives}
            timed.on_trial_complete(trial_id, {**result, catalogue.TIME_ATTR: problem.max_epochs})
        return list(timed.seconds.values())[-1]

    def epoch_seconds(self, problem: Problem) -> float:
        """What an epoch takes while all slots train, in a process's second: of a middling trial.

        Raises:
            RetrainingError: If that trial fails, as trials may.
        """
        self._ready_hosts(problem)
        if self._untrainable:
            raise self._untrainable
        return self._middling_epoch_s(problem, 2, self._limits.epoch_s)

    def _middling_epoch_s(self, problem: Problem, epochs: int, limit_s: float) -> float:
        """Seconds of the last of so many epochs of a trial that all slots train, by the slowest."""
        middle = problem.space.from_unit(np.full(len(problem.space), 0.5))
        trial = TrialRecord(0, "completed", epochs, middle, origin="", suggestion_s=0.0)
        trials = [trial] * self._slots
        trained = retrain(self._lender_of(problem), trials, 0, limit_s)
        return max(float(metrics["seconds"]) for metrics, _ in trained)

    def free_slots(self) -> None:
        """See that all slots are free before something is run, if need be on a new Ray."""
        if not self._session.with_all_slots():
            self._lender = None  # it ended with the old one

    def _ready_hosts(self, problem: Problem) -> list[Any]:
        """The training processes, started anew where they have ended.

        Each has trained an epoch: a process's first training also loads code and fills caches,
        which is not at a run's expense.
        """
        hosts = self._started_hosts(problem)
        trained = ray.get([host.has_trained.remote() for host in hosts])
        if all(trained) or self._untrainable:
            return hosts
        try:
            self._middling_epoch_s(problem, 1, self._limits.epoch_s + COLD_S)
        except RetrainingError as error:
            # Trials that fail are the run's business, and not to be waited for before each.
            self._untrainable = error
        return self._started_hosts(problem)

    def _started_hosts(self, problem: Problem) -> list[Any]:
        settings = self._settings
        wanted = (
            f"{self._slots * settings.workers_per_trial} training processes of "
            f"{settings.cpus_per_trial:g} CPUs and {settings.gpus_per_trial:g} GPUs"
        )
        try:
            try:
                hosts = ray.get(self._lender_of(problem).hosts.remote())
            except ray.exceptions.RayActorError:
                self._lender = None  # it was killed, and its processes ended with it
                hosts = ray.get(self._lender_of(problem).hosts.remote())
            ray.get([host.__ray_ready__.remote() for host in hosts], timeout=HOST_TIMEOUT_S)
        except ray.exceptions.GetTimeoutError as error:
            raise UserError(
                f"{wanted} did not start within {HOST_TIMEOUT_S:.0f} s; Ray has "
                f"{ray.cluster_resources()}: lower --slots, --workers-per-trial, "
                "--cpus-per-trial or --gpus-per-trial"
            ) from error
        except ray.exceptions.RayActorError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{wanted} could not start: {reason}") from error
        return list(hosts)

    def _lender_of(self, problem: Problem) -> Any:
        """The lender of this problem's training processes; another problem's are ended."""
        if self._lender is None or self._lender[0] != problem:
            if self._lender is not None:
                # Letting go is not enough: Tune keeps what trainables are bound to. The training
                # processes end with the lender, their owner, and free their cores.
                ray.kill(self._lender[1])
                self._lender = None
            # On this node, which the run cannot outlive anyway.
            here = NodeAffinitySchedulingStrategy(
                ray.get_runtime_context().get_node_id(), soft=False
            )
            settings = self._settings
            lender = (
                ray.remote(Lender)
                .options(num_cpus=0, scheduling_strategy=here)
                .remote(
                    problem,
                    self._slots,
                    settings.cpus_per_trial,
                    settings.gpus_per_trial,
                    settings.workers_per_trial,
                    shared_data(problem),
                )
            )
            self._lender = (problem, lender)
            self._untrainable = None
        return self._lender[1]

    def execute(self, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        """Run it to its end.

        Args:
            run: What to run.
            on_trial_end: Called whenever a trial has ended.
        """
        workers = self._settings.workers_per_trial
        assert run.budget.workers_per_trial == workers, "trials are as the settings say"
        problem = catalogue.make_problem(run.cell, self._data_dir, run.budget.max_epochs)
        objectives = catalogue.make_objectives(problem, run.cell.objectives)
        context = catalogue.Context(
            problem.space,
            objectives,
            problem.max_epochs,
            run.budget.slots,
            run.seed,
            run.budget.trials,
            real_time=True,
        )
        searcher = TimedSearcher(catalogue.make_searcher(run.cell.searcher, context))
        failures = Failures(objectives, run.budget.trials, self._limits.failed_share)
        # On a Ray that was joined a trial may wait for somebody else's to end.
        patience_s = STALLED_S if self._session.owned else math.inf
        observer = Observer(on_trial_end, failures, patience_s)
        self.free_slots()
        self._ready_hosts(problem)
        scheduler = catalogue.make_scheduler(run.cell.scheduler, context)
        try:
            wall_s = self._search(run, problem, searcher, scheduler, observer)
            failures.check()
        except BaseException:
            searcher.close()  # not after a whole run: it would not hear of the last trials
            raise
        epochs = epoch_table(searcher, observer)
        trials = trial_records(searcher, observer, objectives, problem.max_epochs)
        last = last_reports(searcher, observer)
        members = final_front(trials, last, objectives)
        began = time.perf_counter()
        front, test_error = self._test_front(problem, run.seed, objectives, members, last)
        test_s = time.perf_counter() - began
        return RunResult(
            timing=timing(wall_s, run.budget.slots, epochs, searcher, test_s),
            trials=trials,
            front=front,
            test_error=test_error,
            resources=self._settings.to_json(),
            predicted=predicted(searcher.inner, objectives),
            epochs=epochs,
            counts=scheduler.counts() if isinstance(scheduler, PromotionScheduler) else {},
        )

    def _search(
        self,
        run: Run,
        problem: Problem,
        searcher: TimedSearcher,
        scheduler: TrialScheduler,
        observer: Observer,
    ) -> float:
        """Seconds the search took, from the call of Tune to its return."""
        tuner = tune.Tuner(
            problem_trainable(
                HostedProblem(
                    self._lender_of(problem),
                    problem.max_epochs,
                    epoch_limit_s=self._limits.epoch_s,
                ),
                run.seed,
                self._of_a_trial(),
            ),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=run.budget.trials,
                reuse_actors=True,
                max_concurrent_trials=self._concurrency(run),
            ),
            run_config=tune.RunConfig(
                name=run.run_id,
                storage_path=str(self._scratch.path / "tune"),
                callbacks=[observer],
                stop=observer.failures,
                verbose=0,
            ),
        )
        self._session.spares.used()
        began = time.perf_counter()
        observer.begin()
        try:
            tuner.fit()
        except Exception:
            if self._settings.address is None:
                free_placement_groups()
            self._start_spares()
            raise
        wall_s = time.perf_counter() - began
        self._start_spares()
        shutil.rmtree(self._scratch.path / "tune" / run.run_id, ignore_errors=True)
        if lost := self._session.lost_slots():
            raise RuntimeError(
                f"Ray lost {lost:g} of {self._slots} slots during the run, so that its times are "
                "wrong; the same command makes it again"
            )
        return wall_s

    def _start_spares(self) -> None:
        """Start the processes of the next run's trials; on a Ray that was joined Tune does."""
        if self._settings.address is None:
            self._session.spares.start()

    def _of_a_trial(self) -> dict[str, float]:
        """Resources of a trial's own process, beside those of its training processes."""
        if self._settings.address is None:
            return {"cpu": PROXY_CPUS, SLOT: 1}
        # On this node, which has the folder that checkpoints go to: the others need not see it.
        return {"cpu": 0, f"node:{ray.util.get_node_ip_address()}": 0.001}

    def _concurrency(self, run: Run) -> int | None:
        """Trials that Tune may have at a time; None leaves it to the scheduler or to SLOT.

        Raises:
            UserError: If nothing would limit them.
        """
        name = run.cell.scheduler.name
        owns_ray = self._settings.address is None
        if name in catalogue.PAUSING_IN_RAY and not owns_ray:
            raise UserError(
                f"scheduler {name!r} pauses trials without knowing slots, so on a cluster that "
                "was joined nothing limits how many train: leave --address out"
            )
        if name in catalogue.PAUSING:
            return None
        # On our own Ray the slots are the limit: one suggestion may be made while all are taken,
        # which a searcher does by itself that makes them ahead.
        return run.budget.slots + (owns_ray and not catalogue.suggests_ahead(run.cell.searcher))

    def _test_front(
        self,
        problem: Problem,
        seed: int,
        objectives: ObjectiveSet,
        members: list[TrialRecord],
        last: dict[int, dict[str, Any]],
    ) -> tuple[tuple[FrontMember, ...], str]:
        """Train the final front again, which must repeat it bit for bit, and test it.

        Returns:
            The members, and the error if that failed: the search is kept in any case.
        """
        try:
            results = retrain(self._lender_of(problem), members, seed, self._limits.epoch_s)
        except RetrainingError as error:
            return (), str(error)
        tested = tuple(
            front_member(member, last[member.trial], again, objectives)
            for member, again in zip(members, results, strict=True)
        )
        return tested, ""
