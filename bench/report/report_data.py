"""What a report says, computed once, for Markdown (`bench.report.write`) and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis import aggregate
from bench.analysis.aggregate import BASELINE
from bench.errors import UserError
from bench.matrix import problems
from bench.records import folders, storage
from bench.records.record import RunRecord
from bench.report import statistics_section, tables
from bench.report.statistics_section import Findings
from bench.report.tables import Table
from bench.report.tables_and_notes import Cell, Sheet, named

DATASET_TITLES = {
    "mnist": "MNIST",
    "digits": "scikit-learn's digits (not MNIST: not comparable with the paper)",
}
AGAINST_FIFO = (
    "Against FIFO of the same seed: median (range) over the seeds, or from six seeds on the mean "
    "[95 % bootstrap interval] (range)."
)
FRONT_LOST = (
    "Front lost: distinct points of FIFO's final front whose trials were ended early, where both "
    "met the same configurations. The oracle knows FIFO's final front and gives one epoch to all "
    "others: of FIFO's configurations no scheduler can save more without losing any of it; where a "
    "search by a model went elsewhere one may."
)
TRAINED_AGAIN = (
    "Each member of a final front was trained again from its configuration and seed and then "
    "measured on the test images, which nothing else sees."
)


@dataclass(frozen=True)
class Contents:
    """All of a results folder that a report shows.

    Args:
        settings: Of its matrix.
        subject: What was run on which data, one line.
        recorded: Every record, as the matrix lists them.
        runs: From `aggregate.summarise`.
        curves: Run id → `aggregate.anytime`, of the finished ones.
        tables: One per scheduler and searcher.
        findings: None if no run can be compared with FIFO.
        with_paper: Whether the published figures belong beside these.
    """

    settings: Mapping[str, Any]
    subject: str
    recorded: Sequence[RunRecord]
    runs: pd.DataFrame
    curves: Mapping[str, pd.DataFrame]
    tables: Sequence[Table]
    findings: Findings | None
    with_paper: bool

    @property
    def title(self) -> str:
        """Of the matrix."""
        return str(self.settings["title"])

    @property
    def finished(self) -> list[RunRecord]:
        """The runs that came to their end."""
        return [record for record in self.recorded if record.finished]

    @property
    def failed(self) -> list[RunRecord]:
        """Those that did not."""
        return [record for record in self.recorded if not record.finished]

    @property
    def virtual(self) -> bool:
        """Whether nothing was trained."""
        return "virtual" in self.settings

    @property
    def days(self) -> list[str]:
        """The dates of runs in real time, if some began more than half a day after others."""
        began = sorted(datetime.fromisoformat(record.started_at) for record in self.finished)
        dates = sorted({moment.date().isoformat() for moment in began})
        apart = began[-1] - began[0] >= timedelta(hours=12) and len(dates) > 1
        return dates if apart and not self.virtual else []

    @property
    def compared(self) -> bool:
        """Whether there is something to set against FIFO."""
        return self.runs["scheduler"].nunique() > 1 and BASELINE in set(self.runs["scheduler"])


def gather(results_dir: Path) -> Contents:
    """Everything that a report of a results folder shows.

    Raises:
        UserError: If there is nothing to report or a record cannot be read.
    """
    settings = folders.read_settings(results_dir)
    recorded = in_matrix_order(storage.read_all(results_dir), settings)
    runs = aggregate.summarise(recorded)
    if runs.empty:
        raise UserError(f"{results_dir} has no finished run to report; see 'mobo-bench list'")
    of_paper = (settings["name"], settings["problem"], settings["dataset"])
    with_paper = of_paper == ("paper", "mlp", "mnist")
    subject = _subject(settings)
    curves = {record.run_id: aggregate.anytime(record) for record in recorded if record.finished}
    return Contents(
        settings=settings,
        subject=subject,
        recorded=recorded,
        runs=runs,
        curves=curves,
        tables=tables.build(runs, subject, with_paper),
        findings=statistics_section.find(runs, curves),
        with_paper=with_paper,
    )


def in_matrix_order(recorded: list[RunRecord], settings: dict[str, Any]) -> list[RunRecord]:
    """The records as the matrix lists their cells, seed by seed within a cell.

    Raises:
        UserError: If one is of no cell of the matrix.
    """
    schedulers = [component["label"] for component in settings["schedulers"]]
    sets = settings["objective_sets"]

    def place(record: RunRecord) -> tuple[int, int, int]:
        try:
            return (
                schedulers.index(record.labels["scheduler"]),
                sets.index("+".join(record.spec["objectives"])),
                record.spec["seed"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"the record {record.run_id} is of no cell of this folder's matrix ({error}); "
                "move it away"
            ) from error

    return sorted(recorded, key=place)


def _subject(settings: Mapping[str, Any]) -> str:
    budget, dataset = settings["budget"], settings["dataset"]
    entry = problems.PROBLEMS.get(settings["problem"])  # None: of a matrix from elsewhere
    title = entry.title if entry else settings["problem"] + " on {}"
    workers = budget.get("workers_per_trial", 1)
    together = f", each by {workers} workers" if workers > 1 else ""
    virtual = ", in virtual time" if "virtual" in settings else ""
    return (
        f"{title.format(DATASET_TITLES.get(dataset, dataset))}, {budget['trials']} trials of at "
        f"most {budget['max_epochs']} epochs, {budget['slots']} at a time{together}{virtual}"
    )


def final_fronts(finished: Sequence[RunRecord]) -> Sheet:
    """Test metrics over each run's front, and whether the front repeated."""
    rows = []
    for record in finished:
        assert record.result is not None, "only finished runs have results"
        front = record.result.front
        tested = pd.DataFrame([member.metrics for member in front])
        spans = [f"{n} {tested[n].min():.4f} to {tested[n].max():.4f}" for n in tested]
        repeated = sum(member.repeated for member in front)
        rows.append(
            [
                named(record.run_id),
                Cell(f"{len(front)}", len(front)),
                named(record.result.test_error or "; ".join(spans) or "–"),
                Cell(f"{repeated} of {len(front)}", repeated),
            ]
        )
    header = ["run", "front members", "test metrics, lowest to highest", "repeated bit for bit"]
    return Sheet("", "", header, rows, words=frozenset({0, 2}))


def provenance(recorded: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """Command, commit, versions and machine: what each is called, and a value that occurs."""
    environments = [record.environment for record in recorded]
    machines = {
        f"{e['processor']}, {e['cores']} cores, GPUs: {', '.join(e['gpus']) or 'none'}"
        for e in environments
    }
    packages = {", ".join(f"{k} {v}" for k, v in e["versions"].items()) for e in environments}
    kinds: tuple[tuple[str, set[str]], ...] = (
        ("command", {record.command for record in recorded}),
        ("commit", {e["git_commit"] or "unknown" for e in environments}),
        ("machine", machines),
        ("Python", {e["python"] for e in environments}),
        ("packages", packages),
        ("lock", {e["lock_sha256"][:16] for e in environments}),
        ("data", {f"{r.data['name']} {r.data['sha256'][:16]}" for r in recorded}),
        ("started", {min(r.started_at for r in recorded)}),
        ("seeds", {", ".join(map(str, sorted({r.spec["seed"] for r in recorded})))}),
    )
    return [(title, value) for title, values in kinds for value in sorted(values)]
