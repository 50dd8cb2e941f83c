"""A trial in virtual time: the part of Ray's trial that schedulers and searchers use."""

from __future__ import annotations

from typing import Any, NamedTuple

from ray.tune.experiment import Trial

from mobo_core.problems.protocol import Training

FINISHED = (Trial.TERMINATED, Trial.ERROR)


class SavedTraining(NamedTuple):
    """A checkpoint and its report, in the form in which Ray stores them."""

    checkpoint: Any
    metrics: dict[str, Any]


class _CheckpointConfig:
    """A setting that population-based training reads: every checkpoint is kept."""

    num_to_keep = None


class _View:
    """A part of a trial under the names that Ray uses for it."""

    def __init__(self, trial: VirtualTrial) -> None:
        self._trial = trial


class _TemporaryState(_View):
    @property
    def saving_to(self) -> str | None:
        """The checkpoint that is being written, or None."""
        return self._trial.saving_to


class _CheckpointManager(_View):
    checkpoint_config = _CheckpointConfig()

    @property
    def _latest_checkpoint_result(self) -> SavedTraining | None:
        return self._trial.latest_checkpoint_result

    @_latest_checkpoint_result.setter
    def _latest_checkpoint_result(self, saved: SavedTraining | None) -> None:
        self._trial.latest_checkpoint_result = saved


class _RunMetadata(_View):
    @property
    def num_failures(self) -> int:
        """The trial's number of failures."""
        return self._trial.num_failures

    @property
    def checkpoint_manager(self) -> _CheckpointManager:
        """The object that stores the last checkpoint."""
        return _CheckpointManager(self._trial)


class VirtualTrial:
    """A trial in virtual time, with the public attribute names of `ray.tune.experiment.Trial`.

    Args:
        number: The trial's place in the order of suggestion, from 0.
        config: The suggested configuration.
        max_failures: How often the trial is retried after a failure; -1 is without limit.

    Example:
        >>> from mobo_core.virtual import VirtualTrial
        >>> trial = VirtualTrial(3, {"width": 16}, max_failures=0)
        >>> trial.trial_id, trial.status, trial.is_finished()
        ('00003', 'PENDING', False)
    """

    def __init__(self, number: int, config: dict[str, Any], max_failures: int) -> None:
        self.number = number
        self.trial_id = f"{number:05d}"
        self.config = config
        self.status = Trial.PENDING
        self.last_result: dict[str, Any] = {}
        self.experiment_tag = str(number)
        self.evaluated_params = dict(config)
        self.max_failures = max_failures
        self.num_failures = 0
        self.latest_checkpoint_result: SavedTraining | None = None
        """The last checkpoint with its report, or None."""
        self.saving_to: str | None = None
        """The checkpoint that is being written, or None."""
        self.error = ""
        self.iteration = 0
        self.epoch: float = 0
        """The number of the last epoch that was computed, 0 before the first."""
        self.time_total_s = 0.0
        self.worker: int | None = None
        """The worker that trains the trial at present, or None."""
        self.training: Training | None = None
        """The training on that worker, or None."""
        self.attempt = 0
        """A counter that increases whenever the trial's pending events become invalid."""

    def __repr__(self) -> str:
        return f"VirtualTrial({self.trial_id}, {self.status})"

    @property
    def temporary_state(self) -> _TemporaryState:
        """The checkpoint under way, under the name that Ray's trials use."""
        return _TemporaryState(self)

    @property
    def run_metadata(self) -> _RunMetadata:
        """The failures and checkpoints, under the name that Ray's trials use."""
        return _RunMetadata(self)

    @property
    def checkpoint(self) -> Any:
        """The last checkpoint, or None."""
        saved = self.latest_checkpoint_result
        return None if saved is None else saved.checkpoint

    def keep(self, checkpoint: Any, metrics: dict[str, Any]) -> None:
        """Store a new checkpoint with its report."""
        self.latest_checkpoint_result = SavedTraining(checkpoint, metrics)

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is being written."""
        return self.saving_to is not None

    def is_finished(self) -> bool:
        """Return whether the trial has ended and will not run again."""
        return self.status in FINISHED

    def should_recover(self) -> bool:
        """Return whether the trial is retried after its last failure."""
        return self.max_failures < 0 or self.num_failures <= self.max_failures

    def set_config(self, config: dict[str, Any]) -> None:
        """Replace the configuration, as population-based training does."""
        self.config = config

    def set_status(self, status: str) -> None:
        """Replace the status."""
        self.status = status

    def set_experiment_tag(self, tag: str) -> None:
        """Replace the tag."""
        self.experiment_tag = tag

    def get_trainable_cls(self) -> None:
        """Return None: there is no trainable, and every training in virtual time can pause."""
