"""The command line ``mobo-bench``: its commands, and what becomes of a user's mistake or Ctrl-C."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from bench.commands import advise, endings, offline, results, run, survey
from bench.errors import UserError
from bench.execution.silence import silence_imports
from bench.matrix import files
from bench.terminal import console

if TYPE_CHECKING:
    from bench.matrix.extensions import Extension

# Each command imports the heavy packages that it needs (PyTorch, Ray, Ax): --help is quick.


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mobo-bench")
@click.option("--debug", is_flag=True, help="Show tracebacks of user errors too.")
def cli(debug: bool) -> None:
    """Benchmark multi-objective schedulers and searchers of Ray Tune.

    \b
    Examples:
      mobo-bench run quick                          two small runs, under two minutes
      mobo-bench run paper --seeds 7                Tables 1-4 of the paper, seven seeds
      mobo-bench report results/paper-mnist         tables and figures of what is recorded
      mobo-bench survey run --seeds 10              every scheduler on hundreds of data sets
      mobo-bench replay results/schedulers-mnist    recorded curves through every scheduler
      mobo-bench advise ~/ray_results/my_run ...    which scheduler would have saved how much
      mobo-bench compare results/a results/b        what changed, with intervals
      mobo-bench regress                            has a scheduler become slower or worse?
      mobo-bench fingerprint                        does this machine give the same curves?
      mobo-bench doctor                             what this machine has and lacks
    """


@cli.command("list")
@click.argument("results_dir", metavar="[RESULTS]", required=False, type=click.Path(path_type=Path))
def list_(results_dir: Path | None) -> None:
    """List the parts that a matrix can name, or the runs recorded in the folder RESULTS.

    Parts that other installed packages add are listed with the package they come from.

    \b
    Examples:
      mobo-bench list
      mobo-bench list results/paper-mnist
    """
    if results_dir is None:
        _list_parts()
        return
    from bench.records import folders, storage

    folders.read_settings(results_dir)
    for header in storage.headers(results_dir):
        click.echo(f"{header.status:9} {header.started_at:25}  {header.run_id}")


def _list_parts() -> None:
    """Print the matrices, searchers, schedulers, problems and data sets that there are."""
    from bench.matrix import catalogue, extensions, problems, rivals, surveys

    _print_parts("matrices", {name: files.load_matrix(name).title for name in files.matrix_names()})
    _print_parts("surveys", {n: surveys.load_survey(n).title for n in surveys.survey_names()})
    for kind, factories in (("searcher", catalogue.SEARCHERS), ("scheduler", catalogue.SCHEDULERS)):
        own = {name: inspect.getdoc(factory) or "" for name, factory in factories.items()}
        for name, rival in rivals.KINDS[kind].items():
            own[name] = " ".join(filter(None, (inspect.getdoc(rival.make), rival.system.missing())))
        others = dict.fromkeys(extensions.found(kind), "")
        _print_parts(f"{kind}s", own, others)

    def datasets(name: str) -> str:
        try:
            return f"data sets: {problems.datasets_of(problems.find(name))}"
        except UserError as error:  # in another package; the other parts can be used
            return str(error)

    own = {name: datasets(name) for name in problems.PROBLEMS}
    others = {part: datasets(part.name) for part in extensions.found("problem")}
    _print_parts("problems", own, others)


def _print_parts(
    title: str, own: Mapping[str, str], others: Mapping[Extension, str] | None = None
) -> None:
    """Print the parts of a kind: those of this suite, then those of other packages.

    Args:
        title: The heading.
        own: Name of each part of this suite → what it is.
        others: Each part of another package → what it is. A part of this suite hides one that has
            the same name.
    """
    shown = Table(
        box=None, show_header=False, title=title, title_justify="left", title_style="bold"
    )
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name in sorted(own):
        shown.add_row(name, escape(own[name]))
    for part, what in (others or {}).items():
        origin = f"from {part.origin}"
        if part.name in own:
            origin, what = f"{origin}, hidden by the part of this name above", ""
        shown.add_row(escape(part.name), escape("; ".join(filter(None, (origin, what)))))
    console.print(shown)


@cli.command()
@click.option("--data-dir", default="data", show_default=True, help="Where MNIST is looked for.")
def doctor(data_dir: str) -> None:
    """Show versions, cores, GPUs and data, and say what would be slow or fail."""
    from bench.commands import doctor as diagnosis

    diagnosis.show(data_dir, console)


for command in (
    *(run.run, run.speed),
    *(offline.replay, offline.record, offline.regress, offline.scale),
    offline.fingerprint,
    advise.advise,
    survey.survey,
    *(results.report, results.compare, results.export, results.site),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; `bench.commands.endings` says how it ends."""
    with endings.one_line(debug="--debug" in sys.argv):
        silence_imports()
        cli.main(prog_name="mobo-bench", standalone_mode=False)
