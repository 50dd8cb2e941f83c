"""A watchdog that ends a run in which nothing happens any more, and says what waits for what."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence

IDLE_LIMIT = "MOBO_TUNE_IDLE_LIMIT_S"
"""The environment variable that sets how long nothing may happen, in seconds."""
IDLE_LIMIT_S = 900.0
"""The limit if the environment variable is not set."""
LONGEST_LOOK_S = 5.0
"""The longest time between two looks that counts, in seconds.

A driver that was blocked by a model or suspended has not looked, so it knows nothing of that time.
"""
NAMED = 10
"""The largest number of waiting trials that the error names."""


class Watchdog:
    """A clock that runs while nothing happens, and raises an error when the time is over.

    Args:
        clock: A function that returns the time in seconds.
        longest_look_s: The longest time between two looks that counts, in seconds.

    Raises:
        ValueError: If the environment variable `IDLE_LIMIT` is no positive number.

    Example:
        >>> now = 0.0
        >>> watchdog = Watchdog(lambda: now)
        >>> watchdog.wait(list)
        >>> now = 4.0
        >>> watchdog.wait(list)
        >>> watchdog.idle_s
        4.0
        >>> watchdog.restart()
        >>> watchdog.idle_s
        0.0
    """

    def __init__(self, clock: Callable[[], float], longest_look_s: float = LONGEST_LOOK_S) -> None:
        self._clock = clock
        self._longest_look_s = longest_look_s
        self._limit_s = idle_limit_s()
        self._looked_at: float | None = None
        self.idle_s = 0.0
        """Seconds for which nothing has happened, as far as the watchdog has looked."""

    def restart(self) -> None:
        """Start again from 0, because something has happened."""
        self._looked_at, self.idle_s = None, 0.0

    def wait(self, waiting: Callable[[], Sequence[str]]) -> None:
        """Add the time since the last call, because nothing happens.

        Args:
            waiting: A function that returns a text for each part of the run that waits. It is
                called for the error only.

        Raises:
            RuntimeError: If nothing has happened for longer than the limit.
        """
        now = self._clock()
        if self._looked_at is not None:
            self.idle_s += min(now - self._looked_at, self._longest_look_s)
        self._looked_at = now
        if self.idle_s > self._limit_s:
            texts = list(waiting())
            more = [f"and {len(texts) - NAMED} more"] if len(texts) > NAMED else []
            raise RuntimeError(
                f"no trial has run for {self.idle_s:.0f} s, and none can start: "
                f"{'; '.join(texts[:NAMED] + more)}. What the trials have reported is in the "
                f"experiment's folder. If the run only waits for something slow, set {IDLE_LIMIT} "
                "to more seconds"
            )


def idle_limit_s() -> float:
    """Return for how many seconds nothing may happen.

    Raises:
        ValueError: If the environment variable `IDLE_LIMIT` is no positive number.
    """
    text = os.environ.get(IDLE_LIMIT, str(IDLE_LIMIT_S))
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not limit > 0:
        raise ValueError(
            f"the environment variable {IDLE_LIMIT} must be a positive number of seconds, "
            f"got {text!r}"
        )
    return limit
