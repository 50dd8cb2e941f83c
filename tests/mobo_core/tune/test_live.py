"""The front of real searches on Ray: logged while they run, and found afterwards."""

from __future__ import annotations

import csv
import json
import math
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import ray
from ray import tune
from ray.tune import ExperimentAnalysis, ResultGrid
from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback, TBXLoggerCallback
from ray.tune.result import AUTO_RESULT_KEYS
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bench.execution.ray.backend import RayBackend
from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet, pareto_front
from mobo_core.results import TrialHistory, read_trials
from mobo_core.results.history import TUNE_KEYS
from mobo_core.tune import LiveFront

OBJECTIVES = ObjectiveSet(
    [Objective("val/loss", "min", reference=9), Objective("size", "min", reference=2)]
)
EPOCHS = 3
TRIALS = {"good": 0.9, "fails": 0.95, "silent": 0.4, "nan": 0.3, "test": 0.2, "last": 0.1}
"""Each kind of trial that a user may have, and its parameter: a small one has a small loss."""
FRONT = ["last", "test", "good"]
# The session switches off what Tune adds by default: these loggers, after the user's callbacks.
LOGGERS = [JsonLoggerCallback(), CSVLoggerCallback(), TBXLoggerCallback()]


class Training(tune.Trainable):
    """Trains nothing; reports a loss that falls, and does what its kind says."""

    def setup(self, config: dict[str, Any]) -> None:
        self.epoch = 0

    def step(self) -> dict[str, Any]:
        self.epoch += 1
        kind = self.config["kind"]
        if kind == "fails" and self.epoch == 2:
            raise RuntimeError("the data are gone")
        last = EPOCHS + (kind == "test")
        more = {"epoch": self.epoch, "done": self.epoch == last}
        if kind == "silent" or self.epoch > EPOCHS:
            return {"test_loss": 0.5, **more}
        x = TRIALS[kind]
        loss = math.nan if kind == "nan" else x / self.epoch
        # An array with one element is a number; in Tune's files it is a list.
        size = np.array([1 - x]) if kind == "last" else np.float64(1 - x)
        return {"val": {"loss": loss}, "size": size, **more}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self.epoch = new_config, 0
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "epoch").write_text(str(self.epoch))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.epoch = int(Path(checkpoint_dir, "epoch").read_text())


def trainable() -> Any:
    return tune.with_resources(Training, {"cpu": 0.01, SLOT: 1})


@pytest.fixture(scope="module")
def results(backend: RayBackend, tmp_path_factory: pytest.TempPathFactory) -> ResultGrid:
    """Return a search with Tune's own loggers, in which some trials fail or say nothing."""
    backend.free_slots()
    # A trial's process would otherwise import this module, and with it PyTorch.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    saving = tune.CheckpointConfig(checkpoint_frequency=1)
    return tune.Tuner(
        trainable(),
        param_space={"kind": tune.grid_search(list(TRIALS))},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=1),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path_factory.mktemp("search")),
            name="plain",
            verbose=0,
            callbacks=[LiveFront(OBJECTIVES), *LOGGERS],
            checkpoint_config=saving,
        ),
    ).fit()


def by_kind(trials: list[TrialHistory]) -> dict[str, TrialHistory]:
    return {trial.config["kind"]: trial for trial in trials}


@pytest.mark.ray
def test_every_source_gives_the_same_front(results: ResultGrid) -> None:
    folder = results.experiment_path
    sources = {
        "grid": results,
        "list": list(results),
        "analysis": ExperimentAnalysis(folder),
        "folder": folder,
        "table": results.get_dataframe(),
    }
    left_out = pareto_front(results, OBJECTIVES).left_out
    for name, source in sources.items():
        front = pareto_front(source, OBJECTIVES)
        assert name == "table" or front.left_out == left_out, name
        best = pareto_front(source, OBJECTIVES, scope="best")
        assert name == "table" or len(best) == len(FRONT), name
        values = [(member.values["val/loss"], member.values["size"]) for member in front]
        kinds = [member.config["kind"] for member in front]
        if name == "table":  # it has only last reports, and does not tell which trials failed
            assert kinds == ["last", "good", "fails"]
            continue
        assert kinds == FRONT, name
        assert values == [(TRIALS[kind] / EPOCHS, 1 - TRIALS[kind]) for kind in FRONT], name
        trials = by_kind(read_trials(source))
        assert set(front.left_out) == {trials[kind].trial_id for kind in ("fails", "silent", "nan")}
        assert front.left_out[trials["fails"].trial_id] == (
            "it failed: RuntimeError: the data are gone"
        )
        assert len(trials["test"].reports) == EPOCHS + 1


@pytest.mark.ray
def test_the_best_reports_have_their_checkpoints(results: ResultGrid) -> None:
    front = pareto_front(results, OBJECTIVES, scope="best")
    assert [member.config["kind"] for member in front] == FRONT  # the loss only falls
    for member in front:
        assert member.result in list(results)
    analysed = pareto_front(ExperimentAnalysis(results.experiment_path), OBJECTIVES, scope="best")
    for member in (*front, *analysed):
        with member.checkpoint.as_directory() as path:
            assert Path(path, "epoch").read_text() == str(member.metrics["epoch"]) == str(EPOCHS)
    # The reports of a class trainable do not name their checkpoints.
    folder = pareto_front(results.experiment_path, OBJECTIVES)
    assert [member.checkpoint for member in folder] == [None] * len(FRONT)


def train(config: dict[str, Any]) -> None:
    """Report twice, each time with a checkpoint."""
    for epoch in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "epoch").write_text(str(epoch))
            metrics = {"val": {"loss": config["x"] * epoch}, "size": 1 - config["x"]}
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))


@pytest.mark.ray
def test_checkpoints_of_a_function_are_found_from_every_source(
    ray_session: RayBackend, tmp_path: Path
) -> None:
    found = tune.Tuner(
        tune.with_resources(train, {"cpu": 0.01, SLOT: 1}),
        param_space={"x": tune.grid_search([0.2, 0.4])},
        run_config=tune.RunConfig(
            storage_path=str(tmp_path), name="saved", verbose=0, callbacks=[JsonLoggerCallback()]
        ),
    ).fit()
    folder = found.experiment_path
    for source in (found, ExperimentAnalysis(folder), folder, f"file://{folder}"):
        for scope, epochs in (("last", "22"), ("best", "11")):
            front = pareto_front(source, OBJECTIVES, scope=scope)  # type: ignore[arg-type]
            assert len(front) == 2
            for member, epoch in zip(front, epochs, strict=True):
                assert isinstance(member.checkpoint, tune.Checkpoint)
                with member.checkpoint.as_directory() as path:
                    assert Path(path, "epoch").read_text() == epoch


@pytest.mark.ray
def test_the_keys_of_tune_are_those_that_it_adds(results: ResultGrid) -> None:
    (silent,) = (trial for trial in read_trials(results) if trial.config["kind"] == "silent")
    added = {name for report in silent.reports for name in report if "/" not in name}
    assert added - TUNE_KEYS == {"test_loss", "epoch"}
    assert set(AUTO_RESULT_KEYS) <= TUNE_KEYS


@pytest.mark.ray
def test_the_loggers_of_tune_show_the_front(results: ResultGrid) -> None:
    trials = by_kind(read_trials(results.experiment_path))
    sizes = {kind: [r["front/size"] for r in trials[kind].reports] for kind in TRIALS}
    # A failed trial has left the front before the next one begins; what has no value adds nothing.
    assert sizes == {
        "good": [1, 1, 1],
        "fails": [2],
        "silent": [1, 1, 1],
        "nan": [1, 1, 1],
        "test": [2, 2, 2, 2],
        "last": [2, 3, 3],  # at first the test trial dominates it
    }
    end = trials["last"].reports[-1]["front/hypervolume"]
    assert end == pareto_front(results, OBJECTIVES).hypervolume
    folder = Path(str(trials["last"].path))
    with (folder / "progress.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["front/hypervolume"]) == end
    events = EventAccumulator(str(folder)).Reload()
    scalars = events.Scalars("ray/tune/front/hypervolume")
    assert scalars[-1].value == pytest.approx(end, rel=1e-6)  # TensorBoard keeps single precision
    assert [r.metrics["front/hypervolume"] for r in results if r.metrics][-1] == end


@pytest.mark.ray
def test_a_restored_search_goes_on_with_the_front(
    results: ResultGrid, ray_session: RayBackend
) -> None:
    before = pareto_front(results, OBJECTIVES)
    again = tune.Tuner.restore(results.experiment_path, trainable(), restart_errored=True).fit()
    trial = by_kind(read_trials(again.experiment_path))["fails"]
    # Tune restarts it as a new trial; the folder of the old one is no part of the search any more.
    assert [report["front/size"] for report in trial.reports] == [len(before) + 1]
    trials = read_trials(again.experiment_path)
    assert {found.trial_id for found in trials} == {found.trial_id for found in read_trials(again)}
    assert len(pareto_front(again, OBJECTIVES)) == len(before)


def report_to(live: LiveFront, trial: str, report: dict[str, Any]) -> dict[str, Any]:
    """Report as Tune does, and return the report as the next callback sees it."""
    trials = [SimpleNamespace(trial_id=name) for name in "abc"]
    (mine,) = (found for found in trials if found.trial_id == trial)
    live.on_trial_result(1, trials, mine, report)
    return report


def test_reports_without_values_change_nothing() -> None:
    live = LiveFront(OBJECTIVES)
    seen = report_to(live, "a", {"val": {"loss": 1.0}, "size": 1})
    assert seen["front/hypervolume"] == 8.0
    for bad in ({}, {"val": {"loss": None}, "size": 1}, {"val/loss": "x", "size": 1}):
        for loss in (bad, {"val/loss": math.inf, "size": 0}, {"val/loss": math.nan, "size": 0}):
            assert report_to(live, "b", dict(loss))["front/size"] == 1
    broken = report_to(live, "b", {"val/loss": -1e308, "size": -1e308})
    assert math.isnan(broken["front/hypervolume"])


def test_a_name_that_no_report_has_is_said_once() -> None:
    misspelt = [Objective("val/los", "min", reference=9), Objective("size", "min", 2)]
    live = LiveFront(misspelt, constraints="latency <= 20")
    report = {"val": {"loss": 1.0}, "size": 1, "latency_ms": 3}
    for _ in range(9):
        report_to(live, "a", dict(report))
    message = (
        r"shows no trial yet.*first 10 reports.*'latency <= 20': did you mean 'latency_ms'\?; "
        r"nor the objective 'val/los': did you mean 'val/loss'\?$"
    )
    with pytest.warns(UserWarning, match=message):
        report_to(live, "b", dict(report))
    for _ in range(20):
        assert report_to(live, "a", dict(report))["front/size"] == 0


def test_an_objective_that_some_reports_lack_is_not_said() -> None:
    live, restored = LiveFront(OBJECTIVES), LiveFront(OBJECTIVES)
    report_to(live, "a", {"val/loss": 1.0, "size": 1})
    restored.set_state(live.get_state())
    for _ in range(12):
        report_to(live, "a", {"epoch": 1})
        report_to(restored, "a", {"epoch": 1})
    assert live.numbers()["size"] == 1


def test_the_last_and_the_best_reports() -> None:
    last, best = LiveFront(OBJECTIVES), LiveFront(OBJECTIVES, scope="best", prefix="best")
    for live in (last, best):
        report_to(live, "a", {"val/loss": 1.0, "size": 1})
    worse = {"val/loss": 5.0, "size": 1}
    assert report_to(last, "a", dict(worse))["front/hypervolume"] == 4.0
    assert report_to(best, "a", dict(worse))["best/hypervolume"] == 8.0
    restored = LiveFront(OBJECTIVES, scope="best")
    restored.set_state(json.loads(json.dumps(best.get_state())))
    assert restored.numbers() == best.numbers() == {"size": 1, "hypervolume": 8.0}


def test_it_prints_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    report = {"val/loss": 1.0, "size": 1}
    quiet, loud = LiveFront(OBJECTIVES), LiveFront(OBJECTIVES, print_every_s=0)
    rarely = LiveFront(OBJECTIVES, print_every_s=3600)
    report_to(quiet, "a", dict(report))
    quiet.on_experiment_end([])
    assert capsys.readouterr().out == ""
    report_to(loud, "a", dict(report))
    assert capsys.readouterr().out == "front: 1 of 3 trials, hypervolume 8\n"
    report_to(loud, "a", {"val/loss": -1e308, "size": -1e308})
    assert capsys.readouterr().out == "front: 1 of 3 trials, hypervolume too large for a float\n"
    for _ in range(3):
        report_to(rarely, "a", dict(report))
    rarely.on_experiment_end([1, 2])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="scope must be one of"):
        LiveFront(OBJECTIVES, scope="all")  # type: ignore[arg-type]
    for seconds in (-1, math.nan):
        with pytest.raises(ValueError, match="print_every_s must be None or at least 0"):
            LiveFront(OBJECTIVES, print_every_s=seconds)
    with pytest.raises(TypeError, match="must be an ObjectiveSet or a list"):
        LiveFront("loss")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'metric <= number'"):
        LiveFront(OBJECTIVES, constraints="a + b <= 1")
