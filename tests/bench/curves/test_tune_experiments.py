"""Experiments of Ray Tune are read from the files that its loggers leave, without Ray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.curves import reading
from bench.curves.options import SourceOptions
from bench.errors import UserError
from tests.bench.curves.examples import EPOCHS, long_table


def write_experiment(
    folder: Path, trials: int = 3, key: str = "training_iteration", epochs: int = EPOCHS
) -> None:
    """Write the results and parameters of each trial as Tune's JSON logger does."""
    for trial, rows in long_table(trials, epochs).groupby("trial"):
        place = folder / f"train_{trial}"
        place.mkdir(parents=True)
        first = rows.iloc[0]
        config = {"rate": first["config/rate"], "model": {"width": int(first["config/width"])}}
        (place / "params.json").write_text(json.dumps(config))
        lines = [
            json.dumps(
                {
                    "val": {"accuracy": row["accuracy"]},
                    "loss": row["loss"],
                    "params": row["params"],
                    key: row["epoch"],
                    "time_total_s": 2.0 * row["epoch"],
                    "trial_id": trial,
                    "config": config,
                    "done": False,
                }
            )
            for row in rows.to_dict("records")
        ]
        (place / "result.json").write_text("\n".join(lines) + '\n{"val": {"accu')


def test_nested_metrics_and_settings_have_flat_names(tmp_path: Path) -> None:
    write_experiment(tmp_path / "search")
    found = reading.read([str(tmp_path / "search")], SourceOptions())
    assert (found.kind, found.name, found.in_tune) == ("Ray Tune experiment", "search", True)
    assert found.time_attr == "training_iteration"
    assert len(found.curves) == 3
    assert {"val/accuracy", "loss", "params"} <= set(found.metric_names())
    assert found.config_names() == ["model/width", "rate"]
    first = found.curves[0]
    assert first.metrics["loss"].steps.tolist() == list(range(1, EPOCHS + 1))
    assert first.metrics["loss"].clock_s.tolist() == [2.0 * k for k in range(1, EPOCHS + 1)]
    assert first.started_s == 0
    assert first.end == "unknown"  # Tune ends stopped and completed trials in the same way


def test_reports_without_the_counter_are_counted(tmp_path: Path) -> None:
    write_experiment(tmp_path / "search")
    path = tmp_path / "search" / "train_t00" / "result.json"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("training_iteration", "x"), *lines[2:]]))
    found = reading.read([str(tmp_path / "search")], SourceOptions())
    assert found.notes == ("1 report left out: without a finite 'training_iteration'",)


def test_another_counter(tmp_path: Path) -> None:
    write_experiment(tmp_path, key="epoch")
    with pytest.raises(UserError, match=r"has 'training_iteration': .*--time-attr; .* epoch"):
        reading.read([str(tmp_path)], SourceOptions())
    found = reading.read([str(tmp_path)], SourceOptions(time_attr="epoch"))
    assert found.time_attr == "epoch"
    assert "epoch" not in found.metric_names()
