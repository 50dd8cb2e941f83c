"""Commands that make runs: ``mobo-bench run`` and ``mobo-bench speed``."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench import formatting
from bench.commands import results
from bench.commands.options import grouped
from bench.errors import UserError
from bench.execution.request import BackendChoice, LimitChoice, Output, Request, RunChoice
from bench.matrix.limits import Limits
from bench.records import files
from bench.terminal import console

if TYPE_CHECKING:
    from bench.execution.runs import RunsMade

# Each command imports the heavy packages that it needs (PyTorch, Ray, Ax): --help is quick.

EXIT_FAILED_RUNS = 1

WHAT = (
    click.argument("matrix_name", metavar="MATRIX"),
    click.option(
        "--dataset",
        metavar="NAME",
        help="Data set of the problem, see 'mobo-bench list'. 'auto' takes MNIST if it is there or "
        "can be downloaded, and scikit-learn's digits otherwise.",
    ),
    click.option(
        "--data-dir",
        default="data",
        show_default=True,
        help="Folder with the data: MNIST/raw as torchvision has it (downloads go there), yahpo.",
    ),
    click.option(
        "--seeds",
        default="1",
        show_default=True,
        help="How many seeds (6), or which (0,3,7; a single one as '3,').",
    ),
    click.option("--trials", type=int, help="Trials per run.  [default: the matrix's]"),
    click.option(
        "--max-epochs", type=int, help="Full budget of a trial, in epochs.  [default: the matrix's]"
    ),
    click.option(
        "--slots", type=int, help="Trials that train at the same time.  [default: the matrix's]"
    ),
    click.option(
        "--workers-per-trial",
        type=int,
        help="Processes that train one trial together, on Ray only.  [default: the matrix's]",
    ),
    click.option(
        "--only",
        metavar="GLOB",
        multiple=True,
        help="Run only the cells that match, e.g. 'fifo*', '*/ acc+params' or '*/ ax'. May be "
        "repeated.",
    ),
)
WHERE = (
    click.option(
        "--backend",
        type=click.Choice(["ray", "virtual"]),
        help="Real Ray, or virtual time on recorded curves, surrogates and test functions.  "
        "[default: virtual if MATRIX has a table [virtual], else ray]",
    ),
    click.option(
        "--processes",
        type=click.IntRange(min=1),
        help="Runs in virtual time that are made at the same time.  [default: all cores]",
    ),
    click.option(
        "--address", help="Join this Ray cluster (auto, or host:port) instead of a local Ray."
    ),
    click.option(
        "--cpus-per-trial",
        type=float,
        default=1,
        show_default=True,
        help="Cores of each worker of a trial.",
    ),
    click.option(
        "--gpus-per-trial",
        type=float,
        default=0,
        show_default=True,
        help="GPUs of each worker of a trial: a whole number, or a fraction of one (0.2).",
    ),
)
LIMITS = (
    click.option(
        "--epoch-time-limit",
        "epoch_s",
        type=float,
        metavar="SECONDS",
        help="A trial whose epoch takes longer has failed, and its process is replaced.  "
        f"[default: {Limits.epoch_s:g}, or the matrix's limits.epoch_s]",
    ),
    click.option(
        "--failure-tolerance",
        "failed_share",
        type=float,
        metavar="SHARE",
        help="A run fails as soon as more than this share of its trials have failed.  [default: "
        f"{Limits.failed_share:g}, or the matrix's limits.failed_share]",
    ),
)
OUTPUT = (
    click.option(
        "--results",
        "results_dir",
        type=click.Path(path_type=Path),
        help="Folder of the records.  [default: results/MATRIX-DATASET]",
    ),
    click.option(
        "--reports",
        "reports_dir",
        type=click.Path(path_type=Path),
        help="Folder of the report.  [default: reports/MATRIX-DATASET]",
    ),
    click.option("--force", is_flag=True, help="Repeat finished runs too."),
)


@click.command()
@grouped(RunChoice, "what", *WHAT)
@grouped(BackendChoice, "where", *WHERE)
@grouped(LimitChoice, "limits", *LIMITS)
@grouped(Output, "output", *OUTPUT)
def run(what: RunChoice, where: BackendChoice, limits: LimitChoice, output: Output) -> None:
    """Make the runs of MATRIX that are not yet recorded, then report.

    MATRIX is a name from 'mobo-bench list' or the path of a .toml file. Finished runs are kept
    and not repeated, unless --force is given. Failed runs are repeated. Runs of rivals that are not
    installed are skipped. The exit status is 1 if a run failed.

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
    make_and_report(Request(what, where, limits, output))


def make_and_report(request: Request) -> Path:
    """Make the runs of a request and report them; return the folder of their records.

    The process ends with status 1 if a run failed.
    """
    # A bad name or value ends here, before the seconds that the imports take.
    request.what.seed_list()
    if request.output.reports_dir is not None:
        files.check_folder(request.output.reports_dir)
    chosen = request.limits.apply(request.what.load())
    try:
        request.where.virtual(chosen)
    except UserError:
        from bench.matrix import catalogue

        catalogue.check_names(chosen)  # an unknown name is more to the point
        raise
    from bench.execution import runs

    made = runs.make(request, console)
    print_unfinished(made)
    if made.something_finished:
        results.write_report(made.folder, request.output.reports_dir, request.what.data_folder)
    if made.outcome.failed:
        sys.exit(EXIT_FAILED_RUNS)
    return made.folder


def print_unfinished(made: RunsMade) -> None:
    """Print which runs were skipped, and which have failed, with the reasons."""
    for reason, count in Counter(made.skipped.values()).items():
        text = f"skipped: {formatting.count(count, 'run')} of {reason}"
        console.print(text, markup=False, style="yellow", soft_wrap=True)
    for run_id, error in made.outcome.failed.items():
        console.print(f"failed: {run_id}: {error}", markup=False, style="red")


@click.command()
@click.option("--dataset", metavar="NAME", default="auto", show_default=True)
@click.option("--data-dir", default="data", show_default=True)
@click.option("--seeds", default="3", show_default=True, help="As in 'run'.")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Timings of experiments whose epochs cost nothing.",
)
def speed(dataset: str, data_dir: str, seeds: str, repeats: int) -> None:
    """Measure where the time of a run goes, and what Tune itself costs.

    Makes the runs of the matrix 'speed' that are not yet recorded, then times experiments whose
    epochs cost nothing. Writes speed.md beside their report. Nothing else should run on the
    machine meanwhile.

    \b
    Examples:
      mobo-bench speed --dataset mnist --data-dir ~/data
      mobo-bench speed --dataset digits --seeds 1
    """
    what = RunChoice("speed", dataset=dataset, data_dir=data_dir, seeds=seeds)
    folder = make_and_report(Request(what))
    from bench.execution.ray.backend import RayBackend
    from bench.execution.ray.settings import RaySettings
    from bench.records import folders, storage
    from bench.studies import speed as timing

    settings = folders.read_settings(folder)
    slots, trials = settings["budget"]["slots"], settings["budget"]["trials"]
    with console.status("timing Tune"), RayBackend(RaySettings(), what.data_folder, slots):
        overhead = timing.tune_overhead(repeats)
    finished = [record for record in storage.read_all(folder) if record.finished]
    subject = f"{trials} trials on {settings['dataset']}, {slots} slots"
    page = timing.markdown(timing.parts(finished), overhead, subject)
    out = results.default_reports(folder) / "speed.md"
    files.write_text(out, page)
    console.print(page, markup=False)
    console.print(f"wrote {out}", markup=False)
