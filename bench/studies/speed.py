"""Where the time of a run goes on real Ray: its parts, and what Tune itself costs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from ray import tune

from bench.analysis import aggregate
from bench.execution.ray.backend import PROXY_CPUS
from bench.execution.ray.session import SLOT
from bench.formatting import markdown_table
from bench.records.record import RunRecord
from mobo_core.tune import problem_trainable
from mobo_core.tune.searchers.ax_names import BOTORCH_NODE
from mobo_core.virtual import InOrder, RecordedCurves

FEW_TRIALS, MANY_TRIALS, EPOCHS = 10, 40, 64


@dataclass(frozen=True)
class Overhead:
    """What Tune costs where training costs nothing; seconds of wall time.

    Args:
        per_run_s: Start and end of an experiment, its trial processes included.
        per_trial_s: Each further trial, with all slots in use.
        per_report_s: Each further report.
    """

    per_run_s: float
    per_trial_s: float
    per_report_s: float


def tune_overhead(repeats: int) -> Overhead:
    """Time experiments whose epochs cost nothing, on a Ray that `RayBackend` has started.

    Args:
        repeats: The sizes in turn so often; the fastest of each counts.
    """
    sizes = ((FEW_TRIALS, 1), (MANY_TRIALS, 1), (MANY_TRIALS, EPOCHS))
    costless_search_s(1, 1)  # what is paid once in a session counts no more
    rounds = [[costless_search_s(*size) for size in sizes] for _ in range(repeats)]
    few, many, longer = (min(times) for times in zip(*rounds, strict=True))
    per_trial = (many - few) / (MANY_TRIALS - FEW_TRIALS)
    per_report = (longer - many) / (MANY_TRIALS * (EPOCHS - 1))
    return Overhead(few - FEW_TRIALS * per_trial, per_trial, per_report)


def costless_search_s(trials: int, epochs: int) -> float:
    """Seconds of wall time for so many trials of so many epochs that cost nothing."""
    curves = RecordedCurves([[{"error": 1.0}] * epochs] * trials)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            problem_trainable(curves, 0, {"cpu": PROXY_CPUS, SLOT: 1}),
            tune_config=tune.TuneConfig(
                search_alg=InOrder(curves.configs), num_samples=trials, reuse_actors=True
            ),
            run_config=tune.RunConfig(name="costless", storage_path=folder, verbose=0),
        )
        began = time.perf_counter()
        results = tuner.fit()
        seconds = time.perf_counter() - began
    assert results.num_errors == 0
    return seconds


def parts(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Where the time of finished runs went, medians over the seeds.

    Returns:
        A row per scheduler, searcher and objective set: runs; epochs; wall s of the search;
        training (also of one epoch), start-up and waiting in slot-seconds; suggestions s of the
        run, and s of one made by a model; utilisation (training over slots × wall, 0 to 1).
    """
    runs = aggregate.summarise(records)
    by_model = {
        record.run_id: [
            trial.suggestion_s for trial in record.result.trials if trial.origin == BOTORCH_NODE
        ]
        for record in records
        if record.result
    }
    runs["model_s"] = [pd.Series(by_model[run], dtype=float).median() for run in runs["run_id"]]
    runs["epoch_s"] = runs["training_s"] / runs["epochs"]
    columns = {
        "epochs": "epochs",
        "runtime_s": "wall s",
        "training_s": "training slot-s",
        "epoch_s": "an epoch slot-s",
        "startup_s": "start-up slot-s",
        "idle_s": "waiting slot-s",
        "suggestion_s": "suggestions s",
        "model_s": "one by the model s",
        "utilisation": "utilisation",
    }
    cells = runs.groupby(["objectives", "scheduler", "searcher"])
    table = cells[list(columns)].median().rename(columns=columns)
    table.insert(0, "runs", cells.size())
    return table.reset_index()


def markdown(table: pd.DataFrame, overhead: Overhead, subject: str) -> str:
    """Both as a page."""
    return "\n".join(
        [
            f"# Where the time goes: {subject}",
            "",
            "Medians over the seeds. Wall: the search, without the start of the training "
            "processes. Slot-seconds: slots × wall.",
            "",
            markdown_table(table),
            "",
            "Tune itself, with epochs that cost nothing (wall time, all slots in use): "
            f"{1000 * overhead.per_report_s:.1f} ms a report, "
            f"{1000 * overhead.per_trial_s:.0f} ms a trial, {overhead.per_run_s:.1f} s a run.",
            "",
        ]
    )
