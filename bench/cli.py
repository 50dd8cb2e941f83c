"""The command line: ``mobo-bench run | report | replay | record | list | doctor``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from bench import matrix
from bench.errors import UserError

# Everything heavy (PyTorch, Ray, Ax) is imported by the command that needs it: --help is quick.

WIDTH_WITHOUT_TERMINAL = 200
EXIT_FAILED_RUNS, EXIT_USER_ERROR, EXIT_INTERRUPTED = 1, 2, 130

console = Console(highlight=False)
if not console.is_terminal:
    # A log or a pipe has no width of its own: leave wide tables whole.
    console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mobo-bench")
@click.option("--debug", is_flag=True, help="Show tracebacks of user errors too.")
def cli(debug: bool) -> None:
    """Benchmark multi-objective schedulers and searchers of Ray Tune.

    \b
    Examples:
      mobo-bench run quick                          four small runs, under two minutes
      mobo-bench run paper --seeds 6                Tables 1-4 of the paper, six seeds
      mobo-bench report results/paper-mnist         tables and figures of what is recorded
      mobo-bench replay results/schedulers-mnist    recorded curves through every scheduler
      mobo-bench doctor                             what this machine has and lacks
    """


def _matrix_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.argument("matrix_name", metavar="MATRIX"),
        click.option(
            "--dataset",
            type=click.Choice(matrix.DATASETS),
            help="Data set; auto takes MNIST if it can be had and the embedded digits otherwise.",
        ),
        click.option(
            "--data-dir",
            default="data",
            show_default=True,
            help="Folder with torchvision's MNIST/raw; downloads go there.",
        ),
        click.option(
            "--seeds",
            default="1",
            show_default=True,
            help="How many (6), or which (0,3,7; a single one as '3,').",
        ),
        click.option("--trials", type=int, help="Trials per run, instead of the matrix's."),
        click.option("--max-epochs", type=int, help="Full budget of a trial, likewise."),
        click.option("--slots", type=int, help="Trials at a time, likewise."),
        click.option(
            "--only",
            metavar="GLOB",
            multiple=True,
            help="Only cells like this, e.g. 'fifo*' or '*/ acc+params'; may be repeated.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@_matrix_options
@click.option(
    "--results",
    "results_dir",
    type=click.Path(path_type=Path),
    help="Results folder.  [default: results/MATRIX-DATASET]",
)
@click.option(
    "--reports",
    "reports_dir",
    type=click.Path(path_type=Path),
    help="Reports folder.  [default: reports/MATRIX-DATASET]",
)
@click.option("--force", is_flag=True, help="Make finished runs again.")
@click.option(
    "--address", help="Join this Ray cluster (auto, or host:port) instead of a local Ray."
)
@click.option("--cpus-per-trial", type=float, default=1, show_default=True)
@click.option(
    "--gpus-per-trial", type=float, default=0, show_default=True, help="Whole or a fraction (0.2)."
)
def run(
    matrix_name: str,
    dataset: str | None,
    data_dir: str,
    seeds: str,
    trials: int | None,
    max_epochs: int | None,
    slots: int | None,
    only: tuple[str, ...],
    results_dir: Path | None,
    reports_dir: Path | None,
    force: bool,
    address: str | None,
    cpus_per_trial: float,
    gpus_per_trial: float,
) -> None:
    """Make the runs of MATRIX that are not yet recorded, then report.

    MATRIX is a name from 'mobo-bench list' or the path of a .toml file. Finished runs are never
    made again unless forced; failed ones are. The exit status is 1 if a run failed.

    \b
    Examples:
      mobo-bench run paper                          MNIST if it can be had, else digits
      mobo-bench run paper --dataset mnist --data-dir ~/data --seeds 0,3,7
      mobo-bench run paper --only 'paper-rungwise*' --force
      mobo-bench run paper --gpus-per-trial 0.2 --slots 5
      mobo-bench run my-matrix.toml --address auto
    """
    seed_list = matrix.parse_seeds(seeds)
    chosen = matrix.load_matrix(matrix_name).with_budget(
        trials=trials, max_epochs=max_epochs, slots=slots
    )
    from bench import catalogue, execute, formatting, preparation, records
    from bench.backends.ray import RayBackend, RaySettings

    data_dir = str(Path(data_dir).resolve())  # training processes have a folder of their own
    preparation.check_resources(address, cpus_per_trial, gpus_per_trial, chosen.budget.slots)
    catalogue.check(chosen.with_dataset("digits"), data_dir)  # before any download
    chosen = preparation.with_data(chosen, dataset, data_dir, console)
    folder = results_dir or Path("results", f"{chosen.name}-{chosen.dataset}")
    runs = preparation.select(chosen.runs(seed_list), only)
    records.open_folder(folder, chosen)
    todo = execute.pending(runs, folder, force)
    console.print(
        f"{chosen.title}: {formatting.count(len(runs), 'run')} of {chosen.budget.trials} trials "
        f"on [bold]{chosen.dataset}[/], {len(runs) - len(todo)} already finished in {folder}"
    )
    outcome = execute.Outcome((), {})
    if todo:
        settings = RaySettings(address, cpus_per_trial, gpus_per_trial)
        with RayBackend(settings, data_dir, chosen.budget.slots) as backend:
            preparation.announce(backend, chosen, todo, data_dir, console)
            outcome = execute.execute(todo, backend, folder, data_dir, console)
    for run_id, error in outcome.failed.items():
        console.print(f"failed: {run_id}: {error}", markup=False, style="red")
    if len(outcome.failed) < len(runs):
        _report(folder, reports_dir)
    if outcome.failed:
        sys.exit(EXIT_FAILED_RUNS)


@cli.command()
@click.argument("results_dir", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option("--reports", "reports_dir", type=click.Path(path_type=Path), help="Reports folder.")
def report(results_dir: Path, reports_dir: Path | None) -> None:
    """Write the tables and figures of the runs recorded in the folder RESULTS.

    \b
    Examples:
      mobo-bench report results/paper-mnist
      mobo-bench report results/reference/paper-mnist --reports /tmp/reports
    """
    _report(results_dir, reports_dir)


@cli.command()
@click.argument("curves", metavar="CURVES", type=click.Path(path_type=Path))
@click.option("--matrix", "matrix_name", default="schedulers", show_default=True)
@click.option("--dataset", type=click.Choice(["mnist", "digits"]), default="mnist")
@click.option("--draws", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--trials", type=click.IntRange(min=1), help="Per draw, instead of the matrix's.")
@click.option("--slots", default="2,5", show_default=True, help="Trials at a time, a list.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write every draw as a row of this CSV file."
)
def replay(
    curves: Path,
    matrix_name: str,
    dataset: str,
    draws: int,
    trials: int | None,
    slots: str,
    out: Path | None,
) -> None:
    """Replay recorded full curves through the schedulers of a matrix, without training.

    CURVES is a results folder, of which the FIFO runs are taken, or a CSV or Parquet file. Each
    draw takes as many curves as a run has trials, the same for every scheduler, and runs them
    through the scheduler in virtual time.

    \b
    Columns, against FIFO, median over the draws unless named otherwise:
      epochs saved, time saved   training only; suggestions, saving and loading cost nothing here
      oracle                     what knowing FIFO's final front would save: more costs hypervolume
      HV median, mean, worst     change of the observed hypervolume
      front lost, resumes        means: members of FIFO's front ended early, loads of checkpoints
      cover 50, cover 90         hv-promotion: ended trials that would have ended no better than
                                 its median and 0.9 projection

    \b
    Examples:
      mobo-bench replay results/reference/schedulers-mnist
      mobo-bench replay curves.csv --slots 2,5 --draws 30 --out replay.csv
    """
    try:
        widths = [int(part) for part in slots.split(",")]
    except ValueError:
        widths = []
    if not widths or min(widths) < 1:
        raise UserError(f"bad --slots {slots!r}: give a list of whole numbers like 2,5")
    chosen = matrix.load_matrix(matrix_name).with_budget(trials=trials)
    from bench import catalogue, formatting, replays

    pool = replays.read_pool(curves)
    cell = next(chosen.with_dataset(dataset).cells())
    problem = catalogue.make_problem(cell, "data", pool.seconds.shape[1])
    rows = replays.replay_matrix(pool, chosen, problem, draws, widths)
    if out is not None:
        rows.to_csv(out, index=False)
    title = f"{draws} draws of {chosen.budget.trials} of {len(pool)} curves"
    console.print(formatting.rich_table(replays.summarise(rows), title))


@cli.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--problem", "problem_name", default="mlp", show_default=True)
@click.option("--dataset", type=click.Choice(["mnist", "digits"]), default="mnist")
@click.option("--data-dir", default="data", show_default=True)
@click.option("--max-epochs", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--values",
    metavar="NAME=COUNT",
    multiple=True,
    default=("learning_rate=12", "dropout=3"),
    show_default=True,
    help="How many values of a range; repeat for each.",
)
@click.option("--seeds", default="2", show_default=True, help="Training seeds, as in 'run'.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: all cores]")
def record(
    out: Path,
    problem_name: str,
    dataset: str,
    data_dir: str,
    max_epochs: int,
    values: tuple[str, ...],
    seeds: str,
    workers: int | None,
) -> None:
    """Train a grid of configurations and write their curves to the table OUT (Parquet).

    What is trained is kept at once: the same command goes on where it was cut. Beside OUT lie its
    card, OUT.json, and OUT.parts, which may be deleted when it is done.

    \b
    Examples:
      mobo-bench record mlp-mnist.parquet --data-dir ~/data
      mobo-bench record small.parquet --dataset digits --values learning_rate=4 --values dropout=2
    """
    seed_list = matrix.parse_seeds(seeds)
    sizes = {}
    for text in values:
        name, _, count = text.partition("=")
        if not count.isdigit():
            raise UserError(f"bad --values {text!r}: give a name and a number, like dropout=3")
        sizes[name] = int(count)
    from bench import catalogue, recorder

    entry = catalogue.PROBLEMS.get(problem_name)
    if entry is None:
        known = ", ".join(sorted(catalogue.PROBLEMS))
        raise UserError(f"unknown problem {problem_name!r}: choose from {known}")
    problem = entry(dataset, str(Path(data_dir).resolve()), max_epochs)
    grid = recorder.grid_of(problem.space, sizes)
    cores = workers or len(os.sched_getaffinity(0))
    recorder.record(problem, grid, seed_list, out, cores, console)
    console.print(f"wrote {out}")


@cli.command("list")
@click.argument("results_dir", metavar="[RESULTS]", required=False, type=click.Path(path_type=Path))
def list_(results_dir: Path | None) -> None:
    """List what a matrix can hold, or the runs recorded in the folder RESULTS.

    \b
    Examples:
      mobo-bench list
      mobo-bench list results/paper-mnist
    """
    if results_dir is not None:
        from bench import records

        records.read_settings(results_dir)
        for record in records.read_all(results_dir):
            status = "finished" if record.finished else "failed"
            console.print(f"{status:9} {record.started_at}  {record.run_id}", markup=False)
        return
    from bench import catalogue

    for title, names in (
        ("matrices", matrix.matrix_names()),
        ("problems", sorted(catalogue.PROBLEMS)),
        ("searchers", sorted(catalogue.SEARCHERS)),
        ("schedulers", sorted(catalogue.SCHEDULERS)),
        ("data sets", matrix.DATASETS),
    ):
        console.print(f"[bold]{title:10}[/] {', '.join(names)}")


@cli.command()
@click.option("--data-dir", default="data", show_default=True, help="Where MNIST is looked for.")
def doctor(data_dir: str) -> None:
    """Show versions, cores, GPUs and data, and say what would be slow or fail."""
    from bench import doctor as diagnosis

    diagnosis.show(data_dir, console)


def _report(results_dir: Path, reports_dir: Path | None) -> None:
    from bench import report as reporting

    reporting.write(results_dir, reports_dir or _default_reports(results_dir), console)


def _default_reports(results_dir: Path) -> Path:
    """``results/x/y`` → ``reports/x/y``; beside any other folder, ``…-reports``."""
    parts = list(results_dir.parts)
    if "results" in parts:
        last = len(parts) - 1 - parts[::-1].index("results")
        parts[last] = "reports"
        return Path(*parts)
    return results_dir.with_name(results_dir.name + "-reports")


def main() -> None:
    """Entry point: one line for a user's mistake, 130 for Ctrl-C."""
    debug = "--debug" in sys.argv
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
    logging.disable(logging.INFO)  # libraries talk when they are imported
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(EXIT_USER_ERROR)
    except (click.ClickException, UserError) as error:
        if debug:
            raise
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {message}", err=True)
        sys.exit(EXIT_USER_ERROR)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "stopped: finished runs are kept; the same command without --force goes on from here",
            err=True,
        )
        sys.exit(EXIT_INTERRUPTED)
