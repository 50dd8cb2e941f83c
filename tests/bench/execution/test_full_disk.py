"""A disk that is full, for real, and a folder that is read-only: said in a line, nothing lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.execution import queue
from bench.matrix.files import load_matrix
from bench.records import folders, storage
from tests.bench.examples import record

MATRIX = """title = "Small"
problem = "synthetic"
dataset = "dtlz2"
objective_sets = ["f1+f2"]
budget = { trials = 4, max_epochs = 4, slots = 2 }
searcher = [{ name = "sobol" }]
scheduler = [{ name = "fifo" }]
virtual = {}
"""
# Several commands share a process, because importing what draws the report takes seconds.
COMMANDS = """
import json, resource, sys
from bench.commands import main
endless = resource.getrlimit(resource.RLIMIT_FSIZE)
for most, arguments in json.loads(sys.argv[1]):
    # Python ignores SIGXFSZ, so that a file that grows too large raises an OSError.
    soft = endless[0] if most is None else most
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, endless[1]))
    sys.argv = ["mobo-bench", *arguments]
    try:
        main.main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    for stream in (sys.stdout, sys.stderr):
        print(f"--- {status}", file=stream, flush=True)
"""
NOBODY = 65534


def run(folder: Path, *commands: tuple[int | None, str]) -> list[tuple[int, str, str]]:
    """Run the matrix several times in one process, and return status, output and errors of each.

    Args:
        folder: The folder that they run in.
        commands: For each, the bytes that its files may have (None: any number) and its seeds.
    """
    (folder / "small.toml").write_text(MATRIX)
    fixed = ["run", "small.toml", "--processes", "1", "--seeds"]
    given = json.dumps([(most, [*fixed, seeds]) for most, seeds in commands])
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, given],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    split = re.compile(r"^--- (\d)\n", re.MULTILINE).split
    *outputs, _ = split(done.stdout)
    *errors, _ = split(done.stderr)
    assert len(outputs) == len(errors) == 2 * len(commands), done.stdout + done.stderr
    statuses = map(int, outputs[1::2])
    return list(zip(statuses, outputs[::2], errors[::2], strict=True))


def test_a_file_that_cannot_be_written_whole_leaves_nothing_and_the_rest_is_kept(
    tmp_path: Path,
) -> None:
    ((status, *_),) = run(tmp_path, (None, "1"))
    assert status == 0
    folder = tmp_path / "results" / "small-dtlz2"
    (first,) = storage.read_all(folder)
    before = sorted(folder.iterdir())

    # Enough for the settings, too little for a record; then not even enough for the settings.
    record_lost, settings_lost = run(tmp_path, (2000, "2"), (100, "2"))
    for status, output, errors in (record_lost, settings_lost):
        assert status == 2, output + errors
        (line,) = errors.strip().splitlines()
        assert re.match(r"error: cannot write .*File too large", line)
    assert sorted(folder.iterdir()) == before
    assert storage.read_all(folder) == [first]

    ((_, output, _),) = run(tmp_path, (None, "2"))
    assert "1 already finished" in output
    assert first in storage.read_all(folder)
    assert len(storage.read_all(folder)) == 2


def can_mount() -> bool:
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not shutil.which("unshare") or not can_mount(), reason="may not mount")
def test_a_full_disk_is_one_line_and_earlier_records_are_kept(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from bench.records import folders, storage
from bench.errors import UserError
from tests.bench.examples import record
folder = Path(sys.argv[1])
with folders.held(folder):
    written = 0
    try:
        while True:
            storage.write(record(seed=written), folder)
            written += 1
    except UserError as error:
        print(error)
    kept = storage.read_all(folder)
    assert kept == [record(seed=seed) for seed in sorted(range(written), key=str)], kept
    assert written > 1
    assert not list(folder.glob(".writing*")), list(folder.iterdir())
"""
    small = 'mount -t tmpfs -o size=96k none $1 && exec $2 -c "$3" $1'
    full = subprocess.run(
        ["unshare", "-m", "sh", "-c", small, "sh", str(tmp_path), sys.executable, code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert full.returncode == 0, full.stderr
    (line,) = full.stdout.strip().splitlines()
    assert re.match(r"cannot write results to .*No space left on device", line)


@pytest.fixture
def read_only() -> Iterator[Path]:
    """Yield a results folder with a record that this process may read but not write.

    This also holds if the tests run as root.
    """
    folder = Path(tempfile.mkdtemp(prefix="read-only-", dir="/tmp"))
    storage.write(record(), folder)
    folders.open_folder(folder, load_matrix("quick"))
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_read_only_folder_is_one_line_and_is_left_as_it_was(read_only: Path) -> None:
    before = sorted(read_only.iterdir())
    refusal = f"^cannot write results to {read_only}: .*Permission denied"
    with pytest.raises(UserError, match=refusal):
        storage.write(record(wall_s=99.0), read_only)
    with pytest.raises(UserError, match=refusal):
        folders.open_folder(read_only, load_matrix("quick"))
    with pytest.raises(UserError, match=refusal), folders.held(read_only):
        pass
    assert sorted(read_only.iterdir()) == before
    assert storage.read_all(read_only) == [record()]


def test_a_run_that_has_just_finished_is_kept_elsewhere(read_only: Path) -> None:
    made = record(seed=1)
    with pytest.raises(UserError, match="the run that had just finished is kept as") as refused:
        queue.keep(queue.Attempt(made, "", 1.0), read_only)
    found = re.search(r"is kept as (\S+): mend this, move that folder into", str(refused.value))
    assert found is not None
    path = Path(found[1])
    assert storage.read(path) == made
    shutil.rmtree(path.parent)
    failed = replace(made, result=None, error="boom")  # nothing would be lost with it
    with pytest.raises(UserError, match=r"Permission denied: [^;]*$"):
        queue.keep(queue.Attempt(failed, "boom", 1.0), read_only)
