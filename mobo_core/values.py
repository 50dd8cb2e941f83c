"""Values of any kind to choose from: their position, their equality, and a stable text for each."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def stable_text(value: Any) -> str:
    """Return a text for a value that is the same in every process and on every machine.

    It is Python's ``repr`` where that is stable. A class or a function gives its full name, a NumPy
    value what Python's value of the same kind gives, and other objects lose their address.

    Args:
        value: Any object.

    Example:
        >>> stable_text([np.float64(0.5), dict, "a"])
        "[0.5, builtins.dict, 'a']"
        >>> stable_text(object())
        '<object object>'
    """
    if isinstance(value, np.ndarray):
        return f"array({stable_text(value.tolist())})"
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return stable_text(value.item())
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, functools.partial):
        given = [*map(stable_text, value.args)]
        given += [f"{name}={stable_text(v)}" for name, v in value.keywords.items()]
        return f"partial({', '.join([stable_text(value.func), *given])})"
    if hasattr(value, "__qualname__") and hasattr(value, "__module__"):
        return f"{value.__module__}.{value.__qualname__}"
    return _text_of_container(value) or ADDRESS.sub("", repr(value))


def _text_of_container(value: Any) -> str | None:
    if type(value) is dict:
        pairs = (f"{stable_text(k)}: {stable_text(v)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if type(value) is list:
        return f"[{', '.join(map(stable_text, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(stable_text, value))}{',' if len(value) == 1 else ''})"
    if type(value) in (set, frozenset) and value:
        return f"{{{', '.join(sorted(map(stable_text, value)))}}}"
    return None


def labels_of(values: Sequence[Any]) -> tuple[str, ...]:
    """Return one text per value, all different: strings as they are, others by `stable_text`.

    Args:
        values: Different values.

    Example:
        >>> labels_of(["a", 1, None])
        ('a', '1', 'None')
        >>> labels_of(["1", 1])
        ("'1'", '1')
    """
    texts = [value if isinstance(value, str) else stable_text(value) for value in values]
    if len(set(texts)) < len(texts):
        texts = [stable_text(value) for value in values]
    seen: dict[str, int] = {}
    labels = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        labels.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return tuple(labels)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are one object, equal and of one type, or both NaN.

    Args:
        one: Any object.
        other: Any object.

    Example:
        >>> same(1, 1), same(1, True), same(float("nan"), float("nan"))
        (True, False, True)
    """
    return one is other or (type(one) is type(other) and equal(one, other))


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal, element by element; NaN equals NaN here.

    Args:
        one: Any object.
        other: Any object.

    Example:
        >>> equal([1, {"a": 2.0}], [1, {"a": 2}]), equal([1], (1,)), equal("1", 1)
        (True, True, False)
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return len(one) == len(other) and all(
            key in other and equal(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    try:
        if np.ndim(one) or np.ndim(other):
            return bool(np.array_equal(one, other))
        return bool(one == other) or bool(one != one and other != other)  # NaN
    except (TypeError, ValueError):
        return False


def position(value: Any, values: Sequence[Any]) -> int | None:
    """Return the position of a value: the same one if there is one, otherwise an equal one.

    Args:
        value: The value to look for.
        values: The values to look through.

    Returns:
        The position, or None if there is no equal value.

    Example:
        >>> position(1, [True, 1]), position(2.0, [1, 2]), position("2", [1, 2])
        (1, 1, None)
    """
    for agrees in (_identical, same, equal):
        for number, other in enumerate(values):
            if agrees(value, other):
                return number
    return None


def _identical(one: Any, other: Any) -> bool:
    return one is other


def repeated(values: Sequence[Any]) -> bool:
    """Return whether a value occurs twice.

    Args:
        values: Any objects.

    Example:
        >>> repeated([1, 2, 1]), repeated([1, True, 1.0])
        (True, False)
    """
    groups: dict[str, list[Any]] = {}
    for value in values:
        group = groups.setdefault(repr(value), [])
        if any(same(value, other) for other in group):
            return True
        group.append(value)
    return False
