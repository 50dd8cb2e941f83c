"""A problem that costs nothing and fails as its configurations say. It is quick to import."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobo_core.objectives import Objective
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace

FAULTS = (
    "none",
    "slow",
    "raise",
    "nan",
    "inf",
    "sleep",
    "spin",
    "stopped",
    "memory",
    "killed",
    "nan-last",
    "inf-last",
)
LAST = 3
SLOW_S = 0.4


@dataclass(frozen=True)
class Faulty:
    """A problem whose trial ``number`` reports the error 1 / (number + epoch).

    The parameter ``fault`` makes a trial fail.
    """

    max_epochs: int
    name: str = "faulty"

    @property
    def space(self) -> SearchSpace:
        return SearchSpace(
            (ChoiceParameter("fault", FAULTS), RangeParameter("number", 0, 99, True))
        )

    @property
    def objectives(self) -> dict[str, Objective]:
        return {"error": Objective("error", "min", 2.0), "size": Objective("size", "min", 200.0)}

    def data_checksum(self) -> str:
        return ""

    def start(self, config: Mapping[str, Any], seed: int) -> FaultyTraining:
        return FaultyTraining(config["fault"], config["number"])


class Hopeless(Faulty):
    """A problem none of whose trainings starts."""

    def start(self, config: Mapping[str, Any], seed: int) -> FaultyTraining:
        raise RuntimeError("no hope")


class FaultyTraining:
    """A training whose fault occurs in its second epoch, or in its third for a ``-last`` fault."""

    def __init__(self, fault: str, number: int) -> None:
        self.fault, self.number, self.epoch = fault, number, 0

    def run_epoch(self) -> dict[str, float]:
        self.epoch += 1
        error = 1 / (self.number + self.epoch)
        if self.fault == "slow":
            time.sleep(SLOW_S)
        elif self.epoch == (LAST if self.fault.endswith("-last") else 2):
            error = misfortune(self.fault.removesuffix("-last"), error)
        return {"error": error, "size": 100.0 + self.number, "epoch": self.epoch, "seconds": 0.1}

    def test_metrics(self) -> dict[str, float]:
        return {"test_error": 0.5}

    def state(self) -> bytes:
        return bytes([self.epoch])

    def load_state(self, state: bytes) -> None:
        self.epoch = state[0]

    def close(self) -> None:
        pass


def misfortune(fault: str, error: float) -> float:
    """Let a fault happen in an epoch, or return the error that it reports."""
    if fault == "raise":
        raise RuntimeError("out of luck")
    if fault == "sleep":
        time.sleep(3600)
    if fault == "spin":
        while True:
            pass
    if fault == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)  # the kernel does this when memory runs out
    if fault == "memory":
        exhaust_memory()
    return {"nan": float("nan"), "inf": float("inf")}.get(fault, error)


def exhaust_memory() -> None:
    """Allocate more memory than this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, hard))
    try:
        bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
