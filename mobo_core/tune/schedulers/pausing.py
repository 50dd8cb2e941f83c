"""Schedulers that pause trials and resume the promising ones: Ray Tune's side of promotion.

Tune starts whatever is PENDING before it asks the scheduler, so a new suggestion would always
outrank a promotion. The scheduler therefore stands between Tune and the searcher: the searcher
is asked only when a slot is free and the rule has no better use for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

import ray
from ray.tune import Trainable
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import ConcurrencyLimiter, SearchGenerator
from ray.tune.trainable import FunctionTrainable

from mobo_core.objectives import ObjectiveSet
from mobo_core.rules.rule import Decision, PromotionRule
from mobo_core.tune.schedulers.admission import Gate
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler, is_retried

logger = logging.getLogger(__name__)

SEARCHER_PATIENCE_S = 10.0
"""How long a searcher may have nothing to suggest before a paused trial is ended for it."""
CLUSTER_POLL_S = 10.0
"""How often the size of the cluster, which may grow, is looked up."""


class PromotionScheduler(ObjectiveScheduler):
    """Pauses trials with a checkpoint and resumes them as a `PromotionRule` says.

    Trials that are never resumed are ended when nothing runs, nothing is worth resuming and the
    searcher has no more. Needs a trainable that saves and loads checkpoints, and a searcher in
    `TuneConfig.search_alg` (`mobo_core.tune.RandomSearcher` does what Tune does without one).
    Leave `TuneConfig.max_concurrent_trials` unset: it counts paused trials and would deadlock;
    `slots` limits how many train at a time.

    Args:
        rule: As in `ObjectiveScheduler`.
        objectives: As in `ObjectiveScheduler`.
        slots: Trials that train at the same time; None takes as many as the resources of all
            nodes together allow. New trials are asked for only when a slot is free, so a cluster
            that grows with its queue needs the number it shall grow to.
        time_attr: As in `ObjectiveScheduler`; it must go on where it was after a resume.

    Raises:
        ValueError: If `slots` is less than 1.
    """

    _learned = ("_rule", "_order", "_last_t", "_resumed_at", "_last_result", "_resumes")

    def __init__(
        self,
        rule: PromotionRule,
        *,
        objectives: ObjectiveSet,
        slots: int | None = None,
        time_attr: str = "training_iteration",
    ) -> None:
        super().__init__(rule, objectives, time_attr)
        if slots is not None and slots < 1:
            raise ValueError(f"slots must be at least 1, got {slots}")
        self._slots = slots
        self._order: dict[str, int] = {}
        self._last_t: dict[str, float] = {}
        # What Tune's trials are about, kept here: to look through all of them at every event would
        # make a run of n trials cost n².
        self._starting: dict[str, Trial] = {}  # added or resumed, and not yet seen to run
        self._staged: set[str] = set()  # of those, the ones Tune is starting a process for
        self._active: set[str] = set()  # hold a slot, until they are seen to be paused
        self._pausing: dict[str, Trial] = {}  # being saved
        self._paused: dict[str, Trial] = {}
        self._resumed_at: dict[str, float] = {}
        self._last_result: dict[str, dict[str, Any]] = {}
        self._resumes = 0
        self._controller: Any = None
        self._gate: Gate | None = None
        self._is_exhausted: Callable[[], bool] = lambda: False
        self._cluster_slots: tuple[float, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to the running experiment; Tune pickles its schedulers."""
        running = ("_controller", "_gate", "_is_exhausted", "_cluster_slots")
        state = {name: value for name, value in self.__dict__.items() if name not in running}
        return state | {
            "_starting": {},
            "_staged": set(),
            "_active": set(),
            "_pausing": {},
            "_paused": {},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As before the experiment."""
        self.__dict__.update(state)
        self._controller = self._gate = self._cluster_slots = None
        self._is_exhausted = lambda: False

    @property
    def slots(self) -> int | None:
        """Trials that train at the same time, if it was given."""
        return self._slots

    @property
    def resumes(self) -> int:
        """How often a trial was restored from its checkpoint."""
        return self._resumes

    def counts(self) -> dict[str, int]:
        """What the scheduler has counted so far, by name."""
        return {"resumes": self._resumes}

    # What Tune tells

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Tell the rule; put a restored trial that was paused back to its pause.

        Raises:
            ValueError: If the searcher or the trainable cannot work with promotion.
        """
        if self._gate is None:
            self._take_over(tune_controller, trial)
        elif tune_controller.search_alg is not self._controller.search_alg:
            raise ValueError(f"make a {type(self).__name__} for each experiment: this has had one")
        trial_id = trial.trial_id
        if trial_id not in self._order:
            self._order[trial_id] = len(self._order)
            if trial.checkpoint is not None:
                logger.warning(
                    "trial %s was restored and this scheduler does not know it: put "
                    "SchedulerState(scheduler) into the callbacks of the run",
                    trial_id,
                )
        self._rule.add(trial_id, trial.config)
        # Whatever comes back, from a failure or a restore, may start from an older checkpoint.
        self._resumed_at.pop(trial_id, None)
        if trial.is_finished():
            self._rule.end(trial_id, failed=trial.status == Trial.ERROR)
            return
        if self._rule.is_paused(trial_id):
            if self._has_newest_checkpoint(trial):
                trial.set_status(Trial.PAUSED)
                self._paused[trial_id] = trial
                return
            # Killed before it was written: trains up to its pause again.
            self._rule.withdraw(trial_id)
        self._starting[trial_id] = trial
        self._active.add(trial_id)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Ask the rule.

        Raises:
            ValueError: If `time_attr` or an objective is missing from the report, or a resumed
                trial has started over.
        """
        t, point = self._read(trial, result)
        trial_id = trial.trial_id
        paused_at = self._resumed_at.pop(trial_id, None)
        if paused_at is not None and t <= paused_at:
            raise ValueError(
                f"trial {trial_id} was resumed at {self._time_attr}={paused_at} and reports "
                f"{self._time_attr}={t}: the trainable must load its checkpoint "
                "(load_checkpoint, or tune.get_checkpoint) and go on from there, and "
                f"{self._time_attr!r} must be its own counter"
            )
        self._last_t[trial_id] = t
        decision = self._rule.report(trial_id, t, point)
        if decision is Decision.PAUSE:
            if self._rule.choose(self._new_to_come()) != trial_id:
                self._pausing[trial_id] = trial
                self._last_result[trial_id] = result
                return str(TrialScheduler.PAUSE)
            self._rule.resume(trial_id)  # at once: it keeps its slot, nothing is written
            decision = Decision.CONTINUE
        goes_on = decision is Decision.CONTINUE
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record the report that ended the trial, which Tune shows to no scheduler before."""
        trial_id = trial.trial_id
        if result.get(self._time_attr, -1) > self._last_t.get(trial_id, -1):
            self._rule.report(trial_id, *self._read(trial, result))
        self._rule.end(trial_id, failed=False)
        self._leave(trial_id)
        self._last_result.pop(trial_id, None)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """The trial failed; if Tune retries it, it will report again."""
        if is_retried(trial):
            self._rule.withdraw(trial.trial_id)
            self._leave(trial.trial_id)
        else:
            self._give_up(trial.trial_id)

    def _give_up(self, trial_id: str) -> None:
        self._rule.end(trial_id, failed=True)
        self._leave(trial_id)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """The trial is ended while it waits."""
        self._rule.end(trial.trial_id, failed=False)
        self._leave(trial.trial_id)

    def _leave(self, trial_id: str) -> None:
        for known in (self._starting, self._pausing, self._paused, self._resumed_at):
            known.pop(trial_id, None)
        self._staged.discard(trial_id)
        self._active.discard(trial_id)

    # What Tune asks

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """A trial that waits to start, else the paused one that the rule wants, if a slot is free.

        A process that has become free goes to a trial that has none yet. Tune would let a trial
        whose own process is starting have it and end that one; where trials pause sooner than
        processes start, a slot whose process was late would then stay empty for ever.

        Raises:
            ValueError: If a trial was paused and has no checkpoint.
        """
        self._look_at_trials()
        trial = self._first(self._starting.keys() - self._staged) or self._resumed(tune_controller)
        if trial is not None:
            self._staged.add(trial.trial_id)
            return trial
        return self._first(self._starting.keys())

    def _first(self, trial_ids: AbstractSet[str]) -> Trial | None:
        """Of trials that wait to start, the one that was added first."""
        if not trial_ids:
            return None
        return self._starting[min(trial_ids, key=self._order.__getitem__)]

    def _resumed(self, tune_controller: Any) -> Trial | None:
        """The paused trial that the rule wants, if a slot is free, now starting."""
        if not self._paused or len(self._active) >= self._slot_count():
            return None
        chosen = self._rule.choose(self._new_to_come())
        if chosen is None:
            if not self._active:
                self._end(tune_controller, list(self._paused.values()))
            return None
        trial = self._paused.pop(chosen, None)
        if trial is not None and trial.status == Trial.PAUSED:
            self._rule.resume(chosen)
            self._resumed_at[chosen] = self._last_result[chosen][self._time_attr]
            self._resumes += 1
            self._starting[chosen] = trial
            self._active.add(chosen)
            return trial
        if chosen not in self._pausing:
            self._rule.withdraw(chosen)  # ended behind the scheduler's back, by a stopper or so
        return None

    def _look_at_trials(self) -> None:
        """See which trials have started and which pauses have taken effect."""
        for trial_id, trial in list(self._starting.items()):
            if trial.is_finished():
                # Tune tells nobody of a trial that got a process which could not be used again.
                self._controller.search_alg.on_trial_complete(trial_id, error=True)
                self._give_up(trial_id)
            elif trial.status != Trial.PENDING:
                del self._starting[trial_id]
                self._staged.discard(trial_id)
        for trial_id, trial in list(self._pausing.items()):
            if trial.status == Trial.PAUSED:
                self._check_checkpoint(trial)
                del self._pausing[trial_id]
                # Until now it held its slot. To fill that earlier would have Tune start a process
                # that it then does not need.
                self._active.discard(trial_id)
                self._paused[trial_id] = trial

    def _end(self, tune_controller: Any, paused: list[Trial]) -> None:
        """End what is not worth resuming, if nothing else can come; else wait."""
        assert self._gate is not None
        if not self._new_available():
            for trial in paused:
                tune_controller.stop_trial(trial)
        elif self._gate.waited_s() > SEARCHER_PATIENCE_S:
            # The searcher has nothing to suggest while it hears of no result: give it one.
            tune_controller.stop_trial(paused[0])

    def wants_new_trial(self) -> bool:
        """Whether a slot is free that the rule would give to a new trial."""
        if not self._new_available():
            return False
        self._look_at_trials()
        if not self._active and not self._paused:
            return True
        return len(self._active) < self._slot_count() and self._rule.choose(True) is None

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Last report of a trial that was paused; Tune does not tell searchers how those end."""
        return self._last_result.pop(trial_id, None)

    def debug_string(self) -> str:
        """One line for Tune's status output."""
        return f"{type(self).__name__}: {self._resumes} resumed from a checkpoint"

    def _new_available(self) -> bool:
        return not self._is_exhausted()

    def _is_over(self) -> bool:
        live = self._controller.get_live_trials()
        return self._is_exhausted() and all(trial.is_finished() for trial in live)

    def _new_to_come(self) -> bool:
        """Whether a slot left to a new trial would get one."""
        assert self._gate is not None
        return self._new_available() and not self._gate.waited_s()

    def _slot_count(self) -> int:
        if self._slots is not None:
            return self._slots
        if self._cluster_slots is None or time.monotonic() > self._cluster_slots[0]:
            total = ray.cluster_resources()
            trial = next(iter(self._controller.get_live_trials()))
            needed = trial.placement_group_factory.required_resources
            fits = [int(total.get(name, 0) / amount) for name, amount in needed.items() if amount]
            self._cluster_slots = (time.monotonic() + CLUSTER_POLL_S, max(1, min(fits, default=1)))
        return self._cluster_slots[1]

    # What cannot work

    def _take_over(self, controller: Any, trial: Trial) -> None:
        """Stand between Tune and the searcher."""
        name = type(self).__name__
        search = controller.search_alg
        if not isinstance(search, SearchGenerator):
            raise ValueError(
                f"{name} needs a searcher: without one Tune queues trials ahead, which would "
                "start before any promotion. Set TuneConfig(search_alg=...), for instance "
                "mobo_core.tune.RandomSearcher()"
            )
        searcher = search.searcher
        while not isinstance(searcher, ConcurrencyLimiter) and hasattr(searcher, "searcher"):
            searcher = searcher.searcher
        if isinstance(searcher, ConcurrencyLimiter):
            raise ValueError(
                f"{name} cannot work under a ConcurrencyLimiter: it counts paused trials and "
                "would wait for ever. Leave TuneConfig.max_concurrent_trials unset and give the "
                "scheduler slots=... instead"
            )
        trainable = trial.get_trainable_cls()
        if (
            trainable is not None
            and not issubclass(trainable, FunctionTrainable)
            and trainable.save_checkpoint is Trainable.save_checkpoint
        ):
            raise ValueError(
                f"{name} pauses trials, and {trainable.__name__} has no save_checkpoint and "
                "load_checkpoint: add them, or take a stopping scheduler"
            )
        self._controller = controller
        # In virtual time the controller keeps the clock.
        clock = getattr(controller, "clock", time.monotonic)
        self._gate = Gate(search.searcher, self, clock)
        search.searcher = self._gate
        # Tune ends idle processes once the search is over, and each resumed trial would wait for
        # a new one: for Tune the search is over when the last trial is.
        self._is_exhausted = search.is_finished
        search.is_finished = self._is_over  # type: ignore[method-assign]

    def release(self) -> None:
        """Let go of an experiment that has ended: searcher and controller are as they were.

        Scheduler, searcher and controller hold one another during an experiment. Whoever runs many
        in one process need not wait for Python's garbage collector to find that out. What was
        learned stays; for another experiment make another scheduler.
        """
        if self._gate is None:
            return
        search = self._controller.search_alg
        search.searcher = self._gate.searcher
        del search.is_finished  # of the instance; its class has its own
        self.__setstate__(self.__getstate__())

    def _has_newest_checkpoint(self, trial: Trial) -> bool:
        saved = trial.latest_checkpoint_result
        paused_at = self._last_result[trial.trial_id][self._time_attr]
        return saved is not None and bool(saved.metrics.get(self._time_attr) == paused_at)

    def _check_checkpoint(self, trial: Trial) -> None:
        if not self._has_newest_checkpoint(trial):
            raise ValueError(
                f"trial {trial.trial_id} was paused without a checkpoint of its last report: the "
                "training function must pass checkpoint=... with every tune.report, or take a "
                "stopping scheduler"
            )
