"""The command line ``mobo-bench``, with its commands ``run``, ``speed``, ``list``, ``doctor``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from bench.commands import offline, results
from bench.errors import UserError
from bench.execution.silence import silence_imports
from bench.matrix import matrix
from bench.matrix.limits import Limits
from bench.terminal import console

if TYPE_CHECKING:
    from bench.execution.queue import Outcome
    from bench.execution.ray.settings import RaySettings

# Everything heavy (PyTorch, Ray, Ax) is imported by the command that needs it: --help is quick.

EXIT_FAILED_RUNS, EXIT_USER_ERROR, EXIT_INTERRUPTED = 1, 2, 130


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
      mobo-bench replay results/schedulers-mnist    recorded curves through every scheduler
      mobo-bench compare results/a results/b        what changed, with intervals
      mobo-bench regress                            has a scheduler become slower or worse?
      mobo-bench doctor                             what this machine has and lacks
    """


def _matrix_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.argument("matrix_name", metavar="MATRIX"),
        click.option(
            "--dataset",
            metavar="NAME",
            help="Data set of the problem, see 'mobo-bench list'; auto takes MNIST if it can be "
            "had and the embedded digits otherwise.",
        ),
        click.option(
            "--data-dir",
            default="data",
            show_default=True,
            help="Folder with torchvision's MNIST/raw (downloads go there) and yahpo.",
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
            "--workers-per-trial",
            type=int,
            help="Processes that train one trial together, likewise; on Ray only.",
        ),
        click.option(
            "--only",
            metavar="GLOB",
            multiple=True,
            help="Only cells like this, e.g. 'fifo*', '*/ acc+params' or '*/ ax'; may be repeated.",
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
    "--backend",
    type=click.Choice(["ray", "virtual"]),
    help="Real Ray, or virtual time on recorded curves, surrogates and test functions.  [default: "
    "virtual if MATRIX has a table [virtual], else ray]",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Runs in virtual time that are made at a time.  [default: all cores]",
)
@click.option(
    "--address", help="Join this Ray cluster (auto, or host:port) instead of a local Ray."
)
@click.option(
    "--cpus-per-trial", type=float, default=1, show_default=True, help="Of each of its workers."
)
@click.option(
    "--gpus-per-trial",
    type=float,
    default=0,
    show_default=True,
    help="Whole or a fraction (0.2); of each of its workers.",
)
@click.option(
    "--epoch-time-limit",
    "epoch_s",
    type=float,
    metavar="SECONDS",
    help="A trial that takes longer over an epoch has failed, and its process is replaced.  "
    f"[default: {Limits.epoch_s:g}, or the matrix's limits.epoch_s]",
)
@click.option(
    "--failure-tolerance",
    "failed_share",
    type=float,
    metavar="SHARE",
    help="A run fails as soon as more than this share of its trials have.  [default: "
    f"{Limits.failed_share:g}, or the matrix's limits.failed_share]",
)
def run(
    matrix_name: str,
    dataset: str | None,
    data_dir: str,
    seeds: str,
    trials: int | None,
    max_epochs: int | None,
    slots: int | None,
    workers_per_trial: int | None,
    only: tuple[str, ...],
    results_dir: Path | None,
    reports_dir: Path | None,
    force: bool,
    backend: str | None,
    processes: int | None,
    address: str | None,
    cpus_per_trial: float,
    gpus_per_trial: float,
    epoch_s: float | None,
    failed_share: float | None,
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
      mobo-bench run paper --gpus-per-trial 1 --slots 1 --workers-per-trial 3
      mobo-bench run my-matrix.toml --address auto
      mobo-bench run synthetic --dataset dtlz2 --seeds 20
      mobo-bench run lcbench --dataset 167185 --data-dir ~/data --seeds 20
    """
    seed_list = matrix.parse_seeds(seeds)
    chosen = matrix.load_matrix(matrix_name).with_budget(
        trials=trials, max_epochs=max_epochs, slots=slots, workers_per_trial=workers_per_trial
    )
    chosen = chosen.with_limits(epoch_s=epoch_s, failed_share=failed_share)
    from bench.execution import preparation
    from bench.execution.ray.settings import RaySettings
    from bench.records import folders

    data_dir = str(Path(data_dir).resolve())  # training processes have a folder of their own
    virtual = backend == "virtual" or (backend is None and chosen.costs is not None)
    suffix = ""
    if virtual:
        if address or cpus_per_trial != 1 or gpus_per_trial:
            raise UserError(
                "--address, --cpus-per-trial and --gpus-per-trial are for Ray; in virtual time "
                "--slots is the number of simulated workers"
            )
        suffix = "" if chosen.costs else "-virtual"
        chosen = preparation.in_virtual_time(chosen)
    else:
        if processes is not None:
            raise UserError(
                "--processes is for virtual time; on Ray --slots is what runs at a time"
            )
        chosen = preparation.in_real_time(chosen)
        preparation.check_resources(address, cpus_per_trial, gpus_per_trial, chosen.budget)
    preparation.check_parts(chosen, data_dir)  # before any download
    chosen = preparation.with_data(chosen, dataset, data_dir, console)
    folder = results_dir or Path("results", f"{chosen.name}-{chosen.dataset}{suffix}")
    runs = preparation.select(chosen.runs(seed_list), only)
    settings = None
    if not virtual:
        workers = chosen.budget.workers_per_trial
        settings = RaySettings(address, cpus_per_trial, gpus_per_trial, workers)
    with folders.held(folder):
        folders.open_folder(folder, chosen)
        outcome = _make(chosen, runs, folder, data_dir, force, settings or processes)
    for run_id, error in outcome.failed.items():
        console.print(f"failed: {run_id}: {error}", markup=False, style="red")
    if len(outcome.failed) < len(runs):
        results.write_report(folder, reports_dir, data_dir)
    if outcome.failed:
        sys.exit(EXIT_FAILED_RUNS)


def _make(
    chosen: matrix.Matrix,
    runs: Sequence[matrix.Run],
    folder: Path,
    data_dir: str,
    force: bool,
    where: RaySettings | int | None,
) -> Outcome:
    """Make the runs that are not yet recorded, on Ray or in so many processes."""
    from bench import formatting
    from bench.execution import preparation, queue
    from bench.execution.ray.backend import RayBackend
    from bench.execution.virtual import VirtualBackend

    todo = queue.pending(runs, folder, data_dir, force)
    console.print(
        f"{escape(chosen.title)}: {formatting.count(len(runs), 'run')} of {chosen.budget.trials} "
        f"trials on [bold]{escape(chosen.dataset)}[/], {len(runs) - len(todo)} already finished "
        f"in {escape(str(folder))}"
    )
    if not todo:
        return queue.Outcome((), {})
    if where is None or isinstance(where, int):
        simulated = VirtualBackend(data_dir, where, chosen.limits)
        return queue.execute(todo, simulated, folder, data_dir, console)
    with RayBackend(where, data_dir, chosen.budget.slots, chosen.limits) as joined:
        preparation.announce(joined, chosen, todo, data_dir, console)
        return queue.execute(todo, joined, folder, data_dir, console)


@cli.command()
@click.option("--dataset", metavar="NAME", default="auto", show_default=True)
@click.option("--data-dir", default="data", show_default=True)
@click.option("--seeds", default="3", show_default=True, help="As in 'run'.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.pass_context
def speed(context: click.Context, dataset: str, data_dir: str, seeds: str, repeats: int) -> None:
    """Measure where the time of a run goes, and what Tune itself costs.

    Makes the runs of the matrix 'speed' that are not yet recorded, then times experiments whose
    epochs cost nothing. Writes speed.md beside their report. Leave the machine alone meanwhile.

    \b
    Examples:
      mobo-bench speed --dataset mnist --data-dir ~/data
      mobo-bench speed --dataset digits --seeds 1
    """
    chosen = matrix.load_matrix("speed")
    from bench.execution import preparation

    chosen = preparation.with_data(chosen, dataset, str(Path(data_dir).resolve()), console)
    folder = Path("results", f"speed-{chosen.dataset}")
    context.invoke(
        run,
        matrix_name="speed",
        dataset=chosen.dataset,
        data_dir=data_dir,
        seeds=seeds,
        results_dir=folder,
    )
    from bench.execution.ray.backend import RayBackend
    from bench.execution.ray.settings import RaySettings
    from bench.records import storage
    from bench.studies import speed as timing

    with console.status("timing Tune"), RayBackend(RaySettings(), data_dir, chosen.budget.slots):
        overhead = timing.tune_overhead(repeats)
    finished = [record for record in storage.read_all(folder) if record.finished]
    subject = f"{chosen.budget.trials} trials on {chosen.dataset}, {chosen.budget.slots} slots"
    page = timing.markdown(timing.parts(finished), overhead, subject)
    out = results.default_reports(folder) / "speed.md"
    out.write_text(page, encoding="utf-8")
    console.print(page, markup=False)
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
        from bench.records import folders, storage

        folders.read_settings(results_dir)
        for record in storage.read_all(results_dir):
            status = "finished" if record.finished else "failed"
            console.print(f"{status:9} {record.started_at}  {record.run_id}", markup=False)
        return
    from bench.matrix import catalogue, problems

    for title, names in (
        ("matrices", matrix.matrix_names()),
        ("searchers", sorted(catalogue.SEARCHERS)),
        ("schedulers", sorted(catalogue.SCHEDULERS)),
        ("problems", sorted(problems.PROBLEMS)),
    ):
        console.print(f"[bold]{title:10}[/] {', '.join(names)}")
    console.print("[bold]data sets[/]")
    for name, entry in sorted(problems.PROBLEMS.items()):
        console.print(f"  {name:12} {', '.join(entry.datasets)}")


@cli.command()
@click.option("--data-dir", default="data", show_default=True, help="Where MNIST is looked for.")
def doctor(data_dir: str) -> None:
    """Show versions, cores, GPUs and data, and say what would be slow or fail."""
    from bench.commands import doctor as diagnosis

    diagnosis.show(data_dir, console)


for command in (
    *(offline.replay, offline.record, offline.regress, offline.scale),
    *(results.report, results.compare, results.export),
):
    cli.add_command(command)


def main() -> None:
    """Entry point: one line for a user's mistake, 130 for Ctrl-C."""
    debug = "--debug" in sys.argv
    silence_imports()
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
        click.echo(f"error: {' '.join(message.split())}", err=True)
        sys.exit(EXIT_USER_ERROR)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "stopped: what is finished is kept; the same command without --force goes on from here",
            err=True,
        )
        sys.exit(EXIT_INTERRUPTED)
