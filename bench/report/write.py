"""From a results folder to tables, figures, ``report.md`` and the page ``index.html``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.analysis import surrogates
from bench.errors import UserError
from bench.formatting import code, markdown
from bench.report import (
    page,
    plots,
    plots_statistics,
    report_data,
    statistics_section,
    summary,
    tables,
)
from bench.report.report_data import Contents
from bench.report.tables import Table
from bench.report.tables_and_notes import to_markdown

PAGE, TEXT = "index.html", "report.md"


def write(
    results_dir: Path,
    reports_dir: Path,
    console: Console,
    *,
    data_dir: str = "data",
    models: int = 0,
) -> None:
    """Write tables, figures and the page of everything recorded in a folder; print the tables.

    Args:
        results_dir: Of one matrix.
        reports_dir: Made if it is not there.
        console: Where the tables are printed.
        data_dir: Has the files that some search spaces are read from.
        models: Runs at most for which the searcher's model is fitted again.

    Raises:
        UserError: If there is nothing to report or a record cannot be read.
    """
    found = report_data.gather(results_dir)
    diagnosed = surrogates.diagnose(found.finished, found.settings, data_dir, models)
    try:
        shutil.rmtree(reports_dir / "figures", ignore_errors=True)
        (reports_dir / "figures").mkdir(parents=True)
        found.runs.to_csv(reports_dir / "runs.csv", index=False)
        for table in found.tables:
            table.numbers.to_csv(reports_dir / f"{table.name}.csv", index=False)
            (reports_dir / f"{table.name}.tex").write_text(table.to_latex(), "utf-8")
        figures = _draw(found, reports_dir / "figures")
        (reports_dir / TEXT).write_text(_markdown(found, figures), "utf-8")
        (reports_dir / PAGE).write_text(page.render(found, diagnosed), "utf-8")
    except OSError as error:
        raise UserError(f"cannot write reports to {reports_dir}: {error}") from error
    print_tables(found.tables, console)
    for what, name in (("tables and figures", TEXT), ("page", PAGE)):
        console.print(f"{what}: {reports_dir / name}", soft_wrap=True, markup=False)


def print_tables(made: Sequence[Table], console: Console) -> None:
    """The tables for the terminal, each caption once."""
    for table, caption in zip(made, tables.captions_due(made), strict=True):
        console.print(table.to_rich())
        if caption:
            console.print(f"{caption}\n", markup=False, style="dim", highlight=False)


def _draw(found: Contents, folder: Path) -> list[str]:
    figures = plots.write_all(found.finished, found.runs, found.curves, folder, found.subject)
    if found.findings is not None:
        figures += plots_statistics.write_all(found.finished, found.findings, folder, found.subject)
    return figures


def _markdown(found: Contents, figures: Sequence[str]) -> str:
    parts = [f"# {markdown(found.title)}", "", f"{markdown(found.subject)}.", ""]
    for record in found.failed:
        parts += [f"**Failed run** {code(record.run_id)}: {markdown(record.reason)}", ""]
    parts += [
        to_markdown(summary.notes(found.findings, found.days)),
        tables.overview(found.runs).to_markdown(),
    ]
    if found.compared:
        parts += [markdown(report_data.AGAINST_FIFO), ""]
        parts += [to_markdown(tables.comparison(found.runs)), report_data.FRONT_LOST, ""]
    for table, caption in zip(found.tables, tables.captions_due(found.tables), strict=True):
        parts += [table.to_markdown(), *([markdown(caption), ""] if caption else [])]
    if not found.virtual:  # there nothing is trained, and so nothing trained again
        tested = report_data.final_fronts(found.finished).grid()
        parts += [
            "### The final fronts on test data",
            "",
            tested,
            "",
            report_data.TRAINED_AGAIN,
            "",
        ]
    parts += [statistics_section.section(found.findings)]
    parts += ["## Figures", ""]
    parts += [f"![{name.replace('-', ' ')}](figures/{name}.png)\n" for name in figures]
    parts += ["## How this was made", ""]
    parts += [
        f"- {title}: {code(value)}" for title, value in report_data.provenance(found.recorded)
    ]
    return "\n".join([*parts, ""])
