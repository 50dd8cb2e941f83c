"""Folders for short-lived files end with their processes, however those end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.backends.scratch import LOCK_FILE, Scratch

KILLED = """
import time
from bench.backends.scratch import Scratch
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


@pytest.fixture
def abandoned() -> Path:
    """The folder of a process that was killed."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return path


@contextlib.contextmanager
def somebody_writing(folder: Path) -> Iterator[None]:
    """As Ray's agents, into files of a folder that they do not make again."""
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
