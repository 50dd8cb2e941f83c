"""Search spaces in the form of ConfigSpace, which DeepHyper and SMAC share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Hyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from mobo_core.space import ChoiceParameter, Parameter, SearchSpace


def to_config_space(space: SearchSpace, seed: int) -> ConfigurationSpace:
    """Return a search space for ConfigSpace; `from_config` reads its configurations.

    Ranges keep their logarithm. What has no form there becomes the number of a value, a whole
    number: an ordered choice, and a range with a step, whose logarithm is lost. Other choices
    become their texts.

    Args:
        space: The search space.
        seed: The seed of its own samples.

    Raises:
        ValueError: If the space has conditions.
    """
    if space.is_conditional:
        raise ValueError(
            "a space in which a parameter exists only sometimes cannot be passed on; choose another"
            " searcher, or problem"
        )
    converted = ConfigurationSpace(seed=seed)
    converted.add([_hyperparameter(parameter) for parameter in space.parameters])
    return converted


def from_config(space: SearchSpace, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of the converted space as one of the search space."""
    return {p.name: _value(p, config[p.name]) for p in space.parameters}


def _hyperparameter(parameter: Parameter) -> Hyperparameter[Any, Any]:
    name = parameter.name
    if isinstance(parameter, ChoiceParameter):
        if parameter.ordered and len(parameter.values) > 1:
            return UniformIntegerHyperparameter(name, 0, len(parameter.values) - 1)
        return CategoricalHyperparameter(name, parameter.labels)
    if parameter.step is not None:
        return UniformIntegerHyperparameter(name, 0, int(parameter.cardinality) - 1)
    if parameter.integer:
        whole = int(parameter.lower), int(parameter.upper)
        return UniformIntegerHyperparameter(name, *whole, log=parameter.log)
    bounds = float(parameter.lower), float(parameter.upper)
    return UniformFloatHyperparameter(name, *bounds, log=parameter.log)


def _value(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, ChoiceParameter):
        if parameter.ordered and len(parameter.values) > 1:
            return parameter.at(int(value))
        return parameter.at(parameter.labels.index(str(value)))
    if parameter.step is not None:
        return parameter.at(int(value))
    return parameter.checked(int(value) if parameter.integer else float(value))
