"""Multi-objective schedulers, searchers and indicators for Ray Tune.

The numerics (`objectives`, `pareto`, `indicators`, `rungs`, `rules`) need neither Ray nor Ax;
everything that plugs into Ray Tune lives in `mobo_core.tune`.
"""

from mobo_core.objectives import Objective, ObjectiveSet

__all__ = ["Objective", "ObjectiveSet"]
