"""A client of Ax that a user brings: whether it can be used, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax.api.client import Client
from ax.core.parameter import ChoiceParameter as AxChoice
from ax.core.parameter import FixedParameter, ParameterType
from ax.core.parameter import RangeParameter as AxRange
from ax.generation_strategy.generation_strategy import GenerationStrategy

from mobo_core.objectives import ObjectiveSet
from mobo_core.space import ChoiceParameter, Condition, Parameter, RangeParameter, SearchSpace
from mobo_core.tune.compat import experiment_of, has_strategy
from mobo_core.tune.searchers.ax_space import AxSpace
from mobo_core.tune.searchers.ax_trials import AxCode
from mobo_core.tune.space import tune_space


def check_client(client: Any, objectives: ObjectiveSet | None) -> None:
    """Refuse a client that cannot be used as it is.

    Args:
        client: What a user passed as a client.
        objectives: The objectives beside it, which must be the client's own, or None.

    Raises:
        ValueError: If it is no client of Ax's present interface, has no experiment or objectives,
            or has other objectives.
    """
    if not isinstance(client, Client):
        kind = type(client)
        raise ValueError(
            f"client must be an ax.api.client.Client, got {kind.__module__}.{kind.__qualname__}"
        )
    try:
        experiment_of(client)
    except AssertionError:
        raise ValueError(
            "the client has no experiment; call its configure_experiment(...) first"
        ) from None
    config = experiment_of(client).optimization_config
    if config is None:
        raise ValueError("the client has no objectives; call its configure_optimization(...) first")
    if objectives is None:
        return
    here, there = {o.name: -o.sign for o in objectives}, _signs(client)
    if here != there:
        raise ValueError(
            f"the client optimises {_goals(there)}, but objectives= says {_goals(here)}; "
            "make them the same"
        )


def metrics_of(client: Client) -> dict[str, str]:
    """Return the metrics that a client's optimisation needs: name → the same name."""
    config = experiment_of(client).optimization_config
    names = getattr(config, "metric_names", None) or config.metrics  # the latter before Ax 1.3
    return {name: name for name in names}


def set_strategy(client: Client, strategy: GenerationStrategy) -> None:
    """Give a client a generation strategy.

    Raises:
        ValueError: If it has one already.
    """
    if has_strategy(client):
        raise ValueError(
            "the client has a generation strategy of its own: leave `initialization_trials`, "
            "`partial_data` and `optimizer_options` at their defaults, or do not configure one"
        )
    client.set_generation_strategy(strategy)


def may_repeat(client: Client) -> bool:
    """Return whether a client itself decides if a configuration is suggested twice.

    It does with a generation strategy of its own, and with derived parameters, because only Ax can
    complete another configuration then.
    """
    parameters = experiment_of(client).search_space.parameters.values()
    return has_strategy(client) or any(_is_derived(parameter) for parameter in parameters)


def code_of(client: Client) -> AxCode:
    """Return the search space of a client's experiment, and its translation, which is none."""
    space = space_of(client)
    return AxCode(tune_space(space), AxSpace(space), decodes=False)


def space_of(client: Client) -> SearchSpace:
    """Return the search space of a client's experiment, under Ax's names.

    A derived parameter becomes a choice of one value, since nothing can be chosen.
    """
    found = experiment_of(client).search_space.parameters
    conditions: dict[str, Condition] = {}
    for parent in found.values():
        for value, children in (parent.dependents if parent.is_hierarchical else {}).items():
            branch = _values(parent).index(value)
            conditions |= {child: Condition(parent.name, (branch,)) for child in children}
    ordered = sorted(found.values(), key=lambda p: _depth(p.name, conditions))  # parents first
    return SearchSpace(tuple(_parameter(p, conditions.get(p.name)) for p in ordered))


def _depth(name: str, conditions: Mapping[str, Condition]) -> int:
    return 1 + _depth(conditions[name].parent, conditions) if name in conditions else 0


def _values(parameter: Any) -> list[Any]:
    if isinstance(parameter, AxChoice):
        return list(parameter.values)
    return [None if _is_derived(parameter) else parameter.value]


def _is_derived(parameter: Any) -> bool:
    return not isinstance(parameter, AxChoice | AxRange | FixedParameter)


def _parameter(parameter: Any, condition: Condition | None) -> Parameter:
    if not isinstance(parameter, AxRange):
        ordered = isinstance(parameter, AxChoice) and bool(parameter.is_ordered)
        return ChoiceParameter(parameter.name, tuple(_values(parameter)), ordered, condition)
    return RangeParameter(
        parameter.name,
        parameter.lower,
        parameter.upper,
        integer=parameter.parameter_type is ParameterType.INT,
        log=parameter.log_scale,
        condition=condition,
    )


def _signs(client: Client) -> dict[str, float]:
    """Return the client's objectives: name → 1 for a maximum, -1 for a minimum."""
    objective: Any = experiment_of(client).optimization_config.objective
    weights = getattr(objective, "metric_weights", None)
    if weights is None:  # before Ax 1.3, several objectives have no weights but parts
        parts = getattr(objective, "objectives", [objective])
        weights = [(part.metric, -1.0 if part.minimize else 1.0) for part in parts]
    return {getattr(metric, "name", metric): 1.0 if w > 0 else -1.0 for metric, w in weights}


def _goals(signs: Mapping[str, float]) -> str:
    return ", ".join(f"{name} ({'max' if sign > 0 else 'min'})" for name, sign in signs.items())
