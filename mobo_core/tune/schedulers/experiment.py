"""The tie between a scheduler and the one experiment that it works for."""

from __future__ import annotations

import math
import time
import weakref
from typing import Any

from ray.tune.experiment import Trial

from mobo_core.tune import compat
from mobo_core.tune.schedulers.admission import is_making
from mobo_core.tune.schedulers.requirements import check_reusable, check_unbuffered
from mobo_core.tune.schedulers.saving import attach_state
from mobo_core.tune.schedulers.watchdog import Watchdog


class OneExperiment:
    """The experiment of a scheduler: the first one that adds a trial to it, and no other.

    A scheduler keeps what it has learned. In a second experiment it would compare the new trials
    with those of the first. A copy of a scheduler that was used, pickled or not, counts as used.
    `SchedulerState` does not save this object, so a restored experiment is the scheduler's first.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> from mobo_core.tune import SobolSearcher, StoppingMOASHA
        >>> from mobo_core.virtual import simulate
        >>> problem = SyntheticProblem("zdt1", max_epochs=8)
        >>> scheduler = StoppingMOASHA(ObjectiveSet(problem.objectives.values()), 8)
        >>> for seed in (1, 2):
        ...     try:
        ...         run = simulate(
        ...             problem,
        ...             searcher=SobolSearcher(problem.space, seed=seed),
        ...             scheduler=scheduler,
        ...             num_samples=2,
        ...         )
        ...     except ValueError as error:
        ...         print(str(error).partition(":")[0])
        this StoppingMOASHA was used in another experiment
    """

    def __init__(self) -> None:
        self._is_used = False
        self._search: weakref.ref[Any] | None = None
        self._watchdog: Watchdog | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return whether the scheduler was used, for copies of it."""
        return {"_is_used": self._is_used, "_search": None, "_watchdog": None}

    def join(self, scheduler: Any, controller: Any, trial: Trial) -> None:
        """Note that the scheduler works for an experiment; call it with every trial added.

        With the first trial, check the trainable, and let Tune save the scheduler's state.

        Args:
            scheduler: The scheduler.
            controller: Tune's controller, or the simulated one.
            trial: The trial that is added.

        Raises:
            ValueError: If the scheduler was used in another experiment, the trainable cannot be
                used with ``reuse_actors``, or Tune would collect reports.
        """
        name = type(scheduler).__name__
        search = controller.search_alg
        if self._search is not None and self._search() is search:
            return
        if self._is_used:
            raise ValueError(
                f"this {name} was used in another experiment: make a {name} for each experiment, "
                "because it compares new trials with those that it knows. To continue an "
                "experiment, use mobo_core.tune.restore_tuner"
            )
        tune_controller = compat.tune_controller(controller)
        if tune_controller is not None:
            check_unbuffered(name)
            if compat.reuses_actors(tune_controller):
                check_reusable(trial.get_trainable_cls(), name)
            attach_state(scheduler, tune_controller, trial)
        self._is_used = True
        self._search = weakref.ref(search)

    def watch(self, controller: Any, chosen: Trial | None) -> Trial | None:
        """Return the trial that a scheduler has chosen to run, after a look at what goes on.

        Args:
            controller: Tune's controller, or the simulated one.
            chosen: The trial, or None if none is to start.

        Raises:
            RuntimeError: If no trial has run or waited for a process for too long, and none starts.
        """
        if chosen is not None and self._watchdog is None:
            return chosen
        # Tune's wrapper warns of names that it does not document.
        controller = compat.tune_controller(controller) or controller
        if self._watchdog is None:
            # Tune itself asks a searcher for up to ten minutes before it asks the scheduler again.
            clock = getattr(controller, "clock", time.monotonic)
            self._watchdog = Watchdog(clock, longest_look_s=math.inf)
        if chosen is not None or is_making(controller.search_alg) or _has_running(controller):
            self._watchdog.restart()
        else:
            self._watchdog.wait(lambda: _waiting(controller))
        return chosen


def _has_running(controller: Any) -> bool:
    return any(trial.status != Trial.PAUSED for trial in controller.get_live_trials())


def _waiting(controller: Any) -> list[str]:
    """Return a text for each part of the run that waits, the searcher first."""
    search = controller.search_alg
    searcher = type(getattr(search, "searcher", search)).__name__
    return [
        "all trials are suggested" if search.is_finished() else f"{searcher} suggests nothing",
        *(f"trial {trial.trial_id} is paused" for trial in controller.get_live_trials()),
    ]
