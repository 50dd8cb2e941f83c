"""What is known of a simulated run when it has ended."""

from __future__ import annotations

from dataclasses import dataclass

from mobo_core.virtual.trial import VirtualTrial


@dataclass(frozen=True)
class Simulation:
    """The result of a simulated run.

    Args:
        trials: The trials, in the order of suggestion.
        seconds: The virtual seconds from the first suggestion to the end of the last trial.
        training_s: The virtual seconds of all epochs, over all workers.
        reports: The number of reports.
        restores: The number of times that a trial started from a checkpoint.

    Example:
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> from mobo_core.tune import RandomSearcher
        >>> from mobo_core.virtual import simulate
        >>> problem = SyntheticProblem("zdt1", max_epochs=8)
        >>> run = simulate(problem, searcher=RandomSearcher(problem.space), num_samples=2)
        >>> run.seconds, run.training_s, run.reports, run.restores
        (16.0, 16.0, 16, 0)
    """

    trials: tuple[VirtualTrial, ...]
    seconds: float
    training_s: float
    reports: int
    restores: int
