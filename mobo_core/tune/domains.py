"""The conversion of one domain of Ray Tune into a parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from typing import Any

from ray.tune.search.sample import Categorical, Domain, Float, Integer, Quantized
from ray.tune.search.sample import LogUniform as LogUniformSampler
from ray.tune.search.sample import Uniform as UniformSampler

from mobo_core.space import ChoiceParameter, Condition, Parameter, RangeParameter

SUPPORTED = (
    "choice, mobo_core.tune.ordered_choice, uniform, quniform, loguniform, qloguniform, "
    "randint, qrandint, lograndint, qlograndint"
)


class OrderedCategorical(Categorical):
    """A Tune choice whose values have an order; `mobo_core.tune.ordered_choice` makes one."""


def hides_domain(value: object) -> bool:
    """Return whether a constant contains a domain where Tune does not look for one.

    Tune looks into dicts, lists and tuples only. In a set, in another kind of mapping or in a
    dataclass a domain would reach the trainable as it is.
    """
    if isinstance(value, Domain):
        return True
    if isinstance(value, Mapping):
        return any(map(hides_domain, value.values()))
    if is_dataclass(value) and not isinstance(value, type):
        return any(hides_domain(getattr(value, field.name, None)) for field in fields(value))
    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | range):
        return any(map(hides_domain, value))
    return False


def to_parameter(
    name: str, domain: Domain, condition: Condition | None, choices: Sequence[Any] = ()
) -> Parameter:
    """Return the parameter that a domain describes.

    Args:
        name: The parameter's flat name.
        domain: A domain of Tune.
        condition: When the parameter exists.
        choices: The values of a choice, in the place of the domain's own.

    Raises:
        ValueError: If a searcher cannot sample the domain.
    """
    if isinstance(domain, Categorical):
        if domain.is_grid():
            raise grid_error(name)
        ordered = isinstance(domain, OrderedCategorical)
        return ChoiceParameter(name, tuple(choices), ordered, condition)
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
        return ChoiceParameter(name, (lower,), condition=condition)
    log = isinstance(sampler, LogUniformSampler)
    return RangeParameter(name, lower, upper, integer, log, step, condition)


def grid_error(name: str) -> ValueError:
    """Return the error for a grid_search."""
    return ValueError(
        f"parameter {name!r} is a grid_search, which a searcher cannot sample; use one of "
        f"{SUPPORTED}"
    )
