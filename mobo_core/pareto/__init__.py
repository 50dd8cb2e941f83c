"""Points and sets of points: dominance, indicators, rankings, scalarisation.

All points are minimised, one row a point. The functions of `dominance` can be imported from here.
"""

from mobo_core.pareto.dominance import (
    any_dominates,
    as_points,
    crowding_distance,
    epsilon_net_order,
    front_mask,
    inside_mask,
    non_dominated_mask,
    non_dominated_ranks,
    scale_between,
    scale_to_range,
    valid_mask,
)

__all__ = [
    "any_dominates",
    "as_points",
    "crowding_distance",
    "epsilon_net_order",
    "front_mask",
    "inside_mask",
    "non_dominated_mask",
    "non_dominated_ranks",
    "scale_between",
    "scale_to_range",
    "valid_mask",
]
