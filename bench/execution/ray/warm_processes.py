"""Warm processes: idle processes for the next run's trials, with all imports done.

Tune starts a new process for each slot in every run, and importing Ray Tune there takes more than
a second while all slots wait. So processes are started early, while the last run's front is tested.

This uses two properties of Ray. A new actor gets an idle process of the same runtime environment
if there is one. And if an actor is killed before its process is up, that process becomes idle.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psutil
import ray

from bench.execution.ray.private_names import tune_actor

IMPORTS = ("ray.tune", "mobo_core.tune.trainable", "bench.execution.ray.training_processes")
"""The modules of a trial's process. Every process of a local Ray imports them at its start."""
PATIENCE_S = 2.0
"""The real seconds that Ray may take to begin starting processes; mostly it takes less than 0.2."""
POLL_S = 0.05
"""The seconds between two looks. This is far less than a process takes to start: once started, it
would belong to its actor and end with it.
"""


class Placeholder:
    """An actor without a task. It only makes Ray start a process."""


class WarmProcesses:
    """The warm processes of a local Ray.

    If Ray behaves differently from the description above, there are no warm processes. Then a run
    only starts later.

    Args:
        count: The number of processes that a run needs.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._started = False

    def system_config(self, others: int) -> dict[str, Any]:
        """Return settings for `ray.init`: the imports of a process and the limit of idle processes.

        Ray ends idle processes when there are more processes than the limit.

        Args:
            others: The number of all other processes, including those of trials.
        """
        return {
            "preload_python_modules": list(IMPORTS),
            "num_workers_soft_limit": self._count + others,
        }

    def start(self) -> None:
        """Start the processes, unless they are there. Return before their start is complete."""
        if self._started:
            return  # Ray would give them to the actors below, and they would end with these
        before = _starting_workers()
        # Tune's own cache gives the actor the runtime environment of Tune's actors.
        actor = tune_actor(Placeholder)
        actors = [actor.options(num_cpus=0).remote() for _ in range(self._count)]
        until = time.monotonic() + PATIENCE_S
        while not self._started and time.monotonic() < until:
            time.sleep(POLL_S)
            self._started = len(_starting_workers() - before) >= self._count
        for each in actors:
            ray.kill(each)

    def mark_used(self) -> None:
        """Forget the processes: a run has taken them, or their Ray has ended."""
        self._started = False


def _starting_workers() -> set[int]:
    """Return the ids of this process's descendants that are starting up as Ray workers."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(part.endswith("default_worker.py") for part in process.cmdline()):
                found.add(process.pid)
    return found
