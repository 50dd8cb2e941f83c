"""A program that executes many runs in one process and prints what it holds; see `main`."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import psutil

from bench.execution import queue
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.settings import RaySettings
from bench.execution.virtual import VirtualBackend
from bench.matrix import catalogue, problems
from bench.matrix.costs import Costs
from bench.matrix.matrix import Budget, Cell, Component, Run
from bench.records import storage
from tests.bench.faulty_runs import ENTRY, Listed, a_run

GRACE_S = 5.0
"""The seconds that the processes of the last run may take to end."""


def virtual_run(seed: int) -> Run:
    """Return a run with promotion, whose trials pause and resume, and a reproducible searcher."""
    parts = Component("sobol", "sobol", {}), Component("hv", "hv-promotion", {})
    cell = Cell("synthetic", "zdt1", *parts, ("f1", "f2"))
    return Run(cell, Budget(trials=6, max_epochs=4, slots=2), seed, Costs())


def real_run(seed: int) -> Run:
    """Return a run of two trials with three epochs that cost nothing."""
    return a_run(2, seed)


def memory_mib(process: psutil.Process) -> float:
    """Return a process's anonymous memory in MiB.

    Memory of library files is left out: whether it counts for one process or is shared depends on
    which other processes run at the moment.
    """
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    (line,) = (line for line in rollup.splitlines() if line.startswith("Anonymous:"))
    return int(line.split()[1]) / 1024


def held() -> dict[str, float]:
    """Return the memory (MiB), file handles, processes and temporary folders now in use.

    This process and all its descendants count.
    """
    time.sleep(GRACE_S)
    gc.collect()
    ours = psutil.Process()
    family = [ours, *ours.children(recursive=True)]
    return {
        "driver_mib": memory_mib(ours),
        "all_mib": sum(map(memory_mib, family)),
        "handles": sum(process.num_fds() for process in family),
        "processes": len(family),
        "folders": sum(1 for p in Path(tempfile.gettempdir()).glob("*")),
        "tune_folders": sum(1 for p in Path(tempfile.gettempdir()).glob("mobo-*/tune/*")),
    }


def main() -> None:
    """Execute the runs; print `held` after the first SETTLED runs and at the end.

    The arguments are ``KIND FOLDER RUNS SETTLED``, where KIND is ``ray`` or ``virtual``.
    """
    kind, folder, count, settled = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
    problems.PROBLEMS["faulty"] = ENTRY  # type: ignore[index]
    catalogue.SEARCHERS["listed"] = lambda context: Listed(["none"] * 2)  # type: ignore[index]
    with (
        RayBackend(RaySettings(), "", slots=2)
        if kind == "ray"
        else nullcontext(VirtualBackend("", 1)) as backend
    ):
        for seed in range(count):
            run = real_run(seed) if kind == "ray" else virtual_run(seed)
            record, reason, _ = queue.attempt(run, backend, "")
            assert not reason, reason
            storage.write(record, folder)
            if seed in (settled - 1, count - 1):
                sys.stdout.write(json.dumps(held()) + "\n")


if __name__ == "__main__":
    main()
