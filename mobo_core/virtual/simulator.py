"""The simulated clock and the loop of events, which do the work of Tune's controller.

There are no processes. The calls of scheduler, searcher and callbacks follow
`ray.tune.execution.TuneController` of Ray 2.60, event by event. The driver handles one event at a
time. While it makes a suggestion, workers that have finished an epoch wait.
"""

from __future__ import annotations

import heapq
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ray.tune import Callback, TuneError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from mobo_core.problems.protocol import Training, TrainingSource
from mobo_core.virtual.cluster import Cluster, WorkerFailureError, Workers
from mobo_core.virtual.epochs import flat, seconds_of
from mobo_core.virtual.result import Simulation
from mobo_core.virtual.suggestions import Configurations, Suggestions
from mobo_core.virtual.trial import VirtualTrial

logger = logging.getLogger(__name__)

IDLE_S = 0.1
"""Virtual seconds between two attempts when nothing can be done, the same as in Tune."""
IDLE_STEPS = 100_000
"""The number of such attempts in a row that counts as a deadlock."""


class Simulator:
    """The loop of events, and the part of Tune's controller that schedulers use.

    `mobo_core.virtual.simulation.simulate` makes it and explains its arguments.
    """

    def __init__(
        self,
        problem: TrainingSource,
        searcher: Searcher | Iterable[Mapping[str, Any]],
        scheduler: TrialScheduler,
        num_samples: int,
        cluster: Cluster,
        seed: int,
        ahead: int,
        queues: bool,
        background: bool,
        max_failures: int,
        callbacks: Sequence[Callback],
    ) -> None:
        self.now = 0.0
        self.search_alg = (
            Suggestions(searcher, num_samples, max_failures)
            if isinstance(searcher, Searcher)
            else Configurations(searcher, num_samples, max_failures)
        )
        self._problem = problem
        self._scheduler = scheduler
        self._cluster = cluster
        self._seed = seed
        self._ahead = ahead
        self._queues = queues
        self._background = background
        self._ready_at = cluster.suggestion_s if background else 0.0
        self._callbacks = tuple(callbacks)
        self._trials: list[VirtualTrial] = []
        self._live: dict[VirtualTrial, None] = {}
        self._paused: set[VirtualTrial] = set()
        self._pending: deque[VirtualTrial] = deque()
        self._in_order = type(scheduler).choose_trial_to_run is FIFOScheduler.choose_trial_to_run
        self._free = Workers(cluster)
        self._events: list[tuple[float, int, VirtualTrial | None, int, Any]] = []
        self._wakes_at = 0.0
        self._ended_at = 0.0
        self._sequence = 0
        self._training_s = 0.0
        self._reports = 0
        self._restores = 0

    # Methods that schedulers call

    def clock(self) -> float:
        """Return the virtual seconds; schedulers that wait read them instead of real time."""
        return self.now

    def get_trials(self) -> list[VirtualTrial]:
        """Return all trials."""
        return self._trials

    def get_live_trials(self) -> Any:
        """Return the trials that have not ended."""
        return self._live.keys()

    def stop_trial(self, trial: VirtualTrial) -> None:
        """End a trial, whatever its status; a running one fails if its scheduler says so."""
        if trial.is_finished():
            return
        scheduler: Any = self._scheduler
        if trial.status == Trial.RUNNING:
            result = flat(trial.last_result)
            try:
                scheduler.on_trial_complete(self, trial, result)
            except TuneError as error:
                self._fail(trial, error)
                return
            self.search_alg.on_trial_complete(trial.trial_id, result=result)
        else:
            scheduler.on_trial_remove(self, trial)
            self.search_alg.on_trial_complete(trial.trial_id)
        self._tell("on_trial_complete", trial)
        self._end(trial, Trial.TERMINATED)

    def pause_trial(self, trial: VirtualTrial, should_checkpoint: bool = True) -> None:
        """Pause a trial, so that its worker becomes free; save it first if required."""
        trial.attempt += 1
        if should_checkpoint and self._cluster.checkpoint_s:
            trial.saving_to = trial.trial_id
            self._after(self._cluster.checkpoint_s, trial, _SAVED)
            return
        self._pause(trial, should_checkpoint)

    def _pause(self, trial: VirtualTrial, keep: bool) -> None:
        if keep:
            trial.keep(_running(trial).state(), trial.last_result)
        trial.saving_to = None
        self._leave_worker(trial)
        trial.status = Trial.PAUSED
        self._paused.add(trial)

    def _schedule_trial_save(self, trial: VirtualTrial, result: dict[str, Any]) -> Any:
        """Save a trial and return the checkpoint; population-based training calls this method."""
        trial.keep(_running(trial).state(), result)
        return trial.checkpoint

    # The loop

    def run(self) -> Simulation:
        """Handle all events until the run ends, and return the result."""
        for callback in self._callbacks:
            callback.setup()
        idle = 0
        while True:
            began = self._fill()
            if self._events:
                self._handle(*heapq.heappop(self._events))
                idle = 0
            elif not self._live and self.search_alg.is_finished():
                break
            elif not began:
                idle += 1
                self.now += IDLE_S
                if idle > IDLE_STEPS:
                    raise RuntimeError(self._deadlock())
        for callback in self._callbacks:
            callback.on_experiment_end(trials=self._trials)  # type: ignore[arg-type]
        if self._reports and not self._training_s:
            logger.warning(
                "all %d reports have 0 seconds, so no virtual time has passed and the workers' "
                "order means nothing: report each epoch's duration as 'seconds', or 1 if unknown",
                self._reports,
            )
        return Simulation(
            trials=tuple(sorted(self._trials, key=lambda trial: trial.number)),
            seconds=self._ended_at,
            training_s=self._training_s,
            reports=self._reports,
            restores=self._restores,
        )

    def _fill(self) -> bool:
        """Start trials on free workers and request suggestions; return whether this had effect."""
        before = len(self._live), len(self._trials), len(self._free)
        scheduler: Any = self._scheduler
        while self._free:
            self._suggest(self._ahead if self._queues else 1)
            chosen = None if self._in_order else scheduler.choose_trial_to_run(self)
            if chosen is None:
                while self._pending and self._pending[0].status != Trial.PENDING:
                    self._pending.popleft()
                if not self._pending:
                    chosen = self._first_paused() if self._in_order else None
                    if chosen is None:
                        break
                else:
                    chosen = self._pending.popleft()
            self._start(chosen)
        self._suggest(self._ahead)
        return before != (len(self._live), len(self._trials), len(self._free))

    def _first_paused(self) -> VirtualTrial | None:
        """Return the trial that FIFO resumes: the first paused one, or None."""
        if not self._paused:
            return None
        return next((trial for trial in self._live if trial in self._paused), None)

    def _suggest(self, wanted: int) -> None:
        while wanted and self._pending and self._pending[0].status != Trial.PENDING:
            self._pending.popleft()
        while len(self._pending) < wanted and not self.search_alg.is_finished():
            if self.now < self._ready_at:
                self._wake_at(self._ready_at)
                return
            trial = self.search_alg.next_trial()
            if trial is None:
                return
            if self._background:
                self._ready_at = self.now + self._cluster.suggestion_s
            else:
                self.now += self._cluster.suggestion_s
            self._add(trial)

    def _wake_at(self, when: float) -> None:
        """Add an event at this time, if there is none yet, so that the loop continues then."""
        if self._wakes_at != when:
            self._wakes_at = when
            self._sequence += 1
            heapq.heappush(self._events, (when, self._sequence, None, 0, None))

    def _add(self, trial: VirtualTrial) -> None:
        self._trials.append(trial)
        self._live[trial] = None
        self._pending.append(trial)
        scheduler: Any = self._scheduler
        scheduler.on_trial_add(self, trial)

    def _start(self, trial: VirtualTrial) -> None:
        trial.worker, cost = self._free.take()
        trial.status = Trial.RUNNING
        trial.attempt += 1
        self._paused.discard(trial)
        self._tell("on_trial_start", trial)
        try:
            training = self._problem.start(trial.config, self._seed)
            trial.iteration, trial.time_total_s, trial.epoch = 0, 0.0, 0
            if (saved := trial.latest_checkpoint_result) is not None:
                training.load_state(saved.checkpoint)
                trial.iteration = saved.metrics["training_iteration"]
                trial.time_total_s = saved.metrics["time_total_s"]
                trial.epoch = saved.metrics["epoch"]
                self._restores += 1
                cost += self._cluster.restore_s
        except Exception as error:
            self._after(cost, trial, error)
            return
        trial.training = training
        self._train(trial, cost)

    def _train(self, trial: VirtualTrial, startup_s: float = 0.0) -> None:
        """Start an epoch. Its report is computed now and delivered when its time has passed."""
        try:
            measured = _running(trial).run_epoch()
        except Exception as error:
            self._after(startup_s, trial, error)
            return
        seconds = seconds_of(self._problem, trial, measured)
        trial.iteration += 1
        fails, factor = self._cluster.fate(trial.number, trial.iteration, trial.num_failures)
        assert trial.worker is not None
        seconds = seconds * factor / self._cluster.speed(trial.worker)
        if fails:
            self._training_s += seconds / 2
            self._after(startup_s + seconds / 2, trial, WorkerFailureError("the worker failed"))
            return
        self._training_s += seconds
        trial.time_total_s += seconds
        report = {
            "done": trial.epoch >= self._problem.max_epochs,
            **measured,
            "seconds": seconds,
            "startup_s": startup_s,
            "training_iteration": trial.iteration,
            "time_this_iter_s": seconds,
            "time_total_s": trial.time_total_s,
            "trial_id": trial.trial_id,
        }
        self._after(startup_s + seconds, trial, report)

    def _after(self, seconds: float, trial: VirtualTrial, outcome: Any) -> None:
        self._sequence += 1
        when = self.now + seconds
        heapq.heappush(self._events, (when, self._sequence, trial, trial.attempt, outcome))

    def _handle(
        self, when: float, _: int, trial: VirtualTrial | None, attempt: int, outcome: Any
    ) -> None:
        if trial is None:
            self.now = max(self.now, when)
            return
        if attempt != trial.attempt:
            return  # the trial has ended, paused or failed meanwhile
        self.now = max(self.now, when)
        if isinstance(outcome, dict):
            self._report(trial, outcome)
        elif outcome is _SAVED:
            self._pause(trial, keep=True)
        else:
            self._fail(trial, outcome)

    def _report(self, trial: VirtualTrial, result: dict[str, Any]) -> None:
        self._reports += 1
        result["timestamp"] = self.now
        decision: str = TrialScheduler.STOP
        scheduler: Any = self._scheduler
        if not result["done"]:
            decision = scheduler.on_trial_result(self, trial, flat(result))
        if decision == TrialScheduler.STOP:
            result["done"] = True
        else:
            self.search_alg.on_trial_result(trial.trial_id, flat(result))
        self._tell("on_trial_result", trial, result=result)
        trial.last_result = result
        if decision == TrialScheduler.CONTINUE:
            self._train(trial)
        elif decision == TrialScheduler.PAUSE:
            self.pause_trial(trial)
        elif decision == TrialScheduler.STOP:
            self.stop_trial(trial)

    def _fail(self, trial: VirtualTrial, error: Exception) -> None:
        trial.num_failures += 1
        scheduler: Any = self._scheduler
        if trial.should_recover():
            self._leave_worker(trial)
            trial.attempt += 1
            trial.status = Trial.ERROR  # the status that Tune sets during this call
            scheduler.on_trial_error(self, trial)
            trial.status = Trial.PENDING
            self._trials.remove(trial)
            self._add(trial)
            return
        trial.error = f"{type(error).__name__}: {error}"
        scheduler.on_trial_error(self, trial)
        self.search_alg.on_trial_complete(trial.trial_id, error=True)
        self._end(trial, Trial.ERROR)
        self._tell("on_trial_error", trial)

    def _end(self, trial: VirtualTrial, status: str) -> None:
        self._ended_at = self.now
        trial.attempt += 1
        trial.status = status
        trial.saving_to = None
        self._live.pop(trial, None)
        self._paused.discard(trial)
        self._leave_worker(trial)
        # The trial will not start again, so its checkpoint would only fill memory.
        trial.latest_checkpoint_result = None

    def _leave_worker(self, trial: VirtualTrial) -> None:
        if trial.worker is not None:
            self._free.give_back(trial.worker)
            trial.worker = None
        if trial.training is not None:
            trial.training.close()
            trial.training = None

    def _tell(self, hook: str, trial: VirtualTrial, **extra: Any) -> None:
        for callback in self._callbacks:
            getattr(callback, hook)(
                iteration=self._reports, trials=self._trials, trial=trial, **extra
            )

    def _deadlock(self) -> str:
        waiting = sum(trial.status == Trial.PAUSED for trial in self._live)
        return (
            f"nothing happens any more: {waiting} trials are paused, the searcher "
            f"{'has finished' if self.search_alg.is_finished() else 'suggests none'}, and "
            f"{type(self._scheduler).__name__} resumes and ends no trial"
        )


def _running(trial: VirtualTrial) -> Training:
    assert trial.training is not None, "only a trial that has a worker trains"
    return trial.training


_SAVED = object()
