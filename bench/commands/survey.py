"""Commands of surveys: ``mobo-bench survey run | report``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bench.errors import UserError
from bench.matrix.matrix import parse_seeds
from bench.terminal import console


@click.group()
def survey() -> None:
    """Compare schedulers on all data sets of many families, in virtual time.

    \b
    Examples:
      mobo-bench survey run --data-dir ~/data --seeds 10
      mobo-bench survey report results/survey
    """


@survey.command()
@click.argument("name", metavar="[SURVEY]", default="survey")
@click.option("--data-dir", default="data", show_default=True, help="Folder with yahpo/.")
@click.option("--seeds", default="10", show_default=True, help="As in 'mobo-bench run'.")
@click.option("--only", metavar="FAMILY", multiple=True, help="Only this family; may be repeated.")
@click.option("--side", type=click.Choice(["tuning", "test"]), help="Only this side of the split.")
@click.option("--processes", type=click.IntRange(min=1), help="[default: one per core]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the rows.  [default: results/SURVEY]"
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    help="Folder of the report.  [default: reports/SURVEY]",
)
@click.option("--force", is_flag=True, help="Simulate again what is already there.")
def run(
    name: str,
    data_dir: str,
    seeds: str,
    only: tuple[str, ...],
    side: str | None,
    processes: int | None,
    out: Path | None,
    reports: Path | None,
    force: bool,
) -> None:
    """Simulate the runs of SURVEY that are missing, then report.

    SURVEY is the name of a survey of this package or the path of a .toml file. An interrupted
    survey goes on where it was; more seeds and more schedulers add what is missing.

    \b
    Examples:
      mobo-bench survey run --data-dir ~/data --seeds 10
      mobo-bench survey run --only recorded --only synthetic --seeds 3
      mobo-bench survey run my-survey.toml --side test
    """
    from bench.matrix.surveys import load_survey, without_absent

    (chosen, skipped), numbers = without_absent(load_survey(name)), parse_seeds(seeds)
    families = [family.name for family in chosen.families]
    if unknown := [family for family in only if family not in families]:
        raise UserError(
            f"unknown family {unknown[0]!r}: choose from {', '.join(dict.fromkeys(families))}"
        )
    units = [
        unit
        for unit in chosen.units()
        if (not only or unit.family in only) and side in (None, unit.side)
    ]
    from bench.studies.survey import running

    running.check(chosen, units, data_dir)
    for label, reason in skipped.items():
        console.print(f"skipped: {label}: {reason}", markup=False)
    folder = out or Path("results", chosen.name)
    processes = processes or len(os.sched_getaffinity(0))
    wanted = running.Wanted(units, numbers, force)
    running.make(chosen, wanted, folder, data_dir, processes, console)
    _report(folder, chosen.title, reports or Path("reports", chosen.name))


@survey.command()
@click.argument("folder", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option("--title", help="The report's title.  [default: the folder's name]")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    help="Folder of the report.  [default: reports/ and the folder's name]",
)
def report(folder: Path, title: str | None, reports: Path | None) -> None:
    """Write the report of the rows in the folder RESULTS."""
    _report(folder, title or folder.name, reports or Path("reports", folder.name))


def _report(folder: Path, title: str, reports: Path) -> None:
    from bench.report import survey as page
    from bench.studies.survey import running

    page.write(running.rows_of(folder), title, reports)
    console.print(f"report: {reports / page.TEXT}", markup=False)
