"""Checks that a searcher and a trainable can work with a scheduler."""

from __future__ import annotations

import os
from typing import Any

from ray.tune import Trainable
from ray.tune.search import ConcurrencyLimiter, SearchGenerator
from ray.tune.trainable import FunctionTrainable

BUFFER = "TUNE_RESULT_BUFFER_LENGTH"
"""Tune's environment variable for the number of reports that it collects before it passes them on.
"""


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


def check_asked(is_asked: bool, scheduler: str) -> None:
    """Raise an error if trials run and the scheduler has never been asked which one is to run.

    Args:
        is_asked: Whether it has been asked.
        scheduler: The name of the scheduler's class, for the message.

    Raises:
        ValueError: If it has not: a scheduler around it resumes paused trials as it likes.
    """
    if not is_asked:
        raise ValueError(
            f"{scheduler} decides which trial runs, but the scheduler around it does not ask: its "
            f"choose_trial_to_run must return what {scheduler}.choose_trial_to_run returns"
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


def check_reusable(trainable: Any, scheduler: str) -> None:
    """Raise an error if the process of a trial cannot be given to another trial.

    Tune would give it away all the same if ``TuneConfig.reuse_actors`` is set, and every trial that
    gets such a process would fail.

    Args:
        trainable: The trainable's class, or None if there is none. Tune resets training functions
            itself.
        scheduler: The name of the scheduler's class, for the message.

    Raises:
        ValueError: If the class has no ``reset_config`` of its own.
    """
    if trainable is not None and trainable.reset_config is Trainable.reset_config:
        raise ValueError(
            f"{trainable.__name__} has no reset_config, so its processes cannot be reused under "
            f"{scheduler}: add reset_config(new_config), which sets up the next trial and returns "
            "True, or leave TuneConfig.reuse_actors unset"
        )


def check_unbuffered(scheduler: str) -> None:
    """Raise an error if Tune would collect reports before it passes them on.

    Tune itself switches this off for a scheduler of this package, but not for another one around
    it, such as ``ResourceChangingScheduler``.

    Args:
        scheduler: The name of the scheduler's class, for the message.

    Raises:
        ValueError: If the environment variable `BUFFER` is more than 1.
    """
    length = os.environ.get(BUFFER, "")
    if length.isdecimal() and int(length) > 1:
        raise ValueError(
            f"{scheduler} must see each report before its trial trains on, but the scheduler "
            f"around it allows {BUFFER}={length}: unset this environment variable"
        )
