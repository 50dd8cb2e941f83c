"""Conditions on metrics that a trial must meet, such as ``"latency <= 20"``.

They are written like Ax's outcome constraints, but each is on one metric and a number: there are no
sums, and no bounds relative to a baseline.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mobo_core.objectives import as_number, is_finite_number
from mobo_core.results.history import Report

FORM = re.compile(r"\s*(?P<metric>\S(?:.*?\S)?)\s*(?P<sense><=|>=)\s*(?P<bound>\S+)\s*")

OPERATOR = re.compile(r"[<>=*]|\s[+-]\s")
"""What makes a formula: a second comparison, a product, or a sum or difference with spaces."""


@dataclass(frozen=True)
class Constraint:
    """A metric and the bound that it must keep.

    Args:
        metric: The metric's name.
        sense: ``"<="`` or ``">="``.
        bound: The bound.

    Example:
        >>> Constraint("latency", "<=", 20.0).holds(18.5)
        True
    """

    metric: str
    sense: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sense} {self.bound:g}"

    def holds(self, value: float) -> bool:
        """Return whether a value keeps the bound.

        Args:
            value: A finite value of the metric.
        """
        return value <= self.bound if self.sense == "<=" else value >= self.bound


def as_constraints(constraints: str | Iterable[str]) -> tuple[Constraint, ...]:
    """Return constraints that are written as text.

    Args:
        constraints: Texts such as ``"latency <= 20"`` or ``"val/recall >= 0.8"``.

    Raises:
        ValueError: If a text has another form; sums of metrics are refused.

    Example:
        >>> [str(constraint) for constraint in as_constraints(["latency <= 20", "recall>=0.8"])]
        ['latency <= 20', 'recall >= 0.8']
        >>> as_constraints("latency < 20")
        Traceback (most recent call last):
            ...
        ValueError: a constraint must have the form 'metric <= number' or 'metric >= number', with \
one metric, got 'latency < 20'
    """
    texts = [constraints] if isinstance(constraints, str) else list(constraints)
    return tuple(_parsed(text) for text in texts)


def _parsed(text: Any) -> Constraint:
    found = FORM.fullmatch(text) if isinstance(text, str) else None
    try:
        bound = float(found["bound"]) if found else None
    except ValueError:
        bound = None
    if found is None or not is_finite_number(bound) or OPERATOR.search(found["metric"]):
        raise ValueError(
            "a constraint must have the form 'metric <= number' or 'metric >= number', with one "
            f"metric, got {text!r}"
        )
    assert bound is not None
    return Constraint(found["metric"], "<=" if found["sense"] == "<=" else ">=", bound)


def violation(
    constraints: Iterable[Constraint], report: Report, reports: Iterable[Report]
) -> str | None:
    """Return why a report is not feasible, or None if it is.

    Args:
        constraints: The constraints; all of them must hold.
        report: The report. A metric that it does not hold is taken from the trial's last report
            that holds it.
        reports: All reports of the trial, the oldest first.

    Example:
        >>> report = {"loss": 1.0, "latency": 25.0}
        >>> violation(as_constraints("latency <= 20"), report, [report])
        'latency <= 20 does not hold, latency is 25'
    """
    for constraint in constraints:
        name = constraint.metric
        found = next(
            (r[name] for r in (report, *reversed(list(reports))) if r.get(name) is not None), None
        )
        try:
            value = as_number(found)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            return f"{constraint} cannot be checked, {name} is {found!r}"
        if not constraint.holds(value):
            return f"{constraint} does not hold, {name} is {value:g}"
    return None
