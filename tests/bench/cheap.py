"""A trainable that costs nothing and logs its epochs. Workers import this module quickly."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune

MAX_T = 8
NAN = float("nan")


def curve(number: int, t: int, case: str) -> tuple[float, float]:
    """Return (error, size) of a trial after t epochs.

    The errors follow power laws that cross each other. Smaller errors tend to need larger sizes.
    """
    if case in ("ties", "mixed"):
        return 0.5, 10.0
    error = (0.3 + 0.05 * (number * 7 % 5)) * t ** -(0.2 + 0.15 * (number * 3 % 4))
    return error, 10.0 + 10.0 * (number * 5 % 7)


def report(number: int, t: int, case: str) -> dict[str, Any]:
    """Return the report of a trial after epoch t, or raise an error if its case requires it."""
    if case in ("fail", "mixed") and number % 3 == 1 and t == 1 + number % 2:
        raise RuntimeError("out of luck")
    error, size = curve(number, t, case)
    if case in ("nan", "mixed") and number % 3 == 2 and t == 2:
        error = NAN
    return {"error": error, "loss": 2 * error, "size": size, "epoch": t}


class Cheap(tune.Trainable):
    """A trainable that reports `curve` without end. Its counter survives pause and resume."""

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
            os.write(handle, line)  # a single call, so that lines of parallel trials never mix
            os.close(handle)
        return report(self.number, self.t, self.case)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "t").write_text(str(self.t))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.t = int(Path(checkpoint_dir, "t").read_text())


class CheapProblem:
    """The problem of `Cheap` in virtual time. Without a last epoch it trains until stopped."""

    def __init__(self, max_epochs: int | None) -> None:
        self.max_epochs = max_epochs or sys.maxsize

    def start(self, config: Mapping[str, Any], seed: int) -> CheapTraining:
        return CheapTraining(config)


class CheapTraining:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.t = 0

    def run_epoch(self) -> dict[str, Any]:
        self.t += 1
        return {"seconds": 1.0, **report(self.config["number"], self.t, self.config["case"])}

    def test_metrics(self) -> dict[str, float]:
        return {}

    def state(self) -> bytes:
        return str(self.t).encode()

    def load_state(self, state: bytes) -> None:
        self.t = int(state)

    def close(self) -> None:
        pass
