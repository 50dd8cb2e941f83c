"""Training processes that outlive trials and runs: imports and data are paid for once a matrix.

Tune starts new trial processes for every run, and importing PyTorch and Lightning takes each of
them longer than training many a trial. So training lives in *hosts*, one Ray actor per slot that
stays for the whole matrix; a trial's own process is light and borrows a host while it trains.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import ray

from mobo_core.problems.protocol import DivisibleProblem, Problem, Training, train_again
from mobo_core.tune.team import Team

LIVENESS_TIMEOUT_S = 1.0
POLL_S = 0.2


class Host:
    """Trains one configuration at a time, in its own process; a Ray actor."""

    def __init__(self, problem: Problem | Team) -> None:
        self._problem = problem
        self._problem.data_checksum()  # loads the data, or starts the team that will
        self._training: Training | None = None

    def start(self, config: Mapping[str, Any], seed: int) -> None:
        """Begin a training; the one before is dropped."""
        self._training = self._problem.start(config, seed)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the present training."""
        assert self._training is not None
        return getattr(self._training, method)(*arguments)

    def train_again(
        self, config: Mapping[str, Any], seed: int, epochs: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """See `mobo_core.problems.protocol.train_again`."""
        return train_again(self._problem, config, seed, epochs)


class Lender:
    """Lends hosts to trial processes and takes them back, from dead ones too; a Ray actor.

    Args:
        problem: What the hosts train.
        count: How many may be lent at a time.
        cpus: Cores per host; of each worker, if a host is a team of several.
        gpus: GPUs likewise, whole or a fraction.
        workers: Of each host: more than one train a trial together.
    """

    def __init__(
        self, problem: Problem, count: int, cpus: float, gpus: float, workers: int = 1
    ) -> None:
        self._problem: Problem | Team = problem
        if workers > 1:
            self._problem = Team(cast(DivisibleProblem, problem), workers, cpus, gpus)
            cpus = gpus = 0  # the team's own workers take them
        self._cpus = cpus
        self._gpus = gpus
        self._free = [self._new_host() for _ in range(count)]
        self._lent: dict[str, tuple[Any, Any]] = {}

    def _new_host(self) -> Any:
        return ray.remote(num_cpus=self._cpus, num_gpus=self._gpus)(Host).remote(self._problem)

    def acquire(self, borrower: str, process: Any) -> Any | None:
        """A host for this borrower, or None if all are lent.

        Args:
            borrower: Id of the borrowing actor.
            process: Its handle, to notice its death.
        """
        if borrower in self._lent:
            return self._lent[borrower][1]
        if not self._free:
            self._reclaim()
        if not self._free:
            return None
        host = self._free.pop()
        self._lent[borrower] = (process, host)
        return host

    def release(self, borrower: str) -> None:
        """Take a borrower's host back."""
        if borrower in self._lent:
            self._free.append(self._lent.pop(borrower)[1])

    def discard(self, borrower: str) -> None:
        """Replace a borrower's host by a new one: its process died or cannot be trusted."""
        if borrower in self._lent:
            _, host = self._lent.pop(borrower)
            ray.kill(host)
            self._free.append(self._new_host())

    def hosts(self) -> list[Any]:
        """All hosts, between runs: whatever is still lent comes back first."""
        for borrower in list(self._lent):
            self.discard(borrower)
        return list(self._free)

    def _reclaim(self) -> None:
        """Replace the hosts of borrowers that died; theirs may be in the middle of an epoch."""
        for borrower, (process, _) in list(self._lent.items()):
            reply = process.__ray_ready__.remote()
            answered, _ = ray.wait([reply], timeout=LIVENESS_TIMEOUT_S)
            if not answered:
                continue  # alive and busy
            try:
                ray.get(reply)
            except ray.exceptions.RayActorError:
                self.discard(borrower)


@dataclass(frozen=True)
class HostedProblem:
    """A problem whose trainings run in hosts; what the trial processes of a run are given.

    Args:
        lender: Handle of the `Lender`.
        max_epochs: Of the problem.
        patience_s: How long a trial waits for a host: the trial before it may hold one for a
            moment after its end.
    """

    lender: Any
    max_epochs: int
    patience_s: float = 60.0

    def start(self, config: Mapping[str, Any], seed: int) -> HostedTraining:
        """Borrow a host and begin.

        Raises:
            RuntimeError: If more trials run at a time than there are hosts.
        """
        context = ray.get_runtime_context()
        borrower = context.get_actor_id()
        assert borrower is not None, "only a trial's own actor borrows"
        deadline = time.monotonic() + self.patience_s
        while (host := self._ask(borrower, context.current_actor)) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("more trials run at a time than there are training processes")
            time.sleep(POLL_S)
        training = HostedTraining(self.lender, borrower, host)
        training.begin(config, seed)
        return training

    def _ask(self, borrower: str, process: Any) -> Any | None:
        return ray.get(self.lender.acquire.remote(borrower, process))


class HostedTraining:
    """A `Training` that runs in a borrowed host."""

    def __init__(self, lender: Any, borrower: str, host: Any) -> None:
        self._lender = lender
        self._borrower = borrower
        self._host = host

    def begin(self, config: Mapping[str, Any], seed: int) -> None:
        """Start the training in the host."""
        self._get(self._host.start.remote(config, seed))

    def run_epoch(self) -> dict[str, float]:
        """See `Training`."""
        return self._call("run_epoch")  # type: ignore[no-any-return]

    def test_metrics(self) -> dict[str, float]:
        """See `Training`."""
        return self._call("test_metrics")  # type: ignore[no-any-return]

    def state(self) -> bytes:
        """See `Training`."""
        return self._call("state")  # type: ignore[no-any-return]

    def load_state(self, state: bytes) -> None:
        """See `Training`."""
        self._call("load_state", state)

    def close(self) -> None:
        """Give the host back."""
        ray.get(self._lender.release.remote(self._borrower))

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._get(self._host.call.remote(method, *arguments))

    def _get(self, reply: Any) -> Any:
        try:
            return ray.get(reply)
        except ray.exceptions.RayTaskError:
            # The training raised; its host is sound. Tune ends this process without a word, so
            # give the host back now: a new one would have to import everything again.
            self.close()
            raise
        except ray.exceptions.RayActorError:
            ray.get(self._lender.discard.remote(self._borrower))
            raise
