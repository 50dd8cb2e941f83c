"""Processes end after their work, after an error, and when no more results are requested."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.execution.parallel import in_processes


def double(job: int, factor: int) -> int:
    return factor * job


def die(job: int) -> None:
    os._exit(1)


def fail(job: int) -> None:
    raise ValueError("no luck")


def linger(job: int, folder: str) -> int:
    Path(folder, str(job)).touch()
    time.sleep(0 if job == 0 else 30)
    return job


def test_every_job_comes_with_its_result() -> None:
    made = dict(in_processes(double, range(5), (3,), 2))
    assert made == {0: 0, 1: 3, 2: 6, 3: 9, 4: 12}
    assert multiprocessing.active_children() == []


def test_a_killed_process_is_said_in_words() -> None:
    with pytest.raises(UserError, match="a process was killed"):
        list(in_processes(die, [0], (), 1))


def test_an_error_is_passed_on() -> None:
    with pytest.raises(ValueError, match="no luck"):
        list(in_processes(fail, [0, 1], (), 1))


def test_who_stops_asking_need_not_wait(tmp_path: Path) -> None:
    began = time.monotonic()
    with contextlib.closing(in_processes(linger, range(6), (str(tmp_path),), 2)) as made:
        assert next(made) == (0, 0)
    for process in multiprocessing.active_children():
        process.join(10)
    assert time.monotonic() - began < 20
    assert len(list(tmp_path.iterdir())) < 6  # the others were never begun


def die_in_two(job: int) -> int:
    if job == 2:
        os._exit(1)
    return job


def test_a_job_that_kills_its_process_costs_no_other() -> None:
    made = dict(in_processes(die_in_two, range(6), (), 2, if_killed=lambda job: -job))
    assert made == {0: 0, 1: 1, 2: -2, 3: 3, 4: 4, 5: 5}
    assert multiprocessing.active_children() == []


def blocked(job: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ctrl_c_never_reaches_a_process_even_while_it_starts() -> None:
    assert dict(in_processes(blocked, [0], (), 1)) == {0: True}
    assert not blocked(0)
