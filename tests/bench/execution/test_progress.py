"""The expected time of the waiting runs is estimated correctly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.execution.progress import TimeLeft
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Run

MATRIX = load_matrix("paper").with_dataset("digits")
FIFO, STOPPING = (MATRIX.runs([0])[k] for k in (0, 4))
assert FIFO.cell.scheduler != STOPPING.cell.scheduler


def seeds(run: Run, count: int) -> list[Run]:
    return [replace(run, seed=seed) for seed in range(count)]


def test_a_waiting_run_takes_as_long_as_those_of_its_cell() -> None:
    runs = seeds(FIFO, 3) + seeds(STOPPING, 3)
    left = TimeLeft(runs, at_once=1)
    assert left.estimate_s() is None
    left.end(FIFO, 100)
    assert left.estimate_s() == pytest.approx(5 * 100)  # nothing is known of the other cell
    left.end(STOPPING, 10)
    assert left.estimate_s() == pytest.approx(2 * 100 + 2 * 10)
    left.end(STOPPING, 30)
    assert left.estimate_s() == pytest.approx(2 * 100 + 1 * 20)


def test_the_first_run_of_each_process_waits_for_imports_and_is_not_counted() -> None:
    left = TimeLeft(seeds(FIFO, 1000), at_once=2)
    left.end(FIFO, 15)
    left.end(FIFO, 15)
    assert left.estimate_s() is None
    left.end(FIFO, 0.5)
    assert left.estimate_s() == pytest.approx(997 * 0.5 / 2)


def test_nothing_is_left_at_the_end() -> None:
    left = TimeLeft([FIFO], at_once=1)
    left.end(FIFO, 1)
    assert left.estimate_s() is None
