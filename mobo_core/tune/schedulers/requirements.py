"""Checks that a searcher and a trainable can work with a scheduler that pauses trials."""

from __future__ import annotations

from typing import Any

from ray.tune import Trainable
from ray.tune.search import ConcurrencyLimiter, SearchGenerator
from ray.tune.trainable import FunctionTrainable


def check_searcher(search: Any, scheduler: str) -> None:
    """Raise an error if Tune would start trials that the scheduler did not request.

    Args:
        search: The controller's ``search_alg``.
        scheduler: The name of the scheduler's class, for the message.

    Raises:
        ValueError: If there is no searcher, or a `ConcurrencyLimiter` wraps it.
    """
    if not isinstance(search, SearchGenerator):
        raise ValueError(
            f"{scheduler} needs a searcher: without one Tune queues trials ahead, and they would "
            "start before any promotion. Set TuneConfig(search_alg=...), for instance "
            "mobo_core.tune.RandomSearcher()"
        )
    searcher = search.searcher
    while not isinstance(searcher, ConcurrencyLimiter) and hasattr(searcher, "searcher"):
        searcher = searcher.searcher
    if isinstance(searcher, ConcurrencyLimiter):
        raise ValueError(
            f"{scheduler} cannot work under a ConcurrencyLimiter, which counts paused trials and "
            "would wait forever. Leave TuneConfig.max_concurrent_trials unset and give the "
            "scheduler slots=... instead"
        )


def check_trainable(trainable: Any, scheduler: str) -> None:
    """Raise an error if trials of a trainable cannot be saved and loaded.

    Args:
        trainable: The trainable's class, or None if there is none. A training function cannot be
            checked before it runs.
        scheduler: The name of the scheduler's class, for the message.

    Raises:
        ValueError: If the class has no ``save_checkpoint`` of its own.
    """
    if (
        trainable is not None
        and not issubclass(trainable, FunctionTrainable)
        and trainable.save_checkpoint is Trainable.save_checkpoint
    ):
        raise ValueError(
            f"{scheduler} pauses trials, but {trainable.__name__} has no save_checkpoint and "
            "load_checkpoint: add them, or use a scheduler that stops trials"
        )
