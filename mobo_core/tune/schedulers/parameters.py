"""The parameters that several schedulers share, each described in one place.

Every constructor keeps its explicit parameters. `describe_parameters` adds their descriptions to
the docstring of the class, so that ``help(StoppingMOASHA)`` explains all of them.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import TypeVar

Class = TypeVar("Class", bound=type)

WIDTH = 88
"""The longest line of a description, in characters."""

DESCRIPTIONS: Mapping[str, str] = {
    "rule": "The rule that decides about trials. It must belong to this scheduler alone.",
    "objectives": (
        "The metrics that are optimised, with the direction and the reference value of each: an "
        "`ObjectiveSet`, or a list of `Objective`."
    ),
    "max_t": "R, the full budget of a trial, in units of `time_attr`.",
    "grace_period": (
        "r ≥ 1, the budget at which trials are first compared, in units of `time_attr`."
    ),
    "reduction_factor": (
        "η > 1, the ratio between the budgets of neighbouring rungs. About one trial in η "
        "continues beyond each rung."
    ),
    "brackets": (
        "The number of brackets, ≥ 1. The first rung of bracket s is at r·η^s. Each trial is "
        "drawn into one bracket."
    ),
    "ranking": (
        "How trials at the same rung are ordered: a name in `mobo_core.pareto.ranking.RANKINGS`, "
        "or a function with the signature of `mobo_core.pareto.ranking.Ranking`."
    ),
    "margin": (
        "The share of the final hypervolume that may be lost, as expected, by ending trials early, "
        "≥ 0. A larger margin saves more epochs and loses more hypervolume."
    ),
    "slots": (
        "The number of trials that train at the same time, ≥ 1. None means as many as the "
        "resources of all nodes allow. Give a number on a cluster that grows on demand, because "
        "new trials are only requested when a slot is free."
    ),
    "time_attr": (
        "The key in a report that holds the budget spent so far. Prefer your own counter to Ray's "
        "``training_iteration``: it must continue, not start again, when a paused trial is "
        "resumed. A name like ``p/epoch`` finds a nested value."
    ),
    "seed": "The seed of the random draw of brackets.",
    "quota": (
        'How many of the n trials at a rung continue: ``"floor"`` for ⌊n/η⌋, or '
        '``"floor_plus_one"`` for ⌊n/η⌋ + 1, which ends fewer trials early; see '
        "`mobo_core.rules.rungs.Quota`."
    ),
}
"""Parameter → its description."""


def describe_parameters(**own: str) -> Callable[[Class], Class]:
    """Return a class decorator that adds the section ``Args:`` to the docstring.

    The section describes every parameter of the constructor, in the constructor's order. It is
    placed before ``Raises:`` or ``Example:``.

    Args:
        own: Parameter → the description to use for this class instead of the shared one.

    Raises:
        KeyError: If a parameter has no description.
    """

    def decorate(described: Class) -> Class:
        texts = {**DESCRIPTIONS, **own}
        section = ["Args:"]
        for name in inspect.signature(described).parameters:
            section += textwrap.wrap(
                f"{name}: {texts[name]}",
                WIDTH,
                initial_indent=" " * 4,
                subsequent_indent=" " * 8,
                break_long_words=False,
                break_on_hyphens=False,
            )
        lines = inspect.cleandoc(described.__doc__ or "").splitlines()
        later = (place for place, line in enumerate(lines) if line in ("Raises:", "Example:"))
        place = next(later, len(lines))
        described.__doc__ = "\n".join([*lines[:place], *section, "", *lines[place:]])
        return described

    return decorate
