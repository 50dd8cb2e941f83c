"""The section "Every run": a row for each run, with the command that reproduces it."""

from __future__ import annotations

import math

from bench.formatting import count, duration, percent, ratio, significant
from bench.records import reproduce
from bench.records.record import RunRecord
from bench.report.page.parts import Grid, Part, Text
from bench.report.report_data import ReportData
from bench.report.tables_and_notes import Cell, Note, Sheet, named

MISSING = Cell("–")
WORDS = ("scheduler", "searcher", "objectives", "status", "command")
FIGURES = (
    ("runtime", "runtime_s", duration),
    ("epochs", "epochs", lambda value: f"{value:.0f}"),
    ("front", "front_size", lambda value: f"{value:.0f}"),
    ("hypervolume", "hypervolume", significant),
    ("of FIFO's", "hypervolume_ratio", ratio),
    ("epochs saved", "epochs_saved", percent),
    ("time saved", "runtime_saved", percent),
)
"""Triples of a heading, a column of `aggregate.summarise` and a function that formats it."""


def parts(found: ReportData) -> list[Part]:
    """Return the table of all runs, and a note if a command reproduces more than its run."""
    rows, others = [], 0
    commands = reproduce.Commands(found.settings)
    figures = {str(row["run_id"]): row for row in found.runs.to_dict("records")}
    several = found.runs["searcher"].nunique() > 1
    broken = bool(found.failed)  # columns that are alike for every run are left out
    faulty = broken or bool(found.runs["failed"].any())
    for record in found.recorded:
        alone = commands.of(record)
        others += alone is None
        row = figures.get(record.run_id)
        status = "finished" if record.finished else f"failed: {record.reason}"
        rows.append(
            [
                named(record.labels["scheduler"]),
                *([named(record.labels["searcher"])] if several else []),
                named("+".join(record.spec["objectives"])),
                Cell(str(record.spec["seed"]), record.spec["seed"]),
                *([named(status)] if broken else []),
                *(_figures(row) if row else [MISSING] * len(FIGURES)),
                *(_faults(record) if faulty else []),
                Cell(alone or record.command, kind="command"),
            ]
        )
    header = ["scheduler", *(["searcher"] if several else []), "objectives", "seed"]
    header += ["status"] if broken else []
    header += [heading for heading, _, _ in FIGURES]
    header += ["failed trials"] if faulty else []
    header.append("command")
    words = {k for k, heading in enumerate(header) if heading in WORDS}
    lead = (
        ": the command reproduces the run alone, in a folder of its own. In virtual time the "
        "result is the same bit for bit. On Ray it may differ, because the order of reports "
        "depends on timing. Click a command to select all of it."
        f"{'' if faulty else ' All runs finished, and no trial failed.'}"
    )
    sheet = Sheet("All runs", lead, header, rows, frozenset(words))
    parts: list[Part] = [Grid("all-runs", sheet, rows=10)]
    if others:
        parts.append(
            Text(
                Note(
                    f"For {count(others, 'run')} the table has the original command, which made "
                    "other runs too: this version's matrix of that name has no such run."
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
