"""Call a function in several processes, which end when their parent process ends."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from bench.errors import UserError
from bench.execution.silence import begin_process

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    function: Callable[..., Result],
    jobs: Iterable[Job],
    common: tuple[Any, ...],
    processes: int,
    tasks_per_process: int | None = None,
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

    Raises:
        UserError: If a process is killed.
        Exception: Any exception of the function.
    """
    # New processes are spawned because PyTorch's threads do not survive a fork.
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin_process,
        max_tasks_per_child=tasks_per_process,
    )
    try:
        futures = {pool.submit(function, job, *common): job for job in jobs}
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()
    except BrokenProcessPool as error:
        raise UserError("a process was killed, perhaps because memory ran out") from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    pool.shutdown()
