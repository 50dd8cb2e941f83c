"""How trials are replayed: which schedulers, in how many orders, on how many slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.aggregate import BASELINE
from bench.matrix.matrix import Component

AT_ONCE = 4
"""The number of schedulers that one call in another process replays on one order."""


GRACES = (2, 4)
"""Longer grace periods, in units, with which `PATIENT` schedulers are replayed, too."""
PATIENT = ("hv-promotion", "projected-stopping", "moasha-promotion")
"""Schedulers that lose less with a longer grace period."""


def candidates(schedulers: Sequence[Component], max_t: int) -> tuple[Component, ...]:
    """Return schedulers, and those of them that are `PATIENT` with longer grace periods.

    A variant is left out if its grace period is more than half of the full budget, or if the
    scheduler has brackets or a grace period of its own.

    Args:
        schedulers: The schedulers.
        max_t: The full budget of a trial, in units.
    """
    found = []
    for component in schedulers:
        found.append(component)
        if component.name in PATIENT and not {"brackets", "grace_period"} & set(component.params):
            found += [
                Component(
                    f"{component.label}-g{grace}",
                    component.name,
                    {**component.params, "grace_period": grace},
                )
                for grace in GRACES
                if 2 * grace <= max_t
            ]
    return tuple(found)


@dataclass(frozen=True)
class Plan:
    """How trials are replayed.

    Args:
        schedulers: The schedulers; FIFO, the baseline, is added if it is missing.
        orders: The number of random orders.
        slots: The number of trials that train at the same time.
        trials: The number of trials in an order, drawn anew for each; None takes all.
        processes: The number of processes.
    """

    schedulers: tuple[Component, ...]
    orders: int
    slots: int
    trials: int | None = None
    processes: int = 1

    def jobs(self) -> list[Job]:
        """Return all replays, in groups."""
        others = [c for c in self.schedulers if c.name != BASELINE]
        every = [Component(BASELINE, BASELINE, {}), *others]
        groups = [tuple(every[k : k + AT_ONCE]) for k in range(0, len(every), AT_ONCE)]
        return [Job(order, group) for order in range(self.orders) for group in groups]


@dataclass(frozen=True)
class Job:
    """Some schedulers on one order of the trials."""

    order: int
    schedulers: tuple[Component, ...]
