"""How long the parts take at 100, 1,000 and 10,000 points or trials: ``make benchmark``.

Without ``--benchmark-enable`` every case runs once, untimed, and only has to be right.
"""

from __future__ import annotations

import cProfile
import itertools
import math
import pstats

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.matrix.matrix import Component
from bench.studies import scale
from mobo_core.objectives import Points
from mobo_core.pareto.indicators import hypervolume
from mobo_core.pareto.ranking import RANKINGS
from mobo_core.rules.halving import HalvingRule, HalvingSettings
from mobo_core.rules.rule import Decision

SIZES = (100, 1_000, 10_000)


def points(n: int, m: int = 2) -> Points:
    return np.random.default_rng(0).random((n, m))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["pareto_epsnet", "pareto_crowding", "linear"])
def test_ranking(benchmark: BenchmarkFixture, name: str, n: int) -> None:
    order = benchmark(RANKINGS[name], points(n))
    assert sorted(order) == list(range(n))


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("n", SIZES)
def test_hypervolume(benchmark: BenchmarkFixture, n: int, m: int) -> None:
    value = benchmark(hypervolume, points(n, m), np.ones(m))
    assert 0 < value < 1


@pytest.mark.parametrize("n", SIZES)
def test_decision(benchmark: BenchmarkFixture, n: int) -> None:
    """Time one more report in a rung that holds about n reports."""
    rule = HalvingRule(HalvingSettings(max_t=9))
    few = max(1, n // 10)
    known, newcomers = np.split(points(n + few), [n])

    def report(number: int, point: Points) -> Decision:
        rule.add(str(number), {})
        return rule.report(str(number), 1, point)

    for number, point in enumerate(known):
        report(number, point)
    others = itertools.count(n)
    arriving = iter(newcomers)
    rounds = few if benchmark.enabled else 1
    benchmark.pedantic(lambda: report(next(others), next(arriving)), rounds=rounds)
    assert report(next(others), np.array([2.0, 2.0])) is Decision.STOP  # all others dominate it
    assert report(next(others), np.array([-1.0, -1.0])) is Decision.CONTINUE


@pytest.mark.parametrize("trials", SIZES)
@pytest.mark.parametrize("name", ["fifo", "moasha-stopping", "moasha-promotion"])
def test_event_loop(benchmark: BenchmarkFixture, name: str, trials: int) -> None:
    """Time a whole run in virtual time with 64 workers."""
    case = scale.Case(Component(name, name, {}), trials, 64)
    row = benchmark.pedantic(scale.measure, (case,), rounds=3 if benchmark.enabled else 1)
    assert row["results"] >= trials


@pytest.mark.parametrize("name", ["fifo", "moasha-stopping", "moasha-promotion"])
def test_the_work_of_a_run_grows_no_faster_than_n_log_n(name: str) -> None:
    """The test counts calls of functions, because other load on the machine cannot change them."""

    def calls(trials: int) -> int:
        with cProfile.Profile() as profile:
            scale.measure(scale.Case(Component(name, name, {}), trials, 64))
        return pstats.Stats(profile).total_calls  # type: ignore[attr-defined,no-any-return]

    few, many = 500, 2_000
    calls(few)  # imports during the first call do not count
    growth = many * math.log(many) / (few * math.log(few))
    assert calls(many) <= 1.1 * growth * calls(few)
