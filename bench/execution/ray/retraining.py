"""Train configurations again between the runs, in the processes that also train trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.util import ActorPool

from bench.execution.observation import front_member
from bench.records.record import FrontMember, TrialRecord
from mobo_core.objectives import ObjectiveSet


class RetrainingError(Exception):
    """An error: a configuration could not be trained. The message is one line."""


def retrain(
    pool: Any, members: Sequence[TrialRecord], seed: int, epoch_limit_s: float
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Train each trial again for the same number of epochs, on all training processes.

    Args:
        pool: The handle of the `bench.execution.ray.training_processes.TrainingProcessPool`.
        members: The trials to train.
        seed: The run's seed.
        epoch_limit_s: The seconds that an epoch may take.

    Returns:
        The last report and the test metrics of each trial, in the order of `members`.

    Raises:
        RetrainingError: If a training raises, or if its process dies or takes too long. After a
            timeout all training processes are replaced.
    """
    actors = ActorPool(ray.get(pool.processes.remote()))
    for member in members:
        actors.submit(
            lambda process, trial: process.train_again.remote(trial.config, seed, trial.epochs),
            member,
        )
    results: list[tuple[dict[str, float], dict[str, float]]] = []
    failure: ray.exceptions.RayError | None = None
    # Wait for all of them, even after a failure: the next run needs idle training processes.
    for member in members:
        try:
            results.append(actors.get_next(epoch_limit_s * member.epochs))
        except ray.exceptions.RayError as error:
            failure = failure or error
        except TimeoutError:
            ray.get(pool.replace_free_processes.remote())
            raise RetrainingError(f"an epoch took more than {epoch_limit_s:g} s") from None
    if failure is not None:
        raise RetrainingError(str(failure).strip().splitlines()[-1]) from failure
    return results


def tested_front(
    pool: Any,
    members: Sequence[TrialRecord],
    last: Mapping[int, dict[str, Any]],
    objectives: ObjectiveSet,
    seed: int,
    epoch_limit_s: float,
) -> tuple[tuple[FrontMember, ...], str]:
    """Train the final front again and measure it on test data.

    Args:
        pool: The handle of the `bench.execution.ray.training_processes.TrainingProcessPool`.
        members: The trials of the final front.
        last: The last report of each trial by its number.
        objectives: The run's objectives.
        seed: The run's seed.
        epoch_limit_s: The seconds that an epoch may take.

    Returns:
        The front's members and an empty text. If a training fails, no members and the error, so
        that the result of the search is still kept.
    """
    try:
        results = retrain(pool, members, seed, epoch_limit_s)
    except RetrainingError as error:
        return (), str(error)
    tested = tuple(
        front_member(member, last[member.trial], retrained, objectives)
        for member, retrained in zip(members, results, strict=True)
    )
    return tested, ""
