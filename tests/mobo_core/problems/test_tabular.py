"""Tables of recorded curves: exact lookups, and files that are none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.problems.mlp import MLPProblem
from mobo_core.problems.tabular import TableCard, TabularProblem, embedded_table
from mobo_core.tune import HypervolumePromotion, SobolSearcher
from mobo_core.virtual import Cluster, simulate

SPACE: dict[str, list[Any]] = {"rate": [0.1, 0.2, 0.4], "units": [16, 32], "kind": ["a"]}


def rows(seeds: tuple[int, ...] = (5, 7), epochs: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "rate": rate,
            "units": units,
            "kind": "a",
            "seed": seed,
            "epoch": epoch,
            "seconds": rate + epoch,
            "val_error": 1 / (epoch * units * rate) + seed,
            "test_error": 2.0 * epoch,
        }
        for rate in SPACE["rate"]
        for units in SPACE["units"]
        for seed in seeds
        for epoch in range(epochs, 0, -1)
    ]


def write(path: Path, content: list[dict[str, Any]]) -> TabularProblem:
    objectives = {"error": {"name": "val_error", "goal": "min", "reference": 20.0, "ideal": 0.0}}
    card = TableCard("toy", SPACE, [5, 7], 3, 0.5, objectives, {"command": "by hand"})
    table = pa.Table.from_pylist(content).replace_schema_metadata(card.to_metadata())
    pq.write_table(table, path)
    return TabularProblem(str(path))


def test_lookups_are_exact(tmp_path: Path) -> None:
    problem = write(tmp_path / "t.parquet", rows())
    assert (problem.name, problem.max_epochs) == ("toy-table", 3)
    assert [p.name for p in problem.space.parameters] == ["rate", "units", "kind"]
    assert [p.ordered for p in problem.space.parameters] == [True, True, False]  # type: ignore[union-attr]
    assert problem.objectives["error"] == Objective("val_error", "min", 20, ideal=0)
    assert len(problem.data_checksum()) == 64
    for row in rows():
        config = {name: row[name] for name in SPACE}
        # The run's seeds 0, 1, 2, … take the recorded ones in turn.
        training = problem.start(config, [5, 7].index(row["seed"]) + 2)
        for _ in range(row["epoch"]):
            report = training.run_epoch()
        assert report == {name: row[name] for name in ("epoch", "seconds", "val_error")}
        assert training.test_metrics() == {"test_error": row["test_error"]}


def test_a_training_goes_on_where_it_was(tmp_path: Path) -> None:
    problem = write(tmp_path / "t.parquet", rows())
    config = {"rate": 0.2, "units": 32, "kind": "a"}
    first, second = problem.start(config, 0), problem.start(config, 0)
    first.run_epoch()
    second.load_state(first.state())
    assert second.run_epoch() == first.run_epoch()


def test_a_search_over_the_grid(tmp_path: Path) -> None:
    problem = write(tmp_path / "t.parquet", rows())
    objectives = ObjectiveSet(problem.objectives.values())
    run = simulate(
        problem,
        searcher=SobolSearcher(problem.space, seed=0),
        scheduler=HypervolumePromotion(objectives, problem.max_epochs, slots=2, time_attr="epoch"),
        num_samples=12,
        cluster=Cluster(2, startup_s=problem.card.startup_s),
    )
    assert len(run.trials) == 12
    assert max(trial.last_result["epoch"] for trial in run.trials) == 3


def test_fewer_epochs_than_recorded(tmp_path: Path) -> None:
    path = str(tmp_path / "t.parquet")
    write(tmp_path / "t.parquet", rows())
    assert TabularProblem(path, 2).max_epochs == 2
    for epochs in (0, 4):
        with pytest.raises(ValueError, match=f"has 3 epochs a curve, not {epochs}"):
            _ = TabularProblem(path, epochs).max_epochs


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    problem = write(tmp_path / "t.parquet", rows())
    with pytest.raises(ValueError, match="is not on the grid"):
        problem.start({"rate": 0.3, "units": 16, "kind": "a"}, 0)
    incomplete = write(tmp_path / "i.parquet", rows()[:-1])
    with pytest.raises(ValueError, match="35 rows, not 12 curves of 3 epochs"):
        _ = incomplete.max_epochs
    (tmp_path / "text").write_text("no table")
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"a": [1]}), plain)
    for path in (tmp_path / "text", plain, tmp_path / "none"):
        with pytest.raises(ValueError, match="is no table of recorded curves"):
            _ = TabularProblem(str(path)).card


def test_the_embedded_table_is_a_grid_of_the_papers_space() -> None:
    table, trained = TabularProblem(str(embedded_table("mlp-mnist"))), MLPProblem("mnist")
    assert table.max_epochs == trained.max_epochs
    assert table.objectives == trained.objectives
    assert table.card.seeds == [0, 1]
    values = table.card.space
    assert list(values) == [parameter.name for parameter in trained.space.parameters]
    assert {name: len(given) for name, given in values.items()} == {
        "layer_1_size": 2,
        "layer_2_size": 2,
        "layer_3_size": 2,
        "dropout": 3,
        "batch_size": 2,
        "learning_rate": 12,
    }
    for corner in (0.0, 1.0):
        config = table.space.from_unit(np.full(len(values), corner))
        bound = trained.space.from_unit(np.full(len(values), corner))
        assert config == {name: pytest.approx(value) for name, value in bound.items()}
        report = table.start(config, 0).run_epoch()
        assert {name: report[name] for name in ("params", "flops")} == trained.static_metrics(
            config
        )
    described = json.loads(Path(f"{embedded_table('mlp-mnist')}.json").read_text())
    assert described.pop("sha256") == table.data_checksum()
    assert described == asdict(table.card)
    with pytest.raises(ValueError, match=r"no table 'mlp-cifar': choose from (\S+, )*mlp-mnist"):
        embedded_table("mlp-cifar")


def test_the_embedded_table_is_what_training_gives(mnist_dir: str) -> None:
    table, trained = (
        TabularProblem(str(embedded_table("mlp-mnist"))),
        MLPProblem("mnist", mnist_dir),
    )
    assert table.card.made["data_checksum"] == trained.data_checksum()
    config = table.space.from_unit(np.full(len(table.space), 0.5))
    recorded, now = (problem.start(config, 1).run_epoch() for problem in (table, trained))
    assert set(recorded) == set(now)
    # Other processors round otherwise, and that grows over an epoch.
    for metric, tolerance in {"val_accuracy": 0.01, "val_loss": 0.03, "train_loss": 0.03}.items():
        assert recorded[metric] == pytest.approx(now[metric], abs=tolerance)
