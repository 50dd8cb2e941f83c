"""Training configurations again, between the runs, in the processes that train trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.util import ActorPool

from bench.records.record import TrialRecord


class RetrainingError(Exception):
    """A configuration could not be trained; the message is one line."""


def retrain(
    lender: Any, members: Sequence[TrialRecord], seed: int, epoch_limit_s: float
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Last report and test metrics of each trial, trained again for as many epochs.

    Args:
        lender: Of the training processes.
        members: The trials.
        seed: Of the run.
        epoch_limit_s: Seconds an epoch may take.

    Raises:
        RetrainingError: If one raises, or its process dies or takes too long; one that is late is
            replaced.
    """
    pool = ActorPool(ray.get(lender.hosts.remote()))
    for member in members:
        pool.submit(
            lambda host, trial: host.train_again.remote(trial.config, seed, trial.epochs), member
        )
    results: list[tuple[dict[str, float], dict[str, float]]] = []
    failure: ray.exceptions.RayError | None = None
    for member in members:  # all of them: the next run must not find a process still training
        try:
            results.append(pool.get_next(epoch_limit_s * member.epochs))
        except ray.exceptions.RayError as error:
            failure = failure or error
        except TimeoutError:
            ray.get(lender.replace_hosts.remote())
            raise RetrainingError(f"an epoch took more than {epoch_limit_s:g} s") from None
    if failure is not None:
        raise RetrainingError(str(failure).strip().splitlines()[-1]) from failure
    return results
