"""A new Ax client with an experiment for a search space and objectives, but no strategy yet."""

from __future__ import annotations

from collections.abc import Sequence

from ax.api.client import Client
from ax.exceptions.core import AxError

from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.space import SearchSpace
from mobo_core.tune.searchers.ax_expressions import Inequality, ax_name, read_inequality
from mobo_core.tune.searchers.ax_space import AxSpace


def read_outcome_constraints(
    texts: Sequence[str], objectives: Sequence[str]
) -> tuple[Inequality, ...]:
    """Return constraints on reported metrics.

    Args:
        texts: Linear inequalities of metrics, e.g. ``"flops <= 1e6"``.
        objectives: The names of the metrics that are optimised.

    Raises:
        ValueError: If a text is no linear inequality, or names an objective.
    """
    constraints = []
    for text in _listed("outcome_constraints", texts):
        read = read_inequality(text, objectives, what="outcome constraint", closed=False)
        if named := [name for name in read.weights if name in objectives]:
            raise ValueError(
                f"outcome constraint {text!r} is on the objective {named[0]!r}, which Ax does not "
                "allow; give a bound as reference= of that objective, or report a sum as a metric"
            )
        constraints.append(read)
    return tuple(constraints)


def read_parameter_constraints(
    texts: Sequence[str], names: Sequence[str]
) -> tuple[Inequality, ...]:
    """Return constraints on parameters.

    Args:
        texts: Linear inequalities of parameters, e.g. ``"x + 2*layers/width <= 3"``.
        names: The names of the space's parameters.

    Raises:
        ValueError: If a text is no linear inequality, or names no parameter.
    """
    return tuple(
        read_inequality(text, names, what="parameter constraint", closed=True)
        for text in _listed("parameter_constraints", texts)
    )


def metric_names(
    objectives: ObjectiveSet, outcome_constraints: Sequence[Inequality] = ()
) -> dict[str, str]:
    """Return the metrics that Ax needs: the key in a report → the name in Ax.

    Args:
        objectives: The metrics that are optimised.
        outcome_constraints: The constraints on reported metrics.
    """
    names = [*objectives.names, *(name for c in outcome_constraints for name in c.weights)]
    return {name: ax_name(name) for name in names}


def parameter_names(space: SearchSpace, *, parsed: bool, budget: bool) -> dict[str, str]:
    """Return the parameters that must be called differently in Ax: name → name in Ax.

    Args:
        space: The search space.
        parsed: Whether Ax parses names, as it does in constraints.
        budget: Whether the model has the budget as an input, which Ax calls ``step``.
    """
    reserved = ["step"] if budget else []
    renamed = space.names if parsed else [name for name in space.names if name in reserved]
    names = {name: ax_name(name, reserved) for name in renamed}
    return {name: there for name, there in names.items() if name != there}


def new_client(
    objectives: ObjectiveSet,
    space: AxSpace,
    *,
    seed: int,
    outcome_constraints: Sequence[Inequality] = (),
) -> Client:
    """Return a client whose experiment and optimisation are configured.

    Args:
        objectives: The metrics that are optimised, in Ax under the names of `metric_names`. With
            several objectives their reference values become Ax's thresholds.
        space: The search space, with its constraints.
        seed: The client's seed.
        outcome_constraints: Constraints on reported metrics; see `read_outcome_constraints`.

    Raises:
        ValueError: If Ax refuses a parameter.
    """
    names = metric_names(objectives, outcome_constraints)
    client = Client(random_seed=seed)
    several = len(objectives) > 1
    thresholds = [_threshold(objective) for objective in objectives] if several else []
    signed = (f"-{names[o.name]}" if o.goal == "min" else names[o.name] for o in objectives)
    try:
        client.configure_experiment(
            parameters=space.parameters(),
            parameter_constraints=space.parameter_constraints() or None,
        )
        client.configure_optimization(
            objective=", ".join(signed),
            outcome_constraints=[*thresholds, *(c.expression(names) for c in outcome_constraints)],
        )
    except (AxError, ValueError) as error:
        raise ValueError(f"Ax cannot have this search space or these objectives: {error}") from None
    return client


def _listed(argument: str, texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise ValueError(f"{argument} must be a list of texts, got the text {texts!r}")
    return texts


def _threshold(objective: Objective) -> str:
    relation = ">=" if objective.goal == "max" else "<="
    return f"{ax_name(objective.name)} {relation} {float(objective.reference)!r}"
