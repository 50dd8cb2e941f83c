"""What an experiment that raised leaves behind on Ray, and how to be rid of it."""

from __future__ import annotations

import ray
from ray.util.placement_group import (
    PlacementGroup,
    placement_group_table,
    remove_placement_group,
)


def free_placement_groups() -> None:
    """Remove all placement groups of this Ray, and so end the processes in them.

    Tune leaves those of an experiment that raised, with their resources: the next run would wait
    for ever. Only for a Ray of our own, on which nobody else's groups can be.
    """
    for identity, group in placement_group_table().items():
        if group["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(identity))))
