"""The conversion of search spaces into Ax's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from mobo_core.space import ChoiceParameter, Parameter, SearchSpace

MAX_GRID_VALUES = 1000
"""The most values that a quantised range may have, because Ax has to list all of them."""


def to_ax(space: SearchSpace) -> list[RangeParameterConfig | ChoiceParameterConfig]:
    """Return Ax's parameter configurations, in the space's order.

    A quantised range becomes an ordered choice.

    Raises:
        ValueError: If a choice mixes types or a quantised range has too many values.
    """
    return [_to_ax(parameter) for parameter in space.parameters]


def _to_ax(parameter: Parameter) -> RangeParameterConfig | ChoiceParameterConfig:
    if isinstance(parameter, ChoiceParameter):
        return ChoiceParameterConfig(
            name=parameter.name,
            values=list(parameter.values),
            parameter_type=_common_type(parameter.name, parameter.values),
            is_ordered=parameter.ordered,
        )
    kind: Literal["int", "float"] = "int" if parameter.integer else "float"
    if parameter.step is None:
        return RangeParameterConfig(
            name=parameter.name,
            bounds=(parameter.lower, parameter.upper),
            parameter_type=kind,
            scaling="log" if parameter.log else "linear",
        )
    if parameter.cardinality > MAX_GRID_VALUES:
        raise ValueError(
            f"parameter {parameter.name!r} has {parameter.cardinality:.0f} quantised values, more "
            f"than {MAX_GRID_VALUES}; use a coarser quantum or an unquantised range"
        )
    values = [parameter.lower + parameter.step * k for k in range(int(parameter.cardinality))]
    return ChoiceParameterConfig(
        name=parameter.name,
        values=[round(v) for v in values] if parameter.integer else values,
        parameter_type=kind,
        is_ordered=True,
    )


def _common_type(name: str, values: Sequence[Any]) -> Literal["float", "int", "str", "bool"]:
    if all(isinstance(v, bool) for v in values):
        return "bool"
    if all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in values):
        return "int"
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "float"
    if all(isinstance(v, str) for v in values):
        return "str"
    raise ValueError(
        f"the choices of parameter {name!r} must be all numbers, all strings or all booleans, "
        f"got {list(values)}"
    )
