"""Runs on the faulty problem (`tests.bench.faulty`), for drivers and tests."""

from __future__ import annotations

from typing import Any

from ray.tune.search import Searcher

from bench.matrix.matrix import Budget, Cell, Component, Run
from bench.matrix.problems import ProblemEntry
from tests.bench.faulty import Faulty


class Listed(Searcher):
    """A searcher that suggests a list of faults in order and records how each trial ended."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__()
        self.faults = faults
        self.suggested: list[str] = []
        self.heard: dict[str, bool] = {}

    def set_search_properties(self, *arguments: Any, **named: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | None:  # type: ignore[override]
        number = len(self.suggested)
        if number == len(self.faults):
            return None
        self.suggested.append(trial_id)
        return {"fault": self.faults[number], "number": number}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self.heard[trial_id] = error

    def errors_heard(self) -> list[bool | None]:
        """Return for every suggestion whether its trial ended with an error.

        None means that the searcher was not told of an end.
        """
        return [self.heard.get(trial_id) for trial_id in self.suggested]


ENTRY = ProblemEntry(lambda d, f, epochs: Faulty(epochs), ("none",), "Faulty", trains=True)


def a_run(trials: int, seed: int = 0, scheduler: str = "fifo") -> Run:
    """Return a run of the searcher ``listed`` on the problem ``faulty``."""
    parts = Component("listed", "listed", {}), Component(scheduler, scheduler, {})
    cell = Cell("faulty", "none", *parts, ("error", "size"))
    return Run(cell, Budget(trials=trials, max_epochs=3, slots=2), seed)
