"""Runs in virtual time: the same on any number of processes, through records and the command."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench.errors import UserError
from bench.execution import queue
from bench.execution.virtual import VirtualBackend
from bench.matrix import catalogue
from bench.matrix.costs import Costs
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Run
from bench.records import folders, storage

COMMAND = str(Path(sys.executable).with_name("mobo-bench"))
MATRIX = """title = "Simulated"
problem = "synthetic"
dataset = "dtlz2"
objective_sets = ["f1+f2"]
budget = { trials = 9, max_epochs = 4, slots = 3 }
searcher = [{ name = "SEARCHER" }]
scheduler = [{ name = "fifo" }, { name = "hv-promotion" }, { name = "asha" }]
[virtual]
startup_s = 0.5
suggestion_s = { sobol = 0.25, ax = 2 }
"""


def write(folder: Path, text: str) -> str:
    (folder / "mine.toml").write_text(text)
    return str(folder / "mine.toml")


def runs(folder: Path) -> list[Run]:
    return load_matrix(write(folder, MATRIX.replace("SEARCHER", "sobol"))).runs([0, 1])


@pytest.mark.parametrize("processes", [1, 2])
def test_runs_repeat_bit_for_bit(processes: int, tmp_path: Path) -> None:
    backend = VirtualBackend("", processes)
    todo = runs(tmp_path)
    console = Console(file=io.StringIO())
    outcome = queue.execute(todo, backend, tmp_path / "results", "", console)
    assert sorted(outcome.finished) == sorted(run.run_id for run in todo)
    for run in todo:
        record = storage.read(tmp_path / "results" / run.run_id)
        again = queue.attempt(run, backend, "").record
        assert record.result is not None
        assert again.result is not None
        assert storage.fingerprint(record.result) == storage.fingerprint(again.result)
        assert all(member.repeated for member in record.result.front)


def test_costs_are_charged(tmp_path: Path) -> None:
    run = runs(tmp_path)[0]
    record = queue.attempt(run, VirtualBackend("", 1), "").record
    assert record.result is not None
    timing, trials = record.result.timing, record.result.trials
    assert run.spec()["virtual"] == {
        "startup_s": 0.5,
        "suggestion_s": 0.25,
        "checkpoint_s": 0.05,
        "restore_s": 0.05,
    }
    assert [trial.suggestion_s for trial in trials] == [0.25] * 9
    assert timing.startup_slot_s == 9 * 0.5
    assert timing.training_slot_s == 9 * 4  # every epoch of the problem takes a second
    # There are three turns of three trials, and the first three suggestions are made in sequence.
    assert timing.wall_s == 3 * (0.5 + 4) + 3 * 0.25


@pytest.mark.parametrize("searcher", ['"ax"', '"ax", ahead = 1'])
def test_model_based_search_repeats(searcher: str, tmp_path: Path) -> None:
    text = MATRIX.replace('"SEARCHER"', searcher).replace("trials = 9", "trials = 7")
    run = load_matrix(write(tmp_path, text)).runs([0])[0]
    first, second = (queue.attempt(run, VirtualBackend("", 1), "").record.result for _ in range(2))
    assert first is not None
    assert second is not None
    assert {trial.origin for trial in first.trials} > {"Sobol"}
    assert first.predicted == second.predicted is not None
    assert storage.fingerprint(first) == storage.fingerprint(second)


def test_a_failed_run_is_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: catalogue.Context) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setitem(catalogue.SCHEDULERS, "asha", broken)  # type: ignore[arg-type]
    backend, todo = VirtualBackend("", 1), runs(tmp_path)
    console = Console(file=io.StringIO())
    outcome = queue.execute(todo, backend, tmp_path / "results", "", console)
    assert len(outcome.finished) == 4
    assert set(outcome.failed.values()) == {"RuntimeError: out of luck"}
    failed = storage.read(tmp_path / "results" / next(iter(outcome.failed)))
    assert not failed.finished
    assert "Traceback" in failed.error


def test_costs_are_part_of_what_a_run_is(tmp_path: Path) -> None:
    matrix = load_matrix(write(tmp_path, MATRIX.replace("SEARCHER", "sobol")))
    assert matrix.costs == Costs(startup_s=0.5, suggestion_s={"sobol": 0.25, "ax": 2})
    real = matrix.in_real_time()
    assert "virtual" not in real.runs([0])[0].spec()
    assert real.runs([0])[0].run_id != matrix.runs([0])[0].run_id
    folders.open_folder(tmp_path / "results", matrix)
    with pytest.raises(UserError, match="holds runs with another virtual"):
        folders.open_folder(tmp_path / "results", real)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("startup_s = -1", "startup_s must be a number of seconds from 0 to 1e+07, got -1"),
        ('restore_s = "x"', "restore_s must be a number of seconds"),
        ("speed = 1", "unknown key 'speed' in [virtual]"),
        ("suggestion_s = 1", "suggestion_s must be a table"),
        ("suggestion_s = { ax = true }", "ax must be a number of seconds"),
    ],
)
def test_bad_costs_are_named(line: str, message: str, tmp_path: Path) -> None:
    text = MATRIX.replace("SEARCHER", "sobol").partition("startup_s")[0] + line
    with pytest.raises(UserError) as caught:
        load_matrix(write(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    write(tmp_path, MATRIX.replace("SEARCHER", "sobol"))

    completed = subprocess.run(
        [COMMAND, "run", "mine.toml", "--processes", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    assert "[3/3]" in completed.stdout
    report = (tmp_path / "reports" / "mine-dtlz2" / "report.md").read_text()
    assert "Synthetic problem dtlz2" in report
    assert "in virtual time" in report
