"""Running a search in virtual time: the one function that users call."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from mobo_core.problems.protocol import TrainingSource
from mobo_core.tune import PromotionScheduler
from mobo_core.virtual.cluster import Cluster
from mobo_core.virtual.simulator import Simulation, Simulator

TUNE_AHEAD = 1
"""Suggestions of a searcher that Tune has made before a worker is free."""
TUNE_QUEUE = 200
"""Trials that Tune has waiting where it makes them itself, from given configurations."""

LARGE = 1000
"""From so many trials on a run's own objects are what full garbage collections are made for."""

NEVER = 2**31 - 1
"""The largest threshold that Python takes."""


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
    """Run a search in virtual time.

    Args:
        problem: Its reports must contain ``seconds``, what the epoch takes at speed 1.
        searcher: As in `TuneConfig.search_alg`; or the configurations themselves, which is what
            Tune makes of a search space without a searcher.
        scheduler: As in `TuneConfig.scheduler`; None is first in, first out. One of
            `mobo_core.tune` that pauses needs its `slots`; population-based training needs
            ``log_config=False``, as virtual trials have no folders.
        num_samples: Trials; -1 goes on until the searcher has finished, or the configurations end.
        cluster: None is one worker that charges for nothing but epochs.
        seed: Training seed of the run, shared by its trials.
        ahead: Suggestions made before a worker is free; `TUNE_AHEAD` is what Tune does. Given
            configurations that cost nothing wait in a queue of `TUNE_QUEUE`, as there.
        background: Whether suggestions cost the driver nothing: the next is ready
            `Cluster.suggestion_s` after the last was given. For a searcher that makes them so, such
            as `mobo_core.tune.AheadSearcher` (with ``background=False``, as no real second passes).
        max_failures: How often a failed trial is tried again, from its last checkpoint; -1 for
            ever.
        callbacks: As in `RunConfig.callbacks`; `on_experiment_end` is told at the end.

    Raises:
        ValueError: If the number of trials is 0, a report has no ``seconds``, or the scheduler
            needs `slots`.
        RuntimeError: If nothing runs any more and nothing ever will.
    """
    if num_samples == 0:
        raise ValueError("num_samples must not be 0")
    if isinstance(scheduler, PromotionScheduler) and scheduler.slots is None:
        raise ValueError(f"give {type(scheduler).__name__} slots=...: there is no Ray to ask")
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
    """Python's garbage collector leaves alone what has lived for a while.

    Imports and curves are a million objects and more, which a run of many trials would have it look
    through a dozen times. What a run leaves in cycles is collected after it, as ever.
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
