"""Exports read back by the tools that they are for."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ax.api.client import Client
from ax.core.trial_status import TrialStatus

from bench.analysis import aggregate, exports
from bench.errors import UserError
from bench.records.record import RunRecord
from mobo_core.pareto.indicators import hypervolume
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace
from tests.bench.examples import record

SPACE = SearchSpace(
    (ChoiceParameter("units", (16, 32), ordered=True), RangeParameter("lr", 1e-4, 1e-1, log=True))
)


def made() -> RunRecord:
    """Return a run with a completed, a stopped and a failed trial, configured from `SPACE`."""
    run = record(curves=((0.91, 0.95), (0.93,), (0.92, np.nan)), params=(80, 60, 70), failed=(2,))
    assert run.result is not None
    trials = tuple(
        replace(trial, config={"units": 16, "lr": 0.001 * (1 + trial.trial)})
        for trial in run.result.trials
    )
    return replace(run, result=replace(run.result, trials=trials))


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    failed = replace(made(), run_id="failed", result=None, error="boom")
    runs = [made(), record("paper-dominance-g1", seed=1), failed]
    finished = runs[:2]
    expected = exports.tables(finished)
    assert [path.name for path in exports.write_csv(runs, tmp_path)] == [
        "runs.csv",
        "trials.csv",
        "epochs.csv",
    ]
    exports.write_parquet(finished, tmp_path)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), table)
        read = pd.read_csv(tmp_path / f"{name}.csv")
        numbers = table.select_dtypes("number").columns
        pd.testing.assert_frame_equal(read[numbers], table[numbers], check_dtype=False)  # exact
    assert expected["runs"]["run_id"].tolist() == [run.run_id for run in finished]
    assert len(expected["trials"]) == 3 + 2
    assert expected["trials"]["status"].tolist()[:3] == ["completed", "stopped", "failed"]
    assert len(expected["epochs"]) == 5 + 4
    assert set(expected["epochs"]["run_id"]) == set(expected["trials"]["run_id"])


def test_ax_loads_what_was_exported(tmp_path: Path) -> None:
    run = made()
    (path,) = exports.write_ax([run], SPACE, tmp_path)
    client = Client.load_from_json_file(str(path))
    experiment = client._experiment
    statuses = [trial.status for trial in experiment.trials.values()]
    assert statuses == [TrialStatus.COMPLETED, TrialStatus.EARLY_STOPPED, TrialStatus.FAILED]
    assert run.result is not None
    for trial, ours in zip(experiment.trials.values(), run.result.trials, strict=True):
        assert trial.arms[0].parameters == ours.config
    config = experiment.optimization_config
    assert config is not None
    thresholds = {t.metric_names[0]: t.bound for t in config.objective_thresholds}
    assert thresholds == {"val_accuracy": 0.9, "params": 100.0}
    # Every finite report, at its epoch; Ax's own front of them has our hypervolume.
    data = experiment.lookup_data().full_df
    accuracy = data[data["metric_name"] == "val_accuracy"]
    told = accuracy[["trial_index", "step", "mean"]].to_numpy(float)
    expected = [(0, 1, 0.91), (0, 2, 0.95), (1, 1, 0.93), (2, 1, 0.92)]
    np.testing.assert_allclose(told, expected, rtol=1e-14)  # Ax's table rounds its JSON
    front = client.get_pareto_frontier(use_model_predictions=False)
    means = [{k: v[0] if isinstance(v, tuple) else v for k, v in m.items()} for _, m, _, _ in front]
    points = run.objective_set.to_points(means)
    ours_volume = hypervolume(aggregate.observed_points(run), run.objective_set.reference_point)
    assert hypervolume(points, run.objective_set.reference_point) == pytest.approx(ours_volume)


def test_configurations_of_another_space_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trial 0 of .* does not lie in the search space"):
        exports.write_ax([record()], SPACE, tmp_path)


def test_tensorboard_events_hold_every_report(tmp_path: Path) -> None:
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    folders = exports.write_tensorboard([record()], tmp_path)
    assert [folder.name for folder in folders] == ["trial-000", "trial-001"]
    (file,) = folders[0].iterdir()
    scalars = {}
    for payload in framed(file.read_bytes()):
        event = event_pb2.Event.FromString(payload)
        for value in event.summary.value:
            scalars[value.tag, event.step] = (value.simple_value, event.wall_time)
    accuracy = {step: v[0] for (tag, step), v in scalars.items() if tag == "val_accuracy"}
    assert accuracy == pytest.approx({1: 0.91, 2: 0.95})  # single precision
    assert scalars["params", 2][0] == 80
    # 2026-01-02T03:04:05 UTC and two seconds.
    assert scalars["val_accuracy", 2][1] == pytest.approx(1767323045 + 2, abs=1e-3)


def framed(data: bytes) -> list[bytes]:
    """Return the payloads of a TFRecord file.

    Each entry has a length, the length's checksum, the payload and the payload's checksum.
    """
    payloads = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        payloads.append(data[12 : 12 + length])
        data = data[16 + length :]
    return payloads


def test_tensorboard_needs_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.analysis.exports.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs tensorboardX: pip install tensorboardX"):
        exports.write_tensorboard([record()], tmp_path)


def test_a_recorded_configuration_gets_the_values_of_the_space() -> None:
    space = SearchSpace(
        (
            ChoiceParameter("model/kind", (None, dict, (1, 2), np.float32(0.5))),
            RangeParameter("a/b", 0.0, 1.0),
        )
    )
    for recorded, value in ((None, None), ("builtins.dict", dict), ([1, 2], (1, 2)), (0.5, 0.5)):
        nested = {"model": {"kind": recorded}, "a/b": 0.3}
        assert exports.space_values(nested, space) == {"model/kind": value, "a/b": 0.3}
    with pytest.raises(ValueError, match="'list' is no value of parameter 'model/kind'"):
        exports.space_values({"model": {"kind": "list"}, "a/b": 0.3}, space)
    with pytest.raises(ValueError, match="parameter 'a/b' has no value"):
        exports.space_values({"model": {"kind": None}}, space)


def test_columns_of_older_records_with_taken_names_are_exported_beside_ours(tmp_path: Path) -> None:
    run = made()
    assert run.result is not None
    epochs = run.result.epochs.assign(seed=7, note=["a", 1, None, "b", "c"])
    old = replace(run, result=replace(run.result, epochs=epochs))
    exports.write_parquet([old, record(seed=1)], tmp_path)
    read = pd.read_parquet(tmp_path / "epochs.parquet")
    assert set(read["seed"]) == {0, 1}
    assert read["metric_seed"].dropna().tolist() == [7] * 5
    assert read["note"].dropna().tolist() == ['"a"', "1", '"b"', '"c"']
