"""The main job on real Ray with real training, small: runs, records, resume, failures."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.tune.schedulers import FIFOScheduler
from rich.console import Console

from bench import instructions
from bench.analysis import aggregate
from bench.execution import preparation, queue
from bench.execution.ray.backend import RayBackend
from bench.matrix import catalogue
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Budget, Cell, Component, Run
from bench.records import environment, storage
from bench.records.record import RunResult
from mobo_core.problems.mlp import MLPProblem
from tests.bench.execution.lending import where_images_lie
from tests.bench.execution.test_trial_faults import trial_processes
from tests.mobo_core.tune.test_team import eventually

pytestmark = pytest.mark.ray

FIFO = Component("fifo", "fifo", {})
SOBOL = Component("sobol", "sobol", {})
CURVE = ["val_accuracy", "val_loss", "train_loss", "params", "flops", "epoch"]
"""The columns of an epoch that do not depend on the machine's speed."""
AX = Component("ax", "ax", {"initialization_trials": 3, "partial_data": "last-value"})


def a_run(
    scheduler: Component = FIFO,
    searcher: Component = SOBOL,
    objectives: tuple[str, ...] = ("acc", "params"),
    trials: int = 4,
    seed: int = 0,
) -> Run:
    cell = Cell("mlp", "digits", searcher, scheduler, objectives)
    return Run(cell, Budget(trials=trials, max_epochs=4, slots=2), seed)


def do(backend: RayBackend, run: Run) -> RunResult:
    ended: list[None] = []
    result = backend.execute(run, lambda: ended.append(None))
    assert len(ended) == len(result.trials) == run.budget.trials
    return result


def curves(result: RunResult) -> dict[int, list[tuple[float, ...]]]:
    return {
        int(str(trial)): [tuple(row) for row in group[CURVE].to_numpy()]
        for trial, group in result.epochs.groupby("trial")
    }


@pytest.fixture(scope="module")
def whole(backend: RayBackend) -> RunResult:
    """Return the result of a run of six trials whose scheduler stops none."""
    return do(backend, a_run(trials=6))


def test_fifo_trains_everything_to_the_end(whole: RunResult) -> None:
    assert [trial.status for trial in whole.trials] == ["completed"] * 6
    assert [trial.epochs for trial in whole.trials] == [4] * 6
    assert [trial.origin for trial in whole.trials] == ["Sobol"] * 6
    assert len(whole.epochs) == 24
    assert whole.predicted is None


def test_a_learner_of_scikit_learn_pauses_and_goes_on(backend: RayBackend) -> None:
    promotion = Component("promotion", "moasha-promotion", {"grace_period": 1})
    cell = Cell("learner", "boosting-diabetes", SOBOL, promotion, ("error", "size"))
    result = do(backend, Run(cell, Budget(trials=6, max_epochs=4, slots=2), 0))
    assert max(trial.epochs for trial in result.trials) == 4
    assert result.counts["resumes"] > 0
    problem = catalogue.make_problem(cell, "no-data-needed", 4)
    for trial in result.trials:
        training = problem.start(trial.config, 0)
        rows = result.epochs[result.epochs["trial"] == trial.trial].sort_values("epoch")
        assert len(rows) == trial.epochs
        for _, row in rows.iterrows():
            report = training.run_epoch()
            assert [row[name] for name in ("val_error", "val_loss", "epoch")] == [
                report[name] for name in ("val_error", "val_loss", "epoch")
            ]


def test_training_processes_look_at_one_copy_of_the_data(backend: RayBackend) -> None:
    problem = MLPProblem("digits", "", 4)
    processes = backend._ready_processes(problem)
    places = ray.get([process.__ray_call__.remote(where_images_lie) for process in processes])
    assert len(places) == 2
    assert len(set(places)) == 1
    assert "plasma" in places[0][0]


def idle_processes() -> set[int]:
    """Return the ids of Ray's idle processes."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] == ["ray::IDLE"]:
                found.add(process.pid)
    return found


def test_processes_for_trials_are_there_before_a_run_begins(backend: RayBackend) -> None:
    do(backend, a_run(trials=2))
    assert eventually(lambda: len(idle_processes()) >= 2)
    idle, used = idle_processes(), set()
    backend.execute(a_run(trials=4, seed=1), lambda: used.update(trial_processes()))
    assert len(used) == 2
    assert used <= idle


def test_training_processes_use_the_instructions_of_this_process(backend: RayBackend) -> None:
    processes = backend._ready_processes(MLPProblem("digits", "no-data-needed", 4))
    used = ray.get(
        [p.__ray_call__.remote(lambda _: environment._instructions()) for p in processes]
    )
    assert used == [environment.capture().instructions] * 2


def test_timing_accounts_for_what_was_reported(whole: RunResult) -> None:
    timing, epochs = whole.timing, whole.epochs
    assert timing.training_slot_s == pytest.approx(epochs["seconds"].sum())
    # Two slots train at a time at most, and nothing is reported after the end.
    assert timing.training_slot_s + timing.startup_slot_s <= 2 * timing.wall_s
    assert epochs["reported_s"].max() <= timing.wall_s
    assert epochs["reported_s"].is_monotonic_increasing
    assert timing.suggestion_s == pytest.approx(sum(t.suggestion_s for t in whole.trials))


def test_same_run_same_configurations_and_curves(backend: RayBackend, whole: RunResult) -> None:
    again = do(backend, a_run(trials=6))
    assert [t.config for t in again.trials] == [t.config for t in whole.trials]
    assert curves(again) == curves(whole)


def test_paired_seeds_differ_in_what_the_scheduler_does_and_nothing_else(
    backend: RayBackend, whole: RunResult
) -> None:
    fifo = curves(whole)
    rule = Component("g1", "paper-dominance", {"grace_period": 1, "reduction_factor": 2})
    stopped = do(backend, a_run(rule, trials=6))
    assert any(trial.status == "stopped" for trial in stopped.trials)
    for trial, curve in curves(stopped).items():
        assert curve == fifo[trial][: len(curve)]


def test_final_front_is_trained_again_and_tested(backend: RayBackend) -> None:
    run = a_run(trials=6, objectives=("acc", "loss", "params"))
    result = do(backend, run)
    record = replace(queue._record(run, ""), result=result)
    front = aggregate.observed_front(record)
    assert [member.trial for member in result.front] == front["trial"].tolist()
    assert len(result.front) > 0
    for member in result.front:
        assert member.repeated
        assert 0.5 < member.metrics["test_accuracy"] <= 1


def test_ax_searches_and_predicts(backend: RayBackend) -> None:
    result = do(backend, a_run(searcher=AX, trials=6))
    assert result.trials[-1].origin == "BoTorch"
    assert result.trials[0].origin == "Sobol"
    assert result.predicted is not None
    assert result.timing.suggestion_s > 0


def test_promotion_pauses_trials_on_hosts(backend: RayBackend) -> None:
    promotion = Component("hv", "hv-promotion", {})
    result = do(backend, a_run(promotion, trials=8))
    assert result.counts["resumes"] > 0
    assert {t.status for t in result.trials} == {"completed", "stopped"}
    # A paused and resumed training equals an uninterrupted one, bit for bit.
    assert result.front
    assert all(member.repeated for member in result.front)


def test_a_scheduler_that_raises_leaves_its_slots_to_the_next_run(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FIFOScheduler):
        def on_trial_result(self, *arguments: Any) -> str:
            raise RuntimeError("no decision today")

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "make_scheduler", lambda component, context: Broken())
        with pytest.raises(Exception, match="no decision today"):
            backend.execute(a_run(trials=2), lambda: None)
    assert len(do(backend, a_run(trials=2)).trials) == 2


def test_queue_isolates_failures_and_never_repeats_a_finished_run(
    backend: RayBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = a_run(trials=2, seed=1), a_run(trials=2, seed=2)
    original = catalogue.make_searcher

    def make(component: Component, context: catalogue.Context) -> Any:
        if context.seed == 2:
            raise RuntimeError("no searcher today")
        return original(component, context)

    console = Console(file=io.StringIO(), width=200)
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "make_searcher", make)
        outcome = queue.execute([bad, good], backend, tmp_path / "r", "", console)
    assert outcome.finished == (good.run_id,)
    assert outcome.failed == {bad.run_id: "RuntimeError: no searcher today"}
    record = storage.read(tmp_path / "r" / bad.run_id)
    assert "no searcher today" in record.error
    assert record.environment["instructions"]["used"] == instructions.in_force()
    assert queue.other_instructions(tmp_path / "r") == ""
    finished = storage.read(tmp_path / "r" / good.run_id)
    old = {k: v for k, v in finished.environment.items() if k != "instructions"}
    storage.write(replace(finished, environment=old), tmp_path / "old")
    said = queue.other_instructions(tmp_path / "old")
    assert (
        f"other vector instructions, unknown (1), than new ones, {instructions.in_force()}" in said
    )
    assert queue.pending([good, bad], tmp_path / "r", "") == [bad]
    assert queue.pending([good, bad], tmp_path / "r", "", force=True) == [good, bad]


def test_the_time_of_runs_is_foretold_where_the_searcher_works(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, matrix = a_run(trials=2), load_matrix("quick").with_dataset("digits")
    matrix = replace(matrix, budget=run.budget)
    said = io.StringIO()
    console = Console(file=said, width=200)

    def no_searcher(*arguments: object) -> None:
        raise RuntimeError("no searcher today")

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "make_searcher", no_searcher)
        preparation.announce(backend, matrix, [run], "no-data-needed", console)
    assert "is not known: RuntimeError('no searcher today')" in said.getvalue()
    preparation.announce(backend, matrix, [run], "no-data-needed", console)
    assert "for 1 run if no trial stops early" in said.getvalue()
