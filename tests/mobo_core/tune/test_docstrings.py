"""The docstrings of what users import from `tune`, `problems` and `virtual`.

No test here starts Ray: schedulers and searchers are only made.
"""

from __future__ import annotations

import doctest
import inspect
import pkgutil
import pydoc
from importlib import import_module

import pytest

from mobo_core import problems, tune, virtual
from mobo_core.tune.schedulers.parameters import describe_parameters

PACKAGES = (tune, problems, virtual)
MODULES = [
    found.name
    for package in PACKAGES
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]
PUBLIC = {
    f"{package.__name__}.{name}": getattr(package, name)
    for package in PACKAGES
    for name in package.__all__
    if callable(getattr(package, name))
}
HELP_LINES = 80


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_show(name: str) -> None:
    failed, _ = doctest.testmod(import_module(name))
    assert failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert "\nExample:\n    >>> " in text
    assert doctest.DocTestParser().get_examples(text)


@pytest.mark.parametrize("name", [name for name in PUBLIC if "problems" not in name])
def test_every_parameter_is_explained(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    for parameter in inspect.signature(PUBLIC[name]).parameters:
        assert f"\n    {parameter}: " in text, parameter


# From the signatures before the shared descriptions: calls by position and by name keep working.
@pytest.mark.parametrize(
    ("scheduler", "parameters"),
    [
        ("PaperDominance", "objectives max_t grace_period=1 reduction_factor=6"),
        ("PaperRungwise", "objectives max_t grace_period=1 reduction_factor=6"),
        ("ProjectedStopping", "objectives max_t grace_period=1 margin=0.008"),
        ("HypervolumePromotion", "objectives max_t grace_period=1 margin=0.008 slots=None"),
        (
            "StoppingMOASHA",
            "objectives max_t grace_period=1 reduction_factor=3 brackets=1 ranking=pareto_epsnet",
        ),
        (
            "PromotionMOASHA",
            "objectives max_t grace_period=1 reduction_factor=3 brackets=1 ranking=pareto_epsnet "
            "slots=None",
        ),
    ],
)
def test_schedulers_keep_explicit_parameters(scheduler: str, parameters: str) -> None:
    shown = [
        p.name if p.default is p.empty else f"{p.name}={p.default}"
        for p in inspect.signature(getattr(tune, scheduler)).parameters.values()
    ]
    expected = [*parameters.split(), "time_attr=training_iteration"]
    assert shown == expected + ["seed=0", "quota=floor"] * scheduler.endswith("MOASHA")


def test_a_class_may_describe_a_parameter_itself() -> None:
    class Plain:
        """Does something.

        Raises:
            ValueError: Never.
        """

        def __init__(self, seed: int, max_t: float) -> None: ...

    described = describe_parameters(seed="The seed of nothing.")(Plain)
    assert described is Plain
    assert inspect.getdoc(Plain) == (
        "Does something.\n\nArgs:\n    seed: The seed of nothing.\n"
        "    max_t: R, the full budget of a trial, in units of `time_attr`.\n\n"
        "Raises:\n    ValueError: Never."
    )

    class Unknown:
        def __init__(self, colour: str) -> None: ...

    with pytest.raises(KeyError, match="colour"):
        describe_parameters()(Unknown)


def test_the_help_of_tune_begins_with_its_table() -> None:
    first = pydoc.plain(pydoc.render_doc(tune)).splitlines()[:HELP_LINES]
    named = [name for name in tune.__all__ if any(name in line for line in first)]
    assert named == tune.__all__


def test_the_help_of_tune_names_everything_once() -> None:
    words = (tune.__doc__ or "").replace(",", " ").split()
    assert {name: words.count(name) for name in tune.__all__} == dict.fromkeys(tune.__all__, 1)
