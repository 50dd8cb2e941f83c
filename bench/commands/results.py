"""The commands that read results folders: ``mobo-bench report | compare | export | site``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import UserError
from bench.terminal import console

if TYPE_CHECKING:
    from mobo_core.space import SearchSpace

# Each command imports the heavy packages it needs, so that --help is quick.

FORMATS = ("csv", "parquet", "ax-json", "tensorboard")
USUAL_MODELS = 4
"""The default of ``--models``: one model for each of the paper's four objective sets."""


@click.command()
@click.argument("results_dir", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option(
    "--reports", "reports_dir", type=click.Path(path_type=Path), help="Folder for the report."
)
@click.option(
    "--models",
    type=click.IntRange(min=0),
    default=USUAL_MODELS,
    show_default=True,
    help="Number of runs whose searcher's model is fitted again for the page: FIFO's first seed of "
    "each searcher and objective set. A model takes about four seconds. Only Ax's searcher has "
    "one.",
)
@click.option(
    "--data-dir",
    default="data",
    show_default=True,
    help="Folder with yahpo, from which models read the search space of YAHPO's problems.",
)
def report(results_dir: Path, reports_dir: Path | None, models: int, data_dir: str) -> None:
    """Write tables, figures and a page of the runs recorded in the folder RESULTS.

    The answer is printed. index.html is the whole report as one file that works offline; report.md
    has the same as text. The default folder is reports/NAME for results/NAME.

    \b
    Examples:
      mobo-bench report results/paper-mnist
      mobo-bench report results/reference/paper-mnist --reports /tmp/reports
    """
    write_report(results_dir, reports_dir, data_dir, models)


def write_report(
    results_dir: Path, reports_dir: Path | None, data_dir: str, models: int = USUAL_MODELS
) -> None:
    """Write and print a report, for ``mobo-bench report`` and at the end of ``mobo-bench run``.

    Args:
        results_dir: The results folder of one matrix.
        reports_dir: The folder for the report; None chooses `default_reports`.
        data_dir: The folder with the data files.
        models: The largest number of runs whose searcher's model is fitted again.
    """
    from bench.report import write as reporting

    folder = reports_dir or default_reports(results_dir)
    reporting.write(results_dir, folder, console, data_dir=data_dir, models=models)


def default_reports(results_dir: Path) -> Path:
    """Return ``reports/x/y`` for ``results/x/y``, and ``x-reports`` for any other folder ``x``."""
    parts = list(results_dir.parts)
    if "results" in parts:
        last = len(parts) - 1 - parts[::-1].index("results")
        parts[last] = "reports"
        return Path(*parts)
    return results_dir.with_name(results_dir.name + "-reports")


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
def compare(first: str, second: str, markdown: bool) -> None:
    """Show what changed from the results A to the results B, with intervals.

    A and B are results folders. COMMIT:FOLDER takes a folder from a commit, branch or tag of the
    current git repository; FOLDER is then relative to the repository's root.

    Runs are paired by cell and seed. The measures are epochs, epochs saved against FIFO, runtime
    and observed hypervolume. From six pairs on each cell has intervals, and an exact test covers
    all cells. The problem, data, budget and backend must be equal.

    \b
    Examples:
      mobo-bench compare results/before results/after
      mobo-bench compare results/before results/after --markdown > comment.md
      mobo-bench compare main:results/reference/paper-mnist HEAD:results/reference/paper-mnist
    """
    from bench import formatting
    from bench.analysis import comparison
    from bench.records import history
    from bench.report import comparison_text

    with history.results(first) as before, history.results(second) as after:
        found = comparison.compare(before, after, (first, second))
    if markdown:
        click.echo(comparison_text.markdown(found))
        return
    title = f"{second} (B) against {first} (A)"
    console.print(comparison_text.summary(found), markup=False, soft_wrap=True, style="bold")
    console.print(formatting.rich_table(comparison_text.table(found), title))
    for line in (comparison_text.legend(), *comparison_text.notes(found)):
        console.print(line, markup=False, soft_wrap=True)


@click.command()
@click.argument("results_dir", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder; created if needed."
)
@click.option(
    "--data-dir",
    default="data",
    show_default=True,
    help="Folder with yahpo, from which ax-json reads the search space of YAHPO's problems.",
)
def export(results_dir: Path, kind: str, out: Path, data_dir: str) -> None:
    """Write the finished runs of the folder RESULTS in the format of another tool.

    \b
    Formats:
      csv, parquet   tables runs, trials and epochs, joined by run_id
      ax-json        a file per run, for ax.api.client.Client.load_from_json_file
      tensorboard    a folder of event files per trial

    \b
    Examples:
      mobo-bench export results/paper-mnist --out tables
      mobo-bench export results/paper-mnist --format ax-json --out ax
      mobo-bench export results/paper-mnist --format tensorboard --out events
    """
    from bench import formatting
    from bench.analysis import exports
    from bench.records import files, folders, storage

    files.check_folder(out)
    settings = folders.read_settings(results_dir)
    recorded = storage.read_all(results_dir)
    finished = [record for record in recorded if record.finished]
    if not finished:
        raise UserError(f"{results_dir} has no finished run to export; see 'mobo-bench list'")
    with files.staged_folder(out) as staging:
        if kind == "csv":
            written = exports.write_csv(finished, staging)
        elif kind == "parquet":
            written = exports.write_parquet(finished, staging)
        elif kind == "tensorboard":
            written = exports.write_tensorboard(finished, staging)
        else:
            written = exports.write_ax(finished, _space(settings, data_dir), staging)
    what = formatting.count(len(written), "folder" if kind == "tensorboard" else "file")
    left = len(recorded) - len(finished)
    console.print(
        f"wrote {formatting.count(len(finished), 'run')} to {out}: {what}"
        + (f"; {formatting.count(left, 'failed run')} left out" if left else ""),
        soft_wrap=True,
    )


@click.command()
@click.option(
    "--reports",
    "reports_dir",
    type=click.Path(path_type=Path),
    default=Path("reports/reference"),
    show_default=True,
    help="Folder of reports; the site is written into it.",
)
@click.option(
    "--results",
    "results_dir",
    type=click.Path(path_type=Path),
    default=Path("results/reference"),
    show_default=True,
    help="Folder of results folders, named as the reports. Their interactive pages are made too.",
)
@click.option(
    "--models",
    type=click.IntRange(min=0),
    default=USUAL_MODELS,
    show_default=True,
    help="Runs of each page whose searcher's model is fitted again, as in 'mobo-bench report'.",
)
@click.option(
    "--data-dir",
    default="data",
    show_default=True,
    help="Folder with yahpo, from which models read the search space of YAHPO's problems.",
)
def site(reports_dir: Path, results_dir: Path, models: int, data_dir: str) -> None:
    """Write a folder of reports as one small site; open its index.html in a browser.

    The front page shows every report with its main result and links to its tables, figures and
    interactive page. It also shows one figure over all data sets, overview.png.

    \b
    Examples:
      mobo-bench site
      mobo-bench site --reports /tmp/reports --results /tmp/results --models 0
    """
    from bench.report import site as website

    website.write(reports_dir, results_dir, console, data_dir=data_dir, models=models)


def _space(settings: dict[str, Any], data_dir: str) -> SearchSpace:
    """Return the search space of a folder's problem as this version defines it."""
    from bench.matrix import problems

    folder = str(Path(data_dir).resolve())
    epochs = settings["budget"]["max_epochs"]
    return problems.make(settings["problem"], settings["dataset"], folder, epochs).space
