"""Suggestions in the background: nothing waits for them, and they depend on the calls alone."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import AheadSearcher, AxSearcher, SobolSearcher

SPACE = {"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}
OBJECTIVES = ObjectiveSet([Objective("gain", "max", 0.2), Objective("cost", "min", 2)])


def outcome(config: dict[str, Any]) -> dict[str, Any]:
    return {"gain": config["x"] * config["y"], "cost": config["x"] + config["y"]}


def ask(searcher: Searcher, trial_id: str) -> dict[str, Any]:
    while (config := searcher.suggest(trial_id)) is None:
        time.sleep(0.005)
    assert isinstance(config, dict)
    return config


class Held(SobolSearcher):
    """A searcher that waits with a suggestion until `let` is set, and records all calls."""

    def __init__(self) -> None:
        super().__init__(SPACE, seed=0)
        self.let = threading.Event()
        self.let.set()
        self.heard: list[tuple[Any, ...]] = []

    def suggest(self, trial_id: str) -> dict[str, Any]:
        assert self.let.wait(20)
        self.heard.append(("suggest", trial_id))
        return super().suggest(trial_id)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self.heard.append(("result", trial_id, result))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if result == {"bad": 1}:
            raise ValueError("gain is missing")
        self.heard.append(("complete", trial_id, result, error))

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_bytes(pickle.dumps((self._count, self.heard)))

    def restore(self, checkpoint_path: str) -> None:
        self._count, self.heard = pickle.loads(Path(checkpoint_path).read_bytes())


def test_nothing_waits_while_a_suggestion_is_made() -> None:
    inner = Held()
    searcher = AheadSearcher(inner)
    ask(searcher, "a")
    searcher.inner  # noqa: B018 - waits until the next is ready
    inner.let.clear()
    ask(searcher, "b")  # was ready; the next is ordered, and held
    began = time.monotonic()
    assert searcher.suggest("c") is None
    searcher.on_trial_result("a", {"gain": 1})
    searcher.on_trial_complete("a", {"gain": 2})
    assert searcher.suggest("c") is None
    assert time.monotonic() - began < 1
    inner.let.set()
    same = SobolSearcher(SPACE, seed=0)
    assert ask(searcher, "c") == [same.suggest(str(k)) for k in range(3)][2]
    assert searcher.inner is inner
    first = searcher.inner_id("a")
    assert inner.heard[2:5] == [
        ("suggest", searcher.inner_id("c")),
        ("result", first, {"gain": 1}),
        ("complete", first, {"gain": 2}, False),
    ]
    assert searcher.suggestion_s("c") > 0


def test_suggestions_depend_on_the_order_of_calls_alone() -> None:
    def run(background: bool) -> list[dict[str, Any]]:
        light = {"num_restarts": 1, "raw_samples": 4}
        inner = AxSearcher(
            OBJECTIVES, SPACE, seed=1, initialization_trials=3, optimizer_options=light
        )
        searcher = AheadSearcher(inner, ahead=2, limit=6, background=background)
        configs: list[dict[str, Any]] = []
        for k in range(6):
            configs.append(ask(searcher, str(k)))
            if k > 0:
                searcher.on_trial_complete(str(k - 1), outcome(configs[k - 1]))
        assert searcher.suggest("more") == Searcher.FINISHED
        nodes = [inner.generation_node(searcher.inner_id(str(k))) for k in range(6)]
        assert nodes[-1] == "BoTorch"
        return configs

    assert run(background=True) == run(background=False)


def test_a_limit_leaves_nothing_over() -> None:
    inner = Held()
    searcher = AheadSearcher(inner, ahead=3, limit=4)
    for k in range(4):
        ask(searcher, str(k))
    assert searcher.suggest("4") == Searcher.FINISHED
    assert len(searcher.inner.heard) == 4  # type: ignore[attr-defined]


def test_what_the_inner_one_has_no_more_of_or_not_yet() -> None:
    class Sparse(Held):
        answers: list[Any]

        def suggest(self, trial_id: str) -> Any:
            return self.answers.pop(0)

    inner = Sparse()
    inner.answers = [{"x": 1}, None, {"x": 2}, Searcher.FINISHED]
    searcher = AheadSearcher(inner, background=False)
    answers = [searcher.suggest(str(k)) for k in range(5)]
    assert answers == [{"x": 1}, None, {"x": 2}, Searcher.FINISHED, Searcher.FINISHED]


def test_an_end_that_cannot_be_taken_is_the_end_of_a_failed_trial(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inner = Held()
    searcher = AheadSearcher(inner)
    ask(searcher, "a")
    ask(searcher, "b")
    searcher.on_trial_complete("a", {"bad": 1})
    searcher.on_trial_complete("b", {"gain": 1})
    assert searcher.inner is inner
    assert inner.heard[-2:] == [
        ("complete", searcher.inner_id("a"), None, True),
        ("complete", searcher.inner_id("b"), {"gain": 1}, False),
    ]
    assert "could not take a report of trial a" in caplog.text
    assert "gain is missing" in caplog.text


def test_a_suggestion_that_fails_says_so() -> None:
    searcher = AheadSearcher(SobolSearcher())
    with pytest.raises(ValueError, match="no search space"):
        searcher.suggest("a")


class Keywords(Held):
    """A searcher that takes the end of a trial as Ray passes it, by keywords only."""

    def on_trial_complete(self, *, trial_id: str, **ending: Any) -> None:  # type: ignore[override]
        self.heard.append(("complete", trial_id, ending["result"], ending["error"]))


def test_calls_by_keywords_reach_a_searcher_that_takes_only_keywords() -> None:
    inner = Keywords()
    searcher = AheadSearcher(inner)
    ask(searcher, "a")
    searcher.on_trial_result(trial_id="a", result={"gain": 1})
    searcher.on_trial_complete(trial_id="a", result=None, error=True)
    assert searcher.inner is inner
    first = searcher.inner_id("a")
    assert inner.heard[-2:] == [("result", first, {"gain": 1}), ("complete", first, None, True)]


def test_a_limiter_around_it_passes_everything_on() -> None:
    inner = Held()
    searcher = AheadSearcher(inner, ahead=2)
    limited = ConcurrencyLimiter(searcher, max_concurrent=1)
    ask(limited, "a")
    assert limited.suggest("b") is None
    limited.on_trial_complete("a", {"gain": 1})
    ask(limited, "b")
    assert searcher.inner is inner
    assert ("complete", searcher.inner_id("a"), {"gain": 1}, False) in inner.heard


def test_no_fault_of_the_inner_searcher_stays_in_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(Held):
        def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
            raise KeyError("a report")

        def on_trial_complete(
            self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
        ) -> None:
            raise KeyError("an end")

        def save(self, checkpoint_path: str) -> None:
            raise pickle.PicklingError("a socket")

    inner = Faulty()
    searcher = AheadSearcher(inner)
    ask(searcher, "a")
    searcher.on_trial_result("a", {"gain": 1})
    searcher.on_trial_complete("a", {"gain": 1})
    searcher.on_trial_complete("strange", {"gain": 1})
    ask(searcher, "b")
    assert searcher.inner is inner
    said = [record.getMessage() for record in caplog.records]
    assert said.count("the searcher could not take a report of trial a") == 2
    assert said.count("the searcher could not be told that trial a failed") == 1
    assert said.count("AheadSearcher did not suggest trial strange; it is ignored") == 1
    assert sum("Faulty cannot be saved (PicklingError: a socket)" in text for text in said) == 1
    with pytest.raises(NotImplementedError, match="Faulty cannot be saved"):
        searcher.save("nowhere")


def test_closed_it_can_be_asked_again() -> None:
    inner = Held()
    searcher = AheadSearcher(inner, ahead=3)
    first = ask(searcher, "a")
    assert searcher.inner is inner
    inner.let.clear()
    ask(searcher, "b")
    ask(searcher, "c")
    searcher.close()
    inner.let.set()
    assert ask(searcher, "d") != first


@pytest.mark.parametrize("options", [{"ahead": 0}, {"limit": 0}, {"ahead": 1.5}])
def test_what_cannot_be_counted_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a whole number of at least 1, got"):
        AheadSearcher(Held(), **options)


def test_closed_it_makes_no_more() -> None:
    inner = Held()
    searcher = AheadSearcher(inner, ahead=3)
    ask(searcher, "a")
    assert len(searcher.inner.heard) == 4  # type: ignore[attr-defined]  # waits for three ahead
    inner.let.clear()
    ask(searcher, "b")  # orders a fifth, which is held
    ask(searcher, "c")  # and a sixth, which waits for that
    searcher.close()
    inner.let.set()
    time.sleep(0.3)
    assert len(inner.heard) <= 5


def test_saved_while_a_suggestion_is_made(tmp_path: Path) -> None:
    inner, state = Held(), str(tmp_path / "state")
    searcher = AheadSearcher(inner, ahead=2)
    first = ask(searcher, "a")
    assert searcher.inner is inner
    inner.let.clear()
    second, third = ask(searcher, "b"), ask(searcher, "c")
    searcher.on_trial_complete("a", outcome(first))
    began = time.monotonic()
    searcher.save(state)
    assert time.monotonic() - began < 1
    inner.let.set()

    again = Held()
    restored = AheadSearcher(again, ahead=2)
    restored.restore(state)
    for each in (searcher, restored):
        each.on_trial_complete("b", outcome(second))
    configs = [first, second, third]
    for trial_id in "def":
        configs.append(ask(restored, trial_id))
        assert configs[-1] == ask(searcher, trial_id)
    assert len({config["x"] for config in configs}) == 6
    assert restored.inner.heard == searcher.inner.heard  # type: ignore[attr-defined]


def test_saved_after_a_suggestion_that_failed_it_asks_again(tmp_path: Path) -> None:
    class Hasty(Held):
        failures = 1

        def suggest(self, trial_id: str) -> dict[str, Any]:
            if trial_id == "suggestion-1" and self.failures:
                self.failures -= 1
                raise RuntimeError("no memory")
            return super().suggest(trial_id)

    searcher = AheadSearcher(Hasty(), ahead=3)
    first = ask(searcher, "a")
    assert searcher.inner  # it has been told of all: the second failed, the others are complete
    searcher.save(str(tmp_path / "state"))
    with pytest.raises(RuntimeError, match="no memory"):
        ask(searcher, "b")

    sound = Hasty()
    sound.failures = 0
    restored = AheadSearcher(sound, ahead=3)
    restored.restore(str(tmp_path / "state"))
    configs = [first, *(ask(restored, trial_id) for trial_id in "bcd")]
    assert len({config["x"] for config in configs}) == 4


def test_it_travels_before_a_run_and_after(tmp_path: Path) -> None:
    searcher = pickle.loads(pickle.dumps(AheadSearcher(SobolSearcher(SPACE, seed=2))))
    first = ask(searcher, "a")
    copy = pickle.loads(pickle.dumps(searcher))
    assert ask(copy, "b") == ask(searcher, "b") != first


def objective(config: dict[str, Any]) -> None:
    for epoch in range(1, 4):
        tune.report({**outcome(config), "epoch": epoch})


@pytest.mark.ray
def test_on_ray_with_its_state_saved(ray_session: object, tmp_path: Path) -> None:
    # A trial's process would otherwise import this module, and with it Ax.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    inner = AxSearcher(OBJECTIVES, SPACE, seed=0, initialization_trials=3)
    tuner = tune.Tuner(
        objective,
        tune_config=tune.TuneConfig(
            num_samples=4, max_concurrent_trials=2, search_alg=AheadSearcher(inner, limit=4)
        ),
        run_config=tune.RunConfig(name="ahead", storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    assert [result.error for result in results] == [None] * 4
    states = list((tmp_path / "ahead").glob("searcher-state-*.pkl"))
    assert states
    restored = AheadSearcher(AxSearcher(OBJECTIVES, SPACE, seed=0, initialization_trials=3))
    restored.restore(str(states[0]))
    done = restored.inner.client._experiment.trials.values()  # type: ignore[attr-defined]
    assert len(done) == 4
    assert sum(trial.status.is_completed for trial in done) >= 3  # as of its last save
