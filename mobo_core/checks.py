"""Checks of the numbers that users pass, in one place so that all parts refuse the same values.

Numbers of NumPy are accepted and become Python's. Text, bools, NaN and ±inf are refused.
"""

from __future__ import annotations

import math

import numpy as np

from mobo_core.objectives import is_finite_number


def checked_number(
    name: str,
    value: object,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
) -> float:
    """Return a finite number as Python's int or float.

    Args:
        name: The name of the argument, for the message.
        value: The number.
        at_least: The smallest number that is accepted.
        above: A number that is itself refused, as is everything below it.
        at_most: The largest number that is accepted.

    Raises:
        ValueError: If it is not a finite number, or out of range.

    Example:
        >>> checked_number("max_t", np.float32(2.5), at_least=1)
        2.5
        >>> checked_number("max_t", "8", at_least=1)
        Traceback (most recent call last):
            ...
        ValueError: max_t must be a finite number, got '8'
    """
    if not is_finite_number(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    number: float = value.item() if isinstance(value, np.number) else value  # type: ignore[assignment]
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value!r}")
    if number <= above:
        raise ValueError(f"{name} must be greater than {above}, got {value!r}")
    if number > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value!r}")
    return number


def checked_count(name: str, value: object, *, at_least: int) -> int:
    """Return a whole number as an int; 4.0 counts as 4.

    Args:
        name: The name of the argument, for the message.
        value: The number.
        at_least: The smallest number that is accepted.

    Raises:
        ValueError: If it is not a whole number, or too small.

    Example:
        >>> checked_count("slots", np.int64(4), at_least=1)
        4
        >>> checked_count("slots", True, at_least=1)
        Traceback (most recent call last):
            ...
        ValueError: slots must be a whole number, got True
    """
    if not is_finite_number(value) or value != int(value):  # type: ignore[call-overload]
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    return int(checked_number(name, value, at_least=at_least))
