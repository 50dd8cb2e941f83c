"""Ray's HyperBand, corrected so that it cannot wait forever."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler, TrialScheduler

from mobo_core.tune import compat
from mobo_core.tune.schedulers.experiment import OneExperiment


class HyperBand(HyperBandScheduler):
    """Ray's `HyperBandScheduler`, corrected so that every bracket ends.

    It takes the same arguments and makes the same decisions as Ray's while no trial fails. Like
    Ray's it cannot continue after a restore (see `SchedulerState`). In Ray 2.60 trials can stay
    paused forever, and Tune waits for them, in these cases:

    * A trial of the bracket is still being saved when the bracket's last trial ends.
    * The trial that the others of its bracket wait for fails, or something else ends it, or Tune
      ends it without a call of the scheduler.
    * All trials left in a bracket are already beyond its next milestone.
    * A callback or the searcher raises an error when a paused trial is ended.

    Here the other trials continue in these cases, or the bracket ends. A bracket that loses its
    only trial is not halved.

    Args:
        time_attr: The key in a report that holds the budget spent so far.
        metric: The key of the metric. None takes the Tuner's metric.
        mode: ``"min"`` or ``"max"``. None takes the Tuner's mode.
        max_t: R, the full budget of a trial, in units of `time_attr`.
        reduction_factor: η, the ratio by which a bracket is reduced at each rung.
        stop_last_trials: Whether trials stop when they have reached `max_t`.

    Example:
        >>> from mobo_core.tune import HyperBand
        >>> scheduler = HyperBand(time_attr="epoch", metric="loss", mode="min", max_t=81)
        >>> scheduler.debug_string().splitlines()[0]
        'Using HyperBand: num_stopped=0 total_brackets=0'
    """

    def __init__(
        self,
        time_attr: str = "training_iteration",
        metric: str | None = None,
        mode: str | None = None,
        max_t: int = 81,
        reduction_factor: float = 3,
        stop_last_trials: bool = True,
    ) -> None:
        super().__init__(time_attr, metric, mode, max_t, reduction_factor, stop_last_trials)
        self._experiment = OneExperiment()

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Put a trial into a bracket, unless it has ended, as restored trials may have.

        Raises:
            ValueError: If this scheduler was used in another experiment, or the trainable cannot be
                used with ``reuse_actors``.
        """
        self._experiment.join(self, tune_controller, trial)
        if not trial.is_finished():
            super().on_trial_add(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Drop a trial; the others of its bracket continue if they waited only for it."""
        compat.end_pause(tune_controller, trial)
        bracket = compat.bracket_of(self, trial)
        bracket.cleanup_trial(trial)
        if bracket.current_trials():
            self._process_bracket(tune_controller, bracket)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return Ray's choice, after removing the trials that Tune ended without a call.

        Raises:
            RuntimeError: If nothing has run for too long, and nothing can start.
        """
        for bracket in compat.brackets_of(self):
            for trial in bracket.current_trials():
                if trial.is_finished():
                    self.on_trial_remove(tune_controller, trial)
        return self._experiment.watch(tune_controller, super().choose_trial_to_run(tune_controller))

    def _process_bracket(self, tune_controller: Any, bracket: Any) -> str:
        if bracket.is_being_processed:  # ending a trial calls `on_trial_remove`
            return str(TrialScheduler.PAUSE)
        bracket.is_being_processed = True
        try:
            action = self._halve(tune_controller, bracket)
            # Ray's halves once. Trials that are beyond the next milestone too would wait forever.
            while (
                bracket.current_trials()
                and bracket.cur_iter_done()
                and compat.halvings_left(bracket) > 0
            ):
                further = self._halve(tune_controller, bracket)
                action = further if action == TrialScheduler.PAUSE else action
        finally:
            bracket.is_being_processed = False  # Ray's leaves it set
        return action

    def _halve(self, tune_controller: Any, bracket: Any) -> str:
        """Return Ray's action after a trial of the bracket has made progress or ended."""
        if bracket.finished():
            for trial in bracket.current_trials():
                if trial.is_saving:
                    tune_controller.stop_trial(trial)
        return str(super()._process_bracket(tune_controller, bracket))
