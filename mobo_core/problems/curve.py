"""A training whose reports are known beforehand: recorded, or computed by a surrogate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "test_"
"""How metrics begin that are for the final front alone and never reported."""


class CurveTraining:
    """Reads a curve row by row; see `mobo_core.problems.protocol.Training`.

    Args:
        curve: What is reported after each epoch, in order.
        hidden: Metrics whose names begin like this are kept for `test_metrics`; None reports all.
    """

    def __init__(self, curve: Sequence[Mapping[str, Any]], hidden: str | None = HIDDEN) -> None:
        self._curve = curve
        self._hidden = hidden
        self._read = 0

    def run_epoch(self) -> dict[str, Any]:
        """The next row, without what is hidden."""
        row = self._curve[self._read]
        self._read += 1
        if self._hidden is None:
            return dict(row)
        return {name: value for name, value in row.items() if not name.startswith(self._hidden)}

    def test_metrics(self) -> dict[str, float]:
        """What is hidden of the row read last."""
        if self._hidden is None:
            return {}
        row = self._curve[self._read - 1]
        return {name: value for name, value in row.items() if name.startswith(self._hidden)}

    def state(self) -> bytes:
        """Number of rows read."""
        return str(self._read).encode()

    def load_state(self, state: bytes) -> None:
        """Go on there."""
        self._read = int(state)

    def close(self) -> None:
        """Holds nothing."""
