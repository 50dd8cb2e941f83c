"""Training processes that outlive trials and runs: imports and data are paid for once a matrix.

Tune starts new trial processes for every run, and importing PyTorch and Lightning takes each of
them longer than training many a trial. So training lives in *hosts*, one Ray actor per slot that
stays for the whole matrix; a trial's own process is light and borrows a host while it trains. Data
that a problem can share are read once and lie in Ray's object store, one copy a node.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ray
from numpy.typing import NDArray

from bench.matrix.limits import Limits
from mobo_core.problems.protocol import (
    DivisibleProblem,
    Problem,
    SharedDataProblem,
    Training,
    train_again,
)
from mobo_core.tune.team import Team

HOST_TIMEOUT_S = 180.0
"""What a training process may take to start, its imports and data included."""
LIVENESS_TIMEOUT_S = 1.0
POLL_S = 0.2
LONGEST_CAUSE = 400


class Host:
    """Trains one configuration at a time, in its own process; a Ray actor.

    Args:
        problem: What is trained.
        arrays: Its data, if it need not read them; see `SharedDataProblem`.
    """

    def __init__(
        self, problem: Problem | Team, arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self._problem = problem
        if arrays is not None:
            cast(SharedDataProblem, problem).use_arrays(arrays)
        self._problem.data_checksum()  # loads the data, or starts the team that will
        self._training: Training | None = None
        self._has_trained = False

    def has_trained(self) -> bool:
        """Whether what a process's first training loads is there; with a team, in its workers."""
        return self._has_trained and (not isinstance(self._problem, Team) or self._problem.formed)

    def start(self, config: Mapping[str, Any], seed: int) -> None:
        """Begin a training; the one before is dropped."""
        self._training = self._problem.start(config, seed)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the present training."""
        assert self._training is not None
        answer = getattr(self._training, method)(*arguments)
        self._has_trained |= method == "run_epoch"
        return answer

    def train_again(
        self, config: Mapping[str, Any], seed: int, epochs: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """See `mobo_core.problems.protocol.train_again`."""
        trained = train_again(self._problem, config, seed, epochs)
        self._has_trained = True
        return trained


def shared_data(problem: Problem) -> list[ray.ObjectRef[Any]]:
    """A reference to its data in Ray's object store; none if it cannot give and take them."""
    if not (hasattr(problem, "data_arrays") and hasattr(problem, "use_arrays")):
        return []
    return [ray.put(problem.data_arrays())]


class Lender:
    """Lends hosts to trial processes and takes them back, from dead ones too; a Ray actor.

    Args:
        problem: What the hosts train.
        count: How many may be lent at a time.
        cpus: Cores per host; of each worker, if a host is a team of several.
        gpus: GPUs likewise, whole or a fraction.
        workers: Of each host: more than one train a trial together.
        shared: A reference to the problem's data in Ray's object store, or none: then each process
            reads them. In a list, or Ray would give this actor the data.
    """

    def __init__(
        self,
        problem: Problem,
        count: int,
        cpus: float,
        gpus: float,
        workers: int = 1,
        shared: Sequence[ray.ObjectRef[Any]] = (),
    ) -> None:
        self._problem: Problem | Team = problem
        self._shared = shared
        if workers > 1:
            self._problem = Team(cast(DivisibleProblem, problem), workers, cpus, gpus, shared)
            self._shared = ()
            cpus = gpus = 0  # the team's own workers take them
        self._cpus = cpus
        self._gpus = gpus
        self._free = [self._new_host() for _ in range(count)]
        self._lent: dict[str, tuple[Any, Any]] = {}

    def _new_host(self) -> Any:
        host = ray.remote(num_cpus=self._cpus, num_gpus=self._gpus)(Host)
        return host.remote(self._problem, *self._shared)

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

    def replace_hosts(self) -> None:
        """End all hosts that are not lent, whatever they are doing, and start new ones."""
        for host in self._free:
            ray.kill(host)
        self._free = [self._new_host() for _ in self._free]

    def discard(self, borrower: str) -> None:
        """Replace a borrower's host by a new one: its process died or cannot be trusted."""
        if borrower in self._lent:
            _, host = self._lent.pop(borrower)
            ray.kill(host)
            self._free.append(self._new_host())

    def hosts(self) -> list[Any]:
        """All hosts, between runs: what is still lent comes back first, what died is replaced."""
        for borrower in list(self._lent):
            self.discard(borrower)
        self._free = [self._new_host() if _is_dead(host) else host for host in self._free]
        return list(self._free)

    def _reclaim(self) -> None:
        """Replace the hosts of borrowers that died; theirs may be in the middle of an epoch."""
        for borrower, (process, _) in list(self._lent.items()):
            if _is_dead(process):
                self.discard(borrower)


def _is_dead(actor: Any) -> bool:
    """Whether an actor has ended; one that is busy or starts has not."""
    reply = actor.__ray_ready__.remote()
    answered, _ = ray.wait([reply], timeout=LIVENESS_TIMEOUT_S)
    try:
        ray.get(answered)
    except ray.exceptions.RayActorError:
        return True
    return False


@dataclass(frozen=True)
class HostedProblem:
    """A problem whose trainings run in hosts; what the trial processes of a run are given.

    Args:
        lender: Handle of the `Lender`.
        max_epochs: Of the problem.
        patience_s: How long a trial waits for a host: the trial before it may hold one for a
            moment after its end.
        epoch_limit_s: See `bench.matrix.limits.Limits.epoch_s`.
    """

    lender: Any
    max_epochs: int
    patience_s: float = 60.0
    epoch_limit_s: float = Limits.epoch_s

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
        training = HostedTraining(self.lender, borrower, host, self.epoch_limit_s)
        training.begin(config, seed)
        return training

    def _ask(self, borrower: str, process: Any) -> Any | None:
        return ray.get(self.lender.acquire.remote(borrower, process))


class HostedTraining:
    """A `Training` that runs in a borrowed host.

    Its methods raise what the training raises, and `TrainingProcessError` if the host does not
    answer or ends: then it is replaced.
    """

    def __init__(self, lender: Any, borrower: str, host: Any, limit_s: float) -> None:
        self._lender = lender
        self._borrower = borrower
        self._host = host
        self._limit_s = limit_s

    def begin(self, config: Mapping[str, Any], seed: int) -> None:
        """Start the training in the host, which may be new and still importing."""
        self._get("process", self._host.__ray_ready__.remote(), HOST_TIMEOUT_S)
        self._get("start", self._host.start.remote(config, seed), self._limit_s)

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
        what = "epoch" if method == "run_epoch" else method
        return self._get(what, self._host.call.remote(method, *arguments), self._limit_s)

    def _get(self, what: str, reply: Any, limit_s: float) -> Any:
        try:
            return ray.get(reply, timeout=limit_s)
        except ray.exceptions.RayTaskError:
            # The training raised; its host is sound. Tune ends this process without a word, so
            # give the host back now: a new one would have to import everything again.
            self.close()
            raise
        except ray.exceptions.GetTimeoutError:
            self._discard()
            raise TrainingProcessError(f"no {what} within {limit_s:g} s") from None
        except ray.exceptions.RayError as error:
            self._discard()
            raise TrainingProcessError(f"the training process ended: {_cause(error)}") from None

    def _discard(self) -> None:
        ray.get(self._lender.discard.remote(self._borrower))


class TrainingProcessError(Exception):
    """The process that trained a trial hung or died."""


def _cause(error: Exception) -> str:
    """An error of Ray in one line; it says much more over many."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST_CAUSE else text[:LONGEST_CAUSE] + "…"
