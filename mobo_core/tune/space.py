"""The conversion between Ray Tune's domains and nested configurations and our search spaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from ray.tune.search.sample import Domain, Function
from ray.tune.search.variant_generator import assign_value

from mobo_core.objectives import is_finite_number
from mobo_core.space import SearchSpace
from mobo_core.tune.domains import SUPPORTED, OrderedCategorical
from mobo_core.tune.placeholders import check_mixture
from mobo_core.tune.reading import known, read
from mobo_core.tune.template import (
    Container,
    Leaf,
    Path,
    build,
    has_computed,
    leaves,
    name_of,
    possible,
    to_template,
    without_constants,
)


def ordered_choice(values: Sequence[float | str]) -> OrderedCategorical:
    """Return a Tune domain of listed values whose order a surrogate model may use.

    With an order Ax models one dimension instead of one for each value. `ray.tune.choice` has no
    order.

    Args:
        values: Numbers in ascending order, or strings in the intended order.

    Raises:
        ValueError: If fewer than two values are given, numbers do not ascend, or a value is a
            domain.

    Example:
        >>> from mobo_core.tune import SobolSearcher, ordered_choice
        >>> space = {"width": ordered_choice([16, 32, 64, 128])}
        >>> SobolSearcher(space, seed=1).suggest("trial-1")
        {'width': 32}
    """
    listed = list(values)
    if any(isinstance(value, Domain) for value in listed):
        raise ValueError(f"ordered_choice needs numbers or strings, not domains, got {listed}")
    numeric = all(map(is_number, listed))
    if numeric and not all(a < b for a, b in pairwise(listed)):  # type: ignore[operator]
        raise ValueError(f"ordered_choice needs ascending numbers, got {listed}")
    if len(listed) < 2:
        raise ValueError(f"ordered_choice needs at least two values, got {listed}")
    domain: OrderedCategorical = OrderedCategorical(listed).uniform()
    return domain


@dataclass(frozen=True)
class TuneSpace:
    """A search space together with the form of the configurations that Tune gets.

    `tune_space` makes one.

    Args:
        space: The parameters. A name joins the keys and list positions that lead to a parameter by
            ``/``. Inside a value of a choice the value's position is on the way, too.
        template: The form of a configuration; see `mobo_core.tune.template`.
        constants: Whether `configuration` returns the template's constants. Those in lists, in
            tuples and in values of choices are always returned.

    Example:
        >>> from ray import tune
        >>> sgd, adam = {"kind": "sgd", "momentum": tune.uniform(0, 1)}, {"kind": "adam"}
        >>> space = tune_space({"opt": tune.choice([sgd, adam]), "w": [4, tune.randint(4, 32)]})
        >>> space.space.names
        ('opt', 'w/1', 'opt/0/momentum')
        >>> values = space.space.from_unit([0.2, 0.5, 0.9])
        >>> space.configuration(values)
        {'opt': {'kind': 'sgd', 'momentum': 0.9}, 'w': [4, 18]}
        >>> space.values({"opt": {"kind": "adam"}})
        {'opt': {'kind': 'adam'}}
    """

    space: SearchSpace
    template: Container
    constants: bool

    def configuration(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the nested configuration that the trainable gets.

        Lists, tuples and dicts keep their types. Values of ``tune.sample_from`` are computed.

        Args:
            values: Flat name → value; values of parameters that do not exist do no harm.

        Raises:
            ValueError: If a function of ``tune.sample_from`` fails.
        """
        existing = {p.name: values[p.name] for p in self.space.active(values)}
        config: dict[str, Any] = build(self.template, existing)
        if self._is_computed:
            config = _computed(config)
        return config if self.constants else without_constants(self.template, config)

    def values(
        self, config: Mapping[str, Any], *, complete: bool = False, ignore_unknown: bool = False
    ) -> dict[str, Any]:
        """Return the flat values of a configuration that somebody gave.

        Args:
            config: A nested configuration, or flat names, or both; it may lack parameters.
            complete: Whether it must have every parameter that exists in it.
            ignore_unknown: Whether names that the space does not have are left out.

        Raises:
            ValueError: If a name is unknown, a value does not belong to its parameter, or one is
                missing. The message names the parameter.
        """
        found: dict[str, Any] = {}
        nested: dict[Any, Any] = {}
        for name, given in config.items():
            if name not in self.template.original and name in self.space.names:
                path, leaf = self._places[name]
                found |= read(leaf, given, path)
            else:
                _put(nested, self.template.original, name, given)
        found |= read(self.template, known(self.template, nested) if ignore_unknown else nested)
        self._add_parents(found)
        existing = self.space.active(found)
        for name in found.keys() - {p.name for p in existing}:
            raise ValueError(
                f"parameter {name!r} does not exist in this configuration: "
                f"{self.space[name].condition} is not met, got {dict(config)}"
            )
        missing = [p.name for p in existing if p.name not in found]
        if complete and missing:
            raise ValueError(f"parameter {missing[0]!r} is missing in {dict(config)}")
        return {p.name: found[p.name] for p in existing if p.name in found}

    @cached_property
    def _is_computed(self) -> bool:
        return has_computed(self.template)

    @cached_property
    def _places(self) -> dict[str, tuple[tuple[Any, ...], Leaf]]:
        return {leaf.parameter.name: (path, leaf) for path, leaf in leaves(self.template)}

    def _add_parents(self, found: dict[str, Any]) -> None:
        """Add the choices that the given parameters imply."""
        for parameter in reversed(self.space.parameters):
            condition = parameter.condition
            if condition and parameter.name in found and len(condition.branches) == 1:
                parent = self.space[condition.parent]
                found.setdefault(condition.parent, parent.at(condition.branches[0]))


def tune_space(space: Mapping[str, Any] | SearchSpace, *, constants: bool = True) -> TuneSpace:
    """Return a search space with the form of its configurations.

    Args:
        space: A Tune `param_space`, which may be nested and hold lists, tuples and conditional
            choices, or a `SearchSpace`, whose names are split at ``/``.
        constants: Whether configurations contain the constants of the `param_space`. Pass False for
            the Tuner's own, whose constants Tune adds.

    Raises:
        ValueError: If the kind of a domain cannot be searched (grid_search, randn), or there is no
            domain. The message names the domain.
    """
    if isinstance(space, SearchSpace):
        return TuneSpace(space, _template_of(space), constants)
    if not isinstance(space, Mapping):
        raise ValueError(
            "a search space must be a dict as for Tune's param_space, or a SearchSpace, got "
            f"{space!r}"
        )
    template = to_template(dict(space))
    check_mixture(possible(template))
    # Shallow parameters come first: the order fixes which coordinate of a point each one gets.
    found = sorted(leaves(template), key=lambda place: len(place[0]))
    if not found:
        raise ValueError(f"nothing to search: param_space has no domain; use one of {SUPPORTED}")
    return TuneSpace(SearchSpace(tuple(leaf.parameter for _, leaf in found)), template, constants)


def has_domain(param_space: Any) -> bool:
    """Return whether a `param_space` has a domain to search."""
    if isinstance(param_space, Mapping):
        return any(map(has_domain, param_space.values()))
    if isinstance(param_space, list | tuple):
        return any(map(has_domain, param_space))
    return isinstance(param_space, Domain)


def is_number(value: object) -> bool:
    """Return whether a value is a number, finite or not; a bool is none."""
    return is_finite_number(value) or isinstance(value, float)


def _template_of(space: SearchSpace) -> Container:
    """Return the nested dicts that a flat space's names describe."""
    root = Container({}, {})
    for parameter in space.parameters:
        *folders, last = parameter.name.split("/")
        place = root
        for key in folders:
            place = place.children.setdefault(key, Container({}, {}))
            if not isinstance(place, Container):
                raise ValueError(f"parameter {parameter.name!r} lies in another parameter {key!r}")
        if last in place.children:
            raise ValueError(f"another parameter lies in parameter {parameter.name!r}")
        place.children[last] = Leaf(parameter)
    return _completed(root)


def _completed(place: Container) -> Container:
    """Return a container of dicts whose originals have the keys of the children."""
    children = {
        key: _completed(child) if isinstance(child, Container) else child
        for key, child in place.children.items()
    }
    return Container(dict.fromkeys(children), children)


def _put(nested: dict[Any, Any], original: Any, name: Any, value: Any) -> None:
    """Put a value into a nested configuration, at a name that may join keys by ``/``."""
    if not isinstance(name, str) or name in original or "/" not in name:
        nested[name] = value
        return
    first, _, rest = name.partition("/")
    folder = nested.setdefault(first, {})
    if not isinstance(folder, dict):
        raise ValueError(f"unknown parameter {name!r}: {first!r} has a value itself")
    below = original.get(first) if isinstance(original, Mapping) else None
    _put(folder, below if isinstance(below, Mapping) else {}, rest, value)


def _computed(config: dict[str, Any]) -> dict[str, Any]:
    """Return a built configuration with its ``sample_from`` values; one may use another.

    Raises:
        ValueError: If a function fails, or several need each other.
    """
    waiting = dict(_functions(config, ()))
    while waiting:
        problems: dict[Path, Exception] = {}
        for path, rule in waiting.items():
            try:
                assign_value(config, path, rule.sample(config=config))
            except Exception as error:  # a user's function may raise anything
                problems[path] = error
        if len(problems) == len(waiting):
            path, cause = next(iter(problems.items()))
            raise ValueError(
                f"the sample_from of parameter {name_of(path)!r} failed: {type(cause).__name__}: "
                f"{cause}; it gets the configuration with the values of the other parameters"
            ) from cause
        waiting = {path: rule for path, rule in waiting.items() if path in problems}
    return config


def _functions(part: Any, path: Path) -> Iterator[tuple[Path, Function]]:
    """Yield what Tune has to compute in a built configuration, with the keys that lead there."""
    if isinstance(part, Function):
        yield path, part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _functions(value, (*path, key))
    elif isinstance(part, list | tuple):
        for number, value in enumerate(part):
            yield from _functions(value, (*path, number))
