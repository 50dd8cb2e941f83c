"""Schedulers that pause trials and resume the promising ones: they connect Ray Tune to promotion.

Tune starts every PENDING trial before it calls the scheduler, so a new suggestion would always
take precedence over a promotion. The scheduler therefore stands between Tune and the searcher. The
searcher is called only when a slot is free and the rule has no better use for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from mobo_core.checks import checked_count
from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.rules.rule import Decision, PromotionRule
from mobo_core.tune import compat
from mobo_core.tune.schedulers.admission import Admission
from mobo_core.tune.schedulers.lives import Lives
from mobo_core.tune.schedulers.parameters import describe_parameters
from mobo_core.tune.schedulers.requirements import check_asked, check_searcher, check_trainable
from mobo_core.tune.schedulers.savepoints import Savepoints
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler, is_retried
from mobo_core.tune.schedulers.slots import Slots
from mobo_core.tune.schedulers.watchdog import Watchdog

logger = logging.getLogger(__name__)

SEARCHER_PATIENCE_S = 10.0
"""How long a searcher may suggest nothing before a paused trial is ended to give it a result."""


@describe_parameters()
class PromotionScheduler(ObjectiveScheduler):
    """A scheduler that pauses trials and resumes those that its `PromotionRule` chooses.

    It requires a trainable that saves and loads checkpoints, and a searcher in
    `TuneConfig.search_alg`. `mobo_core.tune.RandomSearcher` does what Tune does without a searcher.
    Leave `TuneConfig.max_concurrent_trials` unset: it counts paused trials and would deadlock.
    Paused trials end when nothing runs, nothing is worth resuming and no new trial is to come.
    A training function may add a checkpoint to every k-th report only. A trial that is to pause
    then trains on to the next one.

    If nothing runs and nothing can start for 15 minutes, the run ends with an error that names what
    waits. The environment variable ``MOBO_TUNE_IDLE_LIMIT_S`` sets this time in seconds. It does
    not count while a process starts, a suggestion is being computed, or a trial waits for resources
    of the cluster, which may grow.

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

    _learned = (
        *("_rule", "_reports", "_savepoints"),
        *("_order", "_last_t", "_resumed_at", "_last_result", "_resumes"),
    )

    def __init__(
        self,
        rule: PromotionRule,
        *,
        objectives: ObjectiveSet | Iterable[Objective],
        slots: int | None = None,
        time_attr: str = "training_iteration",
    ) -> None:
        super().__init__(rule, objectives, time_attr)
        self._slots = Slots(None if slots is None else checked_count("slots", slots, at_least=1))
        self._order: dict[str, int] = {}
        self._last_t: dict[str, float] = {}
        self._lives = Lives()
        self._resumed_at: dict[str, float] = {}
        self._last_result: dict[str, dict[str, Any]] = {}
        self._resumes = 0
        self._controller: Any = None
        self._admission: Admission | None = None
        self._is_exhausted: Callable[[], bool] = lambda: False
        self._watchdog: Watchdog | None = None
        self._savepoints = Savepoints(time_attr)
        self._fault: str | None = None
        self._is_asked = False

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what belongs to the running experiment, for Tune to pickle."""
        running = ("_controller", "_admission", "_is_exhausted", "_watchdog")
        state = {name: value for name, value in self.__dict__.items() if name not in running}
        return state | {"_lives": Lives()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state as it was before an experiment."""
        self.__dict__.update(state)
        self._controller = self._admission = self._watchdog = None
        self._is_exhausted = lambda: False

    @property
    def slots(self) -> int | None:
        """The number of trials that train at the same time; None if it was not given."""
        return self._slots.given

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
        self._experiment.join(self, tune_controller, trial)
        if self._admission is None:
            self._take_over(tune_controller, trial)
        trial_id = trial.trial_id
        if trial_id not in self._order:
            self._order[trial_id] = len(self._order)
            if trial.checkpoint is not None:
                logger.warning(
                    "trial %s was restored, but this scheduler has no record of it: its state was "
                    "not saved with the experiment. Other trials are compared without it",
                    trial_id,
                )
        self._reports.start(trial_id)
        self._rule.add(trial_id, trial.config)
        # After a failure or a restore a trial may start from an older checkpoint.
        self._resumed_at.pop(trial_id, None)
        if trial.is_finished():
            self._rule.end(trial_id, failed=trial.status == Trial.ERROR)
            return
        if self._rule.is_paused(trial_id):
            if self._savepoints.is_saved(trial, self._last_t[trial_id]):
                trial.set_status(Trial.PAUSED)
                self._lives.paused[trial_id] = trial
                return
            # The driver was killed before the checkpoint was written: the trial trains again.
            self._rule.withdraw(trial_id)
        self._lives.start(trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return what the rule decides about a report; a report that lacks a value is skipped.

        A resumed trial that has started over fails.

        Raises:
            ValueError: If a scheduler around this one chooses the trials that run.
        """
        check_asked(self._is_asked, type(self).__name__)
        report, trial_id = self._read(trial, result), trial.trial_id
        if isinstance(report, Decision):
            goes_on = report is Decision.CONTINUE
            return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)
        t, point = report.t, report.point
        paused_at = self._resumed_at.pop(trial_id, None)
        if paused_at is not None and t <= paused_at:
            self._reports.started_over(trial_id, t, paused_at)
            return str(TrialScheduler.STOP)
        self._last_t[trial_id] = t
        decision = self._rule.report(trial_id, t, point)
        if decision is Decision.PAUSE:
            if self._pauses(trial, t, result):
                return str(TrialScheduler.PAUSE)
            decision = Decision.CONTINUE
        goes_on = decision is Decision.CONTINUE
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def _pauses(self, trial: Trial, t: float, result: dict[str, Any]) -> bool:
        """Return whether a trial pauses that its rule lets pause, and note what it does."""
        trial_id = trial.trial_id
        if self._rule.choose(self._new_to_come()) == trial_id:
            self._rule.resume(trial_id)  # at once: the trial keeps its slot, without a checkpoint
            return False
        if not self._savepoints.can_pause(trial, t, result):
            self._rule.withdraw(trial_id)  # it trains, so it is no candidate for a free slot
            return False
        self._lives.pause(trial)
        self._last_result[trial_id] = result
        return True

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record a trial's last report, which Tune passes to schedulers only in this call.

        Raises:
            ReportError: If the trial fails because of what it has reported, or never has. Tune then
                treats it as a failed trial.
        """
        trial_id = trial.trial_id
        report = self._reports.end(trial, result)
        if report is not None and report.t > self._last_t.get(trial_id, -1):
            self._rule.report(trial_id, report.t, report.point)
        self._rule.end(trial_id, failed=False)
        self._leave(trial_id)
        self._last_result.pop(trial_id, None)
        self._fault = self._fault or self._savepoints.missing(trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """End a failed trial in the rule; if Tune retries it, only withdraw it."""
        self._reports.ended(trial)
        if is_retried(trial):
            self._last_t.pop(trial.trial_id, None)
            self._rule.withdraw(trial.trial_id)
            self._leave(trial.trial_id)
        else:
            self._give_up(trial.trial_id)

    def _give_up(self, trial_id: str) -> None:
        self._rule.end(trial_id, failed=True)
        self._leave(trial_id)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """End a trial that was waiting."""
        super().on_trial_remove(tune_controller, trial)
        self._rule.end(trial.trial_id, failed=False)
        self._leave(trial.trial_id)

    def _leave(self, trial_id: str) -> None:
        self._lives.leave(trial_id)
        self._resumed_at.pop(trial_id, None)
        if self._watchdog is not None:
            self._watchdog.restart()

    # Decisions that Tune requests

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return a trial that waits to start, or else the paused trial that the rule chooses.

        A paused trial is resumed only if a slot is free. A process that has become free goes first
        to a trial for which no process is starting yet. Tune would also give it to a trial whose
        own process is starting, and end that process. Where trials pause sooner than processes
        start, the slot of a late process would then stay empty forever.

        Raises:
            ValueError: If a training function passes no checkpoints.
            RuntimeError: If nothing has run for too long, and nothing can start.
        """
        self._is_asked = True
        if self._fault is not None:
            raise ValueError(self._fault)
        self._look_at_trials()
        trial = (
            self._lives.first_unstaged(self._order)
            or self._resumed(tune_controller)
            or self._lives.first_stray()
        )
        if trial is None:
            self._watch()
            return self._lives.first_starting(self._order)
        if self._watchdog is not None:
            self._watchdog.restart()
        self._lives.stage(trial)
        return trial

    def _resumed(self, tune_controller: Any) -> Trial | None:
        """Resume and return the paused trial that the rule chooses, if a slot is free."""
        lives = self._lives
        if not lives.paused or len(lives.active) >= self._slots.count(self._controller):
            return None
        chosen = self._rule.choose(self._new_to_come())
        if chosen is None:
            if not lives.active:
                self._end(tune_controller, list(lives.paused.values()))
            return None
        trial = lives.paused.pop(chosen, None)
        if trial is not None and trial.status == Trial.PAUSED:
            self._rule.resume(chosen)
            self._resumed_at[chosen] = self._last_t[chosen]
            self._resumes += 1
            lives.start(trial)
            return trial
        if not lives.is_pausing(chosen):
            self._rule.withdraw(chosen)  # something else ended it, for example a stopper
        return None

    def _look_at_trials(self) -> None:
        """Find out which trials have started and which pauses have taken effect."""
        changes = self._lives.look()
        for trial in changes.ended:
            # Tune reports to no one that a trial ended because its process was not reusable.
            self._controller.search_alg.on_trial_complete(trial.trial_id, error=True)
            self._give_up(trial.trial_id)
        for trial in changes.paused:
            if not self._savepoints.is_saved(trial, t := self._last_t[trial.trial_id]):
                compat.end_pause(self._controller, trial)
                compat.fail_trial(self._controller, trial, self._savepoints.lost(trial, t))

    def _watch(self) -> None:
        """End the run if nothing has run, started or been computed for too long."""
        if self._watchdog is None or self._admission is None:
            return
        if self._lives.has_running() or self._admission.is_making:
            self._watchdog.restart()
        else:
            self._watchdog.wait(self._waiting)

    def _waiting(self) -> list[str]:
        """Return a text for each part of the run that waits, the searcher first."""
        assert self._admission is not None
        searcher = type(self._admission.searcher).__name__
        return [
            f"{searcher} suggests nothing" if self._new_available() else "all trials are suggested",
            *self._lives.waiting(self._time_attr, self._last_t),
        ]

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
        if not self._lives.active and not self._lives.paused:
            self._watch()  # Tune may ask for the first trial of a search for minutes
            return True
        return (
            len(self._lives.active) < self._slots.count(self._controller)
            and self._rule.choose(True) is None
        )

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        """Return a paused trial's last report, which Tune does not pass to searchers."""
        return self._last_result.pop(trial_id, None)

    def debug_string(self) -> str:
        """Return one line for Tune's status output."""
        resumed = f"{self._resumes} resumed from a checkpoint"
        return f"{type(self).__name__}: {resumed}{self._skipped_text()}"

    def _new_available(self) -> bool:
        return not self._is_exhausted()

    def _is_over(self) -> bool:
        live = self._controller.get_live_trials()
        return self._is_exhausted() and all(trial.is_finished() for trial in live)

    def _new_to_come(self) -> bool:
        """Return whether a new trial would come for a slot that is left free."""
        assert self._admission is not None
        return self._new_available() and not self._admission.waited_s()

    # The connection to the experiment, and checks

    def _take_over(self, controller: Any, trial: Trial) -> None:
        """Put the gate between Tune and the searcher."""
        name, search = type(self).__name__, controller.search_alg
        trainable = trial.get_trainable_cls()
        check_searcher(search, name)
        check_trainable(trainable, name)
        self._controller = compat.tune_controller(controller) or controller
        # In virtual time the controller has the clock.
        clock = getattr(self._controller, "clock", time.monotonic)
        self._watchdog = Watchdog(clock)
        self._savepoints.use(trainable)
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
