"""Search spaces: typed parameters, the number of their values, and a map from the unit cube.

This module needs neither Ray nor Ax; `mobo_core.tune.space` converts search spaces from and to
their formats.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mobo_core.objectives import Points
from mobo_core.parameters import ChoiceParameter, Condition, Parameter, RangeParameter

__all__ = ["ChoiceParameter", "Condition", "Parameter", "RangeParameter", "SearchSpace"]


@dataclass(frozen=True)
class SearchSpace:
    """The parameters of a search space, in a fixed order.

    A parameter with a `Condition` exists only in the configurations that meet it.

    Args:
        parameters: One or more parameters with different names, parents before children.

    Raises:
        ValueError: If there is no parameter, two parameters have the same name, or a condition
            names no earlier choice or a branch that the choice does not have.

    Example:
        >>> width = RangeParameter("model/width", 16, 64, integer=True, step=16)
        >>> activation = ChoiceParameter("model/activation", ("relu", "tanh"))
        >>> space = SearchSpace((width, activation))
        >>> space.cardinality
        8
        >>> space.from_unit([0.3, 0.7])
        {'model/width': 32, 'model/activation': 'tanh'}
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ValueError("a search space needs at least one parameter, got none")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"parameter names must differ, got {self.names}")
        earlier: dict[str, Parameter] = {}
        for parameter in self.parameters:
            if condition := parameter.condition:
                parent = earlier.get(condition.parent)
                known = isinstance(parent, ChoiceParameter)
                if not known or condition.branches[-1] >= parent.cardinality:  # type: ignore[union-attr]
                    raise ValueError(
                        f"condition of parameter {parameter.name!r} must name an earlier choice "
                        f"and its values, got {condition}"
                    )
            earlier[parameter.name] = parameter

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' flat names, in their order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def is_conditional(self) -> bool:
        """Whether a parameter exists in some configurations only."""
        return any(parameter.condition for parameter in self.parameters)

    @cached_property
    def cardinality(self) -> float:
        """The number of different configurations; infinite with a continuous parameter."""
        below: dict[tuple[str, int], float] = {}  # configurations of what a branch brings
        total: float = 1
        for parameter in reversed(self.parameters):
            count = parameter.cardinality
            if isinstance(parameter, ChoiceParameter):
                branches = range(len(parameter.values))
                count = sum(below.get((parameter.name, branch), 1) for branch in branches)
            if condition := parameter.condition:
                for branch in condition.branches:
                    key = (condition.parent, branch)
                    below[key] = below.get(key, 1) * count
            else:
                total *= count
        return total

    def exists(self, parameter: Parameter, values: Mapping[str, Any]) -> bool:
        """Return whether a configuration has a parameter.

        Args:
            parameter: A parameter of this space.
            values: The values of those earlier parameters that exist.
        """
        condition = parameter.condition
        if condition is None:
            return True
        parent = self._by_name[condition.parent]
        assert isinstance(parent, ChoiceParameter)
        return (
            condition.parent in values
            and parent.index(values[condition.parent]) in condition.branches
        )

    def active(self, values: Mapping[str, Any]) -> tuple[Parameter, ...]:
        """Return the parameters that exist in a configuration, in their order.

        Args:
            values: Flat name → value; values of parameters that do not exist do no harm.
        """
        found: dict[str, Any] = {}
        for parameter in self.parameters:
            if self.exists(parameter, found) and parameter.name in values:
                found[parameter.name] = values[parameter.name]
        return tuple(p for p in self.parameters if self.exists(p, found))

    def from_unit(self, u: Points) -> dict[str, Any]:
        """Return the flat configuration at a point of the unit cube.

        Args:
            u: (d,) one quantile in [0, 1) for each of the d parameters, whether they exist or not.

        Returns:
            Parameter name → value, of the parameters that exist.
        """
        values: dict[str, Any] = {}
        for parameter, x in zip(self.parameters, u, strict=True):
            if self.exists(parameter, values):
                values[parameter.name] = parameter.from_unit(float(x))
        return values

    def key(self, values: Mapping[str, Any]) -> Hashable:
        """Return what identifies a complete flat configuration: equal keys, equal configurations.

        Args:
            values: Flat name → value of every parameter that exists.
        """
        return tuple((p.name, p.key(values[p.name])) for p in self.active(values))

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Yield all flat configurations of a finite space, the last parameter varying fastest."""
        assert math.isfinite(self.cardinality), "a continuous parameter has no list of values"
        return self._completed({}, self.parameters)

    def _completed(
        self, values: dict[str, Any], missing: tuple[Parameter, ...]
    ) -> Iterator[dict[str, Any]]:
        if not missing:
            yield dict(values)
            return
        parameter, *others = missing
        if not self.exists(parameter, values):
            yield from self._completed(values, tuple(others))
            return
        for number in range(int(parameter.cardinality)):
            extended = {**values, parameter.name: parameter.at(number)}
            yield from self._completed(extended, tuple(others))
