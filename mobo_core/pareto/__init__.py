"""Points and sets of points: dominance, quality indicators, rankings and scalarisation.

An array of points has the shape (n, m): one row per point, one column per objective. All
coordinates are minimised. The functions of `mobo_core.pareto.dominance` can be imported from here;
the other modules are `mobo_core.pareto.indicators`, `mobo_core.pareto.ranking` and
`mobo_core.pareto.scalarization`.
"""

from mobo_core.pareto.dominance import (
    any_dominates,
    as_points,
    as_reference,
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
    "as_reference",
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
