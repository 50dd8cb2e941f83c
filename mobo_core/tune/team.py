"""One trial over several workers: a team of Ray actors that train one model together.

The process that holds a `Team` (a trial's own, or one that is lent to trials) trains nothing
itself. It sends every call to all workers, takes the answer of the first, and notices when one
dies or falls silent, which those that wait for it in a collective operation could not.
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
"""How long the others may go on when one worker has raised, before they count as stuck."""
COORDINATOR_CPUS = 0.01
"""A trial's own process only passes on what its workers do."""


class Worker:
    """One of a team, in a process of its own; a Ray actor.

    Args:
        problem: A pickled `DivisibleProblem`: whoever passes it on need not import it.
        rank: 0-based.
        workers: In the team.
        gpus: Of each worker.
        arrays: The problem's data, if it need not be read; see `SharedDataProblem`.
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
        """Make the meeting point; its address and port. For the first worker."""
        from mobo_core.problems import parallel

        host = ray.util.get_node_ip_address()
        self._store = parallel.meeting_point(host, self._place[1])
        return host, self._store.port

    def join(self, host: str, port: int) -> str:
        """Join the others, who join at the same time; what they talk through."""
        from mobo_core.problems import parallel

        rank, workers = self._place
        if rank > 0:
            self._store = parallel.meet(host, port, workers)
        return parallel.join(self._store, rank, workers, self._gpus)

    def in_touch(self) -> bool:
        """Whether all workers can still reach each other; all must be asked."""
        from mobo_core.problems import parallel

        return parallel.in_touch()

    def checksum(self) -> str:
        """See `Problem.data_checksum`."""
        return self._checksum

    def start(self, config: Mapping[str, Any], seed: int) -> None:
        """Begin a training; the one before is dropped."""
        rank, workers = self._place
        self._training = self._problem.start_part(config, seed, rank, workers)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the present training."""
        assert self._training is not None
        return getattr(self._training, method)(*arguments)


class Team:
    """A problem whose trainings run on several workers each: a `TrainingSource`.

    Workers are started when first needed: in the other bundles of the trial's placement group if
    it has as many (see `team_resources`), all or none; else wherever there is room. They stay
    from training to training and end with the process that holds the team, whose actors they
    are: a placement group that an actor makes would outlive it. If one dies, or is stuck, all
    are ended, the training fails, and the next begins with new ones.

    Args:
        problem: What is trained.
        workers: Per training, ≥ 1.
        cpus: Of each worker, > 0.
        gpus: Of each worker: whole or a fraction.
        shared: A reference to the problem's data in Ray's object store, or none: then each worker
            reads them.

    Raises:
        ValueError: If the problem cannot be divided, or there is no worker.
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
        """See `Problem.data_checksum`; starts the workers if there are none."""
        self._form()
        return str(self.ask_first("checksum"))

    def start(self, config: Mapping[str, Any], seed: int) -> TeamTraining:
        """See `TrainingSource.start`."""
        self._form()
        self.ask_all("start", config, seed)
        return TeamTraining(self)

    def ask_all(self, method: str, *arguments: Any) -> Any:
        """Have all workers do something; what the first answers.

        Raises:
            RuntimeError: If one has died.
            Exception: What a worker raised.
        """
        return self._ask(self._workers, method, arguments)

    def ask_first(self, method: str, *arguments: Any) -> Any:
        """Have the first worker alone do something; raises likewise."""
        return self._ask(self._workers[:1], method, arguments)

    @property
    def formed(self) -> bool:
        """Whether there are workers."""
        return bool(self._workers)

    def disband(self) -> None:
        """End all workers and give back what they held."""
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
        """Where a worker goes: into a bundle of the trial's placement group, if it has one."""
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
        """After an error: keep the team if all workers are there and in step, else end it."""
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
    """A `Training` on the workers of a team; reports are the first worker's."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def run_epoch(self) -> dict[str, float]:
        """See `Training`."""
        return self._team.ask_all("call", "run_epoch")  # type: ignore[no-any-return]

    def test_metrics(self) -> dict[str, float]:
        """See `Training`."""
        return self._team.ask_first("call", "test_metrics")  # type: ignore[no-any-return]

    def state(self) -> bytes:
        """See `Training`; all workers' models are the same."""
        return self._team.ask_first("call", "state")  # type: ignore[no-any-return]

    def load_state(self, state: bytes) -> None:
        """See `Training`."""
        self._team.ask_all("call", "load_state", state)

    def close(self) -> None:
        """See `Training`; the workers stay."""
        if self._team.formed:
            self._team.ask_all("call", "close")


def team_resources(workers: int, resources: Mapping[str, float]) -> PlacementGroupFactory:
    """Resources of a trial that holds a `Team`: a bundle for its own process, one per worker.

    Args:
        workers: Per trial.
        resources: Of each worker, as for `tune.with_resources`: ``cpu``, ``gpu``, and others.
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
