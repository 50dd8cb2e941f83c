"""Before a matrix runs: its data, its resources, its cells, and how long it will take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch

from rich.console import Console

from bench.errors import UserError
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.retraining import RetrainingError
from bench.formatting import count, duration
from bench.matrix import catalogue, problems
from bench.matrix.matrix import Budget, Matrix, Run
from bench.matrix.problems import AUTO
from bench.records import environment
from bench.records.storage import one_line

RUN_OVERHEAD_S = 7.0
"""Start of a run's trial processes and its end, on two cores."""


def check_parts(chosen: Matrix, data_dir: str) -> None:
    """Build every scheduler, searcher and objective set once, on whatever data.

    Raises:
        UserError: Naming the part and the remedy.
    """
    catalogue.check(chosen.with_dataset(problems.find(chosen.problem).datasets[0]), data_dir)


def with_data(chosen: Matrix, dataset: str | None, data_dir: str, console: Console) -> Matrix:
    """The matrix on a data set that is there; MNIST is downloaded if need be.

    Args:
        chosen: The matrix.
        dataset: Instead of the matrix's own; ``auto`` is the problem's usual one, or the digits
            where that is MNIST and cannot be had.
        data_dir: Where MNIST lies or will lie.
        console: Is told when other data take MNIST's place.

    Raises:
        UserError: If the problem has no such data set, or MNIST is insisted on and cannot be had,
            or is damaged.
    """
    entry, wanted = problems.find(chosen.problem), dataset or chosen.dataset
    if wanted == AUTO and chosen.problem != "mlp":
        wanted = entry.datasets[0]
    if wanted not in ("mnist", AUTO) or chosen.problem != "mlp":
        problems.check_data(chosen.problem, wanted, data_dir)
        return chosen.with_dataset(wanted)
    from mobo_core.problems import images  # takes seconds: for those who train

    try:
        if not images.mnist_on_disk(data_dir):
            console.print(f"MNIST is not in {data_dir}; trying to download it", markup=False)
            images.download_mnist(data_dir)
        images.load("mnist", data_dir)
    except images.DataDamagedError as error:
        raise UserError(str(error)) from error
    except images.DataUnavailableError as error:
        if wanted == "mnist":
            raise UserError(str(error)) from error
        console.print(
            "[bold yellow]MNIST cannot be had: running on scikit-learn's embedded digits "
            "instead.[/] These are other, smaller data; their figures cannot be compared with the "
            "paper's. --dataset mnist insists on MNIST."
        )
        return chosen.with_dataset("digits")
    return chosen.with_dataset("mnist")


def in_real_time(chosen: Matrix) -> Matrix:
    """The matrix on Ray.

    Raises:
        UserError: If there is nothing to train.
    """
    if not problems.find(chosen.problem).trains:
        raise UserError(
            f"problem {chosen.problem!r} knows its curves beforehand: there is nothing to train on "
            "Ray; use --backend virtual"
        )
    return chosen.in_real_time()


def in_virtual_time(chosen: Matrix) -> Matrix:
    """The matrix on a simulated cluster; recorded curves stand for a problem that trains.

    Raises:
        UserError: If several workers are to train a trial: nothing is trained here.
    """
    if chosen.budget.workers_per_trial != 1:
        raise UserError(
            f"workers_per_trial is for Ray, got {chosen.budget.workers_per_trial} in virtual time, "
            "where a trial takes one simulated worker: leave it out, or use --backend ray"
        )
    recorded = problems.find(chosen.problem).recorded
    return replace(chosen, problem=recorded or chosen.problem).in_virtual_time()


def check_resources(
    address: str | None, cpus_per_trial: float, gpus_per_trial: float, budget: Budget
) -> None:
    """Refuse resources that cannot be had.

    Args:
        address: Of a cluster; what it has is seen when it is joined.
        cpus_per_trial: Of each worker of a trial.
        gpus_per_trial: Likewise.
        budget: Of the matrix.

    Raises:
        UserError: With the remedy.
    """
    slots, workers = budget.slots, budget.workers_per_trial
    if not 0 < cpus_per_trial < math.inf:
        raise UserError(f"--cpus-per-trial must be greater than 0, got {cpus_per_trial}")
    whole = math.isfinite(gpus_per_trial) and gpus_per_trial == int(gpus_per_trial)
    if not 0 <= gpus_per_trial <= 1 and not (gpus_per_trial > 1 and whole):
        raise UserError(
            f"--gpus-per-trial must be a fraction up to 1 or a whole number, got {gpus_per_trial}"
        )
    cores = environment.capture().cores
    if workers > 1 and workers * cpus_per_trial > cores and address is None:
        raise UserError(
            f"{workers} workers per trial × {cpus_per_trial:g} cores need more than the {cores} of "
            "this machine; lower --workers-per-trial or --cpus-per-trial, or join a cluster with "
            "--address"
        )
    if gpus_per_trial and address is None:
        found = len(environment.gpu_names())
        # A fraction stays on one GPU: 0.6 fits once on each.
        room = (
            found * int(1 / gpus_per_trial + 1e-9) if gpus_per_trial < 1 else found / gpus_per_trial
        )
        if room < slots * workers:
            together = f" of {workers} workers each" if workers > 1 else ""
            raise UserError(
                f"--gpus-per-trial {gpus_per_trial:g} needs more GPUs for {slots} trials at a time"
                f"{together} than the {found} that PyTorch can use here; lower it or --slots, or "
                "leave it out to train on cores"
            )


def select(runs: Sequence[Run], patterns: Sequence[str]) -> list[Run]:
    """The runs whose cell is like one of the patterns; all without any.

    A pattern is like ``scheduler / objectives``, or ``scheduler / objectives / searcher``.

    Raises:
        UserError: If there is none like a pattern.
    """

    def like(run: Run, pattern: str) -> bool:
        label = run.cell.label
        return any(fnmatch(n, pattern) for n in (label, f"{label} / {run.cell.searcher.label}"))

    for pattern in patterns:
        if not any(like(run, pattern) for run in runs):
            cells = sorted({run.cell.label for run in runs})
            raise UserError(f"no cell is like {pattern!r}; the matrix has: {'; '.join(cells)}")
    return [run for run in runs if not patterns or any(like(run, p) for p in patterns)]


def announce(
    backend: RayBackend, chosen: Matrix, todo: Sequence[Run], data_dir: str, console: Console
) -> None:
    """Warm up, measure an epoch and a suggestion, and say how long the runs will take."""
    cell = todo[0].cell
    problem = catalogue.make_problem(cell, data_dir, chosen.budget.max_epochs)
    objectives = catalogue.make_objectives(problem, cell.objectives)
    unknown = "how long the runs will take is not known"
    with console.status("starting: imports, data, a first suggestion"):
        try:
            suggestion_s = backend.warm_up(cell.searcher, problem, objectives, chosen.budget.trials)
            epoch_s = backend.epoch_seconds(problem)
        except UserError:
            raise
        except RetrainingError as error:
            console.print(f"{unknown}: the trial that was to show it failed: {error}", markup=False)
            return
        except Exception as error:  # of the searcher, which may fail in the runs too
            console.print(f"{unknown}: {one_line(error)}", markup=False)
            return
    budget = chosen.budget
    training_s = budget.trials * budget.max_epochs * epoch_s / budget.slots
    per_run = RUN_OVERHEAD_S + training_s + budget.trials * suggestion_s
    total = duration(per_run * len(todo))
    console.print(
        f"about {total} for {count(len(todo), 'run')} if no trial stops early "
        f"(an epoch takes {epoch_s:.2f} s, a suggestion {suggestion_s:.1f} s here)"
    )
