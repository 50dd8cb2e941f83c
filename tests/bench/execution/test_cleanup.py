"""Folders for short-lived files end with their processes, however those end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.execution.ray.cleanup import LOCK_FILE, Scratch

KILLED = """
import time
from bench.execution.ray.cleanup import Scratch
path = Scratch().path
(path / "ray" / "logs").mkdir(parents=True)
for number in range(2000):
    (path / "ray" / "logs" / str(number)).touch()
print(path, flush=True)
time.sleep(100)
"""


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    return tmp_path


def test_no_room_for_it_is_one_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "absent"))
    with pytest.raises(UserError, match=r"cannot make a folder .*/absent .*; make room there, or"):
        Scratch()


@pytest.fixture
def abandoned() -> Path:
    """Return the folder of a process that was killed."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return path


@pytest.fixture
def other() -> Iterator[Scratch]:
    """Yield the folder of a command that is still running."""
    scratch = Scratch()
    (scratch.path / "ray").mkdir()
    yield scratch
    scratch.remove()


@contextlib.contextmanager
def somebody_writing(folder: Path) -> Iterator[None]:
    """Write files in a folder until the block ends, like Ray's agents.

    The folder itself is not made again once it is removed.
    """
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            with contextlib.suppress(OSError):
                os.close(os.open(folder / f"late-{number}", os.O_WRONLY | os.O_CREAT))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_it_ends_with_its_process(base: Path) -> None:
    scratch = Scratch()
    (scratch.path / "file").touch()
    scratch.remove()
    assert list(base.iterdir()) == []


def test_what_a_killed_process_left_is_removed(base: Path, abandoned: Path) -> None:
    scratch = Scratch()
    assert list(base.iterdir()) == [scratch.path]
    scratch.remove()


def test_what_is_in_use_and_what_is_not_ours_stay(base: Path) -> None:
    other = Scratch()
    (base / "mobo-results").mkdir()
    Scratch().remove()
    assert set(base.iterdir()) == {other.path, base / "mobo-results"}
    other.remove()
    assert list(base.iterdir()) == [base / "mobo-results"]


def test_a_folder_that_is_still_written_to_is_removed_later(base: Path, abandoned: Path) -> None:
    with somebody_writing(abandoned / "ray" / "logs"):
        scratch = Scratch()
    assert not abandoned.exists() or (abandoned / LOCK_FILE).exists()
    scratch.remove()
    assert list(base.iterdir()) == []


ORPHAN = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with open(folder / sys.argv[2], sys.argv[3]):
    print("open", flush=True)
    time.sleep(float(sys.argv[4]))
    (folder / "ray" / "session").mkdir(parents=True, exist_ok=True)
    time.sleep(100)
"""


@contextlib.contextmanager
def orphan(folder: Path, file: str, mode: str, after_s: float) -> Iterator[subprocess.Popen[str]]:
    """Run a process that keeps a file open and later makes folders, like Ray's workers."""
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, folder, file, mode, str(after_s)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("removed_before", [False, True])
def test_what_outlives_a_killed_process_is_ended_and_cannot_make_its_folder_anew(
    base: Path, abandoned: Path, removed_before: bool
) -> None:
    with orphan(abandoned, "ray/logs/raylet.out", "w", 0.5) as process:
        if removed_before:
            shutil.rmtree(abandoned / "ray")
        Scratch().remove()
        assert process.wait(10) == -signal.SIGKILL
        time.sleep(0.6)
        assert list(base.iterdir()) == []


def test_what_still_starts_in_the_own_folder_is_ended(base: Path) -> None:
    scratch = Scratch()
    (scratch.path / "ray" / "logs").mkdir(parents=True)
    with orphan(scratch.path, "ray/logs/raylet.out", "w", 0.5) as process:
        scratch.remove()
        assert process.wait(10) == -signal.SIGKILL
    assert list(base.iterdir()) == []


def test_who_reads_a_folder_or_looks_at_its_lock_or_writes_in_another_lives(
    base: Path, other: Scratch, abandoned: Path
) -> None:
    with (
        orphan(abandoned, "ray/logs/0", "r", 100) as reader,
        orphan(abandoned, LOCK_FILE, "r+", 100) as sweeper,
        orphan(other.path, "ray/raylet.out", "w", 100) as worker,
    ):
        Scratch().remove()
        assert [p.poll() for p in (reader, sweeper, worker)] == [None] * 3
    assert list(base.iterdir()) == [other.path]


def test_a_link_to_somebody_elses_folder_is_not_ours(base: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "work").mkdir(parents=True)
    (theirs / LOCK_FILE).touch()
    link = base / "mobo-link"
    link.symlink_to(theirs)
    with orphan(theirs, "work/file", "w", 100) as process:
        Scratch().remove()
        assert process.poll() is None
    assert (theirs / "work" / "file").exists()
    link.unlink()
