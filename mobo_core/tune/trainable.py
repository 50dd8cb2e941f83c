"""The Tune trainable of a problem: actors, imports and data are reused from trial to trial."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ray import tune

from mobo_core.problems.protocol import DivisibleProblem, Training, TrainingSource
from mobo_core.tune.team import Team, team_resources

CHECKPOINT_FILE = "training.pt"


class ProblemTrainable(tune.Trainable):
    """Trains one configuration, an epoch a step; use through `problem_trainable`.

    Reports add ``startup_s`` to the problem's metrics: with a trial's first report, the seconds
    spent on building its training (and on the actor itself, if it was new); 0 afterwards.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        began = time.perf_counter()
        super().__init__(*args, **kwargs)
        self._startup_s = time.perf_counter() - began

    def setup(  # type: ignore[override]  # tune.with_parameters fills in the rest
        self, config: dict[str, Any], problem: TrainingSource, seed: int
    ) -> None:
        """Take the first trial."""
        self._problem, self._seed = problem, seed
        self._training: Training | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial."""
        self.cleanup()
        return True

    def _started(self) -> Training:
        """The trial's training, begun when first needed: an error in it is the trial's own.

        Raised in `setup` or `reset_config` it would end the actor instead.
        """
        if self._training is None:
            began = time.perf_counter()
            self._training = self._problem.start(self.config, self._seed)
            self._startup_s += time.perf_counter() - began
        return self._training

    def step(self) -> dict[str, Any]:
        """Train one epoch; done after the problem's last."""
        metrics: dict[str, Any] = self._started().run_epoch()
        metrics["startup_s"], self._startup_s = self._startup_s, 0.0
        metrics["done"] = metrics["epoch"] >= self._problem.max_epochs
        return metrics

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the training's state."""
        Path(checkpoint_dir, CHECKPOINT_FILE).write_bytes(self._started().state())

    def load_checkpoint(  # type: ignore[override]  # always a folder since Ray 2.7
        self, checkpoint_dir: str
    ) -> None:
        """Go on where the checkpoint was taken."""
        self._started().load_state(Path(checkpoint_dir, CHECKPOINT_FILE).read_bytes())

    def cleanup(self) -> None:
        """Give back what the training holds."""
        if self._training is not None:
            self._training.close()
            self._training = None


def problem_trainable(
    problem: TrainingSource, seed: int, resources: Mapping[str, float], workers: int = 1
) -> type[tune.Trainable]:
    """A trainable for `tune.Tuner` that trains configurations of the problem.

    Args:
        problem: What to train.
        seed: Training seed of the run, shared by its trials.
        resources: Per trial, as for `tune.with_resources`, e.g. ``{"cpu": 1, "gpu": 0.2}``; a
            trial trains on one thread in any case. With several workers, of each of them, one
            core unless given.
        workers: Per trial; more than one train it together, see `mobo_core.tune.team`.

    Raises:
        ValueError: If the problem cannot be divided among several workers.
    """
    if workers == 1:
        bound = tune.with_parameters(ProblemTrainable, problem=problem, seed=seed)
        wanted: Any = dict(resources)
    else:
        each = {"cpu": 1.0, **resources}
        team = Team(cast(DivisibleProblem, problem), workers, each["cpu"], each.get("gpu", 0))
        bound = tune.with_parameters(ProblemTrainable, problem=team, seed=seed)
        wanted = team_resources(workers, each)
    trainable: type[tune.Trainable] = tune.with_resources(bound, wanted)
    return trainable
