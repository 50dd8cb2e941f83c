"""Objectives as a user types them: ``accuracy:max:0.9`` or ``params:min:1e5:exact``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.errors import UserError
from mobo_core.objectives import Goal, Objective, ObjectiveSet

FORM = "NAME:max|min:REFERENCE[:exact][:ideal=VALUE]"
GOALS: tuple[Literal["max"], Literal["min"]] = ("max", "min")
IDEAL = "ideal="


@dataclass(frozen=True)
class Wish:
    """One objective as it was typed.

    Args:
        name: The metric's name; it may contain colons.
        goal: The metric's direction.
        reference: The worst value that still counts; None if it was left out.
        exact: Whether the configuration determines the value.
        ideal: The best possible value; None if it was left out.
    """

    name: str
    goal: Goal
    reference: float | None
    exact: bool = False
    ideal: float | None = None


def parse(text: str) -> Wish:
    """Return an objective from its text.

    Raises:
        UserError: If the text does not have the form `FORM`.

    Example:
        >>> parse("params:min:1e5:exact")
        Wish(name='params', goal='min', reference=100000.0, exact=True, ideal=None)
        >>> parse("val:loss:min").name
        'val:loss'
    """
    parts = text.split(":")
    exact, ideal = False, None
    while len(parts) > 2 and (parts[-1] == "exact" or parts[-1].startswith(IDEAL)):
        last = parts.pop()
        if last == "exact":
            exact = True
        else:
            ideal = _number(last.removeprefix(IDEAL), text)
    reference = None if parts[-1] in GOALS else _number(parts.pop(), text)
    if len(parts) < 2 or not all(parts[:1]):
        raise _refused(text)
    for goal in GOALS:
        if parts[-1] == goal:
            return Wish(":".join(parts[:-1]), goal, reference, exact, ideal)
    raise _refused(text)


def objective_set(wishes: Sequence[Wish]) -> ObjectiveSet:
    """Return the objectives.

    Raises:
        UserError: If the library refuses one.
    """
    made = []
    try:
        for wish in wishes:
            assert wish.reference is not None, "a missing reference is refused before"
            made.append(
                Objective(wish.name, wish.goal, wish.reference, exact=wish.exact, ideal=wish.ideal)
            )
        return ObjectiveSet(made)
    except ValueError as error:
        raise UserError(str(error)) from error


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refused(whole) from None


def _refused(text: str) -> UserError:
    return UserError(
        f"bad --objective {text!r}: expected {FORM}, for example accuracy:max:0.9 or "
        "params:min:1e5:exact"
    )
