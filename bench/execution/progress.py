"""Progress of a queue of runs: a bar on a terminal, lines elsewhere, and the time that is left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import mean

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from bench.formatting import duration
from bench.matrix.matrix import Run
from bench.records.record import RunRecord

SIGN_OF_LIFE_S = 30.0
"""Without a terminal, and so without a bar: seconds between two lines about a long run."""
SAY_AT_MOST_EVERY_S = 5.0
"""Least seconds between two lines about finished runs when many are made, several at a time."""
MANY = 20
"""Up to this number of runs, each has its line."""


class TimeLeft:
    """An estimate of the time that the waiting runs will take, from those that have ended.

    A waiting run is expected to take as long as the runs of its own cell took in the mean, or as
    long as all runs took if none of its cell has ended: a run of one scheduler may take a hundred
    times as long as one of another.

    Args:
        runs: All runs of the queue.
        at_once: Number of runs that are made at the same time. If there are several, each in a
            process of its own, the first run of each process is not counted: it waits for imports.
    """

    def __init__(self, runs: Sequence[Run], at_once: int) -> None:
        self._waiting: dict[str, int] = defaultdict(int)
        for run in runs:
            self._waiting[_cell(run)] += 1
        self._at_once = at_once
        self._not_counted = at_once if at_once > 1 else 0
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def end(self, run: Run, seconds: float) -> None:
        """Count a run that has ended after so many seconds."""
        self._waiting[_cell(run)] -= 1
        if self._not_counted:
            self._not_counted -= 1
        else:
            self._seconds[_cell(run)].append(seconds)

    def estimate_s(self) -> float | None:
        """Return the seconds that are left; None if no run waits or none has been counted."""
        if not self._seconds or not any(self._waiting.values()):
            return None
        known = {cell: mean(seconds) for cell, seconds in self._seconds.items()}
        usual = mean(known.values())
        total = sum(count * known.get(cell, usual) for cell, count in self._waiting.items())
        return total / self._at_once


def _cell(run: Run) -> str:
    return f"{run.cell.label} / {run.cell.searcher.label}"


class Display:
    """Shows progress: a bar on a terminal; elsewhere a line per run, or per five seconds.

    Args:
        console: Where it is shown.
        runs: All runs of the queue.
        at_once: Number of runs that are made at the same time.
    """

    def __init__(self, console: Console, runs: Sequence[Run], at_once: int) -> None:
        self._console = console
        self._at_once = at_once
        self._count = len(runs)
        self._done = 0
        self._trials = sum(run.budget.trials for run in runs)
        self._trials_ended = self._trials_a_run = 0
        self._said = time.monotonic()
        self._left = TimeLeft(runs, at_once)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=self._trials, left="")

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def begin(self, run: Run) -> None:
        """Show that a run begins."""
        self._trials_ended = 0
        self._trials_a_run = run.budget.trials
        self._said = time.monotonic()
        description = f"run {self._done + 1}/{self._count}  {run.cell.label}  seed {run.seed}"
        self._progress.update(self._task, description=description)

    def trial_ended(self) -> None:
        """Show that a trial of the present run has ended."""
        self._trials_ended += 1
        self._progress.advance(self._task)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said > SIGN_OF_LIFE_S:
            self._said = now
            self._console.print(f"  … {self._trials_ended} of {self._trials_a_run} trials ended")

    def end(self, run: Run, record: RunRecord, seconds: float) -> None:
        """Show that a run has ended, after so many seconds."""
        self._done += 1
        self._left.end(run, seconds)
        # A searcher that ran out of configurations, or a failed run, leaves trials unused.
        self._progress.advance(self._task, run.budget.trials - self._trials_ended)
        left_s = self._left.estimate_s()
        left = "" if left_s is None else f"about {duration(left_s)} left"
        self._progress.update(self._task, left=left)
        now, waiting = time.monotonic(), self._count - self._done
        many = self._at_once > 1 and self._count > MANY
        if many and record.finished and waiting and now - self._said < SAY_AT_MOST_EVERY_S:
            return
        self._said = now
        self._console.print(
            f"[{self._done}/{self._count}] {run.cell.label}, seed {run.seed}: {_summary(record)}"
            f"{' · ' if left else ''}{left}",
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
