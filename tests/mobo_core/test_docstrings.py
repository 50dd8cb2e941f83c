"""The examples in the docstrings of modules that need no Ray exist and are correct."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import mobo_core

GROUND = ["checks", "objectives", "parameters", "seeding", "space", "values"]
PACKAGES = ["pareto", "plot", "results", "rules"]


def numerics() -> Iterator[ModuleType]:
    """Yield `mobo_core` and its modules that need neither Ray nor a problem's training."""
    yield mobo_core
    for name in GROUND:
        yield importlib.import_module(f"mobo_core.{name}")
    for name in PACKAGES:
        package = importlib.import_module(f"mobo_core.{name}")
        yield package
        for found in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"{package.__name__}.{found.name}")


MODULES = {module.__name__: module for module in numerics()}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_show(name: str) -> None:
    failed, _ = doctest.testmod(MODULES[name], report=True)
    assert failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_class_and_function_has_an_example(name: str) -> None:
    without = [
        key
        for key, value in vars(MODULES[name]).items()
        if getattr(value, "__module__", None) == name
        and not key.startswith("_")
        # A ranking is an object around the function that it wraps.
        and (inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value)))
        and not doctest.DocTestParser().get_examples(inspect.getdoc(value) or "")
    ]
    assert without == []


def test_the_examples_of_wrapped_functions_run_too() -> None:
    # `doctest` must look through the objects that the decorators of rankings make.
    ranking = MODULES["mobo_core.pareto.ranking"]
    names = {test.name for test in doctest.DocTestFinder().find(ranking) if test.examples}
    assert f"{ranking.__name__}.pareto_epsnet" in names
    assert f"{ranking.__name__}.chebyshev" in names
