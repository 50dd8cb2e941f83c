"""Ray's HyperBand without its ways of waiting for ever."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler, TrialScheduler


class HyperBand(HyperBandScheduler):
    """Decides as Ray's `HyperBandScheduler` while no trial fails, and every bracket ends.

    In Ray 2.60 trials stay paused for good, and Tune waits for them,

    * if one of a bracket is still being saved when the last one of it ends,
    * if the one that the others of its bracket waited for fails or is ended by something else, or
      Tune ends it without telling the scheduler,
    * if all that are left of a bracket are beyond its next milestone already.

    Here the others go on then, or the bracket ends; one that loses its only trial is not halved.
    Takes the arguments of Ray's. Like Ray's it cannot go on after a restore (see `SchedulerState`).
    """

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Put it into a bracket, unless it has ended, as trials of a restored experiment have."""
        if not trial.is_finished():
            super().on_trial_add(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Forget it; the others of its bracket go on if they waited for it alone."""
        bracket, _ = self._trial_info[trial]
        bracket.cleanup_trial(trial)
        if bracket.current_trials():
            self._process_bracket(tune_controller, bracket)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """As Ray's, once it has looked for trials that Tune ended without a word."""
        for bracket in (bracket for band in self._hyperbands for bracket in band if bracket):
            for trial in bracket.current_trials():
                if trial.is_finished():
                    self.on_trial_remove(tune_controller, trial)
        chosen: Trial | None = super().choose_trial_to_run(tune_controller)
        return chosen

    def _process_bracket(self, tune_controller: Any, bracket: Any) -> str:
        if bracket.is_being_processed:  # ending a trial calls `on_trial_remove`
            return str(TrialScheduler.PAUSE)
        bracket.is_being_processed = True
        try:
            action = self._halve(tune_controller, bracket)
            # Ray's halves once; who is beyond the next milestone too would wait for nobody.
            while bracket.current_trials() and bracket.cur_iter_done() and bracket._halves > 0:
                further = self._halve(tune_controller, bracket)
                action = further if action == TrialScheduler.PAUSE else action
        finally:
            bracket.is_being_processed = False  # which Ray's leaves set
        return action

    def _halve(self, tune_controller: Any, bracket: Any) -> str:
        """What Ray's does when a trial of the bracket has made progress, or ended."""
        if bracket.finished():
            for trial in bracket.current_trials():
                if trial.is_saving:
                    tune_controller.stop_trial(trial)
        return str(super()._process_bracket(tune_controller, bracket))
