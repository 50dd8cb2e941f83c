"""The conversion between Ray Tune's domains and nested configurations and our search spaces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ray._private.dict import flatten_dict, unflatten_dict
from ray.tune.search.sample import Categorical, Domain, Float, Integer, Quantized
from ray.tune.search.sample import LogUniform as LogUniformSampler
from ray.tune.search.sample import Uniform as UniformSampler

from mobo_core.space import ChoiceParameter, Parameter, RangeParameter, SearchSpace

SUPPORTED = (
    "choice, mobo_core.tune.ordered_choice, uniform, quniform, loguniform, qloguniform, "
    "randint, qrandint, lograndint, qlograndint"
)


class OrderedCategorical(Categorical):
    """A Tune choice whose values have an order; `ordered_choice` makes one."""


def ordered_choice(values: Sequence[float | str]) -> OrderedCategorical:
    """Return a Tune domain of listed values whose order a surrogate model may use.

    With an order Ax models one dimension instead of one for each value. `ray.tune.choice` has no
    order.

    Args:
        values: Numbers in ascending order, or strings in the intended order.

    Raises:
        ValueError: If fewer than two values are given or numbers do not ascend.

    Example:
        >>> from mobo_core.tune import SobolSearcher, ordered_choice
        >>> space = {"width": ordered_choice([16, 32, 64, 128])}
        >>> SobolSearcher(space, seed=1).suggest("trial-1")
        {'width': 32}
    """
    listed = list(values)
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in listed)
    if numeric and any(a >= b for a, b in pairwise(listed)):  # type: ignore[operator]
        raise ValueError(f"ordered_choice needs ascending numbers, got {listed}")
    if len(listed) < 2:
        raise ValueError(f"ordered_choice needs at least two values, got {listed}")
    domain: OrderedCategorical = OrderedCategorical(listed).uniform()
    return domain


def from_tune(param_space: Mapping[str, Any]) -> SearchSpace:
    """Return the searchable part of a Tune `param_space`, without its constants.

    Args:
        param_space: A space for `tune.Tuner`, which may be nested.

    Raises:
        ValueError: If the kind of a domain cannot be searched (grid_search, sample_from, randn), or
            there is no domain. The message names the domain.
    """
    parameters = []
    for name, value in flatten_dict(dict(param_space), prevent_delimiter=True).items():
        if name.split("/")[-1] == "grid_search":
            raise ValueError(
                f"parameter {name.rpartition('/')[0]!r} is a grid_search, which a searcher cannot "
                f"sample; use one of {SUPPORTED}"
            )
        if isinstance(value, Domain):
            parameters.append(_parameter_from_domain(name, value))
    if not parameters:
        raise ValueError(f"nothing to search: param_space has no domain; use one of {SUPPORTED}")
    return SearchSpace(tuple(parameters))


def as_space(space: Mapping[str, Any] | SearchSpace) -> SearchSpace:
    """Return a `SearchSpace` unchanged, or a Tune `param_space` converted."""
    return space if isinstance(space, SearchSpace) else from_tune(space)


def has_domain(param_space: Mapping[str, Any]) -> bool:
    """Return whether a `param_space` has a domain to search."""
    flat = flatten_dict(dict(param_space), prevent_delimiter=True)
    return any(isinstance(value, Domain) for value in flat.values())


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat configuration with ``/``-joined names as the nested one that Tune expects."""
    config: dict[str, Any] = unflatten_dict(dict(flat))
    return config


def _parameter_from_domain(name: str, domain: Domain) -> Parameter:
    if isinstance(domain, Categorical):
        return ChoiceParameter(
            name, tuple(domain.categories), isinstance(domain, OrderedCategorical)
        )
    numeric = domain if isinstance(domain, Float | Integer) else None
    sampler = numeric.get_sampler() if numeric else None
    step = None
    if isinstance(sampler, Quantized):
        step, sampler = sampler.q, sampler.get_sampler()
    if numeric is None or not isinstance(sampler, UniformSampler | LogUniformSampler):
        raise ValueError(
            f"parameter {name!r} ({type(domain).__name__} with {type(sampler).__name__} sampling) "
            f"cannot be searched; use one of {SUPPORTED}"
        )
    integer = isinstance(numeric, Integer)
    lower, upper = numeric.lower, numeric.upper
    # Ray excludes the upper bound of whole numbers, except with a quantum above 1.
    if integer and step in (None, 1):
        upper, step = upper - 1, None
    if step is not None:
        lower = math.ceil(lower / step - 1e-9) * step
        upper = math.floor(upper / step + 1e-9) * step
    if lower == upper:
        return ChoiceParameter(name, (lower,))
    return RangeParameter(name, lower, upper, integer, isinstance(sampler, LogUniformSampler), step)
