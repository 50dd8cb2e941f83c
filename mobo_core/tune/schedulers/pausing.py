"""Schedulers that pause trials and resume the promising ones: they connect Ray Tune to promotion.

Tune starts every PENDING trial before it calls the scheduler, so a new suggestion would always
take precedence over a promotion. The scheduler therefore stands between Tune and the searcher. The
searcher is called only when a slot is free and the rule has no better use for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

import ray
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from mobo_core.objectives import ObjectiveSet
from mobo_core.rules.rule import Decision, PromotionRule
from mobo_core.tune.schedulers.admission import Admission
from mobo_core.tune.schedulers.parameters import describe_parameters
from mobo_core.tune.schedulers.requirements import check_searcher, check_trainable
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler, is_retried

logger = logging.getLogger(__name__)

SEARCHER_PATIENCE_S = 10.0
"""How long a searcher may suggest nothing before a paused trial is ended to give it a result."""
CLUSTER_POLL_S = 10.0
"""Seconds between two look-ups of the cluster's size, which may grow."""


@describe_parameters()
class PromotionScheduler(ObjectiveScheduler):
    """A scheduler that pauses trials and resumes those that its `PromotionRule` chooses.

    It requires a trainable that saves and loads checkpoints, and a searcher in
    `TuneConfig.search_alg`. `mobo_core.tune.RandomSearcher` does what Tune does without a searcher.
    Leave `TuneConfig.max_concurrent_trials` unset: it counts paused trials and would deadlock.
    Paused trials end when nothing runs, nothing is worth resuming and no new trial is to come.

    Raises:
        ValueError: If `slots` is less than 1.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
        >>> from mobo_core.tune import PromotionScheduler
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> rule = PromotionHalvingRule(HalvingSettings(max_t=8, reduction_factor=2))
        >>> PromotionScheduler(rule, objectives=objectives, slots=4, time_attr="epoch").slots
        4
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
        # What each of Tune's trials is doing. To search all n trials at every event instead would
        # make a run cost n².
        self._starting: dict[str, Trial] = {}  # added or resumed, but not yet running
        self._staged: set[str] = set()  # those for which Tune is starting a process
        self._active: set[str] = set()  # hold a slot, until their pause has taken effect
        self._pausing: dict[str, Trial] = {}  # being saved, not yet paused
        self._paused: dict[str, Trial] = {}
        self._resumed_at: dict[str, float] = {}
        self._last_result: dict[str, dict[str, Any]] = {}
        self._resumes = 0
        self._controller: Any = None
        self._admission: Admission | None = None
        self._is_exhausted: Callable[[], bool] = lambda: False
        self._cluster_slots: tuple[float, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what belongs to the running experiment, for Tune to pickle."""
        running = ("_controller", "_admission", "_is_exhausted", "_cluster_slots")
        state = {name: value for name, value in self.__dict__.items() if name not in running}
        return state | {
            "_starting": {},
            "_staged": set(),
            "_active": set(),
            "_pausing": {},
            "_paused": {},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state as it was before an experiment."""
        self.__dict__.update(state)
        self._controller = self._admission = self._cluster_slots = None
        self._is_exhausted = lambda: False

    @property
    def slots(self) -> int | None:
        """The number of trials that train at the same time; None if it was not given."""
        return self._slots

    @property
    def resumes(self) -> int:
        """The number of times that a trial was resumed from its checkpoint."""
        return self._resumes

    def counts(self) -> dict[str, int]:
        """Return the scheduler's counters by name."""
        return {"resumes": self._resumes}

    # Events that Tune passes on

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Pass the new trial to the rule; a restored trial that was paused is paused again.

        Raises:
            ValueError: If the searcher or the trainable cannot work with promotion.
        """
        if self._admission is None:
            self._take_over(tune_controller, trial)
        elif tune_controller.search_alg is not self._controller.search_alg:
            raise ValueError(f"make a {type(self).__name__} for each experiment: this one was used")
        trial_id = trial.trial_id
        if trial_id not in self._order:
            self._order[trial_id] = len(self._order)
            if trial.checkpoint is not None:
                logger.warning(
                    "trial %s was restored, but this scheduler has no record of it: put "
                    "SchedulerState(scheduler) into the callbacks of the run",
                    trial_id,
                )
        self._rule.add(trial_id, trial.config)
        # After a failure or a restore a trial may start from an older checkpoint.
        self._resumed_at.pop(trial_id, None)
        if trial.is_finished():
            self._rule.end(trial_id, failed=trial.status == Trial.ERROR)
            return
        if self._rule.is_paused(trial_id):
            if self._has_newest_checkpoint(trial):
                trial.set_status(Trial.PAUSED)
                self._paused[trial_id] = trial
                return
            # The driver was killed before the checkpoint was written: the trial trains again.
            self._rule.withdraw(trial_id)
        self._starting[trial_id] = trial
        self._active.add(trial_id)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return what the rule decides about a report.

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
                "(load_checkpoint, or tune.get_checkpoint) and continue from there, and "
                f"{self._time_attr!r} must be its own counter"
            )
        self._last_t[trial_id] = t
        decision = self._rule.report(trial_id, t, point)
        if decision is Decision.PAUSE:
            if self._rule.choose(self._new_to_come()) != trial_id:
                self._pausing[trial_id] = trial
                self._last_result[trial_id] = result
                return str(TrialScheduler.PAUSE)
            self._rule.resume(trial_id)  # at once: the trial keeps its slot, without a checkpoint
            decision = Decision.CONTINUE
        goes_on = decision is Decision.CONTINUE
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record a trial's last report, which Tune passes to schedulers only in this call."""
        trial_id = trial.trial_id
        if result.get(self._time_attr, -1) > self._last_t.get(trial_id, -1):
            self._rule.report(trial_id, *self._read(trial, result))
        self._rule.end(trial_id, failed=False)
        self._leave(trial_id)
        self._last_result.pop(trial_id, None)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """End a failed trial in the rule; if Tune retries it, only withdraw it."""
        if is_retried(trial):
            self._rule.withdraw(trial.trial_id)
            self._leave(trial.trial_id)
        else:
            self._give_up(trial.trial_id)

    def _give_up(self, trial_id: str) -> None:
        self._rule.end(trial_id, failed=True)
        self._leave(trial_id)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """End a trial that was waiting."""
        self._rule.end(trial.trial_id, failed=False)
        self._leave(trial.trial_id)

    def _leave(self, trial_id: str) -> None:
        for known in (self._starting, self._pausing, self._paused, self._resumed_at):
            known.pop(trial_id, None)
        self._staged.discard(trial_id)
        self._active.discard(trial_id)

    # Decisions that Tune requests

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return a trial that waits to start, or else the paused trial that the rule chooses.

        A paused trial is resumed only if a slot is free. A process that has become free goes first
        to a trial for which no process is starting yet. Tune would also give it to a trial whose
        own process is starting, and end that process. Where trials pause sooner than processes
        start, the slot of a late process would then stay empty forever.

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
        """Return the trial that was added first."""
        if not trial_ids:
            return None
        return self._starting[min(trial_ids, key=self._order.__getitem__)]

    def _resumed(self, tune_controller: Any) -> Trial | None:
        """Resume and return the paused trial that the rule chooses, if a slot is free."""
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
            self._rule.withdraw(chosen)  # something else ended it, for example a stopper
        return None

    def _look_at_trials(self) -> None:
        """Find out which trials have started and which pauses have taken effect."""
        for trial_id, trial in list(self._starting.items()):
            if trial.is_finished():
                # Tune reports to no one that a trial ended because its process was not reusable.
                self._controller.search_alg.on_trial_complete(trial_id, error=True)
                self._give_up(trial_id)
            elif trial.status != Trial.PENDING:
                del self._starting[trial_id]
                self._staged.discard(trial_id)
        for trial_id, trial in list(self._pausing.items()):
            if trial.status == Trial.PAUSED:
                self._check_checkpoint(trial)
                del self._pausing[trial_id]
                # The trial held its slot until now. If the slot were filled earlier, Tune would
                # start a process that it does not need.
                self._active.discard(trial_id)
                self._paused[trial_id] = trial

    def _end(self, tune_controller: Any, paused: list[Trial]) -> None:
        """End the paused trials if no new trial can come; otherwise wait for one."""
        assert self._admission is not None
        if not self._new_available():
            for trial in paused:
                tune_controller.stop_trial(trial)
        elif self._admission.waited_s() > SEARCHER_PATIENCE_S:
            # The searcher suggests nothing until it receives a result: give it one.
            tune_controller.stop_trial(paused[0])

    def wants_new_trial(self) -> bool:
        """Return whether a slot is free that the rule would give to a new trial."""
        if not self._new_available():
            return False
        self._look_at_trials()
        if not self._active and not self._paused:
            return True
        return len(self._active) < self._slot_count() and self._rule.choose(True) is None

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Return a paused trial's last report, which Tune does not pass to searchers."""
        return self._last_result.pop(trial_id, None)

    def debug_string(self) -> str:
        """Return one line for Tune's status output."""
        return f"{type(self).__name__}: {self._resumes} resumed from a checkpoint"

    def _new_available(self) -> bool:
        return not self._is_exhausted()

    def _is_over(self) -> bool:
        live = self._controller.get_live_trials()
        return self._is_exhausted() and all(trial.is_finished() for trial in live)

    def _new_to_come(self) -> bool:
        """Return whether a new trial would come for a slot that is left free."""
        assert self._admission is not None
        return self._new_available() and not self._admission.waited_s()

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

    # The connection to the experiment, and checks

    def _take_over(self, controller: Any, trial: Trial) -> None:
        """Put the gate between Tune and the searcher."""
        name, search = type(self).__name__, controller.search_alg
        check_searcher(search, name)
        check_trainable(trial.get_trainable_cls(), name)
        self._controller = controller
        # In virtual time the controller has the clock.
        clock = getattr(controller, "clock", time.monotonic)
        self._admission = Admission(search.searcher, self, clock)
        search.searcher = self._admission
        # Tune ends idle processes when the search is over. Each resumed trial would then wait for
        # a new process, so Tune is shown that the search ends with the last trial.
        self._is_exhausted = search.is_finished
        search.is_finished = self._is_over

    def release(self) -> None:
        """Disconnect from an experiment that has ended; searcher and controller are as before.

        Scheduler, searcher and controller refer to one another during an experiment. Without this
        call their memory is freed only by Python's garbage collector, which matters when many
        experiments run in one process. The scheduler keeps what it has learned, but cannot be used
        for another experiment.
        """
        if self._admission is None:
            return
        search = self._controller.search_alg
        search.searcher = self._admission.searcher
        del search.is_finished  # the instance's attribute; the class has its own method
        self.__setstate__(self.__getstate__())

    def _has_newest_checkpoint(self, trial: Trial) -> bool:
        saved = trial.latest_checkpoint_result
        paused_at = self._last_result[trial.trial_id][self._time_attr]
        return saved is not None and bool(saved.metrics.get(self._time_attr) == paused_at)

    def _check_checkpoint(self, trial: Trial) -> None:
        if not self._has_newest_checkpoint(trial):
            raise ValueError(
                f"trial {trial.trial_id} was paused without a checkpoint of its last report: the "
                "training function must pass checkpoint=... with every tune.report. Otherwise use "
                "a scheduler that stops trials"
            )
