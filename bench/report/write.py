"""A results folder turned into tables, figures, ``report.md`` and the page ``index.html``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console

from bench.analysis import surrogates
from bench.analysis.surrogates import Diagnosis
from bench.errors import UserError
from bench.formatting import code, markdown
from bench.records import files
from bench.report import (
    page,
    report_data,
    statistics_section,
    summary,
    tables,
    terminal_text,
    words,
)
from bench.report.figures import plots, plots_statistics
from bench.report.report_data import ReportData
from bench.report.tables_and_notes import to_markdown

PAGE, TEXT = "index.html", "report.md"
FIRST_FIGURE = "savings"
"""The figure below the headline: what each scheduler saves and keeps."""


def write(
    results_dir: Path,
    reports_dir: Path,
    console: Console,
    *,
    data_dir: str = "data",
    models: int = 0,
) -> None:
    """Write the report of everything recorded in a folder, and print its answer.

    Args:
        results_dir: The results folder of one matrix.
        reports_dir: The folder for the report; it is created if it does not exist.
        console: The console for the answer.
        data_dir: The folder with the files that some search spaces are read from.
        models: The largest number of runs for which the searcher's model is fitted again.

    Raises:
        UserError: If there is nothing to report or a record cannot be read.
    """
    files.check_folder(reports_dir)  # before the minutes that a report may take
    found = report_data.gather(results_dir)
    diagnosed = surrogates.diagnose(found.finished, found.settings, data_dir, models)
    try:
        with files.staged_folder(reports_dir) as staging:
            _write_all(found, diagnosed, staging)
            names = {path.name for path in staging.iterdir()}
        _remove_old(reports_dir, names)
    except OSError as error:
        raise UserError(f"cannot write reports to {reports_dir}: {error}") from error
    terminal_text.show(found, console)
    for what, name in (("page", PAGE), ("tables and figures", TEXT)):
        console.print(f"{what}: {reports_dir / name}", soft_wrap=True, markup=False)


def _write_all(found: ReportData, diagnosed: Sequence[Diagnosis], folder: Path) -> None:
    """Write everything into an empty folder."""
    (folder / "figures").mkdir()
    found.runs.to_csv(folder / "runs.csv", index=False)
    for table in found.tables:
        table.numbers.to_csv(folder / f"{table.name}.csv", index=False)
        (folder / f"{table.name}.tex").write_text(table.to_latex(), "utf-8")
    figures = _draw(found, folder / "figures")
    (folder / TEXT).write_text(_markdown(found, figures), "utf-8")
    (folder / PAGE).write_text(page.render(found, diagnosed), "utf-8")


def _remove_old(reports_dir: Path, names: Collection[str]) -> None:
    """Remove the tables of an earlier report that this one does not have: names may differ."""
    for kind in ("csv", "tex"):
        for path in reports_dir.glob(f"table-*.{kind}"):
            if path.name not in names:
                path.unlink()


def _draw(found: ReportData, folder: Path) -> list[str]:
    """Draw all figures into a folder and return their names."""
    figures = plots.write_all(
        found.finished, found.runs, found.curves, folder, found.subject, found.findings
    )
    if found.findings is not None:
        figures += plots_statistics.write_all(found.finished, found.findings, folder, found.subject)
    return figures


def _markdown(found: ReportData, figures: Sequence[str]) -> str:
    parts = [f"# {markdown(found.title)}", "", f"{markdown(found.subject)}.", ""]
    if found.findings is not None:
        parts += [f"**{markdown(summary.headline(found.findings))}.**", ""]
    for record in found.failed:
        parts += [f"**Failed run** {code(record.run_id)}: {markdown(record.reason)}", ""]
    parts += [_picture(name) for name in figures if name == FIRST_FIGURE]
    parts += [
        to_markdown(
            [
                *summary.lead(found.findings),
                *summary.notes(found.findings, found.days, found.instructions),
            ]
        ),
        tables.overview(found.runs).to_markdown(),
    ]
    if found.compared:
        parts += [markdown(report_data.AGAINST_FIFO), ""]
        parts += [to_markdown(tables.comparison(found.runs)), report_data.FRONT_LOST, ""]
    for table, caption in zip(found.tables, tables.captions_due(found.tables), strict=True):
        parts += [table.to_markdown(), *([markdown(caption), ""] if caption else [])]
    if not found.virtual:  # in virtual time nothing is trained, so nothing is trained again
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
    parts += [_picture(name) for name in figures if name != FIRST_FIGURE]
    parts += ["## How this was made", ""]
    parts += [
        f"- {title}: {code(value)}" for title, value in report_data.provenance(found.recorded)
    ]
    parts += ["", f"## {words.TITLE}", ""]
    parts += [f"- **{word}**: {meaning}" for word, meaning in words.WORDS]
    return "\n".join([*parts, ""])


def _picture(name: str) -> str:
    return f"![{name.replace('-', ' ')}](figures/{name}.png)\n"
