"""NePS's decisions in our rule, in a process of its own that ends for sure."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from bench.rivals import neps
from bench.rivals.asked import AskedRule
from bench.rivals.installed import NEPS
from bench.rivals.neps import NePSError, NePSProcess, NePSSettings, NePSSystem
from mobo_core.rules.rule import Decision

pytestmark = pytest.mark.skipif(bool(NEPS.missing()), reason=NEPS.missing())
MAX_T = 9


def rule(algorithm: neps.Algorithm = "moasha", seed: int = 0, **options: int) -> AskedRule:
    return AskedRule(partial(NePSSystem, NePSSettings(algorithm, MAX_T, options, seed)), MAX_T)


def point(number: int) -> np.ndarray:
    return np.array([number * 7 % 11, number * 5 % 13], float)


def search(tested: AskedRule, trials: int) -> dict[str, int]:
    """Run a search with one slot; return the epochs of each trial."""
    reached: dict[str, int] = {}
    while True:
        chosen = tested.choose(len(reached) < trials)
        if chosen is None:
            if len(reached) == trials:
                tested.close()
                return reached
            chosen = str(len(reached))
            reached[chosen] = 0
            tested.add(chosen, {})
        else:
            tested.resume(chosen)
        decision = Decision.CONTINUE
        while decision is Decision.CONTINUE:
            reached[chosen] += 1
            decision = tested.report(chosen, reached[chosen], point(int(chosen)))
        assert tested.is_paused(chosen) == (decision is Decision.PAUSE)
        if decision is Decision.COMPLETE:
            tested.end(chosen, failed=False)


def test_moasha_as_shipped_promotes_nearly_all() -> None:
    reached = search(rule(), 24)
    # η = 3: of n trials it promotes all but η - 1, and of those again.
    assert [sum(epochs >= rung for epochs in reached.values()) for rung in (1, 3, 9)] == [
        24,
        22,
        20,
    ]


def test_hyperband_promotes_a_share_and_a_seed_repeats() -> None:
    first, again = (search(rule("mo_hyperband", seed=3), 22) for _ in range(2))
    assert first == again
    assert set(first.values()) <= {1, 3, MAX_T}
    assert sum(epochs == 1 for epochs in first.values()) >= 6  # of 9 in the first bracket 3 go on


def test_failed_trials_are_forgotten_and_wishes_dropped() -> None:
    tested = rule()
    for name in "abc":
        tested.add(name, {})
    assert tested.report("a", 1, np.array([np.nan, 1])) is Decision.STOP
    tested.end("a", failed=True)
    tested.add("b", {})  # it starts again
    assert tested.report("b", 1, point(1)) is Decision.PAUSE
    assert tested.choose(new_available=True) is None  # a wish for a new trial, which never comes
    assert tested.report("c", 1, point(2)) is Decision.PAUSE
    tested.add("d", {})
    assert tested.report("d", 1, point(3)) is Decision.PAUSE
    chosen = tested.choose(new_available=False)
    assert chosen in set("bcd")
    tested.end(chosen, failed=True)  # the promotion comes to nothing
    assert tested.choose(new_available=False) is None
    tested.close()


def test_a_trial_may_start_though_another_would_be_promoted() -> None:
    tested = rule()
    for name in "abc":
        tested.add(name, {})
        assert tested.report(name, 1, point(ord(name))) is Decision.PAUSE
    promoted = tested.choose(new_available=True)
    assert promoted is not None
    tested.add("d", {})
    assert tested.choose(new_available=True) == promoted
    tested.withdraw(promoted)  # it trains on, because it cannot pause here
    assert tested.choose(new_available=True) is None
    assert tested.report(promoted, 2, point(0)) is Decision.PAUSE
    assert tested.choose(new_available=True) == promoted
    tested.close()


def test_an_error_of_neps_and_its_end_are_named() -> None:
    process = NePSProcess()
    settings = {"options": {}, "max_t": MAX_T, "seed": 0, "space": None}
    with pytest.raises(NePSError, match=r"NePS: AttributeError: .*no attribute 'nothing'"):
        process.call("begin", algorithm="nothing", **settings)
    process.call("begin", algorithm="moasha", **settings)
    with pytest.raises(NePSError, match="NePS: ValueError: Unknown trial id"):
        process.call("tell", id="7_rung_0", point=[1.0, 2.0])
    process.close()
    with pytest.raises(ValueError, match="closed file"):
        process.call("ask")


@pytest.mark.parametrize("option", [{"eta": 1}, {"eta": 2.5}, {"early_stopping_rate": -1}])
def test_bad_options_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be a whole number of at least"):
        NePSSettings("moasha", MAX_T, option)


DRIVER = """
import os, signal
from bench.rivals.neps import NePSSettings, NePSSystem
systems = [NePSSystem(NePSSettings("moasha", 9)) for _ in range(2)]
for system in systems:
    system.ask()
print("ready", flush=True)
signal.pause()
"""


def test_its_processes_end_when_ours_is_killed() -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=root, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        started = psutil.Process(driver.pid).children(recursive=True)
        assert len(started) == 3  # the server and two searches
        driver.kill()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive


def test_searches_do_not_touch_one_another() -> None:
    alone = search(rule("mo_hyperband", seed=1), 12)
    first, second = rule("mo_hyperband", seed=1), rule("moasha", seed=2)
    second.add("x", {})
    assert search(first, 12) == alone
    second.close()
