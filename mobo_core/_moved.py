"""Modules that have moved keep working under their old name for one release."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any


def forward(old: str, new: str) -> Callable[[str], Any]:
    """Warn that a module has moved, and return the ``__getattr__`` of its old name.

    Args:
        old: The dotted name that was imported.
        new: The dotted name of the module that has its contents now.
    """
    # Two frames up is the old module, the import machinery above it is skipped by Python itself.
    warnings.warn(
        f"{old} has moved: import {new} instead; the old name goes with the next release",
        DeprecationWarning,
        stacklevel=3,
    )
    module = import_module(new)

    def moved(name: str) -> Any:
        return getattr(module, name)

    return moved
