"""CSV files in the format of the export buttons of W&B and MLflow."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.curves import reading
from bench.curves.curve import Found
from bench.curves.options import SourceOptions
from bench.errors import UserError
from tests.bench.curves.examples import EPOCHS, long_table


def read(*paths: Path, **options: object) -> Found:
    return reading.read([str(p) for p in paths], SourceOptions(**options))  # type: ignore[arg-type]


def write_plot(path: Path, table: pd.DataFrame, metric: str, axis: str = "Step") -> None:
    """Write one metric as the menu of a line plot of W&B exports it: all texts are quoted."""
    wide = {axis: sorted(table["epoch"].unique() - 1)}
    for trial, rows in table.groupby("trial"):
        for extreme in ("", "__MIN", "__MAX"):
            wide[f"{trial} - {metric}{extreme}"] = rows[metric].tolist()
    pd.DataFrame(wide).to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)


def write_runs(path: Path, table: pd.DataFrame, state: str = "finished") -> None:
    """Write the table of runs as W&B exports it: settings and last metrics side by side."""
    last = table.groupby("trial").tail(1)
    runs = pd.DataFrame(
        {
            "Name": last["trial"],
            "State": state,
            "Notes": "-",
            "User": "somebody",
            "Tags": "",
            "Created": "2026-01-01T10:00:00.000Z",
            "Runtime": 10 * EPOCHS,
            "Sweep": "",
            "rate": last["config/rate"],
            "width": last["config/width"],
            "params": last["params"],
            "accuracy": last["accuracy"],
        }
    )
    runs.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)


def test_line_plots_of_wandb_with_the_table_of_runs(tmp_path: Path) -> None:
    table = long_table(3)
    write_plot(tmp_path / "accuracy.csv", table, "accuracy")
    write_plot(tmp_path / "loss.csv", table, "loss")
    write_runs(tmp_path / "runs.csv", table)
    found = read(tmp_path)
    assert (found.kind, found.time_attr) == ("W&B export", "Step")
    assert [curve.name for curve in found.curves] == ["t00", "t01", "t02"]
    first = found.curves[0]
    assert set(first.metrics) == {"accuracy", "loss"}
    assert first.metrics["loss"].steps.tolist() == list(range(EPOCHS))
    expected = table.loc[table["trial"] == "t00", "loss"].tolist()
    assert first.metrics["loss"].values.tolist() == pytest.approx(expected)
    # The run took 60 s and six steps, so each took ten.
    assert np.diff(first.metrics["loss"].clock_s, prepend=first.started_s) == pytest.approx(
        np.full(EPOCHS, 10.0)
    )
    assert set(first.config) == {"rate", "width", "params"}  # no result is a setting
    assert first.end == "complete"
    assert read(tmp_path / "accuracy.csv").curves[0].config == {}


def test_a_run_of_wandb_that_ended_early_has_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "plot.csv").write_text(
        '"Step","a - acc","a - acc__MIN","a - acc__MAX","b - c - acc","b - c - acc__MIN",'
        '"b - c - acc__MAX"\n"0","0.1","0.1","0.1","0.2","0.2","0.2"\n"1","","","","NaN","",""\n'
    )
    a, b = read(tmp_path / "plot.csv").curves
    assert (a.name, b.name) == ("a", "b - c")
    assert a.metrics["acc"].values.tolist() == [0.1]
    assert np.isnan(b.metrics["acc"].values[1])


def test_exports_of_wandb_that_cannot_be_used(tmp_path: Path) -> None:
    write_plot(tmp_path / "time.csv", long_table(2), "loss", axis="Relative Time (Process)")
    with pytest.raises(UserError, match="choose Step or an epoch as the x-axis"):
        read(tmp_path / "time.csv")
    write_runs(tmp_path / "runs.csv", long_table(2))
    with pytest.raises(UserError, match="last values only: give the exports of line plots"):
        read(tmp_path / "runs.csv")
    long_table(2).to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(UserError, match="none of the files is a line plot's export"):
        read(tmp_path / "runs.csv", format="wandb")
    with pytest.raises(UserError, match=r"time.csv is an export of W&B and .*long.csv is a table"):
        read(tmp_path / "time.csv", tmp_path / "long.csv")
    with pytest.raises(UserError, match=r"long.csv is a table, and --format wandb takes an export"):
        read(tmp_path / "long.csv", format="wandb")


def test_states_and_times_belong_to_their_own_row(tmp_path: Path) -> None:
    table = long_table(4)
    write_plot(tmp_path / "accuracy.csv", table, "accuracy")
    write_runs(tmp_path / "runs.csv", table)
    runs = pd.read_csv(tmp_path / "runs.csv")
    runs["Name"] = ["t00", "t00", "t02", "t03"]
    runs["State"] = ["finished", "finished", "crashed", "finished"]
    runs["Runtime"] = [100, 200, 300, 400]
    runs.to_csv(tmp_path / "runs.csv", index=False)
    found = read(tmp_path)
    curves = {curve.name: curve for curve in found.curves}
    # Nobody can tell which of two runs of one name a row is of.
    assert (curves["t00"].end, curves["t00"].config) == ("unknown", {})
    assert (curves["t02"].end, curves["t03"].end) == ("failed", "complete")
    assert curves["t02"].metrics["accuracy"].clock_s[-1] == pytest.approx(300)
    assert curves["t03"].metrics["accuracy"].clock_s[-1] == pytest.approx(400)
    assert found.notes == (
        "display name 't00' is that of 2 runs: settings, states and times of runs with one display "
        "name are unknown (1 display name)",
        "not in the exported table of runs: 1 of 4 runs",
    )


def test_the_table_of_runs_tells_where_a_name_ends(tmp_path: Path) -> None:
    table = long_table(2).rename(columns={"accuracy": "val - acc"})
    write_plot(tmp_path / "plot.csv", table, "val - acc")
    write_runs(tmp_path / "runs.csv", long_table(2))
    found = read(tmp_path)
    assert [curve.name for curve in found.curves] == ["t00", "t01"]
    assert all("val - acc" in curve.metrics for curve in found.curves)
    assert found.notes == ()


def test_plots_of_wandb_that_do_not_belong_together(tmp_path: Path) -> None:
    write_plot(tmp_path / "a.csv", long_table(2), "accuracy")
    write_plot(tmp_path / "b.csv", long_table(2), "loss", axis="epoch")
    with pytest.raises(UserError, match=r"of .*b.csv is 'epoch', that of .*a.csv is 'Step'"):
        read(tmp_path)
    (tmp_path / "c.csv").write_text('"Step","x - acc","x - acc"\n"1","0.1","0.2"\n')
    with pytest.raises(UserError, match="two columns 'x - acc': give each run a name of its own"):
        read(tmp_path / "c.csv")


def write_history(path: Path, table: pd.DataFrame) -> None:
    """Write what the button of MLflow's page of a metric does; it does not sort by step."""
    lines = ["run_id,key,value,step,timestamp"]
    for row in table.iloc[::-1].to_dict("records"):
        clock = 1_700_000_000_000 + 3000 * row["epoch"]
        lines += [
            f"{row['trial']},{key},{row[key]},{row['epoch']},{clock}"
            for key in ("accuracy", "loss")
        ]
    path.write_text("\n".join(lines))


def test_histories_of_mlflow_with_search_runs(tmp_path: Path) -> None:
    table = long_table(3)
    write_history(tmp_path / "metrics.csv", table)
    last = table.groupby("trial").tail(1)
    pd.DataFrame(
        {
            "run_id": last["trial"],
            "experiment_id": 0,
            "status": ["FINISHED", "FAILED", "FINISHED"],
            "start_time": pd.Timestamp(1_700_000_000, unit="s", tz="UTC"),
            "metrics.accuracy": last["accuracy"],
            "metrics.params": last["params"].astype(float),
            "params.rate": last["config/rate"].astype(str),
        }
    ).to_csv(tmp_path / "runs.csv", index=False)
    found = read(tmp_path / "metrics.csv", tmp_path / "runs.csv")
    curves = {curve.name: curve for curve in found.curves}
    assert set(curves) == {"t00", "t01", "t02"}
    first = curves["t00"]
    assert first.metrics["accuracy"].steps.tolist() == list(range(1, EPOCHS + 1))
    assert np.diff(first.metrics["loss"].clock_s, prepend=first.started_s).tolist() == [3] * EPOCHS
    assert first.constants == {"params": last["params"].iloc[0]}
    assert first.config["rate"] == pytest.approx(last["config/rate"].iloc[0])
    assert [curves[name].end for name in sorted(curves)] == ["complete", "failed", "complete"]


def test_a_restart_in_mlflow_is_told_by_its_time(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "run_id,key,value,step,timestamp\nr,acc,0.3,2,4000\nr,acc,0.1,1,1000\nr,acc,0.2,2,2000\n"
    )
    (curve,) = read(tmp_path / "m.csv").curves
    assert curve.metrics["acc"].values.tolist() == [0.1, 0.3]
    assert curve.repeated == 1


def test_what_mlflow_lost_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "run_id,key,value,step,timestamp\nr,acc,0.1,1,1\nr,acc,0.2,2,2\nr,acc,,3,3\n,acc,1,4,4\n"
    )
    assert read(tmp_path / "m.csv").notes == (
        "2 rows left out: without a run, a value or a finite step",
    )
    (tmp_path / "m.csv").write_text(
        "run_id,key,value,step,timestamp\nr,acc,0.1,0,1\nr,acc,0.2,0,2\n"
    )
    with pytest.raises(UserError, match=r"all steps of m.csv are equal.*step=epoch"):
        read(tmp_path / "m.csv")


def test_a_table_with_steps_and_names_of_mlflow_is_a_table(tmp_path: Path) -> None:
    table = long_table(2).rename(columns={"trial": "run_id", "accuracy": "metrics.accuracy"})
    table.to_csv(tmp_path / "c.csv", index=False)
    assert read(tmp_path / "c.csv").kind == "table"


def test_tables_of_mlflow_without_histories(tmp_path: Path) -> None:
    pd.DataFrame({"run_id": ["r"], "metrics.acc": [0.5], "params.rate": [0.1]}).to_csv(
        tmp_path / "runs.csv", index=False
    )
    with pytest.raises(UserError, match="last values only: give the histories"):
        read(tmp_path / "runs.csv")
