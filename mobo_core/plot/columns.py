"""The parameters of trials as columns: numbers, numbers on a log scale, or choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobo_core.objectives import Points, is_finite_number
from mobo_core.plot import style
from mobo_core.results import TrialHistory
from mobo_core.results.history import flat

NO_PARAMETER = (
    "no parameter differs between the trials; the results need each trial's configuration, in "
    "columns such as config/lr if they are a table, or named by config_columns"
)
"""What a figure of parameters says if it has none."""


@dataclass(frozen=True)
class ParameterColumn:
    """One parameter of n trials.

    Args:
        name: The parameter's name; names of nested parameters are joined by ``/``.
        values: The n values; None where a trial does not have the parameter.
        is_number: Whether all values are finite numbers. Otherwise they are choices.
        is_log: Whether the numbers are shown and compared on a log scale.

    Example:
        >>> column = ParameterColumn("act", ("relu", "tanh", None), is_number=False, is_log=False)
        >>> column.labels, column.positions.tolist()
        (['None', 'relu', 'tanh'], [1.0, 2.0, 0.0])
    """

    name: str
    values: tuple[Any, ...]
    is_number: bool
    is_log: bool

    @property
    def labels(self) -> list[str]:
        """The different choices as texts, sorted; empty for numbers."""
        return [] if self.is_number else sorted({_label(value) for value in self.values})

    @property
    def positions(self) -> Points:
        """The places on an axis, shape (n,): (logarithms of) numbers, or numbers of choices.

        It is NaN where a trial does not have a number.
        """
        if self.is_number:
            numbers = np.array([np.nan if v is None else float(v) for v in self.values])
            return np.log10(numbers) if self.is_log else numbers
        places = {label: float(place) for place, label in enumerate(self.labels)}
        return np.array([places[_label(value)] for value in self.values])


def parameter_columns(trials: Sequence[TrialHistory]) -> list[ParameterColumn]:
    """Return the parameters that differ between trials, in the order of the configurations.

    A parameter whose values are all numbers is a number; otherwise its values are choices. Numbers
    are on a log scale if they are positive and span two orders of magnitude.

    Args:
        trials: The trials.

    Example:
        >>> trials = [
        ...     TrialHistory("a", {"lr": 1e-4, "net": {"act": "relu"}, "seed": 1}, ()),
        ...     TrialHistory("b", {"lr": 1e-1, "net": {"act": None}, "seed": 1}, ()),
        ... ]
        >>> [(c.name, c.is_number, c.is_log) for c in parameter_columns(trials)]
        [('lr', True, True), ('net/act', False, False)]
    """
    configs = [flat(trial.config) for trial in trials]
    columns = []
    for name in dict.fromkeys(name for config in configs for name in config):
        values = tuple(config.get(name) for config in configs)
        present = [value for value in values if value is not None]
        if len({_label(value) for value in values}) < 2:
            continue
        is_number = all(is_finite_number(value) for value in present)
        is_log = is_number and style.is_wide([float(value) for value in present])
        columns.append(ParameterColumn(name, values, is_number, is_log))
    return columns


def _label(value: Any) -> str:
    return style.number(value)
