"""A trainable that costs nothing and writes down what it did; light to import for workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ray import tune

MAX_T = 8
NAN = float("nan")


def curve(number: int, t: int, case: str) -> tuple[float, float]:
    """(error, size) of a trial after t epochs: power laws that cross, sizes that trade off."""
    if case in ("ties", "mixed"):
        return 0.5, 10.0
    error = (0.3 + 0.05 * (number * 7 % 5)) * t ** -(0.2 + 0.15 * (number * 3 % 4))
    return error, 10.0 + 10.0 * (number * 5 % 7)


class Cheap(tune.Trainable):
    """Reports `curve` epoch by epoch, for ever; its counter survives pause and resume."""

    def setup(self, config: dict[str, Any]) -> None:
        self.t = 0
        self.number, self.case = config["number"], config["case"]
        self.log = config.get("log")

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.t += 1
        if self.log:
            line = f"{self.number} {self.t}\n".encode()
            handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, line)  # one call: lines of parallel trials never mix
            os.close(handle)
        if (
            self.case in ("fail", "mixed")
            and self.number % 3 == 1
            and self.t == 1 + self.number % 2
        ):
            raise RuntimeError("out of luck")
        error, size = curve(self.number, self.t, self.case)
        if self.case in ("nan", "mixed") and self.number % 3 == 2 and self.t == 2:
            error = NAN
        return {"error": error, "loss": 2 * error, "size": size, "epoch": self.t}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "t").write_text(str(self.t))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.t = int(Path(checkpoint_dir, "t").read_text())
