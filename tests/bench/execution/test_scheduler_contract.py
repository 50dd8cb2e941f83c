"""The contract that every scheduler of the catalogue keeps, in real Tune and in virtual time."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from bench.execution.ray.session import SLOT
from bench.matrix import catalogue, rivals
from bench.matrix.matrix import Component
from mobo_core import Objective, ObjectiveSet
from mobo_core.space import ChoiceParameter, SearchSpace
from mobo_core.virtual import Cluster, simulate
from tests.bench.cheap import MAX_T, Cheap, CheapProblem

ERROR = Objective("error", "min", 0.6, ideal=0)
LOSS = Objective("loss", "min", 1.2, ideal=0)
SIZE = Objective("size", "min", 100, exact=True, ideal=0)
SETS = {2: ObjectiveSet([ERROR, SIZE]), 3: ObjectiveSet([ERROR, LOSS, SIZE])}
SPACE = SearchSpace((ChoiceParameter("number", (0, 1)),))
BRACKETS = [
    Component("mo-hyperband-promotion", "moasha-promotion", {"brackets": 2}),
    Component("mo-hyperband-stopping", "moasha-stopping", {"brackets": 2}),
    Component("async-hyperband", "asha", {"brackets": 2, "random_weights": True}),
]
ONE_MORE = [
    Component(f"{name}-plus-one", name, {"quota": "floor_plus_one", "brackets": 2})
    for name in ("moasha-promotion", "moasha-stopping")
]
EARLY = {"min_progression": 1, "min_curves": 1}
"""Ax stops no trial before epoch 10 by default, and these trials have 8."""
SUGGESTING = ("neps-primo", "smac-parego-hyperband")
"""Rivals that need their own searcher; tests/bench/rivals/test_asked.py has their contract."""
RIVALS = [
    Component(name, name, EARLY if name.startswith("ax") else {})
    for name in sorted(rivals.SCHEDULERS)
    if name not in SUGGESTING
] + [Component("syne-tune-brackets", "syne-tune-moasha", {"brackets": 2})]
COMPONENTS = [
    *(Component(name, name, {}) for name in sorted(catalogue.SCHEDULERS)),
    *BRACKETS,
    *ONE_MORE,
    *RIVALS,
]
PROMOTING_FEW = ("moasha-promotion", "neps-moasha", "neps-mo-hyperband")
"""Schedulers that promote none of fewer than η trials."""
CASES = ("finish", "fail", "nan", "ties", "one", "slots")
CROSS = [(case, m) for case in (*CASES, "mixed") for m in sorted(SETS)]
# A run of real Tune starts new processes, which takes seconds. What differs there is how a
# scheduler is joined to Tune, in one of five ways, and by default one scheduler stands for each:
# Ray's own, ours that stop, ours that promote, others' that stop, and others' that pause. Some
# cases share a run ("mixed": some fail, some report NaN, the rest tie), two objectives have theirs
# in the comparison with virtual time below, and a single trial has none. `-m exhaustive` runs every
# case of every scheduler by itself. In virtual time all of them always run.
JOINED = ("fifo", "projected-stopping", "hv-promotion", "asha", "hyperband")
SHARED = (("mixed", 3), ("slots", 3))


def skipped(component: Component) -> list[pytest.MarkDecorator]:
    """Return the mark that skips a rival that is not installed."""
    reason = rivals.absent("scheduler", component.name)
    return [pytest.mark.skipif(True, reason=reason)] if reason else []


def on_real_ray(component: Component, *case: object, by_default: bool = True) -> Any:
    """Return a case of a scheduler on real Ray; only those of `JOINED` run by default."""
    marks = [pytest.mark.ray, *skipped(component)]
    if not (by_default and component.label in JOINED):
        marks.append(pytest.mark.exhaustive)
    name = "-".join(map(str, (component.label, *case)))
    return pytest.param(component, *case, marks=marks, id=name)


ON_RAY = [
    on_real_ray(component, "ray", *case, by_default=case in SHARED)
    for component in COMPONENTS
    for case in CROSS
]
VIRTUAL = [
    pytest.param(
        component,
        "virtual",
        *case,
        marks=skipped(component),
        id=f"{component.label}-virtual-{case[0]}-{case[1]}",
    )
    for component in COMPONENTS
    for case in CROSS
]


class Numbered(Searcher):
    """A searcher that suggests 0, 1, 2, … and records how each trial ended."""

    def __init__(self, case: str) -> None:
        super().__init__()
        self.case = case
        self.numbers: dict[str, int] = {}
        self.ended: Counter[str] = Counter()
        self.errors: set[str] = set()
        self.results: dict[str, Any] = {}

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        self.numbers[trial_id] = len(self.numbers)
        return {"number": self.numbers[trial_id], "case": self.case}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self.ended[trial_id] += 1
        self.results[trial_id] = result
        if error:
            self.errors.add(trial_id)


def global_numpy_state() -> list[int]:
    return np.random.get_state()[1].tolist()  # type: ignore[index,no-any-return]  # noqa: NPY002


HOOKS = (
    "on_trial_add",
    "on_trial_result",
    "on_trial_complete",
    "on_trial_error",
    "on_trial_remove",
    "choose_trial_to_run",
)


class Guarded(type):
    """A metaclass: the scheduler's hooks fail if they change a global random state."""

    def __new__(cls, scheduler_class: type) -> Any:
        def guard(name: str) -> Any:
            def hook(self: Any, *arguments: Any) -> Any:
                before = random.getstate(), global_numpy_state()
                answer = getattr(scheduler_class, name)(self, *arguments)
                assert (random.getstate(), global_numpy_state()) == before, name
                return answer

            return hook

        return type(scheduler_class.__name__, (scheduler_class,), {n: guard(n) for n in HOOKS})


def on_ray(
    scheduler: Any, searcher: Numbered, trials: int, slots: int, last: int | None, folder: Path
) -> dict[int, tuple[int, bool]]:
    """Run real Tune; return for each trial number its epochs and whether it failed."""
    results = tune.Tuner(
        tune.with_resources(Cheap, {"cpu": 0.01, SLOT: 2 / slots}),
        tune_config=tune.TuneConfig(
            search_alg=searcher, scheduler=scheduler, num_samples=trials, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name="contract",
            storage_path=str(folder),
            verbose=0,
            stop={"epoch": last} if last else None,
        ),
    ).fit()
    return {
        r.config["number"]: ((r.metrics or {}).get("epoch", 0), bool(r.error))  # type: ignore[index]
        for r in results
    }


def in_virtual_time(
    scheduler: Any, searcher: Numbered, trials: int, slots: int, last: int | None, folder: Path
) -> dict[int, tuple[int, bool]]:
    """Run in virtual time, without Ray; return the same as `on_ray`."""
    run = simulate(
        CheapProblem(last),
        searcher=searcher,
        scheduler=scheduler,
        num_samples=trials,
        cluster=Cluster(slots),
        ahead=1,
    )
    return {t.config["number"]: (t.last_result.get("epoch", 0), bool(t.error)) for t in run.trials}


BACKENDS = {"ray": on_ray, "virtual": in_virtual_time}


def run(
    component: Component, backend: str, case: str, m: int, folder: Path, slots: int = 2
) -> tuple[dict[int, int], Numbered]:
    """Run a scheduler; return the epochs of each trial by its number, and the searcher."""
    trials = {"one": 1, "slots": 3}.get(case, 7)
    context = catalogue.Context(SPACE, SETS[m], MAX_T, slots, seed=0)
    scheduler = catalogue.make_scheduler(component, context)
    original = type(scheduler)
    if original is not FIFOScheduler:  # Ray checks for this exact class
        scheduler.__class__ = Guarded(original)
    searcher = Numbered(case)
    # Ray's own schedulers without a full budget get it from Tune; in the benchmark the trainable
    # ends its trials itself.
    last = MAX_T if original is FIFOScheduler or component.name == "median" else None
    outcome = BACKENDS[backend](scheduler, searcher, trials, slots, last, folder)
    # Every trial is accounted for, once.
    assert sorted(outcome) == sorted(searcher.numbers.values()) == list(range(trials))
    assert searcher.ended == Counter(dict.fromkeys(searcher.numbers, 1))
    failed = {number for number, (_, error) in outcome.items() if error}
    assert {searcher.numbers[t] for t in searcher.errors} == failed
    epochs = {number: reached for number, (reached, _) in outcome.items()}
    assert max(epochs.values()) <= MAX_T
    return epochs, searcher


@pytest.fixture(autouse=True)
def ray_for_those_that_need_it(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("ray"):
        request.getfixturevalue("ray_session")


@pytest.mark.parametrize(("component", "backend_name", "case", "m"), ON_RAY + VIRTUAL)
def test_contract(
    component: Component, backend_name: str, case: str, m: int, tmp_path: Path
) -> None:
    slots = 4 if case == "slots" else 2
    epochs, searcher = run(component, backend_name, case, m, tmp_path, slots)
    failing = case in ("fail", "mixed")
    assert min(epochs.values()) >= (0 if failing else 1)
    if failing:
        assert {searcher.numbers[t] for t in searcher.errors} <= {1, 4}
    elif component.name == "fifo":
        assert set(epochs.values()) == {MAX_T}
    elif component.name not in PROMOTING_FEW:
        assert max(epochs.values()) == MAX_T  # at least one trial trains to the end
    told = {searcher.numbers[t]: r for t, r in searcher.results.items()}
    for number, reached in epochs.items():
        # The searcher gets the last report; of trials that Ray's own schedulers end while they
        # are paused, Tune tells it nothing.
        if not failing and not (component.name == "hyperband" and told[number] is None):
            assert told[number]["epoch"] == reached


@pytest.mark.parametrize("component", [on_real_ray(each) for each in COMPONENTS])
def test_one_worker_decides_in_virtual_time_as_on_ray(
    component: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With several trials waiting, Tune gives a freed actor to any of them. It always has one ahead.
    monkeypatch.setenv("TUNE_MAX_PENDING_TRIALS_PG", "1")
    real, _ = run(component, "ray", "finish", 2, tmp_path, slots=1)
    virtual, _ = run(component, "virtual", "finish", 2, tmp_path, slots=1)
    again, _ = run(component, "virtual", "finish", 2, tmp_path, slots=1)
    assert real == virtual == again
