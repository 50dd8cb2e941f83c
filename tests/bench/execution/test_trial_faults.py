"""Trials that fail in every way that they can, on real Ray: recorded, told, and survived."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import psutil
import pytest
import ray
from rich.console import Console

from bench.execution import preparation, queue
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.failures import TooManyFailuresError
from bench.execution.ray.retraining import RetrainingError
from bench.execution.virtual import VirtualBackend
from bench.matrix import catalogue, problems
from bench.matrix.costs import Costs
from bench.matrix.files import load_matrix
from bench.matrix.limits import Limits
from bench.matrix.matrix import Run
from bench.records.record import RunResult
from tests.bench.faulty import Hopeless
from tests.bench.faulty_runs import ENTRY, Listed, a_run
from tests.mobo_core.tune.test_team import eventually

LIMIT_S = 8.0
FAULTY = ENTRY.make("none", "", 3)

Search = Callable[..., Listed]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    """Return a function that makes the next run suggest the given faults."""

    def listed(*faults: str) -> Listed:
        searcher = Listed(list(faults))
        monkeypatch.setitem(problems.PROBLEMS, "faulty", ENTRY)  # type: ignore[arg-type]
        monkeypatch.setitem(catalogue.SEARCHERS, "listed", lambda context: searcher)  # type: ignore[arg-type]
        return searcher

    return listed


@pytest.fixture
def impatient(backend: RayBackend, monkeypatch: pytest.MonkeyPatch) -> RayBackend:
    """Return the session's backend with a short limit of time and the default share of failures."""
    monkeypatch.setattr(backend, "_limits", Limits(epoch_s=LIMIT_S))
    return backend


def outcomes(result: RunResult) -> list[tuple[str, int]]:
    return [(trial.status, trial.epochs) for trial in result.trials]


FINE, FAILED = ("completed", 3), ("failed", 1)


def training_processes(backend: RayBackend) -> set[int]:
    """Return the ids of the faulty problem's training processes, all of which have trained."""
    processes = backend._ready_processes(FAULTY)
    assert all(ray.get([process.has_trained.remote() for process in processes]))
    return set(
        ray.get([process.__ray_call__.remote(lambda _: os.getpid()) for process in processes])
    )


@pytest.mark.ray
@pytest.mark.parametrize(
    ("faults", "kept"),
    [
        ({"raise": "out of luck", "memory": "MemoryError"}, {2}),
        ({"killed": "the training process ended"}, {1}),
        # The second and the third may meet the process that replaced the first one's.
        (dict.fromkeys(("sleep", "spin", "stopped"), "no epoch within 8 s"), {0, 1}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_trials_that_fail_are_recorded_and_told_and_the_run_goes_on(
    impatient: RayBackend, search: Search, faults: dict[str, str], kept: set[int]
) -> None:
    searcher = search("none", *faults, *["none"] * (len(faults) + 1))
    before = training_processes(impatient)
    result = impatient.execute(a_run(trials=len(searcher.faults)), lambda: None)
    after = training_processes(impatient)
    assert len(before & after) in kept
    assert len(after) == 2
    assert eventually(lambda: not any(map(psutil.pid_exists, before - after)))
    fine = len(faults) + 1
    assert outcomes(result) == [FINE] + [FAILED] * len(faults) + [FINE] * fine
    for trial, error in zip(result.trials[1:], faults.values(), strict=False):
        assert error in trial.error
        assert "\n" not in trial.error
    assert searcher.errors_heard() == [False] + [True] * len(faults) + [False] * fine
    # The first of the others dominates none and all of them are retrained by sound processes.
    assert result.test_error == ""
    assert all(member.repeated for member in result.front)


@pytest.mark.ray
def test_objectives_that_are_not_finite_fail_a_trial_at_its_end_only(
    impatient: RayBackend, search: Search
) -> None:
    searcher = search("none", "nan", "inf", "nan-last", "none", "inf-last", "none")
    result = impatient.execute(a_run(trials=7), lambda: None)
    # Where the last report is finite again, it counts.
    assert outcomes(result)[:3] == [FINE] * 3
    statuses = [trial.status for trial in result.trials[3:]]
    assert statuses == ["failed", "completed", "failed", "completed"]
    for trial in (result.trials[3], result.trials[5]):
        assert trial.error == "reported objectives that are not finite"
    assert len(searcher.heard) == 7


@pytest.mark.ray
def test_training_processes_killed_between_runs_are_started_anew(
    backend: RayBackend, search: Search
) -> None:
    """The pool that lends them is killed. It owns the processes, so they end with it."""
    first = training_processes(backend)
    assert backend._pool is not None
    ray.kill(backend._pool[1])
    search("none", "none")
    assert outcomes(backend.execute(a_run(trials=2), lambda: None)) == [FINE] * 2
    assert not first & training_processes(backend)


@pytest.mark.ray
def test_runs_are_made_though_their_time_cannot_be_foretold(
    backend: RayBackend, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run none of whose trials succeeds has failed, and the next one is sound."""
    search(*["none"] * 4)  # the warm-up takes two
    run = a_run(trials=2)
    matrix = replace(load_matrix("quick"), budget=run.budget)
    said = io.StringIO()
    with monkeypatch.context() as patch:
        hopeless = replace(ENTRY, make=lambda d, f, epochs: Hopeless(epochs))  # type: ignore[arg-type]
        patch.setitem(problems.PROBLEMS, "faulty", hopeless)  # type: ignore[arg-type]
        preparation.announce(backend, matrix, [run], "", Console(file=said, width=200))
        with pytest.raises(RuntimeError, match=r"no trial of 2 succeeded; the first: .*no hope"):
            backend.execute(run, lambda: None)
    assert (
        "is not known: the trial that measures it failed: RuntimeError: no hope" in said.getvalue()
    )
    search("none", "none")
    assert outcomes(backend.execute(run, lambda: None)) == [FINE] * 2


@pytest.mark.ray
def test_a_trial_that_hangs_in_the_measurement_costs_no_run(
    backend: RayBackend, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = FAULTY.space.from_unit(np.full(len(FAULTY.space), 0.5))
    assert middle["fault"] == "spin"
    before = training_processes(backend)
    monkeypatch.setattr(backend, "_limits", Limits(epoch_s=2.0))
    with pytest.raises(RetrainingError, match="an epoch took more than 2 s"):
        backend.epoch_seconds(FAULTY)
    search("none", "none")
    assert outcomes(backend.execute(a_run(trials=2), lambda: None)) == [FINE] * 2
    assert not before & training_processes(backend)


def trial_processes() -> set[int]:
    """Return the ids of trials' own processes, without the training processes.

    Some processes of the run before may still be ending.
    """
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, IndexError):
            if "Trainable" in process.cmdline()[0]:
                found.add(process.pid)
    return found


def kill_a_trial_process(earlier: set[int], killed: list[int]) -> None:
    """Wait for a trial's process that is not among the earlier ones, and kill it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not killed:
        for pid in trial_processes() - earlier:
            time.sleep(0.5)  # by then the training has begun
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                break
        time.sleep(0.1)


@pytest.mark.ray
def test_a_killed_trial_process_fails_its_trial_alone(backend: RayBackend, search: Search) -> None:
    searcher = search(*["slow"] * 4)
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_trial_process, args=(trial_processes(), killed))
    killer.start()
    result = backend.execute(a_run(trials=4), lambda: None)
    killer.join()
    assert killed
    statuses = [trial.status for trial in result.trials]
    assert sorted(statuses) == ["completed"] * 3 + ["failed"]
    assert searcher.errors_heard() == [status == "failed" for status in statuses]


HALF = ["raise", "none"] * 5
MOST = ["raise", "raise", "none"] * 4


@pytest.mark.ray
def test_half_of_all_trials_may_fail(impatient: RayBackend, search: Search) -> None:
    searcher = search(*HALF[:6])
    result = impatient.execute(a_run(trials=6), lambda: None)
    assert outcomes(result) == [FAILED, FINE] * 3
    assert searcher.errors_heard() == [True, False] * 3


@pytest.mark.ray
def test_more_than_half_end_the_run_early_and_the_next_run_is_sound(
    impatient: RayBackend, search: Search
) -> None:
    searcher = search(*["raise"] * 5, *["none"] * 4)
    with pytest.raises(
        TooManyFailuresError,
        match=r"^5 of the \d+ trials that ended have failed, more than 50% of 9; .*luck$",
    ):
        impatient.execute(a_run(trials=9), lambda: None)
    assert 5 <= len(searcher.suggested) < 9
    search("none", "none")
    assert outcomes(impatient.execute(a_run(trials=2, seed=1), lambda: None)) == [FINE] * 2


def virtual(trials: int) -> Run:
    return replace(a_run(trials), costs=Costs())


def test_in_virtual_time_the_same(search: Search) -> None:
    search(*HALF)
    half = VirtualBackend("", 1).execute(virtual(10), lambda: None)
    assert outcomes(half) == [FAILED, FINE] * 5
    searcher = search(*MOST)
    record, reason, _ = queue.attempt(virtual(12), VirtualBackend("", 1), "")
    assert not record.finished
    assert reason.startswith("TooManyFailuresError: 7 of the ")
    assert record.reason == f"bench.execution.ray.failures.{reason}"
    assert len(searcher.suggested) < 12
    search(*MOST)
    tolerant = VirtualBackend("", 1, Limits(failed_share=0.7))
    assert outcomes(tolerant.execute(virtual(12), lambda: None)) == [FAILED, FAILED, FINE] * 4
