"""The function that runs a search in virtual time."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from mobo_core.checks import checked_count
from mobo_core.problems.protocol import TrainingSource
from mobo_core.tune import PromotionScheduler
from mobo_core.virtual.cluster import Cluster
from mobo_core.virtual.result import Simulation
from mobo_core.virtual.simulator import Simulator

TUNE_AHEAD = 1
"""The number of suggestions that Tune requests from a searcher before a worker is free."""
TUNE_QUEUE = 200
"""The number of waiting trials that Tune keeps if it makes them itself, without a searcher."""

LARGE = 1000
"""The number of trials from which on a run switches full garbage collections off."""

NEVER = 2**31 - 1
"""The largest threshold that Python's garbage collector accepts."""


def simulate(
    problem: TrainingSource,
    *,
    searcher: Searcher | Iterable[Mapping[str, Any]],
    scheduler: TrialScheduler | None = None,
    num_samples: int,
    cluster: Cluster | None = None,
    seed: int = 0,
    ahead: int = 0,
    background: bool = False,
    max_failures: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Simulation:
    """Run a search in virtual time and return what happened.

    Args:
        problem: The problem. Its reports must contain ``epoch``, the number of epochs done, and
            ``seconds``, an epoch's duration at speed 1. A duration of 0 is possible.
        searcher: A searcher of Ray Tune, or the configurations to train, in order. Configurations
            behave like the ones that Tune makes from a search space without a searcher.
        scheduler: A scheduler of Ray Tune; None is FIFO, which trains every trial to the end. A
            pausing scheduler of `mobo_core.tune` needs a number of `slots`. Population-based
            training needs ``log_config=False``, because virtual trials have no folders.
        num_samples: The number of trials. -1 continues until the searcher has finished, or the
            configurations end.
        cluster: The simulated cluster. None is one worker on which only epochs take time.
        seed: The run's training seed, which all trials share.
        ahead: The number of suggestions that are made before a worker is free; Tune makes
            `TUNE_AHEAD`. Given configurations without `Cluster.suggestion_s` wait in a queue of
            `TUNE_QUEUE`, as in Tune.
        background: Whether suggestions are computed in the background, without time of the driver.
            The next one is ready `Cluster.suggestion_s` after the last one was returned. Set it for
            `mobo_core.tune.AheadSearcher`, whose own ``background`` must then be False.
        max_failures: How often a failed trial is retried from its last checkpoint; -1 is without
            limit.
        callbacks: Callbacks in the form of `RunConfig.callbacks`. `on_experiment_end` is called at
            the end.

    Raises:
        ValueError: If the number of trials is 0, the scheduler needs `slots`, ``seconds`` in a
            report is missing, negative or not finite, or ``epoch`` does not increase.
        RuntimeError: If all trials wait and none can ever continue.

    Example:
        >>> from mobo_core import ObjectiveSet
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> from mobo_core.tune import SobolSearcher, StoppingMOASHA
        >>> from mobo_core.virtual import Cluster, simulate
        >>> problem = SyntheticProblem("zdt1", max_epochs=8)
        >>> objectives = ObjectiveSet(problem.objectives.values())
        >>> run = simulate(
        ...     problem,
        ...     searcher=SobolSearcher(problem.space, seed=1),
        ...     scheduler=StoppingMOASHA(objectives, max_t=8, time_attr="epoch"),
        ...     num_samples=16,
        ...     cluster=Cluster(workers=4),
        ... )
        >>> len(run.trials), run.reports < 16 * 8
        (16, True)
    """
    if (num_samples := checked_count("num_samples", num_samples, at_least=-1)) == 0:
        raise ValueError("num_samples must not be 0; -1 makes as many trials as there are")
    ahead = checked_count("ahead", ahead, at_least=0)
    max_failures = checked_count("max_failures", max_failures, at_least=-1)
    if isinstance(scheduler, PromotionScheduler) and scheduler.slots is None:
        raise ValueError(
            f"give {type(scheduler).__name__} slots=...: in virtual time it cannot take the number "
            "from Ray"
        )
    cluster = cluster or Cluster()
    queues = not isinstance(searcher, Searcher) and cluster.suggestion_s == 0
    simulator = Simulator(
        problem,
        searcher,
        scheduler or FIFOScheduler(),  # type: ignore[no-untyped-call]
        num_samples,
        cluster,
        seed,
        max(ahead, TUNE_QUEUE) if queues else ahead,
        queues,
        background,
        max_failures,
        callbacks,
    )
    with _no_full_collections() if num_samples >= LARGE else contextlib.nullcontext():
        try:
            return simulator.run()
        finally:
            if isinstance(scheduler, PromotionScheduler):
                scheduler.release()


@contextlib.contextmanager
def _no_full_collections() -> Iterator[None]:
    """Switch Python's full garbage collections off inside the context.

    Imports and curves are more than a million objects. A run of many trials would otherwise make
    the collector search all of them a dozen times. After the run it collects as usual.
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
