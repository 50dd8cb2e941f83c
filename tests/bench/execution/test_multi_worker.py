"""Runs whose trials are trained by several workers each, on real Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import ray
from ray.tune.schedulers import FIFOScheduler

from bench.errors import UserError
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.loopback import GLOO_INTERFACE
from bench.execution.ray.settings import RaySettings
from bench.matrix import catalogue
from bench.matrix.matrix import Component, Run
from mobo_core.problems.mlp import MLPProblem
from tests.bench.execution.lending import addresses_listened_on, where_images_lie
from tests.bench.execution.test_ray_backend import CURVE, a_run, curves, do
from tests.mobo_core.tune.test_team import eventually, free_cpus

pytestmark = pytest.mark.ray

SETTINGS = RaySettings(cpus_per_trial=0.1, workers_per_trial=2)
PROBLEM = MLPProblem("digits", "no-data-needed", max_epochs=4)


def by_two(scheduler: Component, **changes: Any) -> Run:
    run = a_run(scheduler, **changes)
    return replace(run, budget=replace(run.budget, slots=1, workers_per_trial=2))


@pytest.fixture(scope="module")
def pairs(backend: RayBackend) -> Iterator[RayBackend]:
    """Yield a backend with one slot of two workers, on the session's Ray."""
    with RayBackend(SETTINGS, data_dir="no-data-needed", slots=1) as running:
        yield running


def workers(backend: RayBackend) -> list[Any]:
    """Return the handles of the workers in the only slot."""
    pool = backend._pool_of(PROBLEM)
    (process,) = ray.get(
        pool.__ray_call__.remote(lambda its: [*its._free, *(h for _, h in its._lent.values())])
    )
    return list(ray.get(process.__ray_call__.remote(lambda its: its._problem._workers)))


def follower(backend: RayBackend) -> int:
    """Return the process id of the second worker."""
    _, second = workers(backend)
    pid: int = ray.get(second.__ray_call__.remote(lambda _: os.getpid()))
    return pid


def test_they_talk_over_the_loopback(pairs: RayBackend) -> None:
    """By default Gloo listens on the address that the machine's name resolves to."""
    pairs._ready_processes(PROBLEM)
    for worker in workers(pairs):
        assert ray.get(worker.__ray_call__.remote(lambda _: os.environ[GLOO_INTERFACE])) == "lo"
        addresses = ray.get(worker.__ray_call__.remote(addresses_listened_on))
        assert addresses
        assert set(addresses) == {"127.0.0.1"}


def test_they_look_at_one_copy_of_the_data(pairs: RayBackend) -> None:
    pairs._ready_processes(PROBLEM)
    one, other = ray.get([w.__ray_call__.remote(where_images_lie) for w in workers(pairs)])
    assert one == other
    assert "plasma" in one[0]


def test_trials_of_two_workers_pause_resume_and_repeat(pairs: RayBackend) -> None:
    run = by_two(Component("hv", "hv-promotion", {}), trials=6)
    first = do(pairs, run)
    assert first.counts["resumes"] > 0
    assert {trial.status for trial in first.trials} == {"completed", "stopped"}
    assert first.resources["workers_per_trial"] == 2
    # One of the workers reports, once per epoch.
    epochs = first.epochs.groupby("trial")["epoch"].apply(list)
    assert all(reported == list(range(1, len(reported) + 1)) for reported in epochs)
    # A paused and resumed training equals an uninterrupted one, bit for bit.
    assert first.front
    assert all(member.repeated for member in first.front)
    assert curves(do(pairs, run)) == curves(first)


def test_stopped_trials_are_the_beginnings_of_what_one_worker_trains(pairs: RayBackend) -> None:
    rule = Component("g1", "paper-dominance", {"grace_period": 1, "reduction_factor": 2})
    run = by_two(rule, trials=6)
    stopped = do(pairs, run)
    assert any(trial.status == "stopped" for trial in stopped.trials)
    reached = curves(stopped)
    for trial in stopped.trials:
        alone = PROBLEM.start(trial.config, run.seed)
        for together in reached[trial.trial]:
            report = alone.run_epoch()
            one = tuple(report[name] for name in CURVE)
            # float32 sums in another order; learning rates up to 0.1 let that grow. One of the
            # 300 validation images may fall to the other side.
            assert together == pytest.approx(one, rel=1e-2, abs=1.5 / 300)


def test_a_scheduler_that_raises_leaves_the_team_to_the_next_run(
    pairs: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FIFOScheduler):
        def on_trial_result(self, *arguments: Any) -> str:
            raise RuntimeError("no decision today")

    run = by_two(Component("fifo", "fifo", {}), trials=2)
    do(pairs, run)
    process = follower(pairs)
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "make_scheduler", lambda component, context: Broken())
        with pytest.raises(Exception, match="no decision today"):
            pairs.execute(run, lambda: None)
    assert follower(pairs) == process
    assert [trial.status for trial in do(pairs, run).trials] == ["completed"] * 2


def test_a_killed_worker_fails_its_trial_and_nothing_else(pairs: RayBackend) -> None:
    fifo = Component("fifo", "fifo", {})
    killed: list[int] = []

    def kill_once() -> None:
        if not killed:
            killed.append(follower(pairs))
            os.kill(killed[0], signal.SIGKILL)

    result = pairs.execute(by_two(fifo, trials=4), kill_once)
    statuses = [trial.status for trial in result.trials]
    assert statuses.count("failed") == 1
    assert statuses.count("completed") == 3
    (failed,) = (trial for trial in result.trials if trial.status == "failed")
    assert "died; all of them are replaced" in failed.error


def test_the_end_gives_everything_back(pairs: RayBackend) -> None:
    before = free_cpus()
    pool = pairs._pool_of(PROBLEM)
    assert ray.get(pool.processes.remote())
    ray.kill(pool)
    pairs._pool = None
    assert eventually(lambda: free_cpus() == pytest.approx(before + 2 * SETTINGS.cpus_per_trial))


@pytest.mark.slow
def test_five_gpus_three_a_trial() -> None:
    """The paper's layout runs on logical GPUs: scheduling is real, and training costs nothing."""
    command = [sys.executable, "-m", "tests.bench.execution.gpu_layout"]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert completed.stdout.splitlines()[-1] == "all GPUs are back"


def test_more_than_there_is(backend: RayBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.execution.ray.backend.START_TIMEOUT_S", 2.0)
    settings = RaySettings(cpus_per_trial=1, workers_per_trial=64)
    with RayBackend(settings, data_dir="", slots=1) as running:
        with pytest.raises(UserError, match=r"64 training processes .* lower .*--workers-per"):
            running._ready_processes(PROBLEM)
        ray.kill(running._pool_of(PROBLEM))
