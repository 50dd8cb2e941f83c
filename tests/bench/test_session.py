"""The Ray under a matrix: what it loses between two runs costs a new start, not the next run."""

from __future__ import annotations

import pytest
import ray

from bench.backends import session
from bench.backends.ray import RayBackend
from bench.backends.session import SLOT
from bench.matrix import Budget, Cell, Component, Run

pytestmark = pytest.mark.ray

CELL = Cell(
    "mlp", "digits", Component("sobol", "sobol", {}), Component("fifo", "fifo", {}), ("acc", "loss")
)
RUN = Run(CELL, Budget(trials=2, max_epochs=1, slots=2), seed=0)


class Thief:
    """Keeps what it was given."""


def execute(backend: RayBackend) -> str:
    """Run it; the Ray that it ran on."""
    trials = backend.execute(RUN, lambda: None).trials
    assert [trial.status for trial in trials] == ["completed"] * 2
    return str(ray.get_runtime_context().get_node_id())


def test_a_lost_slot_costs_a_new_ray(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = execute(backend)
    assert execute(backend) == first
    assert capsys.readouterr().out == ""

    monkeypatch.setattr(session, "FREE_AGAIN_S", 0.5)
    thief = ray.remote(Thief).options(num_cpus=0, resources={SLOT: 0.5}).remote()
    ray.get(thief.__ray_ready__.remote())
    second = execute(backend)
    assert second != first
    said = capsys.readouterr().out
    assert "Ray has 1.5 of 2 slots free between two runs" in said
    assert "started anew" in said

    monkeypatch.undo()
    assert execute(backend) == second


def test_slots_that_come_back_late_are_waited_for(backend: RayBackend) -> None:
    first = execute(backend)
    thief = ray.remote(Thief).options(num_cpus=0, resources={SLOT: 1}).remote()
    ray.get(thief.__ray_ready__.remote())
    del thief  # ends in a moment
    assert execute(backend) == first
