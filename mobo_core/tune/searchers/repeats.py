"""Which configurations a searcher must not suggest again, and how it finds another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mobo_core.objectives import Points
from mobo_core.space import SearchSpace

ATTEMPTS = 100
"""The number of points that are drawn for a new configuration, besides one for each avoided one."""

LISTED = 10_000
"""The number of configurations that are listed if none was drawn, besides the avoided ones."""


@dataclass
class Repeats:
    """The configurations of a search that must not be suggested (again).

    Args:
        allowed: Whether a configuration may be suggested twice. None means: only if the number of
            trials is limited.
        unlimited: Whether the Tuner asks for trials without end (``num_samples=-1``).
        never: The keys of configurations that must not be suggested at all; see `SearchSpace.key`.
        seen: The keys of configurations that must not be suggested twice.
    """

    allowed: bool | None = None
    unlimited: bool = False
    never: set[Hashable] = field(default_factory=set)
    seen: set[Hashable] = field(default_factory=set)

    @property
    def avoided(self) -> Collection[Hashable]:
        """The keys of the configurations that must not be suggested now."""
        allowed = not self.unlimited if self.allowed is None else self.allowed
        return self.never if allowed else self.never | self.seen


def new_configuration(
    space: SearchSpace,
    avoided: Collection[Hashable],
    draw: Callable[[], Points],
    allows: Callable[[Mapping[str, Any]], bool] = lambda values: True,
) -> dict[str, Any] | None:
    """Return a flat configuration that is not avoided, or None if the space has no other one.

    Drawn points come first. If all of them are avoided, which happens when a finite space is nearly
    used up, its configurations are listed.

    Args:
        space: The search space.
        avoided: The keys of configurations that must not be returned; see `SearchSpace.key`.
        draw: A function that returns a (d,) point of the unit cube.
        allows: A function that says whether a configuration may be returned.
    """
    if len(avoided) >= space.cardinality:
        return None
    values = space.from_unit(draw())
    # A search that continues another one with its seed draws everything that this one suggested.
    for _ in range(len(avoided) + ATTEMPTS):
        if space.key(values) not in avoided and allows(values):
            return values
        values = space.from_unit(draw())
    if math.isinf(space.cardinality):
        return None
    listed = islice(space.configurations(), len(avoided) + LISTED)
    return next((c for c in listed if space.key(c) not in avoided and allows(c)), None)
