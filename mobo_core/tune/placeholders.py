"""Tune's placeholders: what stands in a `param_space` for an object when a searcher sees it.

The Tuner replaces every value that is no number, text, bool or None, such as a class, a function or
a ``sample_from``, before it gives the space to the searcher. Tune puts the object back in each
trial. A space that is given to the searcher itself keeps its objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ray.tune.impl.placeholder import create_resolvers_map, inject_placeholders
from ray.tune.search.sample import Function

TOKENS = frozenset(
    token
    for token, _ in inject_placeholders([object(), Function(lambda: 0)], create_resolvers_map())
)
"""The first parts of placeholders, which are pairs: of an object, and of a ``sample_from``."""

REMEDY = "pass the space to the searcher itself, for example SobolSearcher(space)"


def is_placeholder(value: object) -> bool:
    """Return whether a value is a placeholder of Tune."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[0] in TOKENS
    )


def holds_placeholder(value: object) -> bool:
    """Return whether there is a placeholder in a value, inside its dicts, lists and tuples."""
    if isinstance(value, dict):
        return any(map(holds_placeholder, value.values()))
    if isinstance(value, list | tuple):
        return is_placeholder(value) or any(map(holds_placeholder, value))
    return False


def check_mixture(found: Iterator[tuple[tuple[Any, ...], Any]]) -> None:
    """Refuse a space in which a trial could have a placeholder or an unsuitable value at a place.

    Tune reads the second item of whatever a trial has where it expects a placeholder, which ends
    the experiment if there is a number or a dict.

    Args:
        found: All values that trials can have, each with its path.

    Raises:
        ValueError: If there is such a place.
    """
    at: dict[tuple[Any, ...], list[Any]] = {}
    for path, value in found:
        at.setdefault(path, []).append(value)
    for path, values in at.items():
        if not any(map(is_placeholder, values)):
            continue
        for value in values:
            if not _is_safe(value):
                raise ValueError(
                    f"parameter {'/'.join(map(str, path))!r} can be {value!r} or an object such as "
                    f"a class or function, and Tune fails on this mixture in param_space; {REMEDY}"
                )


def _is_safe(value: Any) -> bool:
    """Return whether Tune can read the second item of a value, or does not try to."""
    try:
        if value:
            value[1]
    except (TypeError, KeyError, IndexError, ValueError):
        return False
    return True
