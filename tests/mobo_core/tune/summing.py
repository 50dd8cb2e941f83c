"""A problem whose workers add numbers together. Workers import this module quickly."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import distributed


class Summing:
    """A problem whose training reports the sum of all workers' counts; a worker can fail."""

    max_epochs = 3

    def data_checksum(self) -> str:
        return "none"

    def start_part(
        self, config: Mapping[str, Any], seed: int, rank: int, workers: int
    ) -> SummingTraining:
        return SummingTraining(config, rank)


class SummingTraining:
    def __init__(self, config: Mapping[str, Any], rank: int) -> None:
        self.config = config
        self.rank = rank
        self.epoch = 0

    def run_epoch(self) -> dict[str, float]:
        self.epoch += 1
        if self.config.get("raises") in (self.rank, "all"):
            raise ArithmeticError("out of luck")
        if self.config.get("sleeps") == self.rank:
            time.sleep(60)
        value = torch.tensor(float(self.epoch + self.rank))
        distributed.all_reduce(value)
        return {"sum": float(value), "rank": self.rank, "epoch": self.epoch, "seconds": 0.0}

    def test_metrics(self) -> dict[str, float]:
        return {"rank": self.rank}

    def state(self) -> bytes:
        return bytes([self.epoch])

    def load_state(self, state: bytes) -> None:
        self.epoch = state[0]

    def close(self) -> None:
        pass
