"""The gate calls searchers as Tune does, whatever wraps them."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.search import Repeater, Searcher

from mobo_core.tune import RandomSearcher
from mobo_core.tune.schedulers.admission import Admission


class Open:
    """A scheduler that has room for every trial."""

    def __init__(self) -> None:
        self.results: dict[str, dict[str, Any]] = {}

    def wants_new_trial(self) -> bool:
        return True

    def last_result(self, trial_id: str) -> dict[str, Any] | None:
        return self.results.pop(trial_id, None)


class Calls(Searcher):
    """A searcher that takes keywords only, under Tune's names, and notes them."""

    def __init__(self, is_making: bool = False) -> None:
        super().__init__(metric="loss", mode="min")
        self.is_making = is_making
        self.ends: list[dict[str, Any]] = []

    def suggest(self, trial_id: str) -> None:
        return None

    def on_trial_complete(self, **named: Any) -> None:
        self.ends.append(named)


def test_searchers_are_called_by_keyword_and_once() -> None:
    asker, searcher = Open(), Calls()
    gate = Admission(searcher, asker)
    asker.results = {"paused": {"loss": 0.5}}
    gate.on_trial_complete("paused")
    gate.on_trial_complete("paused", error=True)  # as Tune does if a callback raises an error
    gate.on_trial_complete("ended", {"loss": 0.25})
    assert searcher.ends == [
        {"trial_id": "paused", "result": {"loss": 0.5}, "error": False},
        {"trial_id": "ended", "result": {"loss": 0.25}, "error": False},
    ]


def test_a_repeater_works_behind_the_gate() -> None:
    asker = Open()
    inner = RandomSearcher({"x": tune.uniform(0, 1)}, seed=1)
    gate = Admission(Repeater(inner, repeat=2), asker)
    first, second = gate.suggest("a"), gate.suggest("b")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["x"] == second["x"]
    for trial_id in ("a", "b"):
        gate.on_trial_result(trial_id, {"loss": 0.5})
        gate.on_trial_complete(trial_id, {"loss": 0.5})


def test_a_wrapped_searcher_that_computes_is_waited_for() -> None:
    for is_making in (True, False):
        gate = Admission(Repeater(Calls(is_making), repeat=2), Open())
        assert gate.is_making is is_making
        assert gate.suggest("a") is None
        assert (gate.waited_s() > 0) is not is_making
