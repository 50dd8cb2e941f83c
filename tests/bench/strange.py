"""A problem whose space, reports or test metrics are strange in one way, given by its data set."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.matrix.problems import ProblemEntry
from mobo_core.objectives import Objective
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace


class Own:
    """A class of the user, offered as a choice."""


CHOICES: dict[str, tuple[Any, ...]] = {
    "numpy": (np.int64(3), np.float32(0.5), np.bool_(True)),
    "mixed": (1, "1", 2.5, True),
    "none": (None, 1),
    "lists": ([1, 2], [3]),
    "dicts": ({"a": 1}, {"b": [2]}),
    "classes": (Own, dict),
    "surrogates": ("\udc80", "b"),
    "huge-choice": (10**30, 1),
    "nan-choice": (math.nan, 1.0),
    "lambdas": (lambda: 1, lambda: 2),
}
REPORTS: dict[str, dict[Any, Any]] = {
    "taken-names": {"trial": 7, "config_choice": 1, "reported_s": 3, "seed": 4, "run_id": "x"},
    "tunes-names": {"training_iteration": 99, "pid": "text"},
    "text": {"note": "hi"},
    "huge": {"count": 10**30},
    "dates": {"when": datetime.datetime(2026, 1, 2)},
    "arrays": {"values": np.arange(3)},
    "bad-text": {"note": "\udc80"},
    "nan": {"quality": math.nan},
    "no-time": {"seconds": 0.0},
    "int-key": {3: 1.0},
    "nested": {"deep": {"a": 1, "b": {"c": None}}},
}
"""What each report has besides the objectives."""
CHANGING = {"type-changes": ("hi", 3), "text-as-objective": (1.0, "high"), "gap": (1.0, None)}
TESTED: dict[str, Any] = {"nan-test": math.nan, "text-test": "high", "numpy-test": np.float32(1)}
NAMES = {"trial": "trial", "iteration": "training_iteration", "seed": "seed", "prefix": "config_x"}
NAMES |= {"nested-objective": "val/loss", "start": "startup_s", "ending": "hypervolume"}
REFUSED = ("trial", "iteration", "seed", "prefix", "start", "lambdas", "slash")
ENDS = ("exits", "raises")
KINDS = (
    *("plain", "nested-space", "slash", "dies", *ENDS),
    *(*CHOICES, *REPORTS, *CHANGING, *TESTED, *NAMES),
)


@dataclass(frozen=True)
class Strange:
    """A problem with two objectives, both finite and cheap."""

    kind: str
    max_epochs: int = 3

    @property
    def name(self) -> str:
        return f"strange-{self.kind}"

    @property
    def space(self) -> SearchSpace:
        prefix = "model/" if self.kind == "nested-space" else ""
        choices = CHOICES.get(self.kind, (1, 2, 3))
        return SearchSpace(
            (ChoiceParameter(f"{prefix}choice", choices), RangeParameter(f"{prefix}x", 0.0, 1.0))
        )

    @property
    def objectives(self) -> dict[str, Objective]:
        name = NAMES.get(self.kind, "f1")
        short = "a/b" if self.kind == "slash" else "f1"
        return {short: Objective(name, "min", 2.0, ideal=0.0), "f2": Objective("f2", "min", 3.0)}

    def data_checksum(self) -> str:
        return ""

    def start(self, config: Mapping[str, Any], seed: int) -> StrangeTraining:
        return StrangeTraining(self.kind, config)


class StrangeTraining:
    """A training that is strange from its second epoch on."""

    def __init__(self, kind: str, config: Mapping[str, Any]) -> None:
        self.kind, self.epoch = kind, 0
        self.x: float = (config.get("model") or config)["x"]

    def run_epoch(self) -> dict[Any, Any]:
        self.epoch += 1
        self._misfortune()
        first = 1 / self.epoch + 0.1 * self.x
        report: dict[Any, Any] = {"f1": first, "f2": 1 - self.x, "epoch": self.epoch, "seconds": 1}
        report |= REPORTS.get(self.kind, {})
        if self.kind in CHANGING:
            key = "note" if self.kind == "type-changes" else "f1"
            report[key] = CHANGING[self.kind][self.epoch == 2]
        if self.kind == "nested-objective":
            report["val"] = {"loss": first}
        elif self.kind in NAMES:
            report[NAMES[self.kind]] = first
        return report

    def _misfortune(self) -> None:
        if self.kind == "exits" and self.epoch == 2:
            raise SystemExit(3)
        if self.kind == "raises" and self.epoch == 2:
            raise RuntimeError("no such file: caf\udce9")
        if self.kind == "dies":
            os._exit(9)

    def test_metrics(self) -> dict[str, Any]:
        return {"test": TESTED.get(self.kind, 1.0)}

    def state(self) -> bytes:
        return bytes([self.epoch])

    def load_state(self, state: bytes) -> None:
        self.epoch = state[0]

    def close(self) -> None:
        pass


def make(dataset: str, data_dir: str, max_epochs: int) -> Strange:
    return Strange(dataset, max_epochs)


ENTRY = ProblemEntry(make, KINDS, "Strange {}")
