"""Records: what is written is read, whole or not at all, and nothing is skipped in silence."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench import execute, folders, records
from bench.errors import UserError
from bench.matrix import Component, Run, load_matrix
from tests.bench.examples import record


def test_round_trip(tmp_path: Path) -> None:
    original = record()
    path = records.write(original, tmp_path)
    read = records.read(path)
    assert read == original
    assert read.result is not None
    assert original.result is not None
    pd.testing.assert_frame_equal(read.result.epochs, original.result.epochs)
    assert sorted(p.name for p in path.iterdir()) == ["epochs.parquet", "run.json"]


def test_failed_run_is_a_record_with_its_error(tmp_path: Path) -> None:
    failed = replace(record(), result=None, error="Traceback\nValueError: boom")
    path = records.write(failed, tmp_path)
    assert records.read(path) == failed
    found = records.find(tmp_path, failed.run_id)
    assert found is not None
    assert not found.finished
    assert records.find(tmp_path, "absent") is None


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    records.write(replace(record(), result=None, error="x"), tmp_path)
    path = records.write(record(), tmp_path)
    assert records.read(path).finished
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_failed_writing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = records.write(record(), tmp_path)

    def fail(self: pd.DataFrame, *arguments: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(UserError, match=r"cannot write results to .*disk full"):
        records.write(record(wall_s=99.0), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert records.read(path) == record()


def test_an_old_record_that_cannot_be_put_back_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.write(record(), tmp_path)

    def only_aside(self: Path, target: Path) -> Path:
        if not target.name.startswith(records.RETIRED):
            raise OSError("the server is gone")
        os.rename(self, target)
        return target

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", only_aside)
        with pytest.raises(UserError, match="the server is gone"):
            records.write(record(wall_s=99.0), tmp_path)
    with folders.held(tmp_path):  # as the next command does
        (kept,) = records.read_all(tmp_path)
    assert kept == record()


class Reports:
    """A backend whose problem tests its members with something that is no plain number."""

    processes = 1

    def __init__(self, bad: object) -> None:
        self.bad = bad

    def execute(self, run: Run, on_trial_end: object) -> records.RunResult:
        result = record().result
        assert result is not None
        if run.seed == 0:
            member = replace(result.front[0], metrics={"test_accuracy": self.bad})
            return replace(result, front=(member,))
        return result


@pytest.mark.parametrize("bad", [float("nan"), np.float32(0.5), {1, 2}])
def test_a_result_that_cannot_be_written_is_a_failed_run_and_the_others_go_on(
    bad: object, tmp_path: Path
) -> None:
    runs = load_matrix("quick").with_dataset("digits").runs([0, 1])[:4]
    first = [run for run in runs if run.seed == 0]
    outcome = execute.execute(runs, Reports(bad), tmp_path, "", Console(quiet=True))
    assert set(outcome.failed) == {run.run_id for run in first}
    assert set(outcome.finished) == {run.run_id for run in runs if run.seed == 1}
    made = records.read(tmp_path / first[0].run_id)
    assert made.reason.startswith("its result cannot be written: ")
    assert execute.pending(runs, tmp_path, "") == first


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "run.json").write_text("{"),
        lambda path: (path / "run.json").write_text("[]"),
        lambda path: (path / "run.json").unlink(),
        lambda path: (path / "epochs.parquet").write_bytes(b"PAR1"),
        lambda path: (path / "epochs.parquet").unlink(),
    ],
)
def test_damaged_records_are_named(tmp_path: Path, damage: object) -> None:
    path = records.write(record(), tmp_path)
    assert callable(damage)
    damage(path)
    with pytest.raises(UserError, match=re.escape(f"{path.name} is not a readable record")):
        records.read_all(tmp_path)


def test_other_schema_is_named_and_left_alone(tmp_path: Path) -> None:
    path = records.write(record(), tmp_path)
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**document, "schema_version": 99}))
    with pytest.raises(UserError, match="has schema 99, this version reads 1"):
        records.find(tmp_path, path.name)
    assert json.loads((path / "run.json").read_text())["schema_version"] == 99


def test_a_folder_holds_one_matrix_and_takes_more_seeds(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    folders.open_folder(tmp_path, matrix)
    folders.open_folder(tmp_path, matrix)
    with pytest.raises(UserError, match="holds runs with another budget"):
        folders.open_folder(tmp_path, matrix.with_budget(trials=3))
    with pytest.raises(UserError, match="another dataset"):
        folders.open_folder(tmp_path, matrix.with_dataset("mnist"))


def test_a_folder_takes_more_schedulers_but_no_second_meaning_of_a_label(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    folders.open_folder(tmp_path, matrix)
    more = replace(matrix, schedulers=(Component("mine", "paper-rungwise", {}),), title="other")
    folders.open_folder(tmp_path, more)
    labels = [component["label"] for component in folders.read_settings(tmp_path)["schedulers"]]
    assert labels == ["mine", "fifo", "paper-dominance-g2"]
    clash = replace(matrix, schedulers=(Component("mine", "fifo", {}),))
    with pytest.raises(UserError, match="knows the label 'mine' with other parameters"):
        folders.open_folder(tmp_path, clash)


def test_a_run_as_another_version_asked_for_it_is_named_before_any_is_made(tmp_path: Path) -> None:
    runs = load_matrix("quick").with_dataset("digits").runs([0, 1])
    theirs = f"{runs[0].run_id[:-8]}00000000"
    records.write(replace(record(), run_id=theirs), tmp_path)
    for force in (False, True):
        with pytest.raises(UserError, match=f"1 of these runs as another.*{re.escape(theirs)}"):
            execute.pending(runs, tmp_path, "", force)
    assert execute.pending([run for run in runs if run.seed == 1], tmp_path, "") == [
        run for run in runs if run.seed == 1
    ]


def test_ctrl_c_while_writing_waits_for_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pd.DataFrame.to_parquet

    def interrupted(self: pd.DataFrame, *arguments: Any, **options: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        original(self, *arguments, **options)

    monkeypatch.setattr(pd.DataFrame, "to_parquet", interrupted)
    # A test runner in the background ignores Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            records.write(record(), tmp_path)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert [each.finished for each in records.read_all(tmp_path)] == [True]


def test_folder_without_settings_is_no_results_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no results folder"):
        folders.read_settings(tmp_path)


def test_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write results"):
        records.write(record(), tmp_path / "file")
    with pytest.raises(UserError, match="cannot write results"):
        folders.open_folder(tmp_path / "file" / "deeper", load_matrix("quick"))
