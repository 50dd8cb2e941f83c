"""A new Ax client with an experiment for a search space and objectives, but no strategy yet."""

from __future__ import annotations

from collections.abc import Sequence

from ax.api.client import Client

from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.space import SearchSpace
from mobo_core.tune.searchers.ax_space import to_ax


def new_client(
    objectives: ObjectiveSet,
    space: SearchSpace,
    *,
    seed: int,
    outcome_constraints: Sequence[str] = (),
) -> Client:
    """Return a client whose experiment and optimisation are configured.

    Args:
        objectives: The metrics that are optimised. With several objectives their reference values
            become Ax's thresholds.
        space: The search space.
        seed: The client's seed.
        outcome_constraints: Ax constraints on reported metrics, e.g. ``"flops <= 1e6"``.

    Raises:
        ValueError: If a name cannot be used in Ax.
    """
    for objective in objectives:
        if not objective.name.isidentifier():
            raise ValueError(
                f"Ax reads objectives from expressions: rename metric {objective.name!r} so "
                "that it consists of letters, digits and underscores"
            )
    client = Client(random_seed=seed)
    client.configure_experiment(parameters=to_ax(space))
    several = len(objectives) > 1
    thresholds = [_threshold(objective) for objective in objectives] if several else []
    client.configure_optimization(
        objective=", ".join(f"-{o.name}" if o.goal == "min" else o.name for o in objectives),
        outcome_constraints=[*thresholds, *outcome_constraints],
    )
    return client


def _threshold(objective: Objective) -> str:
    relation = ">=" if objective.goal == "max" else "<="
    return f"{objective.name} {relation} {float(objective.reference)!r}"
