"""Call a function in several processes, which end when their parent process ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from bench.errors import UserError
from bench.execution.silence import begin_process

Job = TypeVar("Job")
Result = TypeVar("Result")


class KilledError(UserError):
    """A process was killed from outside, or ended itself."""


def in_processes(
    function: Callable[..., Result],
    jobs: Iterable[Job],
    common: tuple[Any, ...],
    processes: int,
    tasks_per_process: int | None = None,
    if_killed: Callable[[Job], Result] | None = None,
) -> Generator[tuple[Job, Result]]:
    """Call a function with each job in parallel, and yield each job with its result.

    The pairs come in the order in which the calls end. If the caller stops early, on Ctrl-C or an
    error, running calls are ended and the others are dropped. Wrap the iterator in
    `contextlib.closing` to do that at once.

    Args:
        function: It is called as ``function(job, *common)`` and must be importable.
        jobs: The first argument of each call.
        common: The other arguments, the same for all calls.
        processes: The number of processes.
        tasks_per_process: The number of calls after which a process is replaced by a new one;
            None never replaces it.
        if_killed: The result of a job whose process is killed, as often as it is tried. The jobs
            that ran at that moment are tried again one by one, each in a process of its own, and
            the others go on. None makes it an error.

    Raises:
        KilledError: If a process is killed, without `if_killed`.
        Exception: Any exception of the function.
    """
    # One job more than there are processes, so that none waits for the next.
    calls: _Calls[Job, Result] = _Calls(function, common, tasks_per_process)
    waiting = deque(jobs)
    while waiting:
        try:
            yield from calls.make(waiting, processes, at_once=processes + 1)
        except BrokenProcessPool as error:
            if if_killed is None:
                raise KilledError(
                    "a process was killed, perhaps because memory ran out: use fewer processes"
                ) from error
            yield from _one_by_one(calls, if_killed)


def _one_by_one(
    calls: _Calls[Job, Result], if_killed: Callable[[Job], Result]
) -> Generator[tuple[Job, Result]]:
    """Try the jobs that ran when a process was killed again, so that the guilty one shows."""
    suspects = deque(calls.interrupted())
    while suspects:
        try:
            yield from calls.make(suspects, processes=1, at_once=1)
        except BrokenProcessPool:
            (guilty,) = calls.interrupted()
            yield guilty, if_killed(guilty)


class _Calls(Generic[Job, Result]):
    """The calls of a function in the processes of a pool."""

    def __init__(
        self,
        function: Callable[..., Result],
        common: tuple[Any, ...],
        tasks_per_process: int | None,
    ) -> None:
        self._function = function
        self._common = common
        self._tasks_per_process = tasks_per_process
        self._running: dict[Future[Result], Job] = {}

    def interrupted(self) -> list[Job]:
        """Return the jobs that ran when a process was killed, and forget them."""
        jobs = list(self._running.values())
        self._running.clear()
        return jobs

    def make(
        self, waiting: deque[Job], processes: int, at_once: int
    ) -> Generator[tuple[Job, Result]]:
        """Take the jobs, in order, and yield each with its result, in a new pool of processes.

        Args:
            waiting: The jobs; those that have begun are taken from it.
            processes: The number of processes.
            at_once: The number of jobs that are given to the pool at a time.

        Raises:
            BrokenProcessPool: If a process is killed; see `interrupted`.
        """
        # New processes are spawned because PyTorch's threads do not survive a fork.
        pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=begin_process,
            max_tasks_per_child=self._tasks_per_process,
        )
        try:
            while waiting or self._running:
                while waiting and len(self._running) < at_once:
                    with _without_ctrl_c():
                        future = pool.submit(self._function, waiting[0], *self._common)
                    self._running[future] = waiting.popleft()
                for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    yield self._running.pop(future), result
        except BrokenProcessPool:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        pool.shutdown()


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Block SIGINT, so that a process that is started meanwhile never sees it.

    Ctrl-C in a terminal reaches the children too, which would print tracebacks while they start.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
