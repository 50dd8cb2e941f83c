"""The backend for virtual time: the same schedulers and searchers on a simulated cluster.

Ray is not started. A run depends on its spec alone. Executed again, on any number of processes, it
gives the same result bit for bit. Only the time of day and the machine in the record differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from bench.execution.observation import (
    TimedSearcher,
    VirtualObserver,
    epoch_table,
    final_front,
    front_member,
    last_reports,
    predicted,
    timing,
    trial_records,
)
from bench.execution.ray.failures import Failures
from bench.execution.silence import silence_runs
from bench.matrix import catalogue
from bench.matrix.limits import DEFAULT_LIMITS, Limits
from bench.matrix.matrix import Run
from bench.records.record import RunResult
from mobo_core.problems.protocol import train_again
from mobo_core.tune import PromotionScheduler
from mobo_core.virtual import TUNE_AHEAD, Cluster, simulate


class VirtualBackend:
    """A backend that simulates runs. It can be pickled and sent to other processes.

    Args:
        data_dir: The folder with the surrogates' files.
        processes: The number of runs to simulate in parallel; None means one per core.
        limits: The limits that every run must keep.
    """

    def __init__(
        self, data_dir: str, processes: int | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._data_dir = data_dir
        self._limits = limits
        self.processes = processes or len(os.sched_getaffinity(0))

    def execute(self, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        """Simulate a run to its end and return its result.

        Args:
            run: The run. It must have costs.
            on_trial_end: It is called each time a trial ends.
        """
        assert run.costs is not None, "a run in virtual time must have costs"
        torch.set_num_threads(1)
        budget, cell = run.budget, run.cell
        charges = run.costs.of(cell.searcher.name, cell.scheduler.name)
        problem = catalogue.make_problem(cell, self._data_dir, budget.max_epochs)
        objectives = catalogue.make_objectives(problem, cell.objectives)
        context = catalogue.Context(
            problem.space, objectives, problem.max_epochs, budget.slots, run.seed, budget.trials
        )
        suggesting, scheduler = catalogue.make_parts(cell, context)
        searcher = TimedSearcher(suggesting, charges.suggestion_s)
        silence_runs()
        in_background = catalogue.suggests_ahead(cell.searcher)
        failures = Failures(objectives, budget.trials, self._limits.failed_share)
        observer = VirtualObserver(on_trial_end, failures)
        simulation = simulate(
            problem,
            searcher=searcher,
            scheduler=scheduler,
            num_samples=budget.trials,
            cluster=Cluster(
                budget.slots,
                startup_s=charges.startup_s,
                reset_s=charges.startup_s,
                suggestion_s=charges.suggestion_s,
                checkpoint_s=charges.checkpoint_s,
                restore_s=charges.restore_s,
            ),
            seed=run.seed,
            ahead=0 if in_background else TUNE_AHEAD,
            background=in_background,
            callbacks=[observer],
        )
        epochs = epoch_table(searcher, observer, objectives)
        trials = trial_records(searcher, observer, objectives, problem.max_epochs)
        last = last_reports(searcher, observer)
        return RunResult(
            timing=timing(simulation.seconds, budget.slots, epochs, searcher, test_s=0.0),
            trials=trials,
            front=tuple(
                front_member(
                    member,
                    last[member.trial],
                    train_again(problem, member.config, run.seed, member.epochs),
                    objectives,
                )
                for member in final_front(trials, last, objectives)
            ),
            test_error="",
            resources={"simulated_workers": budget.slots},
            predicted=predicted(searcher.inner, objectives),
            epochs=epochs,
            counts=scheduler.counts() if isinstance(scheduler, PromotionScheduler) else {},
        )
