"""Record the curves of a grid, for virtual runs to look up (`mobo_core.problems.tabular`).

Every curve is saved at once, so an interrupted recording continues where it stopped. A recording
that was begun with other code or data is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from bench.errors import UserError
from bench.execution.parallel import in_processes
from bench.formatting import duration
from bench.records import environment, files, folders
from mobo_core.objectives import Objective
from mobo_core.problems.protocol import Problem
from mobo_core.problems.tabular import EPOCH, SECONDS, SEED, TableCard
from mobo_core.seeding import digest
from mobo_core.space import ChoiceParameter, SearchSpace

STARTUP = "startup_s"
"""The key of the seconds that building a training took."""
OF = "of.json"
"""The file in the folder of unfinished work that identifies the recording."""
WORST = 0.9
"""The quantile of a table's values, from best to worst, that is the reference value."""
REFERENCE_DIGITS = 6


@dataclass(frozen=True)
class Plan:
    """What a table holds.

    Args:
        grid: Parameter → its values; see `grid_of`.
        seeds: The training seeds.
        references: Where the card's reference values come from: ``problem`` takes the problem's
            own, ``table`` those of `with_references`.
    """

    grid: Mapping[str, Sequence[Any]]
    seeds: Sequence[int]
    references: Literal["problem", "table"] = "problem"


def grid_of(space: SearchSpace, sizes: Mapping[str, int]) -> dict[str, list[Any]]:
    """Return parameter → values: all values of a choice, evenly spread values of a range.

    The values of a range include its bounds.

    Args:
        space: The search space to record.
        sizes: Name of each range → number of values.

    Raises:
        UserError: If a range has no size, or a size is less than 2.
    """
    grid: dict[str, list[Any]] = {}
    for parameter in space.parameters:
        if isinstance(parameter, ChoiceParameter):
            grid[parameter.name] = list(parameter.values)
            continue
        count = sizes.get(parameter.name, 0)
        if count < 2:
            raise UserError(f"parameter {parameter.name!r} needs at least 2 values, got {count}")
        steps = [k / (count - 1) for k in range(count)]
        values = [parameter.from_unit(step) for step in steps]
        # Rounded values are easy to read and can be compared for equality.
        grid[parameter.name] = [float(f"{value:.4g}") for value in values]
    return grid


def record(problem: Problem, plan: Plan, out: Path, workers: int, console: Console) -> None:
    """Train every configuration of the grid and write the table.

    Args:
        problem: The problem to train.
        plan: What the table holds.
        out: The Parquet file to write. Unfinished work lies beside it in ``OUT.parts``.
        workers: The number of processes.
        console: The console that shows the progress.

    Raises:
        UserError: If the unfinished work is of another problem, or another process is working on
            it.
    """
    files.check_writable(out)
    parts = out.with_name(out.name + ".parts")
    with folders.held(parts):
        _open(parts, problem)
        curves = _curves(problem, plan, parts, workers, console)
        _write(problem, plan, curves, out)


def _curves(
    problem: Problem, plan: Plan, parts: Path, workers: int, console: Console
) -> list[dict[str, Any]]:
    """Return all curves, after training those that are not in `parts` yet."""
    names, values = list(plan.grid), itertools.product(*plan.grid.values())
    configs = [dict(zip(names, chosen, strict=True)) for chosen in values]
    jobs = {
        parts / f"{digest([config, seed])[:16]}.json": (config, seed)
        for config, seed in itertools.product(configs, plan.seeds)
    }
    todo = {path: job for path, job in jobs.items() if not path.exists()}
    console.print(
        f"{len(jobs)} curves of {problem.max_epochs} epochs on {problem.name}, "
        f"{len(jobs) - len(todo)} already recorded in {parts}",
        markup=False,
    )
    began = time.monotonic()
    with contextlib.closing(in_processes(_record_one, todo.items(), (problem,), workers)) as done:
        for _ in track(done, "recording", len(todo), console=console):
            pass
    console.print(f"trained in {duration(time.monotonic() - began)}")
    return [json.loads(path.read_text()) for path in jobs]


def _open(parts: Path, problem: Problem) -> None:
    """Create the folder of unfinished work, or raise an error if it is of another problem."""
    identity = {
        "problem": problem.name,
        "max_epochs": problem.max_epochs,
        "data_checksum": problem.data_checksum(),
        **environment.capture().to_json(),
    }
    parts.mkdir(parents=True, exist_ok=True)
    described = parts / OF
    if not described.exists():
        files.write_text(described, json.dumps(identity))
    elif json.loads(described.read_text("utf-8")) != identity:
        raise UserError(
            f"{parts} was begun with another problem, number of epochs, data, code, packages or "
            "machine: continue with those, choose another OUT, or delete the folder"
        )


def _record_one(job: tuple[Path, tuple[dict[str, Any], int]], problem: Problem) -> None:
    """Train one configuration with one seed and save its curve."""
    path, (config, seed) = job
    began = time.perf_counter()
    training = problem.start(config, seed)
    startup_s = time.perf_counter() - began
    rows = [
        {**config, SEED: seed, **training.run_epoch(), **training.test_metrics()}
        for _ in range(problem.max_epochs)
    ]
    training.close()
    files.write_text(path, json.dumps({STARTUP: startup_s, "rows": rows}))


def _write(problem: Problem, plan: Plan, curves: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Write the curves as a table with its card, and the card as JSON beside it."""
    rows = pd.DataFrame([row for curve in curves for row in curve["rows"]])
    rows = rows.sort_values([*plan.grid, SEED, EPOCH], ignore_index=True)
    rows[SECONDS] = rows[SECONDS].round(4)  # further digits are noise and take space
    objectives = problem.objectives
    if plan.references == "table":
        objectives = with_references(objectives, rows[rows[EPOCH] == problem.max_epochs])
    described = problem.described() if hasattr(problem, "described") else {}
    card = TableCard(
        name=problem.name,
        space={name: list(values) for name, values in plan.grid.items()},
        seeds=list(plan.seeds),
        max_epochs=problem.max_epochs,
        startup_s=round(statistics.median(curve[STARTUP] for curve in curves), 4),
        objectives={name: asdict(objective) for name, objective in objectives.items()},
        made={
            **described,
            "command": " ".join(["mobo-bench", *sys.argv[1:]]),
            "data_checksum": problem.data_checksum(),
            **environment.capture().to_json(),
        },
    )
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(
        card.to_metadata()
    )
    with files.staged(out) as staging:
        pq.write_table(table, staging, compression="zstd", compression_level=19)
    with_checksum = {"sha256": hashlib.sha256(out.read_bytes()).hexdigest(), **asdict(card)}
    files.write_text(Path(f"{out}.json"), json.dumps(with_checksum, indent=1) + "\n")


def with_references(
    objectives: Mapping[str, Objective], ends: pd.DataFrame
) -> dict[str, Objective]:
    """Return objectives whose reference is the 0.9 quantile of a table's values at the full budget.

    The rule looks at no search. Values that are not finite, of trainings that have diverged, are
    left out.

    Args:
        objectives: Short name → objective.
        ends: The last report of every curve, with a column for each metric.
    """
    found = {}
    for short, objective in objectives.items():
        values = ends[objective.name].to_numpy(float)
        worst = WORST if objective.goal == "min" else 1 - WORST
        reference = float(np.quantile(values[np.isfinite(values)], worst))
        found[short] = replace(objective, reference=float(f"{reference:.{REFERENCE_DIGITS}g}"))
    return found
