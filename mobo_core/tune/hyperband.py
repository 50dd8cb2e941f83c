"""Ray's HyperBand without its ways of waiting for ever."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler, TrialScheduler


class HyperBand(HyperBandScheduler):
    """Decides as Ray's `HyperBandScheduler`, and every bracket comes to its end.

    In Ray 2.60 trials stay paused for good, and Tune waits for them,

    * if one of a bracket is still being saved when the last one of it ends,
    * if the one that the others of its bracket waited for fails or is ended by something else,
      after the bracket was halved for the first time.

    Takes the arguments of Ray's.
    """

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Forget it; the others of its bracket go on if they waited for it alone."""
        bracket, _ = self._trial_info[trial]
        bracket.cleanup_trial(trial)
        if bracket.current_trials():
            self._process_bracket(tune_controller, bracket)

    def _process_bracket(self, tune_controller: Any, bracket: Any) -> str:
        if bracket.is_being_processed:  # ending a trial calls `on_trial_remove`
            return str(TrialScheduler.PAUSE)
        bracket.is_being_processed = True
        try:
            if bracket.finished():
                for trial in bracket.current_trials():
                    if trial.is_saving:
                        tune_controller.stop_trial(trial)
            return str(super()._process_bracket(tune_controller, bracket))
        finally:
            bracket.is_being_processed = False  # which Ray's leaves set
