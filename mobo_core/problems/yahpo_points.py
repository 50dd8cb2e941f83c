"""The script that writes ``yahpo_points.json``, the fixed reference values of YAHPO instances.

    python -m mobo_core.problems.yahpo_points DATA_DIR [SCENARIO ...]

The values of the named scenarios are computed, by default of all; those of the others remain.
A reference value is the 0.9 quantile of a metric after the last epoch, over `SAMPLE` configurations
that are drawn uniformly from the space with seed 0. It depends only on the problem, never on the
results of a search. The ideals are bounds; see `mobo_core.problems.yahpo`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from mobo_core.problems import yahpo
from mobo_core.problems.yahpo_scenarios import SCENARIOS

SAMPLE = 2000
WORST = 0.9
DIGITS = 6


def reference_of(scenario: str, instance: str, data_dir: str) -> dict[str, float]:
    """Return metric → reference value of an instance."""
    parts = SCENARIOS[scenario]
    unit = np.random.default_rng(0).random((SAMPLE, len(parts.space)))
    folder = str(Path(data_dir, "yahpo", scenario))
    ends: dict[str, list[float]] = {metric: [] for metric, *_ in parts.goals.values()}
    for point in unit:
        config = parts.space.from_unit(point)
        columns = yahpo._curve(scenario, instance, folder, tuple(config.items()))
        for metric, values in ends.items():
            values.append(columns[metric][-1])
    return {
        metric: float(f"{np.quantile(values, WORST):.{DIGITS}g}") for metric, values in ends.items()
    }


def main(data_dir: str, *scenarios: str) -> None:
    """Write the file into this module's folder."""
    out = Path(__file__).with_suffix(".json")
    made: dict[str, dict[str, dict[str, float]]] = json.loads(out.read_text("utf-8"))["instances"]
    for scenario in scenarios or tuple(SCENARIOS):
        path = Path(data_dir, "yahpo", scenario, "config_space.json")
        parameters = json.loads(path.read_text("utf-8"))["hyperparameters"]
        (names,) = (p["choices"] for p in parameters if p["name"].endswith("task_id"))
        made[scenario] = {name: reference_of(scenario, name, data_dir) for name in names}
    document = {
        "about": "reference value of each metric, by instance; made by yahpo_points.py",
        "instances": made,
    }
    text = json.dumps(document, indent=1)
    out.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
