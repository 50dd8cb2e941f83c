"""The backend that runs Ray Tune with real training, on a local Ray or an existing cluster."""

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
    last_reports,
    model_based,
    predicted,
    timing,
    trial_records,
)
from bench.execution.ray.cleanup import Scratch, free_placement_groups
from bench.execution.ray.failures import Failures
from bench.execution.ray.retraining import RetrainingError, retrain, tested_front
from bench.execution.ray.session import SLOT, RaySession
from bench.execution.ray.settings import TUNE_SETTINGS, RaySettings
from bench.execution.ray.training_processes import (
    START_TIMEOUT_S,
    RemoteProblem,
    TrainingProcessPool,
    shared_data,
)
from bench.execution.silence import silence_runs
from bench.matrix import catalogue
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from bench.matrix.matrix import Component, Run
from bench.records.record import RunResult, TrialRecord
from mobo_core.objectives import ObjectiveSet
from mobo_core.problems.protocol import Problem
from mobo_core.tune import PromotionScheduler, problem_trainable

PROXY_CPUS = 0.01
"""The cores of a trial's own process, which only passes calls on to its training process."""
FIRST_EPOCH_EXTRA_S = 30.0
"""The seconds that the first epoch of a process may take beyond the limit of an epoch."""
STALLED_S = 300.0
"""The real seconds after which a run is given up if trials wait and none trains."""


class RayBackend(AbstractContextManager["RayBackend"]):
    """A backend that keeps one Ray for a whole matrix. Use it in a ``with`` block.

    Args:
        settings: The cluster to start or join, and the resources of each trial.
        data_dir: The folder with the problem's data.
        slots: The number of trials that may run at the same time.
        limits: The limits that every run must keep.
    """

    processes = 1
    """The number of runs at a time. It is 1 because each run uses all slots."""

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
        self._pool: tuple[Problem, Any] | None = None
        self._middle_trial_error: RetrainingError | None = None

    def __enter__(self) -> RayBackend:
        # All slots may start their processes at once. By default Tune starts one after the other.
        settings = {**TUNE_SETTINGS, "TUNE_MAX_PENDING_TRIALS_PG": str(self._slots)}
        os.environ.update({k: os.environ.get(k, v) for k, v in settings.items()})
        torch.set_num_threads(1)
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
        self._pool = None
        self._session.close()
        self._scratch.remove()

    def warm_up(
        self, searcher: Component, problem: Problem, objectives: ObjectiveSet, trials: int
    ) -> float:
        """Load the searcher's code before the first run, so that no run pays for it.

        The searcher gets made-up results until its model has been fitted twice. The training
        processes start meanwhile.

        Args:
            searcher: The searcher of a cell.
            problem: The matrix's problem.
            objectives: The objective set of that cell.
            trials: The number of trials of a run.

        Returns:
            The time that the last suggestion took, in seconds.
        """
        self._pool_of(problem)
        self._start_warm_processes()
        context = catalogue.Context(
            problem.space, objectives, problem.max_epochs, self._slots, seed=0
        )
        timed = TimedSearcher(catalogue.make_searcher(searcher, context))
        silence_runs()
        fitted = 0
        for index in range(trials):
            trial_id = str(index)
            if not isinstance(timed.suggest(trial_id), dict):
                break  # a small search space has no more configurations
            fitted += model_based(timed.inner, trial_id)
            if fitted == 2:
                break
            result = {o.name: o.reference * (1 + 0.01 * index) for o in objectives}
            timed.on_trial_complete(trial_id, {**result, catalogue.TIME_ATTR: problem.max_epochs})
        return list(timed.seconds.values())[-1]

    def epoch_seconds(self, problem: Problem) -> float:
        """Return the seconds that an epoch takes while all slots train.

        Every slot trains the configuration in the middle of the search space. The second epoch
        counts, because the first one is slower.

        Raises:
            RetrainingError: If the training of this configuration fails.
        """
        self._ready_processes(problem)
        if self._middle_trial_error:
            raise self._middle_trial_error
        return self._middle_trial_epoch_s(problem, 2, self._limits.epoch_s)

    def _middle_trial_epoch_s(self, problem: Problem, epochs: int, limit_s: float) -> float:
        """Train the middle of the search space on all slots for so many epochs.

        Returns:
            The seconds of the last epoch on the slowest slot.
        """
        middle = problem.space.from_unit(np.full(len(problem.space), 0.5))
        trial = TrialRecord(0, "completed", epochs, middle, origin="", suggestion_s=0.0)
        trials = [trial] * self._slots
        trained = retrain(self._pool_of(problem), trials, 0, limit_s)
        return max(float(metrics["seconds"]) for metrics, _ in trained)

    def free_slots(self) -> None:
        """Make sure that all slots are free before a run; restart Ray if slots are lost."""
        if not self._session.with_all_slots():
            self._pool = None  # it ended with the old Ray

    def _ready_processes(self, problem: Problem) -> list[Any]:
        """Return the training processes, each of which has trained an epoch already.

        A process's first training also loads code and fills caches, and no run should pay for
        that. Processes that have ended are replaced.
        """
        processes = self._started_processes(problem)
        trained = ray.get([process.has_trained.remote() for process in processes])
        if all(trained) or self._middle_trial_error:
            return processes
        try:
            self._middle_trial_epoch_s(problem, 1, self._limits.epoch_s + FIRST_EPOCH_EXTRA_S)
        except RetrainingError as error:
            # Runs must handle failing trials anyway. The error is kept so that the next run does
            # not wait for this training again.
            self._middle_trial_error = error
        return self._started_processes(problem)

    def _started_processes(self, problem: Problem) -> list[Any]:
        """Return the training processes once all have started.

        Raises:
            UserError: If they do not start, with the resources that were requested.
        """
        settings = self._settings
        wanted = (
            f"{self._slots * settings.workers_per_trial} training processes of "
            f"{settings.cpus_per_trial:g} CPUs and {settings.gpus_per_trial:g} GPUs"
        )
        try:
            try:
                processes = ray.get(self._pool_of(problem).processes.remote())
            except ray.exceptions.RayActorError:
                self._pool = None  # the pool was killed, and its processes ended with it
                processes = ray.get(self._pool_of(problem).processes.remote())
            starting = [process.__ray_ready__.remote() for process in processes]
            ray.get(starting, timeout=START_TIMEOUT_S)
        except ray.exceptions.GetTimeoutError as error:
            raise UserError(
                f"{wanted} did not start within {START_TIMEOUT_S:.0f} s; Ray has "
                f"{ray.cluster_resources()}: lower --slots, --workers-per-trial, "
                "--cpus-per-trial or --gpus-per-trial"
            ) from error
        except ray.exceptions.RayActorError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{wanted} could not start: {reason}") from error
        return list(processes)

    def _pool_of(self, problem: Problem) -> Any:
        """Return the pool of this problem's training processes; end that of another problem."""
        if self._pool is None or self._pool[0] != problem:
            if self._pool is not None:
                # Dropping the handle is not enough: Tune keeps the arguments of trainables. The
                # training processes end with the pool, which owns them, and free their cores.
                ray.kill(self._pool[1])
                self._pool = None
            # The pool runs on this node: without this node the run would end anyway.
            here = NodeAffinitySchedulingStrategy(
                ray.get_runtime_context().get_node_id(), soft=False
            )
            settings = self._settings
            pool = (
                ray.remote(TrainingProcessPool)
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
            self._pool = (problem, pool)
            self._middle_trial_error = None
        return self._pool[1]

    def execute(self, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        """Execute a run to its end and return its result.

        Args:
            run: The run.
            on_trial_end: It is called each time a trial ends.
        """
        workers = self._settings.workers_per_trial
        assert run.budget.workers_per_trial == workers, "run and settings differ in workers"
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
        suggesting, scheduler = catalogue.make_parts(run.cell, context)
        searcher = TimedSearcher(suggesting)
        silence_runs()
        failures = Failures(objectives, run.budget.trials, self._limits.failed_share)
        # On a cluster that was joined, a trial may wait until another user's trial ends.
        patience_s = STALLED_S if self._session.owned else math.inf
        observer = Observer(on_trial_end, failures, patience_s)
        self.free_slots()
        self._ready_processes(problem)
        try:
            wall_s = self._search(run, problem, searcher, scheduler, observer)
            failures.check()
        except BaseException:
            # Only after an error: a closed searcher would not receive the last trials' results.
            searcher.close()
            raise
        epochs = epoch_table(searcher, observer, objectives)
        trials = trial_records(searcher, observer, objectives, problem.max_epochs)
        last = last_reports(searcher, observer)
        members = final_front(trials, last, objectives)
        began = time.perf_counter()
        front, test_error = tested_front(
            self._pool_of(problem), members, last, objectives, run.seed, self._limits.epoch_s
        )
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
        """Run Tune and return the seconds from its call to its return.

        Raises:
            RuntimeError: If Ray lost slots during the search, which makes the times wrong.
        """
        tuner = tune.Tuner(
            problem_trainable(
                RemoteProblem(
                    self._pool_of(problem),
                    problem.max_epochs,
                    epoch_limit_s=self._limits.epoch_s,
                ),
                run.seed,
                self._trial_resources(),
            ),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=run.budget.trials,
                reuse_actors=True,
                max_concurrent_trials=self._concurrency(run, scheduler),
            ),
            run_config=tune.RunConfig(
                name=run.run_id,
                storage_path=str(self._scratch.path / "tune"),
                callbacks=[observer],
                stop=observer.failures,
                verbose=0,
            ),
        )
        self._session.warm_processes.mark_used()
        began = time.perf_counter()
        observer.begin()
        try:
            tuner.fit()
        except Exception:
            if self._settings.address is None:
                free_placement_groups()
            self._start_warm_processes()
            raise
        wall_s = time.perf_counter() - began
        self._start_warm_processes()
        shutil.rmtree(self._scratch.path / "tune" / run.run_id, ignore_errors=True)
        if lost := self._session.lost_slots():
            raise RuntimeError(
                f"Ray lost {lost:g} of {self._slots} slots during the run, so its times are "
                "wrong; give the same command once more to execute the run again"
            )
        return wall_s

    def _start_warm_processes(self) -> None:
        """Start the processes of the next run's trials, on a local Ray only."""
        if self._settings.address is None:
            self._session.warm_processes.start()

    def _trial_resources(self) -> dict[str, float]:
        """Return the resources of a trial's own process, without its training process."""
        if self._settings.address is None:
            return {"cpu": PROXY_CPUS, SLOT: 1}
        # Trials' own processes stay on this node, which has the folder for checkpoints. So the
        # other nodes need no access to that folder.
        return {"cpu": 0, f"node:{ray.util.get_node_ip_address()}": 0.001}

    def _concurrency(self, run: Run, scheduler: TrialScheduler) -> int | None:
        """Return how many trials Tune may have at a time; None if something else limits them.

        Raises:
            UserError: If nothing would limit how many trials train at a time.
        """
        owns_ray = self._settings.address is None
        if catalogue.pauses(scheduler):
            if not (owns_ray or isinstance(scheduler, PromotionScheduler)):
                raise UserError(
                    f"scheduler {run.cell.scheduler.name!r} pauses trials and has no limit of "
                    "slots, so on a joined cluster nothing limits how many trials train: leave "
                    "--address out"
                )
            return None
        # On a local Ray the slots are the limit, and Tune may make one suggestion while all are
        # taken. A searcher that suggests in the background does that itself.
        return run.budget.slots + (owns_ray and not catalogue.suggests_ahead(run.cell.searcher))
