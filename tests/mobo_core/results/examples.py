"""An experiment's folder as Ray Tune writes it, made of text files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def tune_report(trial_id: str, config: Mapping[str, Any], **metrics: Any) -> dict[str, Any]:
    """Return one line of result.json as Tune writes it."""
    return {
        **metrics,
        "timestamp": 1_795_919_144,
        "checkpoint_dir_name": None,
        "done": False,
        "trial_id": trial_id,
        "pid": 27188,
        "config": dict(config),
    }


def write_trial(folder: Path, reports: Sequence[Mapping[str, Any]], **files: str) -> None:
    """Write a trial's folder: result.json from its reports, and further files by their stems."""
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(report) + "\n" for report in reports)
    (folder / "result.json").write_text(lines)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def write_state(
    experiment: Path, trials: Sequence[Mapping[str, Any]], name: str = "1", **runner: Any
) -> Path:
    """Write the file in which Tune keeps the state of an experiment's trials and its runner."""
    pairs = []
    for trial in trials:
        more = {"error_filename": None, "last_result": trial.get("last_result", {})}
        state = {key: value for key, value in trial.items() if key != "last_result"}
        pairs.append([json.dumps(state), json.dumps(more)])
    path = experiment / f"experiment_state-{name}.json"
    path.write_text(json.dumps({"trial_data": pairs, "runner_data": runner, "stats": {}}))
    return path
