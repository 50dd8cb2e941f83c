"""Seeds that are derived from their purpose, so that every process computes the same ones.

A seed here never depends on Python's randomised ``hash`` or on a global random state.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

SEEDS = 2**32
"""The number of seeds that a searcher can have; see `checked_seed`."""


def canonical_json(value: Any) -> str:
    """Return a value as JSON with sorted keys and without spaces.

    Equal values give equal text in every process.

    Args:
        value: Anything that JSON can hold; NaN and ±inf are not allowed.

    Raises:
        ValueError: If the value contains NaN or ±inf.
        TypeError: If the value contains something that JSON cannot hold.

    Example:
        >>> canonical_json({"seed": 1, "cell": "a"})
        '{"cell":"a","seed":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 hash of a value's canonical JSON, as 64 hexadecimal digits.

    Args:
        value: Anything that `canonical_json` accepts.

    Example:
        >>> digest({"seed": 1})[:8]
        'fbe47f6d'
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def derive_seed(*parts: Any) -> int:
    """Return a seed in [0, 2⁶³) that is computed from the parts alone.

    The same parts always give the same seed; different parts give unrelated seeds.

    Args:
        *parts: Values that `canonical_json` accepts, for example a run's id and a trial's number.

    Example:
        >>> derive_seed("run-1", 0) == derive_seed("run-1", 0)
        True
        >>> derive_seed("run-1", 0) == derive_seed("run-1", 1)
        False
    """
    return int(digest(list(parts))[:16], 16) >> 1


def checked_seed(seed: object) -> int:
    """Return a searcher's seed as an int.

    The limit is that of NumPy's older generators, which Optuna and Ax use.

    Args:
        seed: A whole number, 0 ≤ `seed` < 2³².

    Raises:
        ValueError: If it is not such a number. A bool is not a number here.

    Example:
        >>> checked_seed(7)
        7
        >>> checked_seed(-1)
        Traceback (most recent call last):
            ...
        ValueError: seed must be a whole number from 0 to 4294967295, got -1
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) < SEEDS:  # type: ignore[call-overload]
        raise ValueError(f"seed must be a whole number from 0 to {SEEDS - 1}, got {seed!r}")
    return int(seed)  # type: ignore[call-overload,no-any-return]
