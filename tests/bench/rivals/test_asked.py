"""Systems that are driven by ask and tell: a scripted one, and those that suggest as well."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from ray import cloudpickle

from bench.execution.queue import attempt
from bench.execution.virtual import VirtualBackend
from bench.matrix import rivals
from bench.matrix.costs import Costs
from bench.matrix.matrix import Budget, Cell, Component, Run
from bench.records import storage
from bench.rivals.asked import AskedRule, AskedScheduler, Wish, WishSearcher
from mobo_core import Objective, ObjectiveSet
from mobo_core.problems.synthetic import SyntheticProblem
from mobo_core.rules.rule import Decision
from mobo_core.virtual import Cluster, simulate

MAX_T = 4


class Halving:
    """A system that promotes every second result of epoch 1 to the full budget."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.log: list[str] = []
        self.count = 0
        self.closed = False

    def ask(self) -> Wish:
        if len(self.news) >= 2:
            number = self.news.pop()
            return Wish(f"{number}b", number, True, MAX_T, None)
        return self.sample()

    def sample(self) -> Wish:
        self.count += 1
        config = {"x1": self.count / 100, "x2": 0.5}
        return Wish(f"{self.count}a", str(self.count), False, 1, config)

    def tell(self, wish: Wish, point: list[float]) -> None:
        self.log.append(f"told {wish.id}")
        if wish.epoch == 1:
            self.news.append(wish.number)

    def forget(self, wish: Wish) -> None:
        self.log.append(f"forgot {wish.id}")

    def close(self) -> None:
        self.closed = True


GOOD = np.array([1.0, 2.0])


def started() -> tuple[AskedRule, Halving]:
    system = Halving()
    return AskedRule(lambda: system, MAX_T), system


def test_a_trial_pauses_where_it_was_asked_to_and_is_promoted() -> None:
    rule, system = started()
    for name in "ab":
        assert rule.choose(new_available=True) is None
        rule.add(name, {})
        assert rule.report(name, 1, GOOD) is Decision.PAUSE
        assert rule.is_paused(name)
    assert rule.choose(new_available=True) == rule.choose(new_available=True) == "b"
    rule.resume("b")
    assert not rule.is_paused("b")
    assert rule.report("b", 2, GOOD) is Decision.CONTINUE
    assert rule.report("b", MAX_T, GOOD) is Decision.COMPLETE
    rule.end("b", failed=False)
    assert system.log == ["told 1a", "told 2a", "told 2b"]
    rule.close()
    assert system.closed


def test_a_trial_may_start_though_another_would_be_promoted() -> None:
    rule, _ = started()
    for name in "ab":
        rule.add(name, {})
        rule.report(name, 1, GOOD)
    assert rule.choose(new_available=True) == "b"
    rule.add("c", {})
    rule.withdraw("b")  # it trains on, because it cannot pause here
    assert rule.choose(new_available=True) is None
    assert rule.report("b", 2, GOOD) is Decision.PAUSE  # as soon as it can
    assert rule.choose(new_available=True) == "b"


def test_what_fails_is_forgotten() -> None:
    rule, system = started()
    for name in "abc":
        rule.add(name, {})
    assert rule.report("a", 1, np.array([np.nan, 1])) is Decision.STOP
    rule.end("a", failed=False)
    rule.add("b", {})  # it starts again after a failure, with what it was asked for
    rule.report("b", 1, GOOD)
    rule.report("c", 1, GOOD)
    assert rule.choose(new_available=True) == "c"
    rule.end("c", failed=True)  # before it is resumed
    assert system.log == ["forgot 1a", "told 2a", "told 3a", "forgot 3b"]


def test_a_wish_for_a_new_trial_is_dropped_once_there_is_none() -> None:
    rule, system = started()
    for name in "ab":
        rule.add(name, {})
    assert rule.choose(new_available=True) is None
    rule.report("a", 1, GOOD)
    assert "forgot 3a" not in system.log  # a new trial may still come
    assert rule.choose(new_available=False) is None
    rule.report("b", 1, GOOD)
    assert system.log == ["told 1a", "told 2a", "forgot 3a"]
    assert rule.choose(new_available=False) == "b"


def test_its_searcher_suggests_what_it_wants() -> None:
    rule, _ = started()
    searcher = WishSearcher(rule)
    first, second = searcher.suggest("one"), searcher.suggest("two")
    assert (first, second) == ({"x1": 0.01, "x2": 0.5}, {"x1": 0.02, "x2": 0.5})
    rule.add("two", second or {})
    rule.add("one", first or {})
    for name in ("one", "two"):
        rule.report(name, 1, GOOD)
    assert searcher.suggest("three") is None  # a promotion comes first
    assert rule.choose(new_available=True) == "two"


def test_a_whole_search_in_virtual_time() -> None:
    problem = SyntheticProblem("branin-currin", MAX_T)
    rule, system = started()
    scheduler = AskedScheduler(
        rule,
        objectives=ObjectiveSet(problem.objectives.values()),
        slots=2,
        time_attr="epoch",
        suggests=True,
    )
    assert scheduler.searcher is not None
    run = simulate(
        problem,
        searcher=scheduler.searcher,
        scheduler=scheduler,
        num_samples=9,
        cluster=Cluster(2, checkpoint_s=0.1),
        ahead=1,
    )
    epochs = [trial.last_result["epoch"] for trial in run.trials]
    assert set(epochs) == {1, MAX_T}
    assert epochs.count(MAX_T) == 8  # each promotion takes one of two, and the other stays
    assert system.closed
    assert [t.config["x1"] for t in run.trials] == [n / 100 for n in range(1, 10)]


def test_tune_can_pickle_it() -> None:
    rule, system = started()
    rule.add("a", {})
    copied = cloudpickle.loads(cloudpickle.dumps(rule))
    assert not copied.is_paused("a")
    assert copied.system is not system
    assert rule.system is system


def test_a_system_that_only_decides_brings_no_searcher() -> None:
    rule, _ = started()
    objectives = [Objective("a", "min", 1), Objective("b", "min", 1)]
    scheduler = AskedScheduler(rule, objectives=objectives, slots=1, time_attr="epoch")
    assert scheduler.searcher is None


def skipped(name: str) -> pytest.MarkDecorator:
    reason = rivals.absent("scheduler", name)
    return pytest.mark.skipif(bool(reason), reason=reason)


def suggesting(name: str, seed: int) -> Run:
    params = {"initial_design_size": 2} if name == "neps-primo" else {}
    cell = Cell(
        "synthetic",
        "branin-currin",
        Component("sobol", "sobol", {}),
        Component(name, name, params),
        ("f1", "f2"),
    )
    return Run(cell, Budget(9, MAX_T, 3), seed, Costs())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the rivals' own code
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=skipped(n)) for n in ("neps-primo", "smac-parego-hyperband")],
)
def test_rivals_that_suggest_repeat_by_their_seed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    results = [
        attempt(suggesting(name, seed), VirtualBackend("", 1), "").record.result
        for seed in (1, 1, 2)
    ]
    after = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    assert after == before
    first, again, other = results
    assert first is not None
    assert again is not None
    assert other is not None
    assert storage.fingerprint(first) == storage.fingerprint(again)
    assert [t.config for t in first.trials] != [t.config for t in other.trials]
    assert len(first.trials) == 9
    assert {t.epochs for t in first.trials} <= {1, 4}
    assert MAX_T in {t.epochs for t in first.trials}
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
    assert not list((tmp_path / "temporary").glob("smac*"))
