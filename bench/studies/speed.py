"""Measure where the time of a run goes on real Ray: its parts, and the overhead of Tune."""

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
    """The overhead of Tune where training costs nothing, in seconds of wall time.

    Args:
        per_run_s: The start and end of an experiment, including its trial processes.
        per_trial_s: Each further trial, with all slots in use.
        per_report_s: Each further report.
    """

    per_run_s: float
    per_trial_s: float
    per_report_s: float


def tune_overhead(repeats: int) -> Overhead:
    """Time experiments whose epochs cost nothing, on a Ray that `RayBackend` has started.

    Args:
        repeats: The number of rounds over all sizes; the fastest run of each size counts.
    """
    sizes = ((FEW_TRIALS, 1), (MANY_TRIALS, 1), (MANY_TRIALS, EPOCHS))
    costless_search_s(1, 1)  # costs that are paid once per session must not count
    rounds = [[costless_search_s(*size) for size in sizes] for _ in range(repeats)]
    few, many, longer = (min(times) for times in zip(*rounds, strict=True))
    per_trial = (many - few) / (MANY_TRIALS - FEW_TRIALS)
    per_report = (longer - many) / (MANY_TRIALS * (EPOCHS - 1))
    return Overhead(few - FEW_TRIALS * per_trial, per_trial, per_report)


def costless_search_s(trials: int, epochs: int) -> float:
    """Return the wall time in seconds of a search whose epochs cost nothing.

    Args:
        trials: The number of trials.
        epochs: The epochs of each trial.
    """
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
    """Return where the time of finished runs went, as medians over the seeds.

    Args:
        records: The runs; those that have not finished are left out.

    Returns:
        A row per objective set, scheduler and searcher, with the number of runs and of epochs. Wall
        time is that of the search, in seconds. Training (in all, and of one epoch), start-up and
        waiting are in slot-seconds. Suggestions (in all, and one by the model) are in seconds.
        Utilisation is training / (slots × wall time), 0 to 1.
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
        "runtime_s": "wall time s",
        "training_s": "training slot-s",
        "epoch_s": "one epoch slot-s",
        "startup_s": "start-up slot-s",
        "idle_s": "waiting slot-s",
        "suggestion_s": "suggestions s",
        "model_s": "one suggestion by the model s",
        "utilisation": "utilisation",
    }
    cells = runs.groupby(["objectives", "scheduler", "searcher"])
    table = cells[list(columns)].median().rename(columns=columns)
    table.insert(0, "runs", cells.size())
    return table.reset_index()


def markdown(table: pd.DataFrame, overhead: Overhead, subject: str) -> str:
    """Return the table and the overhead as a Markdown page."""
    return "\n".join(
        [
            f"# Where the time goes: {subject}",
            "",
            "All figures are medians over the seeds. Wall time is that of the search, without the "
            "start of the training processes. Slot-seconds (slot-s) add up to slots × wall time.",
            "",
            markdown_table(table),
            "",
            "The overhead of Tune, measured with epochs that cost nothing and all slots in use: "
            f"{1000 * overhead.per_report_s:.1f} ms per report, "
            f"{1000 * overhead.per_trial_s:.0f} ms per trial and {overhead.per_run_s:.1f} s per "
            "run of wall time.",
            "",
        ]
    )
