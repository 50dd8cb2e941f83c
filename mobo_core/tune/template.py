"""The form of a configuration: its containers and constants, and the places of its parameters.

A template is a tree. A `Leaf` stands where a parameter's value comes, a `Container` is a dict, list
or tuple with something to fill in, `Computed` is a value that Tune computes from the others. All
else is a constant. The branches of a choice are templates, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.search.sample import Categorical, Domain, Function

from mobo_core.space import ChoiceParameter, Condition, Parameter
from mobo_core.tune.domains import grid_error, hides_domain, to_parameter
from mobo_core.tune.placeholders import is_placeholder
from mobo_core.values import stable_text

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Branch:
    """A value of a choice that brings parameters of its own.

    Args:
        number: The value's position in the choice.
        text: What the value looks like; its own parameters are shown as ``…``.
    """

    number: int
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Leaf:
    """The place of a parameter.

    Args:
        parameter: The parameter.
        branches: For a choice whose values hold parameters: the template of each value.
    """

    parameter: Parameter
    branches: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Computed:
    """A value that Tune computes from the rest of the configuration.

    Args:
        rule: What ``tune.sample_from`` returned.
    """

    rule: Function


@dataclass(frozen=True)
class Container:
    """A dict, list or tuple with something to fill in.

    Args:
        original: The container, with its constants.
        children: Key or position → the template of what is filled in there.
    """

    original: dict[Any, Any] | list[Any] | tuple[Any, ...]
    children: dict[Any, Any]


def name_of(path: Path) -> str:
    """Return a parameter's flat name: the keys and positions on the way to it."""
    return "/".join(map(str, path))


def to_template(value: Any, path: Path = (), condition: Condition | None = None) -> Any:
    """Return the template of a part of a Tune `param_space`.

    Args:
        value: The part.
        path: The keys and positions that lead to it.
        condition: When the part exists.

    Raises:
        ValueError: If a searcher cannot sample a domain, or Tune could not run a configuration.
    """
    if isinstance(value, Function):
        return Computed(value)
    if isinstance(value, Domain):
        return _to_leaf(value, path, condition)
    if isinstance(value, dict | list | tuple):
        if isinstance(value, dict):
            _check_dict(value, path)
        children = {
            key: child
            for key, part in _items(value)
            if is_open(child := to_template(part, (*path, key), condition))
        }
        return Container(value, children) if children else value
    if hides_domain(value):
        raise ValueError(
            f"parameter {name_of(path)!r} is a {type(value).__name__} that contains a domain, and "
            "Tune looks for domains in dicts, lists and tuples only; use one of these"
        )
    return value


def _to_leaf(domain: Domain, path: Path, condition: Condition | None) -> Leaf:
    name = name_of(path)
    if not isinstance(domain, Categorical):
        return Leaf(to_parameter(name, domain, condition))
    branches = tuple(
        to_template(value, (*path, number), Condition(name, (number,)))
        for number, value in enumerate(domain.categories)
    )
    choices = [
        Branch(number, _text(branch)) if is_open(branch) else value
        for number, (branch, value) in enumerate(zip(branches, domain.categories, strict=True))
    ]
    if len(path) == 1 and any(isinstance(value, dict) for value in domain.categories):
        _check_first_key(path[0])
    parameter = to_parameter(name, domain, condition, choices)
    return Leaf(parameter, branches if any(map(is_open, branches)) else ())


def _check_dict(value: dict[Any, Any], path: Path) -> None:
    """Refuse a dict that Tune could not handle, rather than let it end the experiment.

    Raises:
        ValueError: If it is a grid_search or has keys that Tune cannot sort or join.
    """
    if len(value) == 1 and "grid_search" in value:
        raise grid_error(name_of(path))
    try:
        sorted(value)
    except TypeError:
        place = f"parameter {name_of(path)!r}" if path else "param_space"
        raise ValueError(
            f"the keys of {place} must be all text or all whole numbers, because Tune sorts them; "
            f"got {list(value)}"
        ) from None
    if len(path) == 1:
        _check_first_key(path[0])


def _check_first_key(key: Any) -> None:
    if not isinstance(key, str):
        raise ValueError(
            f"key {key!r} of param_space holds a dict and must be text, because Tune joins it with "
            f"the keys below; use {str(key)!r}"
        )


def is_open(node: Any) -> bool:
    """Return whether a template is more than a constant."""
    return isinstance(node, Leaf | Container | Computed)


def _items(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    return iter(value.items() if isinstance(value, dict) else enumerate(value))


class _Gap:
    def __repr__(self) -> str:
        return "…"


def _text(node: Any) -> str:
    """Return a text of a template, the same in every process."""
    return stable_text(build(node, None))


def leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield the parameters of a template with their paths, parents before children."""
    if isinstance(node, Container):
        for key, child in node.children.items():
            yield from leaves(child, (*path, key))
    if isinstance(node, Leaf):
        yield path, node
        for number, branch in enumerate(node.branches):
            yield from leaves(branch, (*path, number))


def possible(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value that a trial can have, with the keys and positions that lead to it."""
    if isinstance(node, Leaf):
        if not isinstance(node.parameter, ChoiceParameter):
            yield path, node.parameter.lower
        for branch in node.branches or getattr(node.parameter, "values", ()):
            yield from possible(branch, path)
        return
    value = node.original if isinstance(node, Container) else node
    yield path, value
    if isinstance(value, dict | list | tuple) and not is_placeholder(value):
        children = node.children if isinstance(node, Container) else {}
        for key, part in _items(value):
            yield from possible(children.get(key, part), (*path, key))


def has_computed(node: Any) -> bool:
    """Return whether a template has a value that is computed from the others."""
    if isinstance(node, Leaf):
        return any(map(has_computed, node.branches))
    if isinstance(node, Container):
        return any(map(has_computed, node.children.values()))
    return isinstance(node, Computed)


ABSENT = _Gap()
"""What `build` returns for a parameter that does not exist."""


def build(node: Any, values: Mapping[str, Any] | None) -> Any:
    """Return a template filled with values; computed parts stay as they are.

    Args:
        node: The template.
        values: Flat name → value of each parameter that exists; None shows gaps instead.
    """
    if isinstance(node, Computed):
        return _Gap() if values is None else node.rule
    if isinstance(node, Leaf):
        if values is None:
            return _Gap()
        value = values.get(node.parameter.name, ABSENT)
        if value is ABSENT or not node.branches:
            return value
        assert isinstance(node.parameter, ChoiceParameter)
        return build(node.branches[node.parameter.index(value)], values)
    if not isinstance(node, Container):
        return node
    filled = {key: build(child, values) for key, child in node.children.items()}
    return _with_items(node.original, filled)


def _with_items(original: Any, filled: Mapping[Any, Any]) -> Any:
    """Return a copy of a container, of its type, with other values in some places."""
    if isinstance(original, tuple):
        items = [filled.get(number, value) for number, value in enumerate(original)]
        return original._make(items) if hasattr(original, "_make") else type(original)(items)
    copied = copy.copy(original)
    for key, value in filled.items():
        if value is ABSENT:
            del copied[key]
        else:
            copied[key] = value
    return copied


def without_constants(node: Any, config: dict[Any, Any]) -> dict[Any, Any]:
    """Return a built configuration without what its template's dicts have as constants.

    Tune adds these itself. Lists, tuples and the values of choices stay complete.
    """
    return {
        key: without_constants(child, config[key])
        if isinstance(child, Container) and isinstance(child.original, dict)
        else config[key]
        for key, child in node.children.items()
        if key in config
    }
