"""Records: what is written is read, whole or not at all, and nothing is skipped in silence."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.analysis import aggregate
from bench.errors import UserError
from bench.execution import queue
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Component, Run
from bench.records import files, folders, storage
from bench.records.record import RunResult
from tests.bench.examples import record


def test_round_trip(tmp_path: Path) -> None:
    original = record()
    path = storage.write(original, tmp_path)
    read = storage.read(path)
    assert read == original
    assert read.result is not None
    assert original.result is not None
    pd.testing.assert_frame_equal(read.result.epochs, original.result.epochs)
    assert sorted(p.name for p in path.iterdir()) == ["epochs.parquet", "run.json"]


def test_failed_run_is_a_record_with_its_error(tmp_path: Path) -> None:
    failed = replace(record(), result=None, error="Traceback\nValueError: boom")
    path = storage.write(failed, tmp_path)
    assert storage.read(path) == failed
    found = storage.find(tmp_path, failed.run_id)
    assert found is not None
    assert not found.finished
    assert storage.find(tmp_path, "absent") is None


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    storage.write(replace(record(), result=None, error="x"), tmp_path)
    path = storage.write(record(), tmp_path)
    assert storage.read(path).finished
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_failed_writing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = storage.write(record(), tmp_path)

    def fail(self: pd.DataFrame, *arguments: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(UserError, match=r"cannot write results to .*disk full"):
        storage.write(record(wall_s=99.0), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert storage.read(path) == record()


def test_an_old_record_that_cannot_be_put_back_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write(record(), tmp_path)

    def only_aside(self: Path, target: Path) -> Path:
        if not target.name.startswith(storage.RETIRED):
            raise OSError("the server is gone")
        os.rename(self, target)
        return target

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", only_aside)
        with pytest.raises(UserError, match="the server is gone"):
            storage.write(record(wall_s=99.0), tmp_path)
    with folders.held(tmp_path):  # as the next command does
        (kept,) = storage.read_all(tmp_path)
    assert kept == record()


class Reports:
    """A backend whose first run has a result that is bad in some way."""

    processes = 1

    def __init__(self, spoil: Callable[[RunResult], RunResult]) -> None:
        self.spoil = spoil

    def execute(self, run: Run, on_trial_end: object) -> RunResult:
        result = record().result
        assert result is not None
        return self.spoil(result) if run.seed == 0 else result


@pytest.mark.parametrize("bad", [float("nan"), {1, 2}, None, "high"])
def test_test_metrics_that_are_no_numbers_are_left_out_and_the_run_is_kept(
    bad: object, tmp_path: Path
) -> None:
    (run, *_) = load_matrix("quick").with_dataset("digits").runs([0])

    def spoil(result: RunResult) -> RunResult:
        metrics: Any = {"test_accuracy": bad, "test_loss": np.float32(0.5)}
        return replace(result, front=(replace(result.front[0], metrics=metrics),))

    outcome = queue.execute([run], Reports(spoil), tmp_path, "", Console(quiet=True))
    assert outcome.finished == (run.run_id,)
    kept = storage.read(tmp_path / run.run_id).result
    assert kept is not None
    assert kept.front[0].metrics == {"test_loss": 0.5}
    assert kept.test_error == "trial 0: no finite number as test_accuracy"


def test_a_result_that_cannot_be_stored_is_kept_as_text_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    runs = load_matrix("quick").with_dataset("digits").runs([0, 1])[:4]
    first = [run for run in runs if run.seed == 0]

    def spoil(result: RunResult) -> RunResult:
        return replace(result, epochs=result.epochs.assign(trial=7))  # of a trial that is not there

    outcome = queue.execute(runs, Reports(spoil), tmp_path, "", Console(quiet=True))
    assert set(outcome.failed) == {run.run_id for run in first}
    assert set(outcome.finished) == {run.run_id for run in runs if run.seed == 1}
    made = storage.read(tmp_path / first[0].run_id)
    assert made.reason.startswith("its result cannot be written: ValueError: its epochs belong to")
    spare = tmp_path / first[0].run_id / storage.SPARE_FILE
    assert made.reason.endswith(f"kept as text in {spare}")
    kept = json.loads(spare.read_text())
    assert [row["val_accuracy"] for row in kept["epochs"]] == [0.91, 0.95, 0.92, 0.93]
    assert kept["timing"]["wall_s"] == 10.0
    assert queue.pending(runs, tmp_path, "") == first


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
    path = storage.write(record(), tmp_path)
    assert callable(damage)
    damage(path)
    with pytest.raises(UserError, match=re.escape(f"{path.name} is not a readable record")):
        storage.read_all(tmp_path)


def ways(document: object, *keys: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of keys to every value of a document, lists and dictionaries included."""
    if keys:
        yield keys
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in pairs:
            yield from ways(value, *keys, key)


def with_another(document: Any, keys: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return changed


HARMLESS = [
    (("result", "trials", None, "config"), [{"strange": "1"}]),
    (("result", "trials", None, "config", "units"), [None, ["strange"], {"strange": "1"}]),
    (("objectives", None, "ideal"), [None]),
    (("result", "resources", "address"), [None]),
    (("result", "predicted"), [None]),
    (("result",), [None]),  # a run that failed
    (("space",), [None]),  # as in older records
    (("environment", "versions"), [{"strange": "1"}]),
    (("environment", "gpus"), [["strange"]]),
    (("spec", "objectives"), [["strange"]]),
    (("result", "resources"), [{"strange": "1"}]),
]
"""Changes that are accepted as well; None among the keys stands for any place in a list."""


def may_be(keys: tuple[str | int, ...], value: object) -> bool:
    places = tuple(None if isinstance(key, int) else key for key in keys)
    return any(places == like and value in values for like, values in HARMLESS)


def test_a_foreign_value_anywhere_is_named_or_does_no_harm(tmp_path: Path) -> None:
    path = storage.write(record(), tmp_path)
    document = json.loads((path / "run.json").read_text())
    document.pop("schema_version")
    assert len(list(ways(document))) > 80
    for keys in ways(document):
        for value in (None, ["strange"], {"strange": "1"}):
            changed = with_another({"schema_version": 1, **document}, keys, value)
            (path / "run.json").write_text(json.dumps(changed))
            if may_be(keys, value):
                aggregate.summarise(storage.read_all(tmp_path))
                continue
            with pytest.raises(UserError, match=f"^[^\n]*{re.escape(path.name)}[^\n]*$"):
                storage.read(path)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("result", "trials"), []),
        (("result", "trials", 0, "trial"), 7),
        (("result", "trials", 0, "status"), "lost"),
        (("result", "front", 0, "trial"), 7),
        (("started_at",), "2026-01-02T03:04:05"),
        (("result", "counts", "resumes"), 0.5),
        (("result", "timing", "wall_s"), float("nan")),
        (("result", "trials", 0, "epochs"), 1),
    ],
)
def test_a_value_of_the_right_type_that_no_run_leaves_is_named(
    keys: tuple[str | int, ...], value: object, tmp_path: Path
) -> None:
    path = storage.write(record(), tmp_path)
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(with_another(document, keys, value)))
    with pytest.raises(UserError, match=f"^[^\n]*{re.escape(path.name)}[^\n]*$"):
        storage.read_all(tmp_path)


def test_epochs_of_other_trials_are_named(tmp_path: Path) -> None:
    made = record()
    path = storage.write(made, tmp_path)
    assert made.result is not None
    for shifted in (1, -1):
        epochs = made.result.epochs
        epochs.assign(trial=epochs["trial"] + shifted).to_parquet(path / "epochs.parquet")
        with pytest.raises(UserError, match="its epochs belong to other trials"):
            storage.read_all(tmp_path)


@pytest.mark.parametrize("name", ["fifo.ax.seed0.1234abcd.json", "notes.seeds.md", "x.seed0.tar"])
def test_files_beside_the_records_are_left_alone(tmp_path: Path, name: str) -> None:
    made = record()
    storage.write(made, tmp_path)
    (tmp_path / name).write_text("mine")
    assert storage.read_all(tmp_path) == [made]


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        (pd.DataFrame({"x": [1.0]}), "its epochs have no column 'trial'"),
        (None, "column 'val_accuracy' of its epochs is not numeric"),
    ],
)
def test_epochs_of_something_else_are_named(
    tmp_path: Path, foreign: pd.DataFrame | None, message: str
) -> None:
    made = record()
    path = storage.write(made, tmp_path)
    if foreign is None:
        assert made.result is not None
        foreign = made.result.epochs.assign(val_accuracy="high")
    foreign.to_parquet(path / "epochs.parquet", index=False)
    with pytest.raises(UserError, match=re.escape(path.name) + ".*" + re.escape(message)):
        storage.read_all(tmp_path)


def test_a_file_in_place_of_a_record_is_named_and_replaced(tmp_path: Path) -> None:
    made = record()
    (tmp_path / made.run_id).write_text("what is this?")
    with pytest.raises(UserError, match=re.escape(f"{made.run_id} is not a readable record")):
        storage.read_all(tmp_path)
    storage.write(made, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [made.run_id]
    assert storage.read_all(tmp_path) == [made]
    # A command that was killed in between left the old record aside.
    (tmp_path / f"{storage.RETIRED}{made.run_id}").write_text("what is this?")
    with folders.held(tmp_path):
        assert storage.read_all(tmp_path) == [made]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", made.run_id]


def test_other_schema_is_named_and_left_alone(tmp_path: Path) -> None:
    run = load_matrix("quick").with_dataset("digits").runs([0])[0]
    path = storage.write(replace(record(), run_id=run.run_id), tmp_path)
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**document, "schema_version": 99}))
    with pytest.raises(UserError, match="has schema 99, but this version reads 1"):
        storage.find(tmp_path, path.name)
    for force in (False, True):
        with pytest.raises(UserError, match="has schema 99, but this version reads 1"):
            queue.pending([run], tmp_path, "", force)
    assert json.loads((path / "run.json").read_text())["schema_version"] == 99
    # With `force`, a damaged record is replaced.
    (path / "run.json").write_text("{")
    assert queue.pending([run], tmp_path, "", force=True) == [run]


def test_files_and_the_folders_that_name_them_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, renamed = [], []
    rename, sync = Path.rename, os.fsync

    def synced_too(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        sync(descriptor)

    def renamed_too(self: Path, target: Path) -> Path:
        renamed.append((self.name, list(synced)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced_too)
    monkeypatch.setattr(Path, "rename", renamed_too)
    storage.write(record(), tmp_path / "results")
    ((staging, before),) = renamed
    # The content is on disk before the record gets its name, and then the name is, too.
    assert {"epochs.parquet"} < set(before)
    assert any(name.endswith(".run.json") for name in before)
    assert before[-1] == staging
    assert synced[len(before) :] == ["results"]
    assert before[0] == tmp_path.name  # which names the new folder
    synced.clear()
    files.write_text(tmp_path / "page.md", "text")
    assert synced[-1] == tmp_path.name


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
    with pytest.raises(UserError, match="uses the label 'mine' with other parameters"):
        folders.open_folder(tmp_path, clash)


def test_a_run_as_another_version_asked_for_it_is_named_before_any_is_made(tmp_path: Path) -> None:
    runs = load_matrix("quick").with_dataset("digits").runs([0, 1])
    theirs = f"{runs[0].run_id[:-8]}00000000"
    storage.write(replace(record(), run_id=theirs), tmp_path)
    for force in (False, True):
        with pytest.raises(UserError, match=f"1 of these runs as another.*{re.escape(theirs)}"):
            queue.pending(runs, tmp_path, "", force)
    assert queue.pending([run for run in runs if run.seed == 1], tmp_path, "") == [
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
            storage.write(record(), tmp_path)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert [each.finished for each in storage.read_all(tmp_path)] == [True]


def test_folder_without_settings_is_no_results_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a results folder"):
        folders.read_settings(tmp_path)


def test_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write results"):
        storage.write(record(), tmp_path / "file")
    with pytest.raises(UserError, match="cannot write results"):
        folders.open_folder(tmp_path / "file" / "deeper", load_matrix("quick"))
