"""Everything that a report shows, computed once for Markdown (`bench.report.write`) and page."""

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
from bench.matrix.naming import DATASET_TITLES, dataset_title
from bench.records import folders, storage
from bench.records.environment import instructions_of
from bench.records.record import RunRecord
from bench.report import statistics_section, tables
from bench.report.statistics_section import Findings
from bench.report.tables import Table
from bench.report.tables_and_notes import Cell, Sheet, named

NOT_THE_PAPERS_DATA = "not MNIST: not comparable with the paper"
PAPER = "paper"
"""The name of the matrix that reproduces the paper; its tables have the paper's numbers."""
AGAINST_FIFO = (
    "Each run is compared with FIFO's run of the same seed. With fewer than six seeds a figure is "
    "the median (range); from six seeds on it is the mean [95 % bootstrap interval] (range)."
)
"""The explanation of the tables of `bench.report.tables.comparison`."""
FRONT_LOST = (
    "Front lost counts the distinct points of FIFO's final front whose trials ended early. It is "
    "shown where both runs had the same configurations. The oracle is an ideal scheduler: it "
    "trains the trials of FIFO's final front to the end and every other trial for one epoch. On "
    "FIFO's configurations no scheduler can save more without losing a point of that front. Where "
    "a search with a model took other configurations, a scheduler may save more."
)
"""The explanation of two figures in the same tables."""
TRAINED_AGAIN = (
    "Each member of a final front was trained again from its configuration and seed, and then "
    "measured on the test data, which are used for nothing else."
)
"""The explanation of the table of `final_fronts`."""


@dataclass(frozen=True)
class ReportData:
    """Everything in a results folder that a report shows.

    Args:
        settings: The matrix's settings.
        subject: The problem, the data and the budget, one line.
        recorded: Every record, in the matrix's order.
        runs: One row per finished run: the frame from `aggregate.summarise`.
        curves: Id of each finished run → its frame from `aggregate.anytime`.
        tables: One table per scheduler and searcher.
        findings: The statistics; None if no run can be compared with FIFO.
        with_paper: Whether the paper's published figures stand beside these.
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
        """The matrix's title."""
        return str(self.settings["title"])

    @property
    def finished(self) -> list[RunRecord]:
        """The records of the runs that finished."""
        return [record for record in self.recorded if record.finished]

    @property
    def failed(self) -> list[RunRecord]:
        """The records of the runs that failed."""
        return [record for record in self.recorded if not record.finished]

    @property
    def virtual(self) -> bool:
        """Whether the runs were made in virtual time, where nothing is trained."""
        return "virtual" in self.settings

    @property
    def days(self) -> list[str]:
        """The dates of the runs in real time, if some began at least half a day after others."""
        began = sorted(datetime.fromisoformat(record.started_at) for record in self.finished)
        dates = sorted({moment.date().isoformat() for moment in began})
        apart = began[-1] - began[0] >= timedelta(hours=12) and len(dates) > 1
        return dates if apart and not self.virtual else []

    @property
    def instructions(self) -> list[str]:
        """The vector instructions that the runs were made with, if they differ; else empty."""
        used = sorted({instructions_of(record.environment) for record in self.finished})
        return used if len(used) > 1 else []

    @property
    def compared(self) -> bool:
        """Whether there are runs of FIFO and of another scheduler."""
        return self.runs["scheduler"].nunique() > 1 and BASELINE in set(self.runs["scheduler"])


def gather(results_dir: Path) -> ReportData:
    """Return everything that a report of a results folder shows.

    Raises:
        UserError: If there is nothing to report or a record cannot be read.
    """
    settings = folders.read_settings(results_dir)
    recorded = in_matrix_order(storage.read_all(results_dir), settings)
    runs = aggregate.summarise(recorded)
    if runs.empty:
        raise UserError(f"{results_dir} has no finished run to report; see 'mobo-bench list'")
    of_paper = (settings["name"], settings["problem"], settings["dataset"])
    with_paper = of_paper == (PAPER, "mlp", "mnist")
    numbered = settings["name"] == PAPER
    subject = _subject(settings)
    curves = {record.run_id: aggregate.anytime(record) for record in recorded if record.finished}
    return ReportData(
        settings=settings,
        subject=subject,
        recorded=recorded,
        runs=runs,
        curves=curves,
        tables=tables.build(runs, subject, with_paper, numbered=numbered),
        findings=statistics_section.find(runs, curves),
        with_paper=with_paper,
    )


def in_matrix_order(recorded: list[RunRecord], settings: dict[str, Any]) -> list[RunRecord]:
    """Return the records in the order of the matrix's cells, and of the seeds within a cell.

    Raises:
        UserError: If a record belongs to no cell of the matrix.
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
                f"the record {record.run_id} belongs to no cell of this folder's matrix "
                f"({error}); move it away"
            ) from error

    return sorted(recorded, key=place)


def _subject(settings: Mapping[str, Any]) -> str:
    budget, dataset = settings["budget"], settings["dataset"]
    title = problems.title(settings["problem"])
    workers = budget.get("workers_per_trial", 1)
    together = f", each by {workers} workers" if workers > 1 else ""
    virtual = ", in virtual time" if "virtual" in settings else ""
    name = DATASET_TITLES.get(dataset, dataset_title(dataset))
    if settings["name"] == PAPER and dataset == "digits":
        name += f" ({NOT_THE_PAPERS_DATA})"
    return (
        f"{title.format(name)}, {budget['trials']} trials of at most {budget['max_epochs']} "
        f"epochs, {budget['slots']} at a time{together}{virtual}"
    )


def final_fronts(finished: Sequence[RunRecord]) -> Sheet:
    """Return the test metrics of each run's final front, and whether training repeated."""
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
    """Return command, commit, versions and machine: pairs of a name and a value that occurs."""
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
        ("vector instructions", {instructions_of(e) for e in environments}),
        ("Python", {e["python"] for e in environments}),
        ("packages", packages),
        ("lock", {e["lock_sha256"][:16] for e in environments}),
        ("data", {f"{r.data['name']} {r.data['sha256'][:16]}" for r in recorded}),
        ("started", {min(r.started_at for r in recorded)}),
        ("seeds", {", ".join(map(str, sorted({r.spec["seed"] for r in recorded})))}),
    )
    return [(title, value) for title, values in kinds for value in sorted(values)]
