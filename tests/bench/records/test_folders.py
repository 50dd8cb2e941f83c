"""A results folder has one writer at a time, and nothing half written survives in it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.commands.main import main
from bench.errors import UserError
from bench.execution import runs
from bench.execution.request import BackendChoice, Output, Request, RunChoice
from bench.matrix.files import load_matrix
from bench.records import folders, storage
from tests.bench.examples import record

HOLD = """
import sys, time
from pathlib import Path
from bench.records import folders
with folders.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
REWRITE = """
import sys
from pathlib import Path
from bench.records import storage
from tests.bench.examples import record
print("writing", flush=True)
while True:
    for wall_s in (10.0, 20.0):
        storage.write(record(wall_s=wall_s), Path(sys.argv[1]))
"""


@contextmanager
def process(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that works on the folder, and yield it once it has begun."""
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline()
        yield running
    finally:
        running.kill()
        running.communicate()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mobo-bench", *arguments])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        signal.signal(signal.SIGTERM, handler)
    return 0


def test_the_second_harness_is_refused_until_the_first_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    matrix = load_matrix("synthetic").with_dataset("dtlz2")
    folders.open_folder(tmp_path, matrix)
    storage.write(record(), tmp_path)
    before = (tmp_path / "matrix.json").read_bytes()
    with process(HOLD, tmp_path) as holder:
        status = run(monkeypatch, "run", "synthetic", "--results", str(tmp_path))
        (line,) = capfd.readouterr().err.strip().splitlines()
        assert status == 2
        assert f"is in use by process {holder.pid} on {os.uname().nodename}: wait" in line
        assert (tmp_path / "matrix.json").read_bytes() == before
        assert run(monkeypatch, "list", str(tmp_path)) == 0
        assert record().run_id in capfd.readouterr().out
        holder.kill()  # -9: nothing of its own can release the lock
        holder.wait()
        with folders.held(tmp_path):
            pass


def test_the_lock_goes_with_its_holder_and_not_with_its_children(tmp_path: Path) -> None:
    with folders.held(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with folders.held(tmp_path):  # the child still runs
        child.communicate(b"\n")


def test_what_a_kill_left_is_removed_and_what_it_was_to_replace_is_back(tmp_path: Path) -> None:
    path = storage.write(record(), tmp_path)
    path.rename(tmp_path / f".retired-{path.name}")  # killed between two renames
    (tmp_path / ".writing-abc").mkdir()
    (tmp_path / ".writing-abc" / "run.json").write_text("{")
    (tmp_path / ".123.matrix.json").write_text("{")
    with folders.held(tmp_path):
        assert storage.read_all(tmp_path) == [record()]
        assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", path.name]
    other = tmp_path / f".retired-{path.name}"
    other.mkdir()  # killed after the second
    with folders.held(tmp_path):
        assert storage.read_all(tmp_path) == [record()]
        assert not other.exists()


def test_killed_ten_times_while_replacing_a_record_which_is_always_whole(tmp_path: Path) -> None:
    storage.write(record(wall_s=10.0), tmp_path)
    moments = random.Random(0)
    left = 0
    for _ in range(10):
        with process(REWRITE, tmp_path) as writer:
            time.sleep(moments.uniform(0.0, 0.05))
            writer.kill()
            writer.wait()
        left += len(list(tmp_path.glob(".*-*")))
        with folders.held(tmp_path):
            (kept,) = storage.read_all(tmp_path)
            assert kept in (record(wall_s=10.0), record(wall_s=20.0))
        assert not list(tmp_path.glob(".*-*"))
    assert left > 0, "no kill came in the middle of a record"


def test_settings_that_are_damaged_are_named(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    folders.open_folder(tmp_path, matrix)
    whole = (tmp_path / "matrix.json").read_text()
    for text in ("", "{", "[]", "3", '{"name": "x"}', whole.replace('"quick"', "3")):
        (tmp_path / "matrix.json").write_text(text)
        for use in (folders.read_settings, lambda f: folders.open_folder(f, matrix)):
            with pytest.raises(UserError, match=r"matrix\.json is damaged"):
                use(tmp_path)
        assert (tmp_path / "matrix.json").read_text() == text


class Removing(Console):
    """A console that removes a folder as soon as the first run is said to have ended."""

    folder = Path()

    def print(self, *objects: Any, **options: Any) -> None:
        if str(objects[0]).startswith("[1/"):
            shutil.rmtree(self.folder)


def test_runs_are_kept_when_the_folder_is_removed_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    console = Removing(quiet=True)
    console.folder = folder
    what = RunChoice("synthetic", dataset="dtlz2", seeds="2", trials=4, only=("fifo*",))
    request = Request(what, BackendChoice(processes=1), output=Output(results_dir=folder))
    made = runs.make(request, console)
    assert len(made.outcome.finished) > 1
    kept = {record.run_id for record in storage.read_all(folder)}
    assert kept == set(made.outcome.finished[1:])
    assert folders.read_settings(folder)["dataset"] == "dtlz2"
