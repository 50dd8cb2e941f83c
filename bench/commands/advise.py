"""The command ``mobo-bench advise``: which scheduler would have saved how much on your own runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import grouped
from bench.curves.options import FORMATS, SourceOptions
from bench.errors import UserError
from bench.terminal import console

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.advice import Advice
    from bench.curves.curve import Found
    from bench.studies.advice.plan import Plan
    from bench.studies.advice.trials import Trials

# The heavy packages are imported where they are needed, so that --help is quick.


@dataclass(frozen=True)
class AdviceOptions:
    """How curves are replayed and what is made of it; the fields are options of the command."""

    seeds: int
    slots: int
    tolerance: float
    matrix: str
    trials: int | None
    max_t: float | None
    incomplete: str
    processes: int | None


@dataclass(frozen=True)
class OutputOptions:
    """What is printed and written; the fields are options of the command."""

    out: Path | None
    as_json: bool
    dry_run: bool


SOURCE = (
    click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        help="What SOURCE is.",
    ),
    click.option(
        "--time-attr",
        metavar="NAME",
        default="",
        help="Counter of a trial's progress: a metric of Tune, a column of a table.  [default: "
        "training_iteration, or a column like epoch or step]",
    ),
    click.option(
        "--trial-column", metavar="NAME", default="", help="Column that tells trials apart."
    ),
    click.option(
        "--config",
        metavar="NAME",
        multiple=True,
        help="Column with a hyper-parameter; may be repeated.  [default: columns called config/…, "
        "params.…, or constant in each trial]",
    ),
    click.option("--study", metavar="NAME", default="", help="Study in a storage of Optuna."),
)
REPLAY = (
    click.option(
        "--seeds",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="Random orders of the trials.",
    ),
    click.option(
        "--slots",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        help="Trials at the same time.",
    ),
    click.option(
        "--tolerance",
        type=click.FloatRange(min=0, max=1),
        default=0.01,
        show_default=True,
        help="Share of FIFO's hypervolume that may be lost.",
    ),
    click.option(
        "--trials",
        type=click.IntRange(min=1),
        help="Trials in an order, drawn anew for each.  [default: all]",
    ),
    click.option(
        "--max-t",
        metavar="STEPS",
        type=click.FloatRange(min=0, min_open=True),
        help="Full budget of a trial in steps of its counter.  [default: the longest trial's]",
    ),
    click.option(
        "--incomplete",
        type=click.Choice(("keep", "drop")),
        default="keep",
        show_default=True,
        help="What to do with trials that end before the full budget.",
    ),
    click.option(
        "--matrix",
        metavar="NAME",
        default="schedulers",
        show_default=True,
        help="Matrix whose schedulers are replayed; some with longer grace periods, too.",
    ),
    click.option("--processes", type=click.IntRange(min=1), help="[default: all cores]"),
)
OUTPUT = (
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="Folder for a page, the figure, the numbers and the program.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON."),
    click.option("--dry-run", is_flag=True, help="Show what was found, and replay nothing."),
)


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--objective",
    "objectives",
    metavar="NAME:max|min:REFERENCE[:exact][:ideal=VALUE]",
    multiple=True,
    help="An objective; may be repeated. REFERENCE is the worst value that still counts. With "
    "exact, the configuration determines the value, as it does a number of parameters.",
)
@grouped(SourceOptions, "named", *SOURCE)
@grouped(AdviceOptions, "options", *REPLAY)
@grouped(OutputOptions, "output", *OUTPUT)
def advise(
    source: tuple[str, ...],
    objectives: tuple[str, ...],
    named: SourceOptions,
    options: AdviceOptions,
    output: OutputOptions,
) -> None:
    """Say which scheduler would have saved how much on the runs that you already have.

    SOURCE holds learning curves: the folder of a Ray Tune experiment, a CSV or Parquet file with a
    row per report (or a folder with one file per trial), a database of Optuna or its URL, a folder
    of TensorBoard's event files, or the CSV exports of W&B or MLflow (several files).

    The curves are replayed through every scheduler in virtual time, in random orders; nothing is
    trained. The answer is five lines, a table and the code to paste. Recommended is the scheduler
    that saves the most training among those that surely lose no more hypervolume than the
    tolerance.

    \b
    Examples:
      mobo-bench advise ~/ray_results/my_run --dry-run
      mobo-bench advise ~/ray_results/my_run --objective accuracy:max:0.9 \\
          --objective params:min:1e5:exact --out advice
      mobo-bench advise curves.csv --objective val_loss:min:0.5 --slots 8
      mobo-bench advise sqlite:///study.db --objective value:max:0.9
      mobo-bench advise plot-accuracy.csv plot-loss.csv runs.csv --format wandb \\
          --objective accuracy:max:0.9 --objective loss:min:0.5
    """
    from bench.curves import reading
    from bench.records import files

    if output.out is not None and not output.dry_run:
        files.check_folder(output.out)  # before the minutes that the replays may take
    found = reading.read(source, named)
    if output.dry_run:
        if objectives:
            _prepared(found, objectives, options)  # it refuses objectives that do not fit
        _show(found, options.max_t, output)
        return
    trials = _prepared(found, objectives, options)
    plan = _plan(options, trials.max_t)
    replays = _replayed(trials, plan, quiet=output.as_json)
    _answer(trials, plan, replays, options.tolerance, output)


def _prepared(found: Found, objectives: tuple[str, ...], options: AdviceOptions) -> Trials:
    """Return the trials with the objectives that the user named.

    Raises:
        UserError: If no objective was named, or one does not fit.
    """
    from bench.studies.advice import goals, trials

    if not objectives:
        raise UserError(
            f"name at least one --objective {goals.FORM}; the metrics of {found.name} are "
            f"{', '.join(found.metric_names())}"
        )
    wishes = [goals.parse(text) for text in objectives]
    budget = trials.Budget(options.max_t, keep_incomplete=options.incomplete == "keep")
    return trials.prepare(found, wishes, budget)


def _plan(options: AdviceOptions, max_t: int) -> Plan:
    from bench.matrix import files
    from bench.studies.advice.plan import Plan, candidates

    return Plan(
        candidates(files.load_matrix(options.matrix).schedulers, max_t),
        options.seeds,
        options.slots,
        options.trials,
        options.processes or len(os.sched_getaffinity(0)),
    )


def _replayed(trials: Trials, plan: Plan, *, quiet: bool) -> pd.DataFrame:
    """Replay the trials, with a bar on a terminal."""
    from rich.progress import Progress

    from bench.studies.advice import replaying

    total = sum(len(job.schedulers) for job in plan.jobs())
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("replaying", total=total)
        advance: Callable[[int], None] = lambda done: bar.advance(task, done)  # noqa: E731
        return replaying.replay_all(trials, plan, advance)


def _answer(
    trials: Trials, plan: Plan, replays: pd.DataFrame, tolerance: float, output: OutputOptions
) -> None:
    """Print the answer, and write its files."""
    from bench.analysis import advice as analysis
    from bench.report import advice_files, advice_text

    advice = analysis.advise(replays, trials.setting(plan), tolerance)
    program = _program(advice, trials, plan)
    if output.as_json:
        click.echo(advice_text.to_json(advice, program))
    else:
        _print(advice, program)
    if output.out is not None:
        page, *_ = advice_files.write(advice, program, output.out)
        if not output.as_json:
            console.print(f"page: {page}", markup=False, soft_wrap=True)


def _program(advice: Advice, trials: Trials, plan: Plan) -> str | None:
    """Return the program that uses the recommended scheduler; None without one."""
    from bench.studies.advice import snippet

    best = advice.recommended
    if best is None:
        return None
    component = next(c for c in plan.schedulers if c.label == best.scheduler)
    return snippet.program(trials, plan, component, best.pauses)


def _print(advice: Advice, program: str | None) -> None:
    from bench import formatting
    from bench.report import advice_text

    for place, line in enumerate(advice_text.lines(advice)):
        style = "bold" if place == 1 else None
        console.print(line, markup=False, soft_wrap=True, style=style)
    console.print()
    if advice.outcomes:
        table = advice_text.table(advice)
        console.print(formatting.rich_table(table, "Each scheduler against FIFO"))
        console.print(advice_text.legend(advice), markup=False, soft_wrap=True)
    for note in advice_text.notes(advice):
        console.print(f"- {note}", markup=False, soft_wrap=True)
    if program is not None:
        console.print("\nThe code:\n", style="bold")
        console.print(program, markup=False, soft_wrap=True)


def _show(found: Found, max_t: float | None, output: OutputOptions) -> None:
    """Print what was found in a source."""
    from bench import formatting
    from bench.curves import overview

    if output.as_json:
        click.echo(overview.to_json(found, max_t))
        return
    console.print(overview.title(found), markup=False, style="bold")
    console.print(formatting.rich_table(overview.table(found), "Metrics"))
    for line in overview.notes(found, max_t):
        console.print(f"- {line}", markup=False, soft_wrap=True)
