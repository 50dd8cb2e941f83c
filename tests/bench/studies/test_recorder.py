"""Recording a grid for real, going on after a cut, and looking it up again."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.commands.main import cli
from bench.errors import UserError
from bench.studies import recorder
from mobo_core.objectives import Objective
from mobo_core.problems.learners import LearnerProblem
from mobo_core.problems.mlp import MLPProblem
from mobo_core.problems.tabular import TabularProblem

COMMAND = str(Path(sys.executable).with_name("mobo-bench"))
PROBLEM = MLPProblem("digits", "no-data-needed", max_epochs=2)
GRID = {
    "layer_1_size": [16],
    "layer_2_size": [32],
    "layer_3_size": [64],
    "dropout": [0.1],
    "batch_size": [64, 128],
    "learning_rate": [0.001],
}
PLAN = recorder.Plan(GRID, [0, 1])


def test_a_grid_has_all_choices_and_the_bounds_of_ranges() -> None:
    grid = recorder.grid_of(PROBLEM.space, {"learning_rate": 4, "dropout": 3})
    assert grid["batch_size"] == [64, 128]
    assert grid["dropout"] == [0.1, 0.2, 0.3]
    assert grid["learning_rate"] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert list(grid) == [parameter.name for parameter in PROBLEM.space.parameters]
    with pytest.raises(UserError, match="'dropout' needs at least 2 values, got 0"):
        recorder.grid_of(PROBLEM.space, {"learning_rate": 4})


@pytest.mark.slow
def test_what_was_recorded_is_what_is_trained(tmp_path: Path) -> None:
    out = tmp_path / "table.parquet"
    console = Console(file=io.StringIO())
    recorder.record(PROBLEM, PLAN, out, 2, console)
    table = TabularProblem(str(out))
    assert (table.name, table.max_epochs) == ("mlp-digits-table", 2)
    assert table.objectives == PROBLEM.objectives
    assert table.card.made["data_checksum"] == PROBLEM.data_checksum()
    assert json.loads(Path(f"{out}.json").read_text())["seeds"] == [0, 1]
    config = {name: values[-1] for name, values in GRID.items()}
    recorded, trained = table.start(config, 3), PROBLEM.start(config, 1)
    for _ in range(2):
        expected = {**trained.run_epoch(), "seconds": pytest.approx(0, abs=60)}
        assert recorded.run_epoch() == expected
        assert recorded.test_metrics() == trained.test_metrics()

    # Cut and begun again: what is there is not trained a second time, and gives the same table.
    before = out.read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in Path(f"{out}.parts").iterdir()}
    removed = min(kept)
    removed.unlink()
    recorder.record(PROBLEM, PLAN, out, 1, console)
    after = {path: path.stat().st_mtime_ns for path in Path(f"{out}.parts").iterdir()}
    assert {path for path in kept if after[path] != kept[path]} == {removed}
    assert len(out.read_bytes()) == pytest.approx(len(before), rel=0.02)

    longer = replace(PROBLEM, max_epochs=3)
    with pytest.raises(UserError, match="was begun with another problem, number of epochs"):
        recorder.record(longer, PLAN, out, 1, console)


def test_references_are_quantiles_of_the_table_towards_the_worse() -> None:
    # The 0.9 quantile of 0, 10, …, 100 is 90 in the worse direction: up for an error, down for an
    # accuracy. A curve that has diverged does not count.
    objectives = {
        "error": Objective("val_error", "min", reference=1e12, ideal=0),
        "acc": Objective("val_accuracy", "max", reference=-1e12, unit="%", ideal=101),
    }
    values = [float(value) for value in range(0, 101, 10)]
    ends = pd.DataFrame(
        {"val_error": [float("nan"), *values], "val_accuracy": [*values, float("-inf")]}
    )
    found = recorder.with_references(objectives, ends)
    assert found["error"] == replace(objectives["error"], reference=90)
    assert found["acc"] == replace(objectives["acc"], reference=10)


@pytest.mark.slow
def test_a_table_with_references_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "wine.parquet"
    problem = ["--problem", "learner", "--dataset", "mlp-sgd-wine", "--max-epochs", "1"]
    command = ["record", str(out), *problem, "--seeds", "1", "--references", "table"]
    result = CliRunner().invoke(cli, [*command, "--workers", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    table, trained = TabularProblem(str(out)), LearnerProblem("mlp-sgd-wine", epochs=1)
    assert table.space == trained.space
    assert {name: replace(o, reference=1) for name, o in table.objectives.items()} == {
        name: replace(o, reference=1) for name, o in trained.objectives.items()
    }
    described = trained.described()
    assert {name: table.card.made[name] for name in described} == described
    configs = table.space.configurations()
    errors = [table.start(config, 0).run_epoch()["val_error"] for config in configs]
    finite = sorted(error for error in errors if np.isfinite(error))
    place = 0.9 * (len(finite) - 1)
    low, high = finite[int(place)], finite[int(place) + 1]
    assert low <= table.objectives["error"].reference <= high


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_recorded(tmp_path: Path) -> None:
    grid = ["--dataset", "digits", "--max-epochs", "1", "--values", "learning_rate=2"]
    command = [COMMAND, "record", "t.parquet", *grid, "--values", "dropout=2", "--seeds", "1"]
    process = subprocess.Popen(
        [*command, "--workers", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A test runner in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    parts = tmp_path / "t.parquet.parts"
    until = time.monotonic() + 120
    while len(curves := list(parts.glob("?" * 16 + ".json"))) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped: what is finished is kept" in said
    assert 3 <= len(curves) < 64
    assert not (tmp_path / "t.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--values", "dropout"], "bad --values 'dropout': give a name and a number"),
        (["--problem", "nope"], "unknown problem 'nope': choose from lcbench, learner"),
        (["--values", "learning_rate=3"], "parameter 'dropout' needs at least 2 values"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, tmp_path: Path) -> None:
    out = str(tmp_path / "t.parquet")
    result = CliRunner().invoke(cli, ["record", out, "--dataset", "digits", *arguments])
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output
