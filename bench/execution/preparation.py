"""Prepare a matrix before it runs: data, resources, choice of cells and an estimate of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch

from rich.console import Console

from bench.errors import UserError
from bench.execution import queue, recordable
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.retraining import RetrainingError
from bench.formatting import count, duration
from bench.matrix import catalogue, problems
from bench.matrix.matrix import LARGEST_SEED, Budget, Matrix, Run
from bench.matrix.problems import AUTO
from bench.records import environment
from bench.records.definitions import Definition
from bench.records.storage import one_line

RUN_OVERHEAD_S = 7.0
"""The seconds that a run needs besides training and suggestions, measured on two cores.

They are spent on starting the trials' processes and on ending the run.
"""


def check_parts(chosen: Matrix, data_dir: str) -> None:
    """Build every scheduler, searcher and objective set once, on the problem's first data set.

    Raises:
        UserError: If a part cannot be built; the message names the part and the remedy.
    """
    first = chosen.with_dataset(problems.find(chosen.problem).datasets[0])
    catalogue.check(first, data_dir)
    check_recordable(first, data_dir)


def check_recordable(chosen: Matrix, data_dir: str) -> Definition:
    """Check that results on the matrix's data set can be recorded; return what the runs share.

    Raises:
        UserError: If a name or a value has no place in a record.
    """
    cell = next(chosen.cells())
    problem = catalogue.make_problem(cell, data_dir, chosen.budget.max_epochs)
    names = list(dict.fromkeys(name for names in chosen.objective_sets for name in names))
    recordable.check(problem, names)
    recordable.check_ids(chosen.runs([LARGEST_SEED]))
    return queue.definition(problem, chosen.objective_sets)


def with_data(chosen: Matrix, dataset: str | None, data_dir: str, console: Console) -> Matrix:
    """Return the matrix with a data set that is available; MNIST is downloaded if it is missing.

    Args:
        chosen: The matrix.
        dataset: The data set to use; None uses the one in the matrix. ``auto`` uses the problem's
            first data set. For the problem ``mlp`` it uses MNIST, or the digits if MNIST is not
            available.
        data_dir: The folder of MNIST. A download is written there.
        console: The console for a notice if the digits replace MNIST.

    Raises:
        UserError: If the problem has no such data set, or if MNIST is damaged, or if ``mnist`` was
            requested and is not available.
    """
    entry, wanted = problems.find(chosen.problem), dataset or chosen.dataset
    if wanted == AUTO and chosen.problem != "mlp":
        wanted = entry.datasets[0]
    if wanted not in ("mnist", AUTO) or chosen.problem != "mlp":
        problems.check_data(chosen.problem, wanted, data_dir)
        return chosen.with_dataset(wanted)
    from mobo_core.problems import images  # imported only here because it takes seconds

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
            "[bold yellow]MNIST is not available: running on scikit-learn's embedded digits "
            "instead.[/] The digits are a smaller data set, so the results cannot be compared with "
            "the paper's. With --dataset mnist the command stops instead."
        )
        return chosen.with_dataset("digits")
    return chosen.with_dataset("mnist")


def in_real_time(chosen: Matrix) -> Matrix:
    """Return the matrix for execution on Ray.

    Raises:
        UserError: If the problem has nothing to train.
    """
    if not problems.find(chosen.problem).trains:
        raise UserError(
            f"problem {chosen.problem!r} has recorded or computed curves, so there is nothing to "
            "train on Ray; use --backend virtual"
        )
    return chosen.in_real_time()


def in_virtual_time(chosen: Matrix, dataset: str | None = None) -> Matrix:
    """Return the matrix for a simulated cluster. Recorded curves replace real training.

    Args:
        chosen: The matrix.
        dataset: The data set that is asked for; None does not look at it.

    Raises:
        UserError: If several workers are requested per trial, since no trial is really trained, or
            if a problem that trains has no recorded curves on the data set.
    """
    if chosen.budget.workers_per_trial != 1:
        raise UserError(
            f"workers_per_trial is for Ray, got {chosen.budget.workers_per_trial} in virtual time, "
            "where a trial takes one simulated worker: leave it out, or use --backend ray"
        )
    recorded = problems.find(chosen.problem).recorded
    if recorded is not None and dataset is not None and dataset != AUTO:
        problems.check_dataset(chosen.problem, dataset)
        there = problems.find(recorded).datasets
        if dataset not in there:
            raise UserError(
                f"problem {chosen.problem!r} has recorded curves for virtual time on "
                f"{', '.join(there)}, not on {dataset!r}: choose --dataset {there[0]}, or train "
                "with --backend ray"
            )
    return replace(chosen, problem=recorded or chosen.problem).in_virtual_time()


def check_resources(
    address: str | None, cpus_per_trial: float, gpus_per_trial: float, budget: Budget
) -> None:
    """Check that this machine has the requested resources.

    Args:
        address: The address of a cluster, or None for this machine. The resources of a cluster
            are known only after joining it, so they are not checked here.
        cpus_per_trial: The cores of each worker of a trial.
        gpus_per_trial: The GPUs of each worker of a trial.
        budget: The matrix's budget, with slots and workers per trial.

    Raises:
        UserError: If resources are not valid or not available; the message names the remedy.
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
        # A fraction cannot be split over two GPUs, so 0.6 fits once on each GPU.
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
    """Return the runs whose cell matches one of the patterns, or all runs if there is no pattern.

    A pattern has the form ``scheduler / objectives`` or ``scheduler / objectives / searcher``. It
    may contain the wildcards of ``fnmatch``.

    Raises:
        UserError: If no cell matches a pattern.
    """

    def like(run: Run, pattern: str) -> bool:
        label = run.cell.label
        return any(fnmatch(n, pattern) for n in (label, f"{label} / {run.cell.searcher.label}"))

    for pattern in patterns:
        if not any(like(run, pattern) for run in runs):
            cells = sorted({run.cell.label for run in runs})
            raise UserError(f"no cell matches {pattern!r}; the matrix has: {'; '.join(cells)}")
    return [run for run in runs if not patterns or any(like(run, p) for p in patterns)]


def available(runs: Sequence[Run]) -> tuple[list[Run], dict[str, str]]:
    """Return the runs that can be made here, and the others' ids with the reason for each.

    A rival that is not installed cannot be run.

    Raises:
        UserError: If no run can be made.
    """
    skipped = {run.run_id: reason for run in runs if (reason := catalogue.absent(run.cell))}
    if runs and len(skipped) == len(runs):
        raise UserError(
            f"none of the runs can be made: {'; '.join(dict.fromkeys(skipped.values()))}"
        )
    return [run for run in runs if run.run_id not in skipped], skipped


def announce(
    backend: RayBackend, chosen: Matrix, todo: Sequence[Run], data_dir: str, console: Console
) -> None:
    """Warm up, measure an epoch and a suggestion, and print how long the runs will take."""
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
            console.print(f"{unknown}: the trial that measures it failed: {error}", markup=False)
            return
        except Exception as error:  # the searcher failed, as it may in the runs too
            console.print(f"{unknown}: {one_line(error)}", markup=False)
            return
    budget = chosen.budget
    training_s = budget.trials * budget.max_epochs * epoch_s / budget.slots
    per_run = RUN_OVERHEAD_S + training_s + budget.trials * suggestion_s
    total = duration(per_run * len(todo))
    console.print(
        f"at most about {total} for {count(len(todo), 'run')} if no trial stops early "
        f"(an epoch takes {epoch_s:.2f} s, a suggestion {suggestion_s:.1f} s here)"
    )
