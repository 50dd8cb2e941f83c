"""A finished run is kept, whatever its trials report, or refused before its first trial."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.analysis import aggregate, exports
from bench.errors import UserError
from bench.execution import preparation, queue
from bench.execution.virtual import VirtualBackend
from bench.matrix import catalogue, problems
from bench.matrix.matrix import Budget, Component, Matrix, Run
from bench.records import folders, storage
from bench.records.record import RunRecord
from bench.studies import replays
from tests.bench import strange

RECORDED = [k for k in strange.KINDS if k not in (*strange.REFUSED, *strange.ENDS, "dies")]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(problems.PROBLEMS, "strange", strange.ENTRY)  # type: ignore[misc]


def matrix(kind: str, schedulers: tuple[str, ...] = ("fifo",), sets: str = "f1+f2") -> Matrix:
    return Matrix(
        name="strange",
        title="Strange",
        problem="strange",
        dataset=kind,
        searchers=(Component("random", "random", {}),),
        schedulers=tuple(Component(name, name, {}) for name in schedulers),
        objective_sets=(tuple(sets.split("+")),),
        budget=Budget(trials=6, max_epochs=3, slots=2),
    ).in_virtual_time()


def made(kind: str, folder: Path) -> RunRecord:
    chosen = matrix(kind)
    preparation.check_recordable(chosen, "")
    outcome = queue.execute(
        chosen.runs([0]), VirtualBackend("", 1), folder, "", Console(quiet=True)
    )
    assert outcome.failed == {}
    (found,) = storage.read_all(folder)
    return found


@pytest.mark.parametrize("kind", RECORDED)
def test_a_finished_run_is_kept_summarised_exported_and_replayed(kind: str, tmp_path: Path) -> None:
    record = made(kind, tmp_path / "results")
    assert record.result is not None
    assert len(record.result.trials) == 6
    (row,) = aggregate.summarise([record]).to_dict("records")
    assert row["hypervolume"] > 0
    assert aggregate.anytime(record)["hypervolume"].iloc[-1] == pytest.approx(row["hypervolume"])
    for name, table in exports.tables([record]).items():
        assert table.columns.is_unique, name
    for write in (exports.write_csv, exports.write_parquet, exports.write_tensorboard):
        (tmp_path / write.__name__).mkdir()
        assert write([record], tmp_path / write.__name__)


@pytest.mark.parametrize("kind", ["plain", "none", "classes", "lists", "nested-space", "numpy"])
def test_ax_gets_the_values_that_the_space_offers(kind: str, tmp_path: Path) -> None:
    record = made(kind, tmp_path)
    assert record.result is not None
    space = strange.Strange(kind).space
    choice = space.parameters[0]
    values = [exports.space_values(t.config, space)[choice.name] for t in record.result.trials]
    assert {repr(value) for value in values} <= {repr(each) for each in choice.values}
    client = exports.ax_client(record, space)
    assert len(client._experiment.trials) == 6


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("trial", "cannot be called 'trial', because the tables of results use that name"),
        ("seed", "cannot be called 'seed'"),
        ("prefix", "cannot be called 'config_x'"),
        ("iteration", "'training_iteration', because every report of Ray Tune has a value of its"),
        ("start", "cannot be called 'startup_s'"),
        ("lambdas", "of parameter 'choice' are both recorded as"),
        ("slash", "the short name 'a/b' of an objective becomes a part of folder names"),
    ],
)
def test_what_has_no_place_in_a_record_is_refused_before_anything_runs(
    kind: str, message: str
) -> None:
    sets = "a/b+f2" if kind == "slash" else "f1+f2"
    with pytest.raises(UserError, match=message):
        preparation.check_recordable(matrix(kind, sets=sets), "")


def test_ids_that_are_too_long_for_a_folder_are_refused() -> None:
    long = replace(matrix("plain"), schedulers=(Component("x" * 250, "fifo", {}),))
    with pytest.raises(UserError, match="more than 255; give shorter labels"):
        preparation.check_recordable(long, "")


def test_metrics_under_taken_names_have_columns_of_their_own(tmp_path: Path) -> None:
    record = made("taken-names", tmp_path)
    assert record.result is not None
    epochs = record.result.epochs
    assert set(epochs["trial"]) == set(range(6))
    for name, value in strange.REPORTS["taken-names"].items():
        assert set(epochs[f"metric_{name}"]) == {value}
    table = exports.tables([record])["epochs"]
    assert set(table["seed"]) == {0}
    assert set(table["metric_seed"]) == {4}


def test_the_configuration_is_recorded_as_it_was(tmp_path: Path) -> None:
    record = made("mixed", tmp_path)
    assert record.result is not None
    drawn = [(type(t.config["choice"]), t.config["choice"]) for t in record.result.trials]
    assert set(drawn) <= {(type(v), v) for v in strange.CHOICES["mixed"]}
    read = {t.trial: t.config["choice"] for t in record.result.trials}
    column = record.result.epochs.groupby("trial")["config_choice"].first()
    assert set(column) <= {"1", '"1"', "2.5", "true"}
    assert len(column) == len(read)


@pytest.mark.parametrize(("kind", "reason"), [("exits", "SystemExit: 3"), ("raises", "caf")])
def test_a_run_that_ends_badly_is_a_record_and_the_others_go_on(
    kind: str, reason: str, tmp_path: Path
) -> None:
    runs = [matrix(kind).runs([0])[0], matrix("plain").runs([1])[0]]
    outcome = queue.execute(runs, VirtualBackend("", 1), tmp_path, "", Console(quiet=True))
    assert outcome.finished == (runs[1].run_id,)
    assert reason in outcome.failed[runs[0].run_id]
    assert reason in storage.read(tmp_path / runs[0].run_id).reason


class Dying:
    """A backend that kills its process in the first run, and otherwise does its work."""

    processes = 2

    def execute(self, run: Run, on_trial_end: object) -> object:
        if run.seed == 0:
            strange.Strange("dies").start({"x": 0.5}, 0).run_epoch()
        raise ValueError(f"alive in run {run.seed}")


@pytest.mark.slow
def test_a_run_whose_process_is_killed_is_a_record_and_the_others_go_on(tmp_path: Path) -> None:
    runs = replace(matrix("dtlz2"), problem="synthetic").runs([0, 1, 2])
    outcome = queue.execute(runs, Dying(), tmp_path, "", Console(quiet=True))  # type: ignore[arg-type]
    assert outcome.failed[runs[0].run_id].startswith("its process was killed")
    assert "its process was killed" in storage.read(tmp_path / runs[0].run_id).reason
    others = [outcome.failed[run.run_id] for run in runs[1:]]
    assert others == [f"ValueError: alive in run {seed}" for seed in (1, 2)]


def test_curves_of_strange_runs_are_replayed(tmp_path: Path) -> None:
    for kind in ("plain", "none", "no-time"):
        chosen = matrix(kind, ("fifo", "moasha-stopping"))
        folders.open_folder(tmp_path / kind, chosen)
        made(kind, tmp_path / kind / "x")
        (path,) = (tmp_path / kind / "x").iterdir()
        path.rename(tmp_path / kind / path.name)
        (tmp_path / kind / "x").rmdir()
        pool, left = replays.usable(
            replays.read_pool(tmp_path / kind), strange.Strange(kind), chosen
        )
        assert left == 0
        rows = replays.replay_matrix(
            pool, chosen.with_budget(trials=4), strange.Strange(kind), draws=1, slots=[2]
        )
        halving = rows[rows["scheduler"] == "moasha-stopping"]
        assert np.isnan(halving["time_saved"]).all() == (kind == "no-time")


def test_a_report_without_an_objective_is_a_gap_and_no_loss(tmp_path: Path) -> None:
    record = made("gap", tmp_path)
    assert record.result is not None
    values = record.result.epochs["f1"]
    assert pd.api.types.is_float_dtype(values)
    assert values.isna().sum() == 6
    assert {t.status for t in record.result.trials} == {"completed"}
    assert math.isfinite(aggregate.summarise([record])["hypervolume"].iloc[0])


def test_names_are_told_before_a_backend_is_refused() -> None:
    with pytest.raises(UserError, match="unknown scheduler 'fofi'"):
        catalogue.check_names(matrix("plain", ("fofi",)))
