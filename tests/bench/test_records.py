"""Records: what is written is read, whole or not at all, and nothing is skipped in silence."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench import records
from bench.errors import UserError
from bench.matrix import load_matrix
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
    assert not records.is_finished(tmp_path, failed.run_id)


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    records.write(replace(record(), result=None, error="x"), tmp_path)
    path = records.write(record(), tmp_path)
    assert records.read(path).finished
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_interrupted_writing_leaves_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: pd.DataFrame, *arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_parquet", interrupt)
    with pytest.raises(KeyboardInterrupt):
        records.write(record(), tmp_path)
    assert list(tmp_path.iterdir()) == []


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
        records.is_finished(tmp_path, path.name)
    assert json.loads((path / "run.json").read_text())["schema_version"] == 99


def test_a_folder_holds_one_matrix_and_takes_more_seeds(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    records.open_folder(tmp_path, matrix)
    records.open_folder(tmp_path, matrix)
    with pytest.raises(UserError, match="holds runs with another budget"):
        records.open_folder(tmp_path, matrix.with_budget(trials=3))
    with pytest.raises(UserError, match="another dataset"):
        records.open_folder(tmp_path, matrix.with_dataset("mnist"))


def test_folder_without_settings_is_no_results_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no results folder"):
        records.read_settings(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write results"):
        records.write(record(), tmp_path)


def test_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write results"):
        records.write(record(), tmp_path / "file")
    with pytest.raises(UserError, match="cannot write results"):
        records.open_folder(tmp_path / "file" / "deeper", load_matrix("quick"))
