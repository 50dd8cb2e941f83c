"""Global random states for code that draws from them, kept apart from everybody else's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class GlobalRandom:
    """The global random states of NumPy and Python as one rival sees them.

    Inside `used` the rival finds its own states, and outside of it everybody else's are as they
    were. So its draws depend on its seed alone, and nobody else's draws depend on it.

    Args:
        seed: The seed of both states, 0 ≤ `seed` < 2³².

    Example:
        >>> mine = GlobalRandom(7)
        >>> with mine.used():
        ...     first = random.random()
        >>> with GlobalRandom(7).used():
        ...     random.random() == first
        True
    """

    def __init__(self, seed: int) -> None:
        self._numpy = np.random.RandomState(seed).get_state()
        self._python = random.Random(seed).getstate()  # noqa: S311 - nothing secret

    @contextmanager
    def used(self) -> Iterator[None]:
        """Put the rival's states in place of everybody else's inside the context."""
        others = np.random.get_state(), random.getstate()  # noqa: NPY002
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
        try:
            yield
        finally:
            self._numpy, self._python = np.random.get_state(), random.getstate()  # noqa: NPY002
            np.random.set_state(others[0])  # noqa: NPY002
            random.setstate(others[1])
