"""A training whose reports are known in advance: recorded, or computed by a surrogate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "test_"
"""The prefix of the metrics for the final front, which are not reported during a search."""


class CurveTraining:
    """A training that reads a curve row by row; see `mobo_core.problems.protocol.Training`.

    Args:
        curve: The report of each epoch, in order.
        hidden: The prefix of the metrics that only `test_metrics` returns. None reports all
            metrics.
    """

    def __init__(self, curve: Sequence[Mapping[str, Any]], hidden: str | None = HIDDEN) -> None:
        self._curve = curve
        self._hidden = hidden
        self._read = 0

    def run_epoch(self) -> dict[str, Any]:
        """Return the next row without the hidden metrics."""
        row = self._curve[self._read]
        self._read += 1
        if self._hidden is None:
            return dict(row)
        return {name: value for name, value in row.items() if not name.startswith(self._hidden)}

    def test_metrics(self) -> dict[str, float]:
        """Return the hidden metrics of the row that was read last."""
        if self._hidden is None:
            return {}
        row = self._curve[self._read - 1]
        return {name: value for name, value in row.items() if name.startswith(self._hidden)}

    def state(self) -> bytes:
        """Return the number of rows that were read."""
        return str(self._read).encode()

    def load_state(self, state: bytes) -> None:
        """Continue after the number of rows in the state."""
        self._read = int(state)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
