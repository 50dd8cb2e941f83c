"""Tables in long format are read whatever their columns are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.curves import reading
from bench.curves.curve import Found, looks_like_a_setting, series
from bench.curves.options import SourceOptions
from bench.errors import UserError
from tests.bench.curves.examples import EPOCHS, long_table


def read(path: Path, **options: object) -> Found:
    return reading.read([str(path)], SourceOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["csv", "parquet", "tsv", "csv.gz"])
def test_every_kind_of_file_holds_the_same_curves(tmp_path: Path, ending: str) -> None:
    table, path = long_table(), tmp_path / f"curves.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    found = read(path)
    assert (found.kind, found.time_attr, len(found.curves)) == ("table", "epoch", 14)
    assert found.metric_names() == ["accuracy", "loss", "params"]
    assert found.config_names() == ["rate", "width"]
    first = found.curves[0]
    mine = table[table["trial"] == "t00"]
    assert first.metrics["accuracy"].steps.tolist() == list(range(1, EPOCHS + 1))
    assert first.metrics["accuracy"].values == pytest.approx(mine["accuracy"].to_numpy())
    assert first.metrics["loss"].clock_s == pytest.approx(mine["seconds"].cumsum().to_numpy())
    assert first.started_s == 0
    assert first.config == {
        "rate": pytest.approx(mine["config/rate"].iloc[0]),
        "width": mine["config/width"].iloc[0],
    }


def test_settings_without_a_prefix_are_found_and_results_are_not(tmp_path: Path) -> None:
    table = long_table().rename(columns={"config/rate": "rate", "config/width": "width"})
    table["best_accuracy"] = table.groupby("trial")["accuracy"].transform("max")
    table.to_csv(tmp_path / "curves.csv", index=False)
    found = read(tmp_path / "curves.csv")
    # A result that is known only at the end must not be shown to a scheduler as a setting.
    assert found.config_names() == ["params", "rate", "width"]
    assert "best_accuracy" in found.metric_names()
    assert read(tmp_path / "curves.csv", config=("rate",)).config_names() == ["rate"]
    assert looks_like_a_setting("accumulate_grad")
    assert not looks_like_a_setting("final/test-acc")


def test_missing_values_are_gaps_and_nan_is_a_value(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text(
        "trial,epoch,train,val\na,1,0.9,\na,1,,0.5\na,2,NaN,\na,2,,Infinity\na,3,0.7,\n"
    )
    (curve,) = read(tmp_path / "curves.csv").curves
    assert curve.metrics["train"].steps.tolist() == [1, 2, 3]
    assert np.isnan(curve.metrics["train"].values[1])
    assert curve.metrics["val"].values.tolist() == [0.5, np.inf]


def test_the_last_of_repeated_reports_counts(tmp_path: Path) -> None:
    rows = [("a", 1, 0.1), ("a", 2, 0.2), ("a", 3, 0.3), ("a", 2, 0.25), ("a", 4, 0.4)]
    pd.DataFrame(rows, columns=["trial", "epoch", "acc"]).to_csv(tmp_path / "c.csv", index=False)
    (curve,) = read(tmp_path / "c.csv").curves
    assert curve.metrics["acc"].steps.tolist() == [1, 2, 3, 4]
    assert curve.metrics["acc"].values.tolist() == [0.1, 0.25, 0.3, 0.4]
    assert curve.repeated == 1
    assert series([2.0, 1.0], [5.0, 6.0], [np.nan, np.nan]).values.tolist() == [6.0, 5.0]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("timestamp", [1_700_000_000, 1_700_000_002, 1_700_000_004]),
        ("timestamp", [1_700_000_000_000, 1_700_000_002_000, 1_700_000_004_000]),
        ("date", ["2026-01-01 10:00:00", "2026-01-01T10:00:02Z", "2026-01-01 10:00:04.0"]),
        ("_runtime", [2, 4, 6]),
        ("time_this_iter_s", [2, 2, 2]),
    ],
)
def test_clocks_of_every_kind(tmp_path: Path, column: str, values: list[object]) -> None:
    rows = {"trial": ["a"] * 3, "epoch": [1, 2, 3], "acc": [0.1, 0.2, 0.3], column: values}
    pd.DataFrame(rows).to_csv(tmp_path / "c.csv", index=False)
    (curve,) = read(tmp_path / "c.csv").curves
    assert np.diff(curve.metrics["acc"].clock_s).tolist() == [2, 2]
    known_start = column in ("_runtime", "time_this_iter_s")
    assert curve.started_s == 0 if known_start else np.isnan(curve.started_s)


def test_a_folder_with_a_file_per_trial(tmp_path: Path) -> None:
    for trial, rows in long_table(3).groupby("trial"):
        folder = tmp_path / "logs" / str(trial)
        folder.mkdir(parents=True)
        rows.drop(columns="trial").to_csv(folder / "metrics.csv", index=False)
    found = read(tmp_path / "logs")
    assert [curve.name for curve in found.curves] == ["t00", "t01", "t02"]
    assert found.name == "logs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch,acc\n1,0.5\n", "tells trials apart: name it with --trial-column; .* epoch, acc"),
        ("trial,acc\na,0.5\n", "orders the reports of a trial: name it with --time-attr"),
        ("trial,epoch,acc\na,first,0.5\n", "column 'epoch' .* must hold numbers only"),
        ("trial,epoch,name\na,1,x\n", "no learning curve to replay"),
        ("", "cannot read .* as a table"),
    ],
)
def test_tables_that_tell_too_little(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read(tmp_path / "c.csv")


def test_wrong_names_and_places(tmp_path: Path) -> None:
    long_table(2).to_csv(tmp_path / "c.csv", index=False)
    for option, name in (("trial_column", "--trial-column"), ("time_attr", "--time-attr")):
        with pytest.raises(UserError, match=f"{name} 'nope' is no column of .*accuracy"):
            read(tmp_path / "c.csv", **{option: "nope"})
    with pytest.raises(UserError, match=r"there is no .*missing.csv; expected a Ray Tune"):
        read(tmp_path / "missing.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no learning curves"):
        read(tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=r"cannot tell what .*notes.txt is"):
        read(tmp_path / "notes.txt")


def test_states_say_how_trials_ended(tmp_path: Path) -> None:
    table = long_table(3)
    table["state"] = table["trial"].map({"t00": "FINISHED", "t01": "crashed", "t02": "pruned"})
    table.to_csv(tmp_path / "c.csv", index=False)
    ends = [curve.end for curve in read(tmp_path / "c.csv").curves]
    assert ends == ["complete", "failed", "stopped"]
