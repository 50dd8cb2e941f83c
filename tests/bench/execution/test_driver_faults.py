"""On real Ray, killed drivers and lost nodes lead to the same runs in the end."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.records import storage
from bench.records.record import RunRecord
from tests.bench.execution.fault_driver import runs

pytestmark = [pytest.mark.ray, pytest.mark.slow]

KILLS = 10
RUNS = 8


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.execution.fault_driver", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(driver: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a driver to end and return the outcome that it printed."""
    said, errors = driver.communicate(timeout=300)
    assert driver.returncode == 0, errors
    result: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return result


def curves(record: RunRecord) -> list[tuple[float, ...]]:
    assert record.result is not None
    names = ["trial", "epoch", "error", "size"]
    return sorted(map(tuple, record.result.epochs[names].to_numpy().tolist()))


def offspring(driver: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(driver.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that still run after 90 s.

    Ray's agents look only now and then whether their node is still there.
    """
    _, left = psutil.wait_procs(processes, timeout=90)
    return [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the drivers' folder for short-lived files, and check that none is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    left = list(folder.glob("mobo-*"))
    shutil.rmtree(folder)
    assert left == []


def made(folder: Path) -> list[Path]:
    """Return the paths of the records in a folder."""
    return [path for path in folder.glob("*.seed*") if storage.is_record(path)]


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_killed_ten_times_and_resumed(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert len(finish(start("own", undisturbed, RUNS))["finished"]) == RUNS
    moments, family, seen, between = random.Random(5), [], {}, 0
    for kill in range(KILLS):
        driver = start("own", killed, RUNS)
        assert driver.stdout is not None
        driver.stdout.readline()  # running: before that there is nothing to lose
        if kill % 2:  # on a slow machine too, some runs are finished
            deadline = time.monotonic() + 120
            while len(made(killed)) == len(seen) < RUNS and time.monotonic() < deadline:
                time.sleep(0.1)
        time.sleep(moments.uniform(0.0, 4.0))
        family += offspring(driver)
        driver.kill()
        driver.communicate()
        # Earlier records are unchanged, and new records are complete.
        now = {r.run_id: r.started_at for r in storage.read_all(killed)} if killed.exists() else {}
        assert seen.items() <= now.items()
        seen = now
        between += 0 < len(seen) < RUNS
    assert between >= 3  # kills with runs made and runs to make
    resumed = finish(start("own", killed, RUNS))
    assert resumed["failed"] == {}
    assert len(resumed["finished"]) == resumed["todo"] == RUNS - len(seen)
    assert alive(family) == []
    mine = {record.run_id: record for record in storage.read_all(killed)}
    theirs = {record.run_id: record for record in storage.read_all(undisturbed)}
    assert mine.keys() == theirs.keys() == {run.run_id for run in runs(RUNS)}
    assert seen.items() <= {run_id: r.started_at for run_id, r in mine.items()}.items()
    for run_id, record in mine.items():
        assert curves(record) == curves(theirs[run_id])
    assert {p.name for p in killed.iterdir()} == {".lock", *mine}


@pytest.mark.exhaustive  # Ray's agents notice after a minute or more
def test_a_killed_driver_leaves_no_process_and_the_next_removes_its_folder(
    tmp_path: Path, scratch: Path
) -> None:
    driver = start("own", tmp_path / "results", 1)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "running\n"
    family = offspring(driver)
    assert any("raylet" in process.name() for process in family)
    driver.kill()
    driver.communicate()
    assert alive(family) == []
    assert len(list(scratch.glob("mobo-*"))) == 1
    assert finish(start("own", tmp_path / "results", 1))["failed"] == {}


def test_a_lost_node_costs_its_trials_and_no_run(tmp_path: Path) -> None:
    made = finish(start("cluster", tmp_path))
    assert made["removed"] == 1
    assert made["failed"] == {}
    statuses = []
    for record in storage.read_all(tmp_path):
        assert record.result is not None
        trials = record.result.trials
        assert len(trials) == 8
        assert all(t.error for t in trials if t.status == "failed")
        statuses += [trial.status for trial in trials]
    assert len(statuses) == 16
    # The trials of two slots fail: those on the lost node, or begun before the loss was noticed.
    assert 1 <= statuses.count("failed") <= 4
    assert statuses.count("completed") == 16 - statuses.count("failed")
