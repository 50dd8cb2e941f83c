"""The split of the survey's data sets: constants are chosen on one part, claims made on the other.

A data set is for *tuning* or for *testing*, by a hash of its name. So the split was fixed before
any run was looked at, and a data set that is added later finds its place without a choice.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Side = Literal["tuning", "test"]

TUNING_SHARE = 1 / 3
"""The share of data sets for tuning; the claims get more of them, because they are counted."""

SEEN = (
    "lcbench-167152",
    "lcbench-167185",
    "lcbench-168331",
    "mlp-mnist",
    "synthetic-branin-currin",
    "synthetic-dtlz2",
    "synthetic-dtlz2-3",
    "synthetic-zdt1",
    "synthetic-zdt2",
    "synthetic-zdt3",
)
"""Data sets on which schedulers had been compared before the split was made; all are for tuning."""


def side_of(dataset: str) -> Side:
    """Return the side of a data set.

    Args:
        dataset: The full name of the data set, e.g. ``lcbench-189866``.

    Example:
        >>> from bench.matrix.split import side_of
        >>> side_of("lcbench-189866"), side_of("mlp-mnist")
        ('test', 'tuning')
    """
    if dataset in SEEN:
        return "tuning"
    first = hashlib.sha256(dataset.encode()).digest()[:4]
    return "tuning" if int.from_bytes(first) < TUNING_SHARE * 2**32 else "test"
