"""Where the trials of a pausing scheduler are: starting, training, being saved, or paused."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ray.tune.experiment import Trial


class Changes(NamedTuple):
    """What has happened to trials without a call of the scheduler."""

    ended: list[Trial]
    """Trials that have ended before they ran."""
    paused: list[Trial]
    """Trials whose pause, decided by the scheduler, has taken effect."""


class Lives:
    """The unfinished trials of a run, by what each of them is doing.

    The scheduler notes what it decides, and `look` finds out what has become of it. Others may
    pause and end trials too, for example a scheduler around this one, or a callback.
    To search all n trials at every event instead would make a run cost n².

    Example:
        >>> from ray.tune.experiment import Trial
        >>> from mobo_core.virtual import VirtualTrial
        >>> lives, trial = Lives(), VirtualTrial(0, {}, max_failures=0)
        >>> lives.start(trial)
        >>> trial.status = Trial.RUNNING
        >>> lives.look()
        Changes(ended=[], paused=[])
        >>> list(lives.active), lives.first_unstaged({"00000": 0})
        (['00000'], None)
    """

    def __init__(self) -> None:
        self.active: dict[str, Trial] = {}
        """Trials that hold a slot: from their start until their pause has taken effect."""
        self.paused: dict[str, Trial] = {}
        """Trials that wait until the scheduler resumes them."""
        self._starting: dict[str, Trial] = {}  # added or resumed, but not yet running
        self._staged: set[str] = set()  # those for which Tune is starting a process
        self._pausing: dict[str, Trial] = {}  # being saved, not yet paused

    def start(self, trial: Trial) -> None:
        """Note that a trial has been added, or is to continue after its pause."""
        self.paused.pop(trial.trial_id, None)
        self._starting[trial.trial_id] = self.active[trial.trial_id] = trial

    def stage(self, trial: Trial) -> None:
        """Note that Tune is told to start a process for a trial."""
        self._staged.add(trial.trial_id)

    def pause(self, trial: Trial) -> None:
        """Note that Tune is told to save a training trial and to pause it then."""
        self._began(trial.trial_id)
        self._pausing[trial.trial_id] = trial

    def is_pausing(self, trial_id: str) -> bool:
        """Return whether a trial is being saved for its pause."""
        return trial_id in self._pausing

    def leave(self, trial_id: str) -> None:
        """Forget a trial that has ended, or that Tune is about to add again."""
        for known in (self.active, self.paused, self._starting, self._pausing):
            known.pop(trial_id, None)
        self._staged.discard(trial_id)

    def look(self) -> Changes:
        """Find out which trials have started, paused or ended since the last call."""
        changes = Changes([], [])
        for trial_id, trial in list(self._starting.items()):
            if trial.is_finished():
                self.leave(trial_id)
                changes.ended.append(trial)
            elif trial.status == Trial.RUNNING:
                self._began(trial_id)
        for trial_id, trial in list(self._pausing.items()):
            if trial.status == Trial.PAUSED:
                del self._pausing[trial_id]
                # The trial held its slot until now. If the slot were filled earlier, Tune would
                # start a process that it does not need.
                del self.active[trial_id]
                self.paused[trial_id] = trial
                changes.paused.append(trial)
        return changes

    def first_stray(self) -> Trial | None:
        """Return a trial that another part of the program has paused, or None.

        Such a trial holds its slot and is to be started again. It takes as many steps as there are
        slots to find out, so it is asked only when nothing else can start.
        """
        for trial_id, trial in self.active.items():
            if trial.status == Trial.PAUSED and trial_id not in self._pausing:
                self._starting[trial_id] = trial
                return trial
        return None

    def _began(self, trial_id: str) -> None:
        self._starting.pop(trial_id, None)
        self._staged.discard(trial_id)

    def has_running(self) -> bool:
        """Return whether a trial trains, is being saved, or waits for its process."""
        return any(trial.status != Trial.PAUSED for trial in self.active.values())

    def waiting(self, time_attr: str, budgets: Mapping[str, float]) -> list[str]:
        """Return what each trial waits for, in words, if none is running.

        Args:
            time_attr: The name of the budget.
            budgets: Trial id → the budget that the trial has spent.
        """
        paused = [(trial_id, "for its scheduler") for trial_id in self.paused]
        active = [(trial_id, "to be started by Tune") for trial_id in self.active]
        return [
            f"trial {trial_id} is paused at {time_attr}={budgets.get(trial_id, 0):g} and waits "
            + for_what
            for trial_id, for_what in paused + active
        ]

    def first_unstaged(self, order: Mapping[str, int]) -> Trial | None:
        """Return the first trial that is to start and for which no process is starting, or None.

        Args:
            order: Trial id → the trial's number, in the order in which trials were added.
        """
        return self._first(self._starting.keys() - self._staged, order)

    def first_starting(self, order: Mapping[str, int]) -> Trial | None:
        """Return the first trial that is to start, or None; its process may be starting.

        Args:
            order: Trial id → the trial's number, in the order in which trials were added.
        """
        return self._first(self._starting.keys(), order)

    def _first(self, trial_ids: AbstractSet[str], order: Mapping[str, int]) -> Trial | None:
        if not trial_ids:
            return None
        return self._starting[min(trial_ids, key=order.__getitem__)]
