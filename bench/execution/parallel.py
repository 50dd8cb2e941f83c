"""Work in processes of our own, which end with us."""

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
    """Call a function with each job, and give job and result as they end, in any order.

    When the caller stops early, on Ctrl-C or an error, what runs is ended and the rest is dropped:
    close the iterator (`contextlib.closing`) to have that done at once.

    Args:
        function: Called as ``function(job, *common)``; must be importable.
        jobs: One call each.
        common: The same for all.
        processes: At a time.
        tasks_per_process: Calls before a process is replaced; None keeps it.

    Raises:
        UserError: If a process is killed.
        Exception: What the function raises.
    """
    # Fresh processes: PyTorch's threads do not survive a fork.
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
        raise UserError("a process was killed, perhaps for want of memory") from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    pool.shutdown()
