"""Commands that read results folders: ``mobo-bench report | compare | export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import UserError
from bench.terminal import console

if TYPE_CHECKING:
    from mobo_core.space import SearchSpace

# As in `bench.commands.main`, everything heavy is imported by the command that needs it.

FORMATS = ("csv", "parquet", "ax-json", "tensorboard")
USUAL_MODELS = 4
"""The objective sets of the paper."""


@click.command()
@click.argument("results_dir", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option("--reports", "reports_dir", type=click.Path(path_type=Path), help="Reports folder.")
@click.option(
    "--models",
    type=click.IntRange(min=0),
    default=USUAL_MODELS,
    show_default=True,
    help="Runs whose searcher's model is fitted again, for the page: FIFO's first seed of each "
    "searcher and objective set. Takes about four seconds each, and only where the searcher is "
    "Ax's.",
)
@click.option(
    "--data-dir",
    default="data",
    show_default=True,
    help="For models of YAHPO's problems, whose search space lies in DATA_DIR/yahpo.",
)
def report(results_dir: Path, reports_dir: Path | None, models: int, data_dir: str) -> None:
    """Write the tables, figures and the page of the runs recorded in the folder RESULTS.

    index.html is the whole report as one file that works offline; report.md has the same as text.

    \b
    Examples:
      mobo-bench report results/paper-mnist
      mobo-bench report results/reference/paper-mnist --reports /tmp/reports
    """
    write_report(results_dir, reports_dir, data_dir, models)


def write_report(
    results_dir: Path, reports_dir: Path | None, data_dir: str, models: int = USUAL_MODELS
) -> None:
    """What ``mobo-bench report`` does, and ``mobo-bench run`` when its runs are made."""
    from bench.report import write as reporting

    folder = reports_dir or default_reports(results_dir)
    reporting.write(results_dir, folder, console, data_dir=data_dir, models=models)


def default_reports(results_dir: Path) -> Path:
    """``results/x/y`` → ``reports/x/y``; beside any other folder, ``…-reports``."""
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
    """Say what changed from the results A to B, with intervals.

    Each is a results folder, or COMMIT:FOLDER for one that is committed: of that commit, branch or
    tag of the git repository one is in, relative to its root.

    Runs are paired by cell and seed: epochs, epochs saved against FIFO, runtime and observed
    hypervolume. From six pairs on there are intervals for each cell, and an exact test over all of
    them. Folders of other problems, data, budgets or backends are refused.

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
    console.print(formatting.rich_table(comparison_text.table(found), title))
    said = (comparison_text.summary(found), comparison_text.legend())
    for line in (*said, *comparison_text.notes(found)):
        console.print(line, markup=False, soft_wrap=True)


@click.command()
@click.argument("results_dir", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder; made if it is not there."
)
@click.option(
    "--data-dir",
    default="data",
    show_default=True,
    help="For ax-json of YAHPO's problems, whose search space lies in DATA_DIR/yahpo.",
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
    from bench.records import folders, storage

    settings = folders.read_settings(results_dir)
    recorded = storage.read_all(results_dir)
    finished = [record for record in recorded if record.finished]
    if not finished:
        raise UserError(f"{results_dir} has no finished run to export; see 'mobo-bench list'")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if kind == "csv":
            written = exports.write_csv(finished, out)
        elif kind == "parquet":
            written = exports.write_parquet(finished, out)
        elif kind == "tensorboard":
            written = exports.write_tensorboard(finished, out)
        else:
            written = exports.write_ax(finished, _space(settings, data_dir), out)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error}") from error
    what = formatting.count(len(written), "folder" if kind == "tensorboard" else "file")
    left = len(recorded) - len(finished)
    console.print(
        f"wrote {formatting.count(len(finished), 'run')} to {out}: {what}"
        + (f"; {formatting.count(left, 'failed run')} left out" if left else ""),
        soft_wrap=True,
    )


def _space(settings: dict[str, Any], data_dir: str) -> SearchSpace:
    """The search space of a folder's problem, as this version has it."""
    from bench.matrix import problems

    folder = str(Path(data_dir).resolve())
    epochs = settings["budget"]["max_epochs"]
    return problems.make(settings["problem"], settings["dataset"], folder, epochs).space
