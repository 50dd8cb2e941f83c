"""However a command ends, it says so in one line: errors of all kinds, Ctrl-C, missing packages."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pandas as pd
import pyarrow
import pytest

from bench.commands import endings
from bench.commands.main import cli
from bench.commands.results import write_report
from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.records import files, folders, storage
from tests.bench.examples import record

ROOT = Path(__file__).resolve().parents[3]
COMMAND = str(Path(sys.executable).with_name("mobo-bench"))


def raised(number: int, *names: str) -> OSError:
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("a mistake"), "error: a mistake"),
        (raised(errno.ENOSPC), "error: No space left on device; free some space and give the"),
        (raised(errno.EACCES, "/x"), "error: /x: Permission denied; check its permissions"),
        (raised(errno.EISDIR, "/x"), "error: /x: Is a directory; it is a folder where a file"),
        (raised(errno.ENOTDIR, "/x/y"), "error: /x/y: Not a directory; a part of the path is a"),
        (OSError("odd"), "error: odd"),
        (BrokenPipeError(), "error: the program that read the output has ended"),
        (ModuleNotFoundError("x", name="rich.table"), "error: the package 'rich' is not installed"),
        (ModuleNotFoundError("x", name="onnxruntime"), "pip install 'mobo-bench[yahpo]'"),
        (ImportError("x: pip install 'mobo-bench[plot]'"), "error: x: pip install 'mobo-bench[pl"),
        (MemoryError(), "error: memory ran out"),
        (pyarrow.ArrowInvalid("cut off"), "error: a file cannot be read or written: cut off"),
        (pd.errors.EmptyDataError("empty"), "error: a file cannot be read or written: empty"),
        (click.UsageError("No such option: -x."), "error: No such option: -x; see 'mobo-bench --h"),
    ],
)
def test_errors_of_the_world_around_are_a_line_with_a_remedy(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, endings.one_line(debug=False):
        raise error
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.count("\n") == 1
    assert line in said


def test_a_fault_of_our_own_is_a_line_with_another_status_and_debug_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end, endings.one_line(debug=False):
        raise KeyError("x")
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 70
    assert line.startswith("error: mobo-bench itself failed: KeyError: 'x' (test_endings.py, line")
    with pytest.raises(KeyError), endings.one_line(debug=True):
        raise KeyError("x")


def interrupted_twice(raises: type[BaseException]) -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGINT)  # it does not interrupt the tidying
        time.sleep(0.1)
        raise raises from None


@pytest.mark.parametrize("raises", [KeyboardInterrupt, ImportError, click.Abort])
def test_ctrl_c_is_one_line_even_if_a_library_makes_another_error_of_it(
    raises: type[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mobo-bench", "report", "x"])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SystemExit) as end, endings.one_line(debug=False):
            interrupted_twice(raises)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # the process only has to end
    finally:
        signal.signal(signal.SIGINT, before)
    assert end.value.code == 130
    assert capsys.readouterr().err == "stopped: no file was left half-written\n"


def test_handlers_are_as_they_were_after_a_command() -> None:
    before = [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)]
    with endings.one_line(debug=False):
        assert isinstance(signal.getsignal(signal.SIGTERM), endings.Interruption)
    assert [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_commands_that_continue_exist() -> None:
    assert set(endings.CONTINUES) < set(cli.commands)


@pytest.mark.parametrize("package", ["rich", "click"])
def test_a_base_install_names_the_extra(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import mobo_bench; mobo_bench.main()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    expected = f"the package {package!r} is not installed, which mobo-bench needs"
    assert ended.stderr == f"error: {expected}: pip install 'mobo-bench[bench]'\n"


def test_a_terminal_without_our_characters_gets_others() -> None:
    code = "import sys; from bench.commands import endings\n"
    code += "with endings.one_line(debug=False): print('η →')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=ROOT,
        timeout=60,
    )
    assert ended.stdout == b"\\u03b7 \\u2192\n"


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in a group of its own, as a terminal does."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def test_ctrl_c_twice_in_every_command_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    reference = str(ROOT / "results" / "reference" / "paper-mnist")
    gate = str(ROOT / "results" / "reference" / "regress.json")
    shutil.copytree(ROOT / "reports" / "reference" / "paper-mnist", tmp_path / "reports" / "one")
    before = sorted(tmp_path.rglob("*"))
    commands = (
        ("report", reference, "--reports", "made/report"),
        ("compare", reference, reference),
        ("export", reference, "--out", "made/tables"),
        ("list", reference),
        ("replay", reference, "--out", "made.csv"),
        ("regress", "--reference", gate),
        ("site", "--reports", "reports", "--results", "none"),
        ("scale",),
    )
    # All at once, and at the first moment when each handles Ctrl-C: a slow machine has begun less.
    running = [started(tmp_path, *command) for command in commands]
    time.sleep(4)
    for pause in (0.3, 0.0):
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        time.sleep(pause)
    for command, process in zip(commands, running, strict=True):
        _, said = process.communicate(timeout=60)
        assert process.returncode in (0, 130), (command, said)
        if process.returncode == 130:
            (line,) = said.strip().splitlines()
            assert line.startswith("stopped"), (command, said)
    finished = [c for c, process in zip(commands, running, strict=True) if process.returncode == 0]
    if not finished:
        assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return a results folder with a record whose curves end in the middle of the file."""
    folder = tmp_path / "results"
    folders.open_folder(folder, load_matrix("paper").with_dataset("mnist"))
    storage.write(record(), folder)
    return folder


def truncated(folder: Path) -> None:
    for path in folder.glob("*/epochs.parquet"):
        path.write_bytes(path.read_bytes()[:100])


def removed(folder: Path) -> None:
    for path in folder.glob("*/epochs.parquet"):
        path.unlink()


def turned_into_a_file(folder: Path) -> None:
    for path in [p for p in folder.iterdir() if p.is_dir()]:
        shutil.rmtree(path)
        path.write_text("a file")


@pytest.mark.parametrize("damage", [truncated, removed, turned_into_a_file])
def test_a_list_shows_damaged_records(
    damage: Callable[[Path], None], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["list", str(results)], standalone_mode=False)
    whole = capsys.readouterr().out
    damage(results)
    cli.main(["list", str(results)], standalone_mode=False)
    listed = capsys.readouterr().out
    assert {line.split()[0] for line in whole.splitlines()} == {"finished"}
    assert {line.split()[0] for line in listed.splitlines()} == {"damaged"}
    ids = [[line.split()[-1] for line in text.splitlines()] for text in (whole, listed)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("damage", [truncated, removed, turned_into_a_file])
@pytest.mark.parametrize(
    "command",
    [
        ("report", "results"),
        ("compare", "results", "results"),
        ("export", "results", "--out", "out"),
        ("replay", "results"),
    ],
)
def test_damaged_folders_are_one_line_in_every_command(
    damage: Callable[[Path], None],
    command: tuple[str, ...],
    results: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage(results)
    monkeypatch.chdir(results.parent)
    with pytest.raises(SystemExit) as end, endings.one_line(debug=False):
        cli.main(list(command), standalone_mode=False)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not a readable record" in line
    assert [path.name for path in results.parent.iterdir()] == ["results"]


@pytest.mark.parametrize(
    "command",
    [
        ("export", "results", "--out", "file/deeper"),
        ("export", "results", "--out", "file"),
        ("export", "nowhere", "--out", "file"),
        ("report", "results", "--reports", "file/deeper"),
        ("report", "results", "--reports", "/proc/reports"),
        ("advise", "results", "--objective", "loss:min:1", "--out", "file"),
        ("run", "quick", "--backend", "virtual", "--reports", "file/deeper"),
        ("replay", "results", "--trials", "1", "--out", "file/deeper"),
        ("replay", "results", "--trials", "1", "--out", "results"),
        ("record", "file/deeper", "--dataset", "digits"),
        ("regress", "--update", "--reason", "r", "--reference", "file/deeper"),
        ("replay", "file"),
        ("list", "file"),
        ("site", "--reports", "file"),
        ("compare", "file", "results"),
        ("run", "synthetic", "--results", "file"),
    ],
)
def test_paths_that_cannot_be_used_are_one_line_before_the_work(
    command: tuple[str, ...],
    results: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(results.parent)
    Path("file").write_text("mine")
    with pytest.raises(SystemExit) as end, endings.one_line(debug=False):
        cli.main(list(command), standalone_mode=False)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert Path("file").read_text() == "mine"
    assert sorted(path.name for path in results.parent.iterdir()) == ["file", "results"]


@pytest.mark.parametrize("reports", ["file", "/proc/reports"])
def test_a_report_is_refused_before_it_is_computed(
    results: Path, monkeypatch: pytest.MonkeyPatch, reports: str
) -> None:
    monkeypatch.setattr("bench.report.report_data.gather", None)  # it must not be reached
    (results.parent / "file").write_text("mine")
    with pytest.raises(UserError, match=r"cannot write to .*; choose another folder"):
        write_report(results, results.parent / reports, "data")


def half_written(path: Path) -> None:
    path.write_text("half")
    raise KeyboardInterrupt


def test_a_folder_gets_all_of_its_files_or_none(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with pytest.raises(KeyboardInterrupt), files.staged_folder(target) as staging:
        half_written(staging / "half")
    assert list(tmp_path.iterdir()) == []
    for text in ("first", "second"):
        with files.staged_folder(target) as staging:
            (staging / "figures").mkdir()
            (staging / "figures" / text).write_text(text)
            (staging / "page").write_text(text)
    assert sorted(path.name for path in target.rglob("*")) == ["figures", "page", "second"]
    assert (target / "page").read_text() == "second"
    (target / "mine").write_text("mine")
    with pytest.raises(KeyboardInterrupt), files.staged_folder(target) as staging:
        half_written(staging / "page")
    assert sorted(path.name for path in target.iterdir()) == ["figures", "mine", "page"]
    assert (target / "page").read_text() == "second"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), files.staged(path) as staging:
        half_written(staging)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x.csv", "before")]
