"""Every run as a row, with the command that makes it again."""

from __future__ import annotations

import math

from bench.formatting import count, duration, percent, ratio, significant
from bench.records import reproduce
from bench.records.record import RunRecord
from bench.report.page.parts import Grid, Part, Text
from bench.report.report_data import Contents
from bench.report.tables_and_notes import Cell, Note, Sheet, named

MISSING = Cell("–")
WORDS = ("scheduler", "searcher", "objectives", "status", "command")
FIGURES = (
    ("runtime", "runtime_s", duration),
    ("epochs", "epochs", lambda value: f"{value:.0f}"),
    ("front", "front_size", lambda value: f"{value:.0f}"),
    ("hypervolume", "hypervolume", significant),
    ("HV / FIFO", "hypervolume_ratio", ratio),
    ("epochs saved", "epochs_saved", percent),
    ("time saved", "runtime_saved", percent),
)
"""Heading, column of `aggregate.summarise`, format."""


def parts(found: Contents) -> list[Part]:
    """The table of all runs, and what is to be said of its commands."""
    rows, others = [], 0
    figures = {str(row["run_id"]): row for row in found.runs.to_dict("records")}
    several = found.runs["searcher"].nunique() > 1
    for record in found.recorded:
        alone = reproduce.command(record, found.settings)
        others += alone is None
        row = figures.get(record.run_id)
        rows.append(
            [
                named(record.labels["scheduler"]),
                *([named(record.labels["searcher"])] if several else []),
                named("+".join(record.spec["objectives"])),
                Cell(str(record.spec["seed"]), record.spec["seed"]),
                named("finished" if record.finished else f"failed: {record.reason}"),
                *(_figures(row) if row else [MISSING] * len(FIGURES)),
                *_faults(record),
                Cell(alone or record.command, kind="command"),
            ]
        )
    header = ["scheduler", *(["searcher"] if several else []), "objectives", "seed", "status"]
    header += [heading for heading, _, _ in FIGURES]
    header += ["failed trials", "command"]
    words = {k for k, heading in enumerate(header) if heading in WORDS}
    lead = (
        ": the command makes the run alone, in a folder of its own. In virtual time it repeats bit "
        "for bit; on Ray, who reports first depends on timing."
    )
    sheet = Sheet("All runs", lead, header, rows, frozenset(words))
    parts: list[Part] = [Grid("all-runs", sheet)]
    if others:
        parts.append(
            Text(
                Note(
                    f"Of {count(others, 'run')} the command is the one that made it, with others: "
                    "this version has no such run in a matrix of that name."
                )
            )
        )
    return parts


def _figures(row: dict[object, float]) -> list[Cell]:
    values = [(float(row[column]), form) for _, column, form in FIGURES]
    return [MISSING if math.isnan(value) else Cell(form(value), value) for value, form in values]


def _faults(record: RunRecord) -> list[Cell]:
    if record.result is None:
        return [MISSING]
    failed = sum(trial.status == "failed" for trial in record.result.trials)
    return [Cell(str(failed), failed)]
