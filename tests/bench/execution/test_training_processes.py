"""Training processes are lent to one trial at a time and come back from the dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import ray

from bench.execution.ray.retraining import RetrainingError, retrain
from bench.execution.ray.training_processes import (
    RemoteProblem,
    TrainingProcessError,
    TrainingProcessPool,
)
from bench.records.record import TrialRecord
from tests.bench.execution.lending import Borrower, Counting
from tests.bench.faulty import SLOW_S, Faulty

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


@pytest.fixture
def pool() -> Any:
    return ray.remote(num_cpus=0)(TrainingProcessPool).remote(Counting(), 1, 0.5, 0.0)


def borrow(pool: Any) -> tuple[Any, Callable[[], Any]]:
    borrower = Borrower.remote()
    return borrower, lambda: ray.get(borrower.train.remote(RemoteProblem(pool, 4, patience_s=1)))


def test_a_lent_process_is_not_lent_twice_until_given_back(pool: Any) -> None:
    first, train = borrow(pool)
    assert train() == {"value": 11}
    assert ray.get(first.rewind.remote()) == {"value": 12}
    _, second = borrow(pool)
    with pytest.raises(RuntimeError, match="more trials run at a time"):
        second()
    ray.get(first.finish.remote())
    assert second() == {"value": 11}


def test_the_process_of_a_dead_trial_comes_back(pool: Any) -> None:
    dead, train = borrow(pool)
    train()
    ray.kill(dead)
    _, alive = borrow(pool)
    assert alive() == {"value": 11}


def test_a_dead_process_is_an_error_of_its_trial_and_is_replaced(pool: Any) -> None:
    borrower, train = borrow(pool)
    train()
    # Between runs, processes that are still lent are taken back and ended.
    ray.get(pool.processes.remote())
    with pytest.raises(TrainingProcessError, match="the training process ended"):
        ray.get(borrower.go_on.remote())
    assert train() == {"value": 11}


def test_a_process_that_dies_while_nobody_has_it_is_replaced(pool: Any) -> None:
    (process,) = ray.get(pool.processes.remote())
    ray.get(process.__ray_ready__.remote())
    ray.kill(process)
    (process,) = ray.get(pool.processes.remote())
    assert ray.get(process.__ray_ready__.remote(), timeout=60)


def test_after_a_failed_retraining_no_process_still_trains() -> None:
    """The next run would wait for a process that still trains."""
    pool = ray.remote(num_cpus=0)(TrainingProcessPool).remote(Faulty(9), 2, 0.5, 0.0)
    members = [
        TrialRecord(number, "completed", epochs, {"fault": fault, "number": number}, "Sobol", 0, "")
        for number, (fault, epochs) in enumerate([("raise", 2), ("slow", 8)])
    ]
    with pytest.raises(RetrainingError, match="RuntimeError: out of luck"):
        retrain(pool, members, 0, epoch_limit_s=60)
    began = time.monotonic()
    ray.get([process.__ray_ready__.remote() for process in ray.get(pool.processes.remote())])
    assert time.monotonic() - began < 4 * SLOW_S
    ray.kill(pool)
