"""A trial in virtual time: what schedulers and searchers may know of Ray's, and no more."""

from __future__ import annotations

from typing import Any, NamedTuple

from ray.tune.experiment import Trial

FINISHED = (Trial.TERMINATED, Trial.ERROR)


class SavedTraining(NamedTuple):
    """A checkpoint and the report it belongs to, as Ray keeps them."""

    checkpoint: Any
    metrics: dict[str, Any]


class _Saving:
    """What Ray's trials say of a checkpoint under way."""

    __slots__ = ("saving_to",)

    def __init__(self) -> None:
        self.saving_to: str | None = None


class _CheckpointConfig:
    """Every checkpoint is kept, for population-based training, which asks."""

    num_to_keep = None


class _CheckpointManager:
    """The last checkpoint."""

    __slots__ = ("_latest_checkpoint_result",)
    checkpoint_config = _CheckpointConfig()

    def __init__(self) -> None:
        self._latest_checkpoint_result: SavedTraining | None = None


class _RunMetadata:
    """What Ray's trials keep of their past."""

    __slots__ = ("checkpoint_manager", "num_failures")

    def __init__(self) -> None:
        self.checkpoint_manager = _CheckpointManager()
        self.num_failures = 0


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
        self.temporary_state = _Saving()
        self.run_metadata = _RunMetadata()
        self.max_failures = max_failures
        self.error = ""
        self.iteration = 0
        self.time_total_s = 0.0
        self.attempt = 0
        """Rises whenever what was under way is void."""

    def __repr__(self) -> str:
        return f"VirtualTrial({self.trial_id}, {self.status})"

    @property
    def latest_checkpoint_result(self) -> SavedTraining | None:
        """The last checkpoint with its report."""
        return self.run_metadata.checkpoint_manager._latest_checkpoint_result

    @property
    def checkpoint(self) -> Any:
        """The last checkpoint, or None."""
        saved = self.latest_checkpoint_result
        return None if saved is None else saved.checkpoint

    def keep(self, checkpoint: Any, metrics: dict[str, Any]) -> None:
        """Take over a new checkpoint."""
        saved = SavedTraining(checkpoint, metrics)
        self.run_metadata.checkpoint_manager._latest_checkpoint_result = saved

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is being written."""
        return self.temporary_state.saving_to is not None

    def is_finished(self) -> bool:
        """Whether it will never run again."""
        return self.status in FINISHED

    def should_recover(self) -> bool:
        """Whether it is tried again after its last failure."""
        return self.max_failures < 0 or self.run_metadata.num_failures <= self.max_failures

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
