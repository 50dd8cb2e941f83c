"""The queue of runs: skips what is finished, isolates failures, shows progress."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pyarrow import ArrowException
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.errors import UserError
from bench.execution.parallel import in_processes
from bench.formatting import duration
from bench.matrix import catalogue
from bench.matrix.matrix import Run
from bench.records import environment, storage
from bench.records.record import RunRecord, RunResult


class Backend(Protocol):
    """Where runs are executed."""

    @property
    def processes(self) -> int:
        """How many runs may be executed at a time, each in a process of its own."""
        ...

    def execute(self, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        """Run it to its end."""
        ...


SIGN_OF_LIFE_S = 30.0
"""Without a terminal, and so without a bar: how often a long run is heard of."""
SAY_AT_MOST_EVERY_S = 5.0
"""How often finished runs are heard of when several are made at a time."""


@dataclass(frozen=True)
class Outcome:
    """What became of a queue.

    Args:
        finished: Ids of the runs finished now.
        failed: Id of each run that failed now, with the last line of its error.
    """

    finished: tuple[str, ...]
    failed: dict[str, str]


def pending(runs: Sequence[Run], folder: Path, data_dir: str, force: bool = False) -> list[Run]:
    """The runs that are still to be made: all with `force`, else those without a finished record.

    A failed run is made again.

    Args:
        runs: All of them.
        folder: Of the records.
        data_dir: Where their data lie.
        force: Whether to make finished ones again.

    Raises:
        bench.errors.UserError: If a record cannot be read, or was made on other data; or if another
            version has made one of the runs that asks for something else under its name.
    """
    _refuse_namesakes(runs, folder)
    if force:
        for run in runs:
            with contextlib.suppress(storage.DamagedRecordError):
                storage.find(folder, run.run_id)  # of another schema: not ours to replace
        return list(runs)
    todo = []
    for run in runs:
        record = storage.find(folder, run.run_id)
        if record is None or not record.finished:
            todo.append(run)
        elif record.data["sha256"] != _data(run, data_dir)["sha256"]:
            raise UserError(
                f"{folder / run.run_id} was made on other data of the same name; choose another "
                "folder with --results, or make it again with --force"
            )
    return todo


def _refuse_namesakes(runs: Sequence[Run], folder: Path) -> None:
    """A second run of one cell and seed would leave it open which of the two counts."""
    there = {path.name.rpartition(".")[0]: path.name for path in folder.glob("*.seed*.*")}
    others = {
        run.run_id: name
        for run in runs
        if (name := there.get(run.run_id.rpartition(".")[0], run.run_id)) != run.run_id
    }
    if others:
        wanted, name = next(iter(others.items()))
        raise UserError(
            f"{folder} holds {len(others)} of these runs as another version of mobo-bench asks for "
            f"them ({name}, here {wanted}): choose another folder with --results, or remove them"
        )


def _data(run: Run, data_dir: str) -> dict[str, str]:
    problem = catalogue.make_problem(run.cell, data_dir, run.budget.max_epochs)
    return {"name": run.cell.dataset, "sha256": problem.data_checksum()}


def execute(
    runs: Sequence[Run], backend: Backend, folder: Path, data_dir: str, console: Console
) -> Outcome:
    """Make the runs, each recorded as soon as it ends.

    An error in a run becomes its record and the others go on. KeyboardInterrupt passes through:
    finished runs are on disk by then, the present ones leave nothing.
    """
    finished, failed = [], {}
    at_once = min(backend.processes, len(runs))
    with _Display(console, runs, at_once) as display:
        made = (
            in_processes(attempt, runs, (backend, data_dir), at_once)
            if at_once > 1
            else _here(runs, backend, data_dir, display)
        )
        with contextlib.closing(made) as attempts:
            for run, attempted in attempts:
                record, reason = _keep(*attempted, folder)
                if record.finished:
                    finished.append(run.run_id)
                else:
                    failed[run.run_id] = reason
                display.end(run, record)
    return Outcome(tuple(finished), failed)


Attempt = tuple[RunRecord, str]
"""The record of a run, and in a line why it failed."""


def _here(
    runs: Sequence[Run], backend: Backend, data_dir: str, display: _Display
) -> Generator[tuple[Run, Attempt]]:
    for run in runs:
        display.begin(run)
        yield run, attempt(run, backend, data_dir, display.trial_ended)


def attempt(
    run: Run, backend: Backend, data_dir: str, on_trial_end: Callable[[], None] = lambda: None
) -> Attempt:
    """Make a run; an error becomes its record."""
    record = _record(run, data_dir)
    try:
        return replace(record, result=backend.execute(run, on_trial_end)), ""
    except Exception as error:
        reason = f"{type(error).__name__}: {_last_line(error)}"
        return replace(record, error=traceback.format_exc()), reason


def _keep(record: RunRecord, reason: str, folder: Path) -> Attempt:
    """Write a record; a run whose result cannot be written has failed.

    Such as one whose problem gives test metrics that are no plain numbers.
    """
    try:
        storage.write(record, folder)
    except (TypeError, ValueError, ArrowException) as error:
        reason = f"its result cannot be written: {type(error).__name__}: {_last_line(error)}"
        record = replace(record, result=None, error=f"{traceback.format_exc()}\n{reason}")
        storage.write(record, folder)
    return record, reason


def _last_line(error: Exception) -> str:
    """What matters of an error's text: Ray puts the traceback of another process before it."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else ""


def _record(run: Run, data_dir: str) -> RunRecord:
    """What can be said of a run before it starts."""
    problem = catalogue.make_problem(run.cell, data_dir, run.budget.max_epochs)
    return RunRecord(
        run_id=run.run_id,
        spec=run.spec(),
        labels={"searcher": run.cell.searcher.label, "scheduler": run.cell.scheduler.label},
        objectives=catalogue.make_objectives(problem, run.cell.objectives).objectives,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["mobo-bench", *sys.argv[1:]]),
        environment=environment.capture().to_json(),
        data=_data(run, data_dir),
    )


class _Display:
    """A bar on a terminal; elsewhere a line per run, or of many at once now and then."""

    def __init__(self, console: Console, runs: Sequence[Run], at_once: int) -> None:
        self._console = console
        self._at_once = at_once
        self._count = len(runs)
        self._done = 0
        self._trials = sum(run.budget.trials for run in runs)
        self._trials_ended = self._trials_a_run = 0
        self._began = self._said = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials"),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=self._trials)

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def begin(self, run: Run) -> None:
        self._trials_ended = 0
        self._trials_a_run = run.budget.trials
        self._said = time.monotonic()
        description = f"run {self._done + 1}/{self._count}  {run.cell.label}  seed {run.seed}"
        self._progress.update(self._task, description=description)

    def trial_ended(self) -> None:
        self._trials_ended += 1
        self._progress.advance(self._task)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said > SIGN_OF_LIFE_S:
            self._said = now
            self._console.print(f"  … {self._trials_ended} of {self._trials_a_run} trials ended")

    def end(self, run: Run, record: RunRecord) -> None:
        self._done += 1
        # A searcher that ran out of configurations, or a failed run, leaves trials unused.
        self._progress.advance(self._task, run.budget.trials - self._trials_ended)
        now, waiting = time.monotonic(), self._count - self._done
        many = self._at_once > 1
        if many and record.finished and waiting and now - self._said < SAY_AT_MOST_EVERY_S:
            return
        self._said = now
        elapsed = now - self._began
        left = f" · about {duration(elapsed / self._done * waiting)} left" if waiting else ""
        self._console.print(
            f"[{self._done}/{self._count}] {run.cell.label}, seed {run.seed}: {_summary(record)}"
            f"{left}",
            highlight=False,
            markup=False,
        )


def _summary(record: RunRecord) -> str:
    if record.result is None:
        return f"FAILED ({record.reason})"
    epochs = sum(trial.epochs for trial in record.result.trials)
    timing = record.result.timing
    return (
        f"{duration(timing.wall_s)}, {epochs} epochs, "
        f"utilisation {timing.effective_utilisation:.0%}"
    )
