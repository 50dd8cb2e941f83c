"""Studies are read from the storages that Optuna itself writes."""

from __future__ import annotations

import json
import pickle
import sqlite3
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from bench.curves import reading
from bench.curves.curve import Found
from bench.curves.options import SourceOptions
from bench.errors import UserError


def read(source: object, **options: object) -> Found:
    return reading.read([str(source)], SourceOptions(**options))  # type: ignore[arg-type]


def objective(trial: optuna.Trial) -> float:
    width = trial.suggest_int("width", 1, 4)
    trial.set_user_attr("params", 100 * width)
    trial.set_user_attr("note", "text")
    trial.set_user_attr("loss", [0.9, 0.5, 0.3])
    trial.set_user_attr("late", json.loads('{"0": 1.5, "2": 0.5}'))
    for step in range(3):
        trial.report(float("nan") if (trial.number, step) == (3, 2) else 0.1 * step + width, step)
        if trial.number == 1 and step == 1:
            raise optuna.TrialPruned
        if trial.number == 2 and step == 1:
            raise RuntimeError("out of memory")
    return 1.0


def make(storage: object, name: str = "search") -> None:
    study = optuna.create_study(
        storage=storage,  # type: ignore[arg-type]
        study_name=name,
        sampler=optuna.samplers.RandomSampler(0),
    )
    study.optimize(objective, n_trials=4, catch=(RuntimeError,))
    study.enqueue_trial({"width": 1})


@pytest.mark.parametrize("kind", ["file", "url", "journal"])
def test_intermediate_values_and_user_attributes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "study.db"
    url = f"sqlite:///{path}"
    make(JournalStorage(JournalFileBackend(str(path))) if kind == "journal" else url)
    before = path.read_bytes()
    found = read(url if kind == "url" else path)
    assert (found.kind, found.name) == ("Optuna study", "search")
    assert [curve.end for curve in found.curves] == ["complete", "stopped", "failed", "complete"]
    first, pruned = found.curves[:2]
    width = first.config["width"]
    assert first.metrics["value"].steps.tolist() == [0, 1, 2]
    assert first.metrics["value"].values == pytest.approx([width, width + 0.1, width + 0.2])
    assert first.metrics["loss"].values.tolist() == [0.9, 0.5, 0.3]
    assert first.metrics["late"].steps.tolist() == [0, 2]
    assert first.constants == {"params": 100 * width}
    assert pruned.metrics["value"].steps.tolist() == [0, 1]
    assert "loss" not in pruned.metrics  # three values for two steps
    assert np.isnan(found.curves[3].metrics["value"].values[2])
    # A trial's seconds are spread over its steps.
    clock = first.metrics["value"].clock_s
    assert clock[0] > 0
    assert np.diff(clock) == pytest.approx(clock[0])
    assert any("1 trial without values: waiting" in note for note in found.notes)
    assert path.read_bytes() == before


def test_several_studies_and_names(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    make(url, "one")
    make(url, "two")
    with pytest.raises(UserError, match=r"has 2 studies: choose one with --study: one, two"):
        read(url)
    assert read(url, study="two").name == "two"
    with pytest.raises(UserError, match=r"has no study 'three'; it has: one, two"):
        read(url, study="three")


def test_files_that_are_no_study(tmp_path: Path) -> None:
    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE things (name TEXT)")
    before = foreign.read_bytes()
    with pytest.raises(UserError, match=r"cannot read an Optuna study from .*other.db"):
        read(foreign)
    assert foreign.read_bytes() == before  # Optuna adds no tables of its own
    with pytest.raises(UserError, match="cannot read an Optuna study"):
        read("nonsense://nowhere")


@pytest.mark.parametrize(
    "form", ["sqlite:///{}", "sqlite+pysqlite:///{}", "sqlite:///{}?timeout=9"]
)
def test_a_url_of_sqlite_makes_no_file_and_no_table(tmp_path: Path, form: str) -> None:
    missing, foreign = tmp_path / "missing.db", tmp_path / "foreign.db"
    with pytest.raises(UserError, match=r"there is no file .*missing.db, which sqlite"):
        read(form.format(missing))
    assert not missing.exists()
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE things (name TEXT)")
    before = foreign.read_bytes()
    with pytest.raises(UserError, match="cannot read an Optuna study from"):
        read(form.format(foreign))
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("name", ["a#1", "b?mode=rw", "50%20 c", "{x}"])
def test_paths_with_signs_that_mean_something_in_a_url(tmp_path: Path, name: str) -> None:
    make(f"sqlite:///{tmp_path / 'study.db'}")
    folder = tmp_path / name
    folder.mkdir()
    (tmp_path / "study.db").rename(folder / "study.db")
    before = sorted(tmp_path.rglob("*"))
    assert read(folder / "study.db").name == "search"
    assert sorted(tmp_path.rglob("*")) == before


def test_pickles_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "study.pkl"
    path.write_bytes(pickle.dumps(optuna.create_study()))
    with pytest.raises(UserError, match=r"is a pickle, which can run any code .*add_trials"):
        read(path)
