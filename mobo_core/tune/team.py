"""One trial on several workers: a team of Ray actors that train one model together.

The process that holds a `Team` is the trial's own, or a warm process that trials share. It does
not train. It sends every call to all workers and uses the first worker's answer. It also detects a
worker that dies or stops answering, which workers in a collective operation cannot do themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray
from numpy.typing import NDArray
from ray import cloudpickle
from ray.tune import PlacementGroupFactory
from ray.util.placement_group import get_current_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from mobo_core.problems.protocol import DivisibleProblem, Training

GRACE_S = 5.0
"""Seconds that workers may take after another one raised an error, before they count as stuck."""
COORDINATOR_CPUS = 0.01
"""The cores of a trial's own process, which only passes calls on."""


class Worker:
    """One worker of a team, in its own process. It runs as a Ray actor.

    Args:
        problem: A pickled `DivisibleProblem`. Bytes let other processes pass it on without imports.
        rank: The worker's number, 0-based.
        workers: The number of workers in the team.
        gpus: The number of GPUs of each worker.
        arrays: The problem's data, see `SharedDataProblem`. None makes the worker read the data.
    """

    def __init__(
        self,
        problem: bytes,
        rank: int,
        workers: int,
        gpus: float,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._problem: Any = cloudpickle.loads(problem)
        if arrays is not None:
            self._problem.use_arrays(arrays)
        self._place = rank, workers
        self._gpus = gpus
        self._checksum: str = self._problem.data_checksum()  # loads the data
        self._training: Training | None = None

    def open(self) -> tuple[str, int]:
        """Make the meeting point and return its address and port. Only the first worker does so."""
        from mobo_core.problems import parallel

        host = ray.util.get_node_ip_address()
        self._store = parallel.meeting_point(host, self._place[1])
        return host, self._store.port

    def join(self, host: str, port: int) -> str:
        """Join the other workers, which join at the same time, and return the torch backend."""
        from mobo_core.problems import parallel

        rank, workers = self._place
        if rank > 0:
            self._store = parallel.meet(host, port, workers)
        return parallel.join(self._store, rank, workers, self._gpus)

    def in_touch(self) -> bool:
        """Return whether all workers can still reach each other. Call it on all of them."""
        from mobo_core.problems import parallel

        return parallel.in_touch()

    def checksum(self) -> str:
        """Return the data's checksum; see `Problem.data_checksum`."""
        return self._checksum

    def start(self, config: Mapping[str, Any], seed: int) -> None:
        """Start a training in place of the present one."""
        rank, workers = self._place
        self._training = self._problem.start_part(config, seed, rank, workers)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the present training."""
        assert self._training is not None
        return getattr(self._training, method)(*arguments)


class Team:
    """A problem whose trainings run on several workers each. It is a `TrainingSource`.

    The workers start on first use and stay from training to training. If the trial's placement
    group has a further bundle for every worker (see `team_resources`), they start there; otherwise
    Ray places them anywhere. The workers are actors of the process that holds the team and end with
    it; a placement group that an actor made would outlive it. If a worker dies or is stuck, all
    workers are ended, the training fails, and the next training starts new workers.

    Args:
        problem: The problem that is trained.
        workers: The number of workers of each training, ≥ 1.
        cpus: The number of cores of each worker, > 0.
        gpus: The number of GPUs of each worker, possibly a fraction.
        shared: At most one reference to the problem's data in Ray's object store. Without it each
            worker reads the data.

    Raises:
        ValueError: If the problem cannot be divided, or there is no worker.

    Example:
        >>> from mobo_core.problems.mlp import MLPProblem
        >>> from mobo_core.tune import Team
        >>> team = Team(MLPProblem("digits"), workers=2)
        >>> team.max_epochs, team.formed
        (8, False)
    """

    def __init__(
        self,
        problem: DivisibleProblem,
        workers: int,
        cpus: float = 1,
        gpus: float = 0,
        shared: Sequence[ray.ObjectRef[Any]] = (),
    ) -> None:
        if not hasattr(problem, "start_part"):
            raise ValueError(
                f"problem {type(problem).__name__} cannot be trained by several workers: it has "
                "no start_part (see mobo_core.problems.protocol.DivisibleProblem)"
            )
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.max_epochs = problem.max_epochs
        self._problem = cloudpickle.dumps(problem)
        self._count, self._cpus, self._gpus = workers, cpus, gpus
        self._shared = shared
        self._workers: list[Any] = []

    def data_checksum(self) -> str:
        """Return the data's checksum, see `Problem.data_checksum`; start workers if necessary."""
        self._form()
        return str(self.ask_first("checksum"))

    def start(self, config: Mapping[str, Any], seed: int) -> TeamTraining:
        """Start a training on all workers; see `TrainingSource.start`."""
        self._form()
        self.ask_all("start", config, seed)
        return TeamTraining(self)

    def ask_all(self, method: str, *arguments: Any) -> Any:
        """Call a method of all workers and return the first worker's answer.

        Raises:
            RuntimeError: If a worker has died.
            Exception: The error that a worker raised.
        """
        return self._ask(self._workers, method, arguments)

    def ask_first(self, method: str, *arguments: Any) -> Any:
        """Call a method of the first worker only; it raises the errors of `ask_all`."""
        return self._ask(self._workers[:1], method, arguments)

    @property
    def formed(self) -> bool:
        """Whether the workers have been started."""
        return bool(self._workers)

    def disband(self) -> None:
        """End all workers and release their resources."""
        for worker in self._workers:
            ray.kill(worker)
        self._workers = []

    def _form(self) -> None:
        if self.formed:
            return
        actor = ray.remote(num_cpus=self._cpus, num_gpus=self._gpus)(Worker)
        self._workers = [
            actor.options(scheduling_strategy=self._placement(rank)).remote(
                self._problem, rank, self._count, self._gpus, *self._shared
            )
            for rank in range(self._count)
        ]
        self.ask_all("join", *self.ask_first("open"))

    def _placement(self, rank: int) -> PlacementGroupSchedulingStrategy | str:
        """Return a worker's place: its bundle in the trial's placement group, if it has one."""
        group = get_current_placement_group()
        if group is not None and group.bundle_count == self._count + 1:
            return PlacementGroupSchedulingStrategy(group, rank + 1)
        return "DEFAULT"

    def _ask(self, workers: list[Any], method: str, arguments: tuple[Any, ...]) -> Any:
        if not workers:
            raise RuntimeError("the workers of this training were ended; start another one")
        replies = [getattr(worker, method).remote(*arguments) for worker in workers]
        waiting = replies
        while waiting:
            done, waiting = ray.wait(waiting)
            try:
                ray.get(done)
            except BaseException as error:
                self._settle(replies, error)
                raise
        return ray.get(replies[0])

    def _settle(self, replies: list[Any], error: BaseException) -> None:
        """Handle an error: keep the team if all workers still answer in step, or else end it."""
        answered, stuck = ray.wait(replies, num_returns=len(replies), timeout=GRACE_S)
        dead = [rank for rank, reply in enumerate(replies) if _death(reply, answered)]
        if isinstance(error, Exception) and not dead and not stuck and self._in_touch():
            return
        self.disband()
        if dead:
            raise RuntimeError(
                f"worker {dead[0]} of {self._count} died; all of them are replaced"
            ) from error

    def _in_touch(self) -> bool:
        replies = [worker.in_touch.remote() for worker in self._workers]
        try:
            return all(ray.get(replies, timeout=GRACE_S))
        except ray.exceptions.RayError:
            return False


class TeamTraining:
    """A `Training` on a team's workers. Its reports come from the first worker."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch on all workers and return the first worker's metrics."""
        return self._team.ask_all("call", "run_epoch")  # type: ignore[no-any-return]

    def test_metrics(self) -> dict[str, float]:
        """Return the first worker's metrics on test data."""
        return self._team.ask_first("call", "test_metrics")  # type: ignore[no-any-return]

    def state(self) -> bytes:
        """Return the first worker's state, which equals the other workers' states."""
        return self._team.ask_first("call", "state")  # type: ignore[no-any-return]

    def load_state(self, state: bytes) -> None:
        """Load a state on all workers and continue from it."""
        self._team.ask_all("call", "load_state", state)

    def close(self) -> None:
        """Close the training; the workers stay for the next one."""
        if self._team.formed:
            self._team.ask_all("call", "close")


def team_resources(workers: int, resources: Mapping[str, float]) -> PlacementGroupFactory:
    """Return the resources of a trial that holds a `Team`.

    They are one bundle for the trial's own process, then one bundle for each worker.

    Args:
        workers: The number of workers of each trial.
        resources: The resources of each worker, in the form of `tune.with_resources`: ``cpu``,
            ``gpu``, and others.

    Example:
        >>> from mobo_core.tune import team_resources
        >>> team_resources(2, {"cpu": 1, "gpu": 0.5}).bundles
        [{'CPU': 0.01}, {'CPU': 1.0, 'GPU': 0.5}, {'CPU': 1.0, 'GPU': 0.5}]
    """
    names = {"cpu": "CPU", "gpu": "GPU"}
    bundle = {names.get(name, name): amount for name, amount in resources.items()}
    return PlacementGroupFactory([{"CPU": COORDINATOR_CPUS}, *[bundle] * workers])


def _death(reply: Any, answered: list[Any]) -> bool:
    if reply not in answered:
        return False
    try:
        ray.get(reply)
    except ray.exceptions.RayActorError:
        return True
    except ray.exceptions.RayError:
        return False
    return False
