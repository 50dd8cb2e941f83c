"""A trainable that reports the rows of a table.

It has its own module so that the processes of trials import little.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ray import tune

Curve = tuple[tuple[float, float], ...]

# Each curve has (gain, cost) after each of six epochs. With η = 2 the milestones are 1, 2 and 4.
CURVES: tuple[Curve, ...] = (
    tuple((0.1 * t, 10.0) for t in range(1, 7)),  # the first curve: no other comes before it
    tuple((0.05 * t, 20.0) for t in range(1, 7)),  # worse and more expensive than the first
    tuple((0.2 * t, 30.0) for t in range(1, 7)),  # better and more expensive
    tuple((0.1 * t, 10.0) for t in range(1, 7)),  # equal to the first
    ((0.9, 5.0), (0.5, 5.0), (0.5, 5.0), (0.5, 5.0), (0.5, 5.0), (0.5, 5.0)),  # falls later
    ((0.5, 1.0), (math.nan, 1.0), (0.9, 1.0), (0.9, 1.0), (0.9, 1.0), (0.9, 1.0)),
)


class Table(tune.Trainable):
    """A trainable that reports one row per epoch and counts its epochs itself."""

    def setup(self, config: dict[str, Any]) -> None:
        self.t = 0
        self.curve = CURVES[config["number"]]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        gain, cost = self.curve[self.t]
        self.t += 1
        return {"gain": gain, "cost": cost, "epoch": self.t, "done": self.t == len(self.curve)}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "t").write_text(str(self.t))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.t = int(Path(checkpoint_dir, "t").read_text())
