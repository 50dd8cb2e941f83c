"""A trial in virtual time: what schedulers and searchers may know of Ray's, and no more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

from ray.tune.experiment import Trial

FINISHED = (Trial.TERMINATED, Trial.ERROR)


class SavedTraining(NamedTuple):
    """A checkpoint and the report it belongs to, as Ray keeps them."""

    checkpoint: Any
    metrics: dict[str, Any]


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
        self.temporary_state = SimpleNamespace(saving_to=None)
        manager = SimpleNamespace(
            _latest_checkpoint_result=None, checkpoint_config=SimpleNamespace(num_to_keep=None)
        )
        self.run_metadata = SimpleNamespace(checkpoint_manager=manager, num_failures=0)
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
        saved: SavedTraining | None = self.run_metadata.checkpoint_manager._latest_checkpoint_result
        return saved

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
        failures: int = self.run_metadata.num_failures
        return self.max_failures < 0 or failures <= self.max_failures

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
