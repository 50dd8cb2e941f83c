"""A problem's trainable for Tune, which reuses actors, imports and data from trial to trial."""

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
    """A trainable of one configuration, with one epoch per step; `problem_trainable` makes it.

    Reports add ``startup_s`` to the problem's metrics. In a trial's first report these are the
    seconds spent on building its training, and on starting its actor if the actor was new.
    Afterwards they are 0.

    Args:
        args: Positional arguments of Tune's `Trainable`.
        kwargs: Keyword arguments of Tune's `Trainable`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        began = time.perf_counter()
        super().__init__(*args, **kwargs)
        self._startup_s = time.perf_counter() - began

    def setup(  # type: ignore[override]  # tune.with_parameters fills in the rest
        self, config: dict[str, Any], problem: TrainingSource, seed: int
    ) -> None:
        """Prepare the actor's first trial.

        Args:
            config: The trial's configuration.
            problem: The problem to train.
            seed: The run's training seed.
        """
        self._problem, self._seed = problem, seed
        self._training: Training | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Prepare the actor's next trial."""
        self.cleanup()
        return True

    def _started(self) -> Training:
        """Return the trial's training, which starts on first use.

        An error in the start then fails only the trial. In `setup` or `reset_config` it would end
        the actor.
        """
        if self._training is None:
            began = time.perf_counter()
            self._training = self._problem.start(self.config, self._seed)
            self._startup_s += time.perf_counter() - began
        return self._training

    def step(self) -> dict[str, Any]:
        """Train one epoch and return its report, which is ``done`` after the last epoch."""
        metrics: dict[str, Any] = self._started().run_epoch()
        metrics["startup_s"], self._startup_s = self._startup_s, 0.0
        metrics["done"] = metrics["epoch"] >= self._problem.max_epochs
        return metrics

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the training's state to a file in the folder."""
        Path(checkpoint_dir, CHECKPOINT_FILE).write_bytes(self._started().state())

    def load_checkpoint(  # type: ignore[override]  # a folder since Ray 2.7
        self, checkpoint_dir: str
    ) -> None:
        """Continue from the checkpoint in the folder."""
        self._started().load_state(Path(checkpoint_dir, CHECKPOINT_FILE).read_bytes())

    def cleanup(self) -> None:
        """Close the training and release its resources."""
        if self._training is not None:
            self._training.close()
            self._training = None


def problem_trainable(
    problem: TrainingSource, seed: int, resources: Mapping[str, float], workers: int = 1
) -> type[tune.Trainable]:
    """Return a trainable for `tune.Tuner` that trains configurations of a problem.

    Args:
        problem: The problem to train.
        seed: The run's training seed, which all trials share.
        resources: The resources of each trial, in the form of `tune.with_resources`, e.g.
            ``{"cpu": 1, "gpu": 0.2}``. With several workers these are the resources of each worker,
            one core by default. Each process trains on one thread, whatever its resources.
        workers: The number of workers of each trial, ≥ 1. Several workers train a trial together;
            see `mobo_core.tune.team`.

    Raises:
        ValueError: If the problem cannot be divided among several workers.

    Example:
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> from mobo_core.tune import problem_trainable
        >>> trainable = problem_trainable(SyntheticProblem("zdt1"), seed=1, resources={"cpu": 1})
        >>> trainable.__name__
        'ProblemTrainable'
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
