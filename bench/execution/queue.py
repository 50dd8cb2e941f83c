"""The queue of runs. It skips finished runs, records failed ones and shows the progress."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pyarrow import ArrowException
from rich.console import Console

from bench.errors import UserError
from bench.execution.parallel import in_processes
from bench.execution.progress import Display
from bench.matrix import catalogue
from bench.matrix.matrix import Run
from bench.records import definitions, environment, plain, storage
from bench.records.record import RunRecord, RunResult
from mobo_core.problems.protocol import Problem


class Backend(Protocol):
    """A backend, which executes runs."""

    @property
    def processes(self) -> int:
        """The number of runs that may be executed at a time, each in its own process."""
        ...

    def execute(self, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        """Execute a run to its end and return its result."""
        ...


@dataclass(frozen=True)
class Outcome:
    """The outcome of a queue.

    Args:
        finished: The ids of the runs that have finished now.
        failed: The id of each run that has failed now, with the last line of its error.
    """

    finished: tuple[str, ...]
    failed: dict[str, str]


def pending(runs: Sequence[Run], folder: Path, data_dir: str, force: bool = False) -> list[Run]:
    """Return the runs that have no finished record. A failed run counts as not finished.

    Args:
        runs: All runs.
        folder: The results folder with the records.
        data_dir: The folder with the data.
        force: Whether to return all runs, so that finished ones are executed again.

    Raises:
        bench.errors.UserError: If a record cannot be read or was made on other data, or if the
            folder has a run of the same cell and seed that another version specified differently.
    """
    _refuse_namesakes(runs, folder)
    if force:
        for run in runs:
            with contextlib.suppress(storage.DamagedRecordError):
                # This raises for a record of another schema, which must not be replaced.
                storage.find(folder, run.run_id)
        return list(runs)
    todo = []
    made: dict[tuple[str, str], Problem] = {}
    for run in runs:
        record = storage.find(folder, run.run_id)
        if record is None or not record.finished:
            todo.append(run)
            continue
        key = (run.cell.problem, run.cell.dataset)
        if key not in made:
            made[key] = catalogue.make_problem(run.cell, data_dir, run.budget.max_epochs)
        expected = definition(made[key], [run.cell.objectives])
        found = definitions.of_record(record)
        definitions.check_fit(found, expected, f"{folder / run.run_id} has")
        if record.data["sha256"] != made[key].data_checksum():
            raise UserError(
                f"{folder / run.run_id} was made on other data of the same name; choose another "
                "folder with --results, or execute the run again with --force"
            )
    return todo


def other_instructions(folder: Path) -> str:
    """Return what to say about runs that were recorded with other vector instructions.

    Args:
        folder: The results folder with the records.

    Returns:
        A sentence; it is empty if there are none.
    """
    here = environment.instructions_of(environment.capture().to_json())
    finished = [head for head in storage.headers(folder) if head.status == "finished"]
    used = Counter(head.instructions for head in finished)
    others = [f"{name} ({number})" for name, number in sorted(used.items()) if name != here]
    if not others:
        return ""
    return (
        f"finished runs in {folder} were made with other vector instructions, "
        f"{', '.join(others)}, than new ones, {here}: the same configuration and seed may give "
        "other curves; choose another folder with --results, or make all again with --force"
    )


def _refuse_namesakes(runs: Sequence[Run], folder: Path) -> None:
    """Refuse runs whose cell and seed have a record under another id.

    With two records of one cell and seed it would not be clear which of them counts.
    """
    there = {path.name.rpartition(".")[0]: path.name for path in folder.glob("*.seed*.*")}
    others = {
        run.run_id: name
        for run in runs
        if (name := there.get(run.run_id.rpartition(".")[0], run.run_id)) != run.run_id
    }
    if others:
        wanted, name = next(iter(others.items()))
        raise UserError(
            f"{folder} holds {len(others)} of these runs as another version of mobo-bench "
            f"specified them ({name}, here {wanted}): choose another folder with --results, or "
            "remove them"
        )


def definition(problem: Problem, sets: Iterable[Sequence[str]]) -> definitions.Definition:
    """Return what the runs of a problem share, and other runs in their folder must share, too.

    Args:
        problem: The problem.
        sets: The objective sets that the runs use: short names of objectives.
    """
    shared: dict[str, Any] = {definitions.SPACE: definitions.of_space(problem.space)}
    for names in sets:
        shared |= definitions.of_objectives({name: problem.objectives[name] for name in names})
    return shared


def _data(run: Run, data_dir: str) -> dict[str, str]:
    problem = catalogue.make_problem(run.cell, data_dir, run.budget.max_epochs)
    return {"name": run.cell.dataset, "sha256": problem.data_checksum()}


def execute(
    runs: Sequence[Run], backend: Backend, folder: Path, data_dir: str, console: Console
) -> Outcome:
    """Execute the runs and write the record of each as soon as it ends.

    If a run raises an error, its record has the error and the other runs continue. On
    KeyboardInterrupt the finished runs are on disk already; interrupted runs leave nothing.

    Args:
        runs: The runs to execute.
        backend: The backend that executes them.
        folder: The results folder for the records.
        data_dir: The folder with the data.
        console: The console that shows the progress.

    Returns:
        The ids of the finished and of the failed runs.
    """
    finished, failed = [], {}
    at_once = min(backend.processes, len(runs))
    with Display(console, runs, at_once) as display:
        made = (
            in_processes(
                attempt,
                runs,
                (backend, data_dir),
                at_once,
                if_killed=lambda r: _killed(r, data_dir),
            )
            if at_once > 1
            else _here(runs, backend, data_dir, display)
        )
        with contextlib.closing(made) as attempts:
            for run, attempted in attempts:
                record, reason, seconds = keep(attempted, folder)
                if record.finished:
                    finished.append(run.run_id)
                else:
                    failed[run.run_id] = reason
                display.end(run, record, seconds)
    return Outcome(tuple(finished), failed)


class Attempt(NamedTuple):
    """A run that has been tried.

    Args:
        record: The run's record.
        reason: Why it failed, in one line; empty if it did not.
        seconds: How long it took.
    """

    record: RunRecord
    reason: str
    seconds: float


def _here(
    runs: Sequence[Run], backend: Backend, data_dir: str, display: Display
) -> Generator[tuple[Run, Attempt]]:
    for run in runs:
        display.begin(run)
        yield run, attempt(run, backend, data_dir, display.trial_ended)


def attempt(
    run: Run, backend: Backend, data_dir: str, on_trial_end: Callable[[], None] = lambda: None
) -> Attempt:
    """Execute a run and return its record. If the run fails, the record has the error."""
    record, reason = _record(run, data_dir), ""
    began = time.monotonic()
    try:
        record = replace(record, result=backend.execute(run, on_trial_end))
    except (Exception, SystemExit) as error:  # the code of a stranger may end its process
        reason = f"{type(error).__name__}: {_last_line(error)}"
        record = replace(record, error=traceback.format_exc())
    return Attempt(plain.of_record(record), plain.text(reason), time.monotonic() - began)


def _killed(run: Run, data_dir: str) -> Attempt:
    """Return the record of a run whose process was killed, again when it was made alone."""
    reason = "its process was killed, perhaps because memory ran out"
    return Attempt(replace(plain.of_record(_record(run, data_dir)), error=reason), reason, 0.0)


def keep(attempted: Attempt, folder: Path) -> Attempt:
    """Write a record. If its result cannot be written, the run counts as failed.

    That result is then kept as plain text beside the record, so that nothing is lost.

    Args:
        attempted: The run that was tried.
        folder: The results folder.

    Returns:
        The run as it was recorded.

    Raises:
        UserError: If the folder cannot be written. The message says where a finished run is kept.
    """
    record, reason, seconds = attempted
    try:
        storage.write(record, folder)
    except (TypeError, ValueError, OverflowError, ArrowException) as error:
        reason = (
            f"its result cannot be written: {type(error).__name__}: {_last_line(error)}; it is "
            f"kept as text in {folder / record.run_id / storage.SPARE_FILE}"
        )
        failed = replace(
            record, result=None, error=plain.text(f"{traceback.format_exc()}\n{reason}")
        )
        storage.write(failed, folder, record.result)
        record = failed
    except storage.UnwritableError as error:
        if not record.finished:
            raise
        raise _rescued(record, folder, error) from error
    return Attempt(record, reason, seconds)


def _rescued(record: RunRecord, folder: Path, error: UserError) -> UserError:
    """Write a finished run that has no place in its folder elsewhere, and return what to say.

    If it has no place there either, the given error is returned.
    """
    elsewhere = Path(tempfile.mkdtemp(prefix="rescued-run-"))
    try:
        path = storage.write(record, elsewhere)
    except UserError:
        shutil.rmtree(elsewhere, ignore_errors=True)
        return error
    return UserError(
        f"{error}; the run that had just finished is kept as {path}: mend this, move that folder "
        f"into {folder}, and give the same command once more"
    )


def _last_line(error: BaseException) -> str:
    """Return the last line of an error's text; Ray puts another process's traceback before it."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else ""


def _record(run: Run, data_dir: str) -> RunRecord:
    """Return the record of a run that has not started, without a result."""
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
        space=definitions.of_space(problem.space),
    )
