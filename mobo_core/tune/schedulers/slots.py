"""The number of trials that can train at the same time on a cluster."""

from __future__ import annotations

import time
from typing import Any

import ray

CLUSTER_POLL_S = 10.0
"""Seconds between two look-ups of the cluster's size, which may grow."""


class Slots:
    """The number of slots: a given number, or as many as the resources of all nodes allow.

    Args:
        given: The number, ≥ 1; None takes it from the cluster.

    Example:
        >>> Slots(4).count(controller=None)
        4
    """

    def __init__(self, given: int | None) -> None:
        self.given = given
        self._known: tuple[float, int] | None = None  # until when, and the number

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what was seen of the cluster."""
        return {"given": self.given, "_known": None}

    def count(self, controller: Any) -> int:
        """Return the number of slots; at least 1.

        Args:
            controller: Tune's controller, whose live trials tell what one trial needs.
        """
        if self.given is not None:
            return self.given
        if self._known is None or time.monotonic() > self._known[0]:
            total = ray.cluster_resources()
            trial = next(iter(controller.get_live_trials()))
            needed = trial.placement_group_factory.required_resources
            fits = [int(total.get(name, 0) / amount) for name, amount in needed.items() if amount]
            self._known = (time.monotonic() + CLUSTER_POLL_S, max(1, min(fits, default=1)))
        return self._known[1]
