"""Helper that keeps the old import paths of moved modules working for one release."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any


def forward(old: str, new: str) -> Callable[[str], Any]:
    """Warn that a module has moved, and return the ``__getattr__`` function for its old name.

    Args:
        old: The dotted name of the module that was imported.
        new: The dotted name of the module that holds the contents now.

    Returns:
        A function that looks up a name in the new module.
    """
    # Level 3 is the line that imports the old module; Python skips its own import frames.
    warnings.warn(
        f"{old} has moved: import {new} instead; the old name will be removed in the next release",
        DeprecationWarning,
        stacklevel=3,
    )
    module = import_module(new)

    def moved(name: str) -> Any:
        return getattr(module, name)

    return moved
