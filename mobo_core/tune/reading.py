"""Configurations that somebody gave, read against the template of a search space."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from mobo_core.space import ChoiceParameter, Parameter
from mobo_core.tune.placeholders import REMEDY, holds_placeholder, is_placeholder
from mobo_core.tune.template import ABSENT, Branch, Computed, Container, Leaf, Path, name_of
from mobo_core.values import equal


class OtherSearchError(ValueError):
    """A configuration could not come from this search, although its parameters' values could."""


def read(node: Any, given: Any, path: Path = ()) -> dict[str, Any]:
    """Return the parameters' values in a configuration, which need not have all of them.

    Args:
        node: The template.
        given: The configuration, or the part that belongs to the template.
        path: The keys and positions that lead there.

    Raises:
        OtherSearchError: If a constant of the configuration is another one.
        ValueError: If the configuration does not fit the template.
    """
    if isinstance(node, Leaf):
        return _read_leaf(node, given, path)
    if isinstance(node, Computed) or is_placeholder(node):
        return {}
    original = node.original if isinstance(node, Container) else node
    children: Mapping[Hashable, Any] = node.children if isinstance(node, Container) else {}
    if isinstance(original, dict) and isinstance(given, Mapping):
        found: dict[str, Any] = {}
        for given_key, part in given.items():
            key = _own_key(original, given_key)
            if key not in original:
                names = ", ".join(map(repr, original)) or "none"
                raise ValueError(f"unknown parameter {name_of((*path, key))!r}; there are: {names}")
            found |= read(children.get(key, original[key]), part, (*path, key))
        return found
    if isinstance(node, Container):
        return _read_sequence(node, given, path)
    if not equal(node, given):
        raise OtherSearchError(f"constant {name_of(path)!r} is {node!r}, got {given!r}")
    return {}


def _read_sequence(node: Container, given: Any, path: Path) -> dict[str, Any]:
    size = len(node.original)
    if isinstance(node.original, dict) or not isinstance(given, Sequence) or len(given) != size:
        kind = type(node.original).__name__
        raise ValueError(f"parameter {name_of(path)!r} needs a {kind} of {size}, got {given!r}")
    found: dict[str, Any] = {}
    for number, part in enumerate(given):
        child = node.children.get(number, node.original[number])
        found |= read(child, part, (*path, number))
    return found


def _read_leaf(leaf: Leaf, given: Any, path: Path) -> dict[str, Any]:
    parameter = leaf.parameter
    if not leaf.branches or isinstance(given, Branch):
        return {parameter.name: _checked(parameter, given)}
    assert isinstance(parameter, ChoiceParameter)
    fits, reasons = [], []
    for number, branch in enumerate(leaf.branches):
        try:
            fits.append((number, read(branch, given, (*path, number))))
        except ValueError as error:
            reasons.append(f"value {number}: {error}")
    if not fits and isinstance(given, str) and given in parameter.labels:
        return {parameter.name: parameter.checked(given)}
    if not fits:
        raise ValueError(f"parameter {parameter.name!r} fits none: {'; '.join(reasons)}")
    full = [found for found in fits if _is_complete(leaf.branches[found[0]], found[1])]
    if len(fits) > 1 and not full:
        numbers = ", ".join(str(number) for number, _ in fits)
        raise ValueError(
            f"parameter {parameter.name!r} fits its values {numbers}; give enough of it to tell "
            f"them apart, got {given!r}"
        )
    number, found = (full or fits)[0]
    return {parameter.name: parameter.at(number), **found}


def _checked(parameter: Parameter, given: Any) -> Any:
    try:
        return parameter.checked(given)
    except ValueError as error:
        values = parameter.values if isinstance(parameter, ChoiceParameter) else ()
        if holds_placeholder(values):
            raise ValueError(
                f"{error}; Tune shows classes and other objects in param_space as placeholders: "
                f"{REMEDY}"
            ) from error
        raise


def known(node: Container, given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a configuration without the keys that the dicts of its template do not have."""
    kept: dict[Any, Any] = {}
    for given_key, part in given.items():
        key = _own_key(node.original, given_key)
        child = node.children.get(key)
        if isinstance(child, Container) and isinstance(child.original, dict):
            kept[key] = known(child, part) if isinstance(part, Mapping) else part
        elif key in node.original:
            kept[key] = part
    return kept


def _own_key(original: Any, key: Any) -> Any:
    """Return a dict's key that files write as another: JSON has only text."""
    if key in original:
        return key
    return next((own for own in original if str(own) == str(key)), key)


def _is_complete(node: Any, found: Mapping[str, Any]) -> bool:
    """Return whether values for all parameters of a branch were given."""
    if isinstance(node, Leaf):
        if (value := found.get(node.parameter.name, ABSENT)) is ABSENT:
            return False
        if not node.branches:
            return True
        assert isinstance(node.parameter, ChoiceParameter)
        return _is_complete(node.branches[node.parameter.index(value)], found)
    children = node.children.values() if isinstance(node, Container) else ()
    return all(_is_complete(child, found) for child in children)
