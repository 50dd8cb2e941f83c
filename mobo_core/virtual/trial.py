"""A trial in virtual time: what schedulers and searchers may know of Ray's, and no more."""

from __future__ import annotations

from typing import Any, NamedTuple

from ray.tune.experiment import Trial

from mobo_core.problems.protocol import Training

FINISHED = (Trial.TERMINATED, Trial.ERROR)


class SavedTraining(NamedTuple):
    """A checkpoint and the report it belongs to, as Ray keeps them."""

    checkpoint: Any
    metrics: dict[str, Any]


class _CheckpointConfig:
    """Every checkpoint is kept, for population-based training, which asks."""

    num_to_keep = None


class _View:
    """A trial under the names by which Ray's keep parts of it."""

    def __init__(self, trial: VirtualTrial) -> None:
        self._trial = trial


class _TemporaryState(_View):
    @property
    def saving_to(self) -> str | None:
        """What Ray's trials say of a checkpoint under way."""
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
        """How often the trial has failed."""
        return self._trial.num_failures

    @property
    def checkpoint_manager(self) -> _CheckpointManager:
        """The last checkpoint."""
        return _CheckpointManager(self._trial)


class VirtualTrial:
    """Stands for `ray.tune.experiment.Trial`; its public attributes have the same names.

    Args:
        number: In the order of suggestion, from 0.
        config: As suggested.
        max_failures: How often it is tried again.
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
        """The last checkpoint with its report."""
        self.saving_to: str | None = None
        """The checkpoint being written."""
        self.error = ""
        self.iteration = 0
        self.time_total_s = 0.0
        self.worker: int | None = None
        """The one it has at present."""
        self.training: Training | None = None
        """What runs there."""
        self.attempt = 0
        """Rises whenever what was under way is void."""

    def __repr__(self) -> str:
        return f"VirtualTrial({self.trial_id}, {self.status})"

    @property
    def temporary_state(self) -> _TemporaryState:
        """As Ray's trials have it."""
        return _TemporaryState(self)

    @property
    def run_metadata(self) -> _RunMetadata:
        """As Ray's trials have it."""
        return _RunMetadata(self)

    @property
    def checkpoint(self) -> Any:
        """The last checkpoint, or None."""
        saved = self.latest_checkpoint_result
        return None if saved is None else saved.checkpoint

    def keep(self, checkpoint: Any, metrics: dict[str, Any]) -> None:
        """Take over a new checkpoint."""
        self.latest_checkpoint_result = SavedTraining(checkpoint, metrics)

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is being written."""
        return self.saving_to is not None

    def is_finished(self) -> bool:
        """Whether it will never run again."""
        return self.status in FINISHED

    def should_recover(self) -> bool:
        """Whether it is tried again after its last failure."""
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
        """There is none: whatever trains in virtual time can pause."""
