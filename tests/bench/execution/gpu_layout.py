"""A program that tests the layout of five logical GPUs on its own Ray.

First each trial has three GPUs; then five trials share one GPU.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import ray

from bench.errors import UserError
from bench.execution.ray import backend as ray_backend
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.session import SLOT
from bench.execution.ray.settings import RaySettings
from bench.matrix import catalogue, problems
from bench.matrix.matrix import Budget
from mobo_core.problems.protocol import Problem
from tests.bench.faulty import Faulty, FaultyTraining
from tests.bench.faulty_runs import ENTRY, Listed, a_run

EPOCHS = 2
SETTINGS = RaySettings(cpus_per_trial=0.5, gpus_per_trial=1, workers_per_trial=3)


class Divisible(Faulty):
    """A problem whose trials can be trained by several workers, each of which does the same."""

    def start_part(
        self, config: Mapping[str, Any], seed: int, rank: int, workers: int
    ) -> FaultyTraining:
        return self.start(config, seed)


def main() -> None:
    resources = {SLOT: 5}
    ray.init("local", num_cpus=4, num_gpus=5, resources=resources, log_to_driver=False)
    problems.PROBLEMS["faulty"] = replace(ENTRY, make=lambda d, f, e: Divisible(e))  # type: ignore[index]
    catalogue.SEARCHERS["listed"] = lambda context: Listed(["none"] * 5)  # type: ignore[index]
    run = replace(a_run(2), budget=Budget(2, EPOCHS, slots=1, workers_per_trial=3))
    problem = Divisible(EPOCHS)
    with RayBackend(SETTINGS, data_dir="", slots=1) as backend:
        result = backend.execute(run, lambda: None)
        assert [trial.status for trial in result.trials] == ["completed"] * 2, result.trials
        assert all(member.repeated for member in result.front)
        assert ray.available_resources()["GPU"] == 2, ray.available_resources()
        seen = visible_gpus(backend, problem)
        assert len(seen) == len(set(seen)) == 3, seen
        assert set(seen) < set("01234"), seen
        ray.kill(backend._pool_of(problem))
        backend._pool = None
    wait_for_gpus(5)
    # Two such trials at a time would need six GPUs.
    with (
        pytest.MonkeyPatch.context() as patch,
        RayBackend(SETTINGS, data_dir="", slots=2) as backend,
    ):
        patch.setattr(ray_backend, "START_TIMEOUT_S", 5.0)
        wanted = "6 training processes of 0.5 CPUs and 1 GPUs did not start"
        with pytest.raises(UserError, match=wanted):
            backend.execute(run, lambda: None)
        ray.kill(backend._pool_of(problem))
        backend._pool = None
    wait_for_gpus(5)
    share_one_gpu(problem)
    wait_for_gpus(5)
    ray.shutdown()
    print("all GPUs are back")  # noqa: T201 - what the test reads


def share_one_gpu(problem: Problem) -> None:
    """Check that five trials at a time share one GPU when each requests a fifth of it."""
    run = replace(a_run(5), budget=Budget(5, EPOCHS, slots=5))
    settings = RaySettings(cpus_per_trial=0.5, gpus_per_trial=0.2)
    with RayBackend(settings, data_dir="", slots=5) as backend:
        result = backend.execute(run, lambda: None)
        assert [trial.status for trial in result.trials] == ["completed"] * 5, result.trials
        assert ray.available_resources()["GPU"] == pytest.approx(4), ray.available_resources()
        processes = backend._ready_processes(problem)
        visible = [
            process.__ray_call__.remote(lambda _: os.environ["CUDA_VISIBLE_DEVICES"])
            for process in processes
        ]
        assert len(processes) == 5
        assert len(set(ray.get(visible))) == 1
        ray.kill(backend._pool_of(problem))
        backend._pool = None


def visible_gpus(backend: RayBackend, problem: Problem) -> list[str]:
    """Return the GPU that each worker of the training process may use, sorted."""
    (process,) = ray.get(backend._pool_of(problem).processes.remote())
    workers = ray.get(process.__ray_call__.remote(lambda its: its._problem._workers))
    visible = [w.__ray_call__.remote(lambda _: os.environ["CUDA_VISIBLE_DEVICES"]) for w in workers]
    return sorted(ray.get(visible))


def wait_for_gpus(count: int) -> None:
    deadline = time.monotonic() + 30
    while ray.available_resources().get("GPU", 0) != count:
        assert time.monotonic() < deadline, ray.available_resources()
        time.sleep(0.2)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
