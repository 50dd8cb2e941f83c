"""The Ray under a matrix: what it loses costs a new start, not the runs that follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.tune.experiment import Trial

from bench.errors import UserError
from bench.execution.observation import Observer, StalledError
from bench.execution.ray import session
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.failures import Failures
from bench.execution.ray.session import SLOT
from bench.execution.ray.settings import RaySettings
from bench.matrix.matrix import Budget, Cell, Component, Run
from mobo_core import Objective, ObjectiveSet
from mobo_core.virtual.trial import VirtualTrial

pytestmark = pytest.mark.ray

# A problem without PyTorch: every new Ray starts training processes, which import it otherwise.
PARTS = Component("sobol", "sobol", {}), Component("fifo", "fifo", {})
CELL = Cell("synthetic", "dtlz2", *PARTS, ("f1", "f2"))
RUN = Run(CELL, Budget(trials=2, max_epochs=2, slots=2), seed=0)


class Thief:
    """An actor that keeps the resources that it was given."""


def steal(slots: float) -> Any:
    return ray.remote(Thief).options(num_cpus=0, resources={SLOT: slots}).remote()


def execute(backend: RayBackend, on_trial_end: Callable[[], None] = lambda: None) -> str:
    """Execute the run and return the id of the Ray node that it ran on."""
    trials = backend.execute(RUN, on_trial_end).trials
    assert [trial.status for trial in trials] == ["completed"] * 2
    return str(ray.get_runtime_context().get_node_id())


def no_start(*arguments: object, **options: object) -> None:
    raise RuntimeError("the node started too slowly")


def test_a_slot_lost_between_two_runs_costs_a_new_ray_as_often_as_it_takes(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the new one does not start, one run fails, and the runs after it do not."""
    first = execute(backend)
    assert execute(backend) == first
    assert capsys.readouterr().out == ""

    monkeypatch.setattr(session, "FREE_AGAIN_S", 0.5)
    thief = steal(0.5)
    ray.get(thief.__ray_ready__.remote())
    with monkeypatch.context() as patch:
        patch.setattr(ray, "init", no_start)
        with pytest.raises(UserError, match="cannot start or join Ray at this machine"):
            execute(backend)
    assert "Ray has lost 0.5 of 2 slots: it is restarted" in capsys.readouterr().out
    second = execute(backend)
    assert second != first

    monkeypatch.undo()
    assert execute(backend) == second


def test_a_slot_lost_during_a_run_fails_it(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FREE_AGAIN_S", 1.0)
    thieves: list[Any] = []  # has its slot as soon as the first trial gives it back
    with pytest.raises(RuntimeError, match="lost 1 of 2 slots during the run, so its times"):
        execute(backend, lambda: thieves.append(steal(1)) if not thieves else None)
    monkeypatch.undo()
    del thieves[:]
    execute(backend)


def test_slots_that_come_back_late_are_waited_for(backend: RayBackend) -> None:
    first = execute(backend)
    thief = steal(1)
    ray.get(thief.__ray_ready__.remote())
    back = threading.Timer(2, ray.kill, [thief])
    began = time.monotonic()
    back.start()
    assert execute(backend) == first
    assert time.monotonic() - began > 2


@pytest.mark.parametrize("address", ["local", "auto"])
def test_an_address_that_is_no_cluster_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray would start one on which other machines could run what they like."""
    monkeypatch.setenv("RAY_ADDRESS", "local")
    with pytest.raises(UserError, match=f"--address {address} joins no cluster"):
        session.RaySession(RaySettings(address=address), 2, tmp_path).open()


def test_nothing_that_runs_while_trials_wait_is_a_stall() -> None:
    waiting, running = (VirtualTrial(number, {}, 0) for number in range(2))
    running.set_status(Trial.RUNNING)
    objectives = ObjectiveSet([Objective("error", "min", 1)])
    observer = Observer(lambda: None, Failures(objectives, 2, 0.5), patience_s=0.2)

    def steps(trials: list[Any], seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            observer.on_step_end(0, trials)
            time.sleep(0.01)

    steps([], 0.5)
    steps([waiting, running], 0.5)
    with pytest.raises(StalledError, match=r"no trial has run for 0.2 s, though some wait"):
        steps([waiting], 5)
