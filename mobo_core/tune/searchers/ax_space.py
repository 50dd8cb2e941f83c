"""Search spaces in Ax's terms: parameters, constraints and configurations, there and back."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from scipy.optimize import linprog

from mobo_core.space import ChoiceParameter, Parameter, RangeParameter, SearchSpace
from mobo_core.tune.searchers.ax_expressions import Inequality

MAX_GRID_VALUES = 1000
"""The most values that a quantised range may have, because Ax has to list all of them."""

MAX_COUNTED = 10_000
"""The most configurations of a constrained space that are counted one by one."""

Config = RangeParameterConfig | ChoiceParameterConfig


@dataclass(frozen=True)
class AxSpace:
    """A search space as Ax has it.

    A quantised range becomes an ordered choice. If a constraint names it, it becomes the whole
    number of the value instead, because Ax applies a constraint to the positions of a choice's
    values. Values that Ax cannot have (None, lists, classes, mixed types, NaN) become their
    positions. A choice that decides which parameters exist becomes the root of a hierarchical
    search space.

    Args:
        space: The search space.
        names: The name in Ax of each parameter that is called differently there.
        constraints: Linear inequalities of the parameters, under the users' names.

    Raises:
        ValueError: If Ax cannot have a parameter or a constraint.
    """

    space: SearchSpace
    names: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[Inequality, ...] = ()

    def __post_init__(self) -> None:
        for parameter in self.space.parameters:
            _check(parameter)
        for constraint in self.constraints:
            for name in constraint.weights:
                _check_constrained(self.space[name], constraint)
        if self.constraints and not self._is_feasible():
            texts = ", ".join(repr(constraint.text) for constraint in self.constraints)
            raise ValueError(f"no configuration of the space keeps the constraints {texts}")

    def name(self, name: str) -> str:
        """Return a parameter's name in Ax."""
        return self.names.get(name, name)

    def parameters(self) -> list[Config]:
        """Return Ax's parameters, in the space's order."""
        return [self._config(parameter) for parameter in self.space.parameters]

    def parameter_constraints(self) -> list[str]:
        """Return the constraints as Ax's expressions."""
        names = {name: self.name(name) for name in self.space.names}
        return [self._scaled(constraint).expression(names) for constraint in self.constraints]

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return Ax's parameterisation of a flat configuration, which may be partial.

        Args:
            values: Flat name → value; names outside the space are ignored.
        """
        return {
            self.name(p.name): self._encode(p, values[p.name])
            for p in self.space.active(values)
            if p.name in values
        }

    def decode(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the flat configuration of Ax's parameterisation, with the space's own values."""
        return {
            p.name: self._decode(p, parameters[self.name(p.name)])
            for p in self.space.parameters
            if self.name(p.name) in parameters
        }

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Return whether a complete flat configuration keeps all constraints."""
        return all(constraint.holds(values) for constraint in self.constraints)

    def cardinality(self) -> float:
        """Return the number of configurations, or an upper bound of it in a large space."""
        whole = self.space.cardinality
        if not self.constraints or whole > MAX_COUNTED:
            return whole
        return sum(map(self.allows, self.space.configurations()))

    @property
    def _constrained(self) -> Collection[str]:
        return {name for constraint in self.constraints for name in constraint.weights}

    def _is_numbered(self, parameter: Parameter) -> bool:
        """Return whether Ax has the number of a value on a grid."""
        stepped = isinstance(parameter, RangeParameter) and parameter.step is not None
        return stepped and parameter.name in self._constrained

    def _config(self, parameter: Parameter) -> Config:
        if isinstance(parameter, ChoiceParameter):
            return self._choice(parameter)
        name = self.name(parameter.name)
        kind: Literal["int", "float"] = "int" if parameter.integer else "float"
        number = int if parameter.integer else float
        if self._is_numbered(parameter):
            last = int(parameter.cardinality) - 1
            return RangeParameterConfig(name=name, bounds=(0, last), parameter_type="int")
        if parameter.step is None:
            return RangeParameterConfig(
                name=name,
                bounds=(number(parameter.lower), number(parameter.upper)),
                parameter_type=kind,
                scaling="log" if parameter.log else "linear",
            )
        return ChoiceParameterConfig(
            name=name, values=_grid(parameter), parameter_type=kind, is_ordered=True
        )

    def _choice(self, parameter: ChoiceParameter) -> ChoiceParameterConfig:
        values = [self._encode(parameter, value) for value in parameter.values]
        children: dict[Any, list[str]] = {}
        for other in self.space.parameters:
            if other.condition is not None and other.condition.parent == parameter.name:
                (branch,) = other.condition.branches
                children.setdefault(values[branch], []).append(self.name(other.name))
        return ChoiceParameterConfig(
            name=self.name(parameter.name),
            values=values,
            parameter_type=_type_of(values),
            is_ordered=parameter.ordered,
            dependent_parameters=children or None,
        )

    def _encode(self, parameter: Parameter, value: Any) -> Any:
        if isinstance(parameter, ChoiceParameter):
            place = parameter.index(value)
            return _plain_values(parameter)[place] if _is_plain(parameter) else place
        if parameter.step is None:
            return int(value) if parameter.integer else float(value)
        number = int(parameter.key(value))  # type: ignore[call-overload]
        return number if self._is_numbered(parameter) else _grid(parameter)[number]

    def _decode(self, parameter: Parameter, value: Any) -> Any:
        if isinstance(parameter, ChoiceParameter):
            return parameter.checked(value) if _is_plain(parameter) else parameter.at(int(value))
        return parameter.at(int(value)) if self._is_numbered(parameter) else value

    def _scaled(self, constraint: Inequality) -> Inequality:
        """Return a constraint on what Ax has of its parameters."""
        weights, bound = dict(constraint.weights), constraint.bound
        for name, weight in constraint.weights.items():
            parameter = self.space[name]
            if isinstance(parameter, RangeParameter) and parameter.step is not None:
                weights[name] = weight * parameter.step
                bound -= weight * parameter.lower
        return Inequality(constraint.text, weights, bound)

    def _is_feasible(self) -> bool:
        """Return whether a point between all bounds keeps the constraints."""
        if self.space.cardinality <= MAX_COUNTED:
            return self.cardinality() > 0
        ranges = [self.space[name] for name in sorted(self._constrained)]
        rows = [[c.weights.get(p.name, 0.0) for p in ranges] for c in self.constraints]
        found = linprog(
            np.zeros(len(ranges)),
            A_ub=rows,
            b_ub=[c.bound for c in self.constraints],
            bounds=[(p.lower, p.upper) for p in ranges if isinstance(p, RangeParameter)],
        )
        return bool(found.success)


def _check(parameter: Parameter) -> None:
    """Refuse a parameter that Ax cannot have."""
    if parameter.condition is not None and len(parameter.condition.branches) > 1:
        raise ValueError(
            f"parameter {parameter.name!r} exists in several branches of "
            f"{parameter.condition.parent!r}, which Ax cannot have; make one parameter per branch"
        )
    if isinstance(parameter, ChoiceParameter):
        return
    if parameter.step is not None and parameter.cardinality > MAX_GRID_VALUES:
        raise ValueError(
            f"parameter {parameter.name!r} has {parameter.cardinality:.0f} quantised values, more "
            f"than {MAX_GRID_VALUES}; use a coarser quantum or an unquantised range"
        )


def _check_constrained(parameter: Parameter, constraint: Inequality) -> None:
    """Refuse a parameter that a constraint of Ax cannot have."""
    reason = ""
    if isinstance(parameter, ChoiceParameter):
        reason = "is a choice; use a range, such as tune.uniform, randint or quniform"
    elif parameter.log:
        reason = "has a logarithmic scale, on which the constraint is not linear; use a linear one"
    elif parameter.condition is not None:
        reason = "exists in some configurations only"
    if reason:
        raise ValueError(
            f"parameter constraint {constraint.text!r}: parameter {parameter.name!r} {reason}"
        )


def _grid(parameter: RangeParameter) -> list[Any]:
    """Return all values of a quantised range."""
    assert parameter.step is not None
    values = [parameter.lower + parameter.step * k for k in range(int(parameter.cardinality))]
    return [round(v) for v in values] if parameter.integer else list(map(float, values))


def _is_plain(parameter: ChoiceParameter) -> bool:
    """Return whether Ax can have the values of a choice themselves."""
    numbers = [value for value in parameter.values if not isinstance(value, str)]
    return parameter.plain and all(math.isfinite(number) for number in numbers)


def _plain_values(parameter: ChoiceParameter) -> list[Any]:
    """Return the values of a choice, whole numbers among floats as floats."""
    mixed = any(isinstance(value, float) for value in parameter.values)
    return [float(value) for value in parameter.values] if mixed else list(parameter.values)


def _type_of(values: list[Any]) -> Literal["float", "int", "str", "bool"]:
    kinds: dict[type, Literal["float", "int", "str", "bool"]]
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    return kinds[type(values[0])]
