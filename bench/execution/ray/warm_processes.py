"""Processes for the next run's trials, started while the last one's front is tested.

Tune starts new processes for the trials of every run, which import Ray Tune for more than a second
while all slots wait. Ray gives an actor an idle process if there is one of its runtime
environment; and the process of an actor that was ended before it was up becomes idle.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psutil
import ray
from ray.tune.execution.class_cache import _ActorClassCache

IMPORTS = ("ray.tune", "mobo_core.tune.trainable", "bench.execution.ray.training_processes")
"""What a trial's process loads: by each process of a Ray of our own, as soon as it starts."""
PATIENCE_S = 2.0
"""Real seconds within which Ray begins to start processes; mostly below 0.2."""
POLL_S = 0.05
"""Well below what a process takes to be up, when its actor would be given to it."""


class Spare:
    """An actor that nobody needs."""


class Spares:
    """Idle processes for trials, on a Ray of our own.

    Where Ray should do otherwise than said above there are none, and a run starts later.

    Args:
        count: How many a run needs.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._there = False

    def system_config(self, others: int) -> dict[str, Any]:
        """For `ray.init`: what processes import, and how many may be there without being ended.

        Args:
            others: Processes beside these, those of trials included.
        """
        return {
            "preload_python_modules": list(IMPORTS),
            "num_workers_soft_limit": self._count + others,
        }

    def start(self) -> None:
        """Start them, unless they are there; returns before they are up."""
        if self._there:
            return  # they would be given to the actors below, and end with them
        before = _starting()
        actor = _ActorClassCache().get(Spare)  # in the environment that Tune gives its own
        actors = [actor.options(num_cpus=0).remote() for _ in range(self._count)]
        until = time.monotonic() + PATIENCE_S
        while not self._there and time.monotonic() < until:
            time.sleep(POLL_S)
            self._there = len(_starting() - before) >= self._count
        for each in actors:
            ray.kill(each)

    def used(self) -> None:
        """They are a run's now, or gone with their Ray."""
        self._there = False


def _starting() -> set[int]:
    """Ids of the processes below this one that are about to become Ray's workers."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(part.endswith("default_worker.py") for part in process.cmdline()):
                found.add(process.pid)
    return found
