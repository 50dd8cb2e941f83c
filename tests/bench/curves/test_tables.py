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
from bench.studies.advice.checks import check
from bench.studies.advice.goals import parse
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


def write_per_trial(folder: Path, **columns: object) -> None:
    """Write a file per trial, without the column of the trials' names."""
    folder.mkdir()
    for trial, rows in long_table(3).groupby("trial"):
        mine = rows.drop(columns="trial").assign(**columns)
        mine.to_csv(folder / f"{trial}.csv", index=False)


@pytest.mark.parametrize("column", ["model", "name", "number"])
def test_a_value_that_all_files_have_is_no_name_of_a_trial(tmp_path: Path, column: str) -> None:
    write_per_trial(tmp_path / "logs", **{column: "resnet"})
    found = read(tmp_path / "logs")
    assert [curve.name for curve in found.curves] == ["t00", "t01", "t02"]
    assert all(curve.repeated == 0 for curve in found.curves)
    assert any(f"values of {column!r} are in several files" in note for note in found.notes)


def test_names_that_recur_in_several_files_are_other_trials(tmp_path: Path) -> None:
    for seed in (1, 2):
        long_table(2, seed=seed).to_csv(tmp_path / f"seed{seed}.csv", index=False)
    found = read(tmp_path)
    names = ["seed1/t00", "seed1/t01", "seed2/t00", "seed2/t01"]
    assert [curve.name for curve in found.curves] == names
    assert found.config_names() == ["rate", "width"]
    joined = read(tmp_path, trial_column="trial")
    assert [curve.name for curve in joined.curves] == ["t00", "t01"]
    assert [curve.repeated for curve in joined.curves] == [EPOCHS] * 2


def test_different_names_in_several_files_stay_what_they_are(tmp_path: Path) -> None:
    table = long_table(4).assign(trial=lambda t: t["trial"].str[1:].astype(int))
    table[table["trial"] < 2].to_csv(tmp_path / "a.csv", index=False)
    table[table["trial"] >= 2].to_csv(tmp_path / "b.csv", index=False)
    found = read(tmp_path)
    assert [curve.name for curve in found.curves] == ["0", "1", "2", "3"]
    assert found.notes == ()


def test_rows_of_no_trial_or_no_step_are_counted(tmp_path: Path) -> None:
    table = long_table(4).astype({"epoch": float})
    table.loc[table["trial"] == "t01", "trial"] = None
    table.loc[3, "epoch"] = np.inf
    table.loc[4, "epoch"] = np.nan
    table.to_csv(tmp_path / "c.csv", index=False)
    found = read(tmp_path / "c.csv")
    assert len(found.curves) == 3
    assert found.notes == (
        f"{EPOCHS} rows left out: without a value of 'trial'",
        "2 rows left out: without a finite 'epoch'",
    )


def test_a_text_among_numbers_is_named(tmp_path: Path) -> None:
    table = long_table(4).astype({"accuracy": object})
    table.loc[7, "accuracy"] = "oops"
    table.assign(act="relu").to_csv(tmp_path / "c.csv", index=False)
    found = read(tmp_path / "c.csv")
    assert found.unusable == {"accuracy": "row 8 holds 'oops'"}
    assert "column 'accuracy' is no metric: row 8 holds 'oops'" in found.notes
    with pytest.raises(UserError, match=r"'accuracy' of c.csv is no metric: row 8 holds 'oops'"):
        check(found, [parse("accuracy:max:0.5")])


@pytest.mark.parametrize(
    ("text", "accuracy"),
    [
        ("trial;epoch;acc\na;1;0,25\na;2;-1e-3\n", [0.25, -0.001]),
        ("trial;epoch;acc\na;1;0.25\na;2;0.5\n", [0.25, 0.5]),
        ("trial\tepoch\tacc\na\t1\t0.25\na\t2\tNaN\n", [0.25, np.nan]),
        ('trial,epoch,"a;c"\na,1,0.25\na,2,0.5\n', [0.25, 0.5]),
    ],
)
def test_other_separators_are_found(tmp_path: Path, text: str, accuracy: list[float]) -> None:
    (tmp_path / "c.csv").write_text(text)
    (curve,) = read(tmp_path / "c.csv").curves
    ((_, found),) = curve.metrics.items()
    assert found.values.tolist() == pytest.approx(accuracy, nan_ok=True)


def test_what_pandas_wrote_as_nan_is_a_gap(tmp_path: Path) -> None:
    table = long_table(2)
    table.loc[table["epoch"] > 3, "accuracy"] = np.nan
    table.to_parquet(tmp_path / "c.parquet")
    curve = read(tmp_path / "c.parquet").curves[0]
    assert (len(curve.metrics["accuracy"]), curve.last_step) == (3, EPOCHS)


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
        ("trial,epoch,acc\na,1,1\na,2,1\na,x,1\n", "numbers only: row 3 holds 'x'"),
        ("trial,epoch,acc\na,1,1\na,2,x\n", "no learning curve.* column 'acc': row 2 holds 'x'"),
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
