"""From a request to recorded runs: the way of ``mobo-bench run`` up to the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bench.execution import preparation, queue
from bench.execution.queue import Outcome
from bench.execution.ray.backend import RayBackend
from bench.execution.ray.settings import RaySettings
from bench.execution.request import Request
from bench.execution.virtual import VirtualBackend
from bench.formatting import count
from bench.matrix import catalogue
from bench.matrix.matrix import Matrix, Run
from bench.records import folders


@dataclass(frozen=True)
class RunsMade:
    """The result of a request.

    Args:
        folder: The folder with the records.
        requested: Number of runs that were asked for and can be made, the finished ones included.
        outcome: What became of the runs that were not yet finished.
        skipped: The id of each run that cannot be made here, with the reason.
    """

    folder: Path
    requested: int
    outcome: Outcome
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def something_finished(self) -> bool:
        """Whether at least one of the runs has a finished record."""
        return len(self.outcome.failed) < self.requested


def make(request: Request, console: Console) -> RunsMade:
    """Make the runs of a request that are not yet recorded, one after the other.

    Args:
        request: The request.
        console: Where progress is shown.

    Raises:
        bench.errors.UserError: If the request cannot be carried out; nothing has run then.
    """
    what, where = request.what, request.where
    seeds = what.seed_list()
    chosen = request.limits.apply(what.load())
    catalogue.check_names(chosen)  # before a backend is said not to fit
    virtual = where.virtual(chosen)
    suffix = "-virtual" if virtual and chosen.costs is None else ""
    if virtual:
        chosen = preparation.in_virtual_time(chosen, what.dataset or chosen.dataset)
    else:
        chosen = preparation.in_real_time(chosen)
        preparation.check_resources(
            where.address, where.cpus_per_trial, where.gpus_per_trial, chosen.budget
        )
    preparation.check_parts(chosen, what.data_folder)  # before any download
    chosen = preparation.with_data(chosen, what.dataset, what.data_folder, console)
    definition = preparation.check_recordable(chosen, what.data_folder)
    folder = request.output.folder(chosen, suffix)
    runs, skipped = preparation.available(preparation.select(chosen.runs(seeds), what.only))
    with folders.held(folder):
        folders.open_folder(folder, chosen, definition)
        todo = queue.pending(runs, folder, what.data_folder, request.output.force)
        console.print(
            f"{escape(chosen.title)}: {count(len(runs), 'run')} of {chosen.budget.trials} "
            f"trials on [bold]{escape(chosen.dataset)}[/], {len(runs) - len(todo)} already "
            f"finished in {escape(str(folder))}"
        )
        if todo and (others := queue.other_instructions(folder)):
            console.print(f"note: {others}", style="yellow", markup=False)
        outcome = _execute(request, chosen, todo, virtual, folder, console)
        folders.open_folder(folder, chosen, definition)  # somebody may have removed it meanwhile
    return RunsMade(folder, len(runs), outcome, skipped)


def _execute(
    request: Request,
    chosen: Matrix,
    todo: Sequence[Run],
    virtual: bool,
    folder: Path,
    console: Console,
) -> Outcome:
    """Execute the runs on the backend of the request."""
    if not todo:
        return Outcome((), {})
    data_dir, where = request.what.data_folder, request.where
    if virtual:
        simulated = VirtualBackend(data_dir, where.processes, chosen.limits)
        return queue.execute(todo, simulated, folder, data_dir, console)
    workers = chosen.budget.workers_per_trial
    settings = RaySettings(where.address, where.cpus_per_trial, where.gpus_per_trial, workers)
    with RayBackend(settings, data_dir, chosen.budget.slots, chosen.limits) as joined:
        preparation.announce(joined, chosen, todo, data_dir, console)
        return queue.execute(todo, joined, folder, data_dir, console)
