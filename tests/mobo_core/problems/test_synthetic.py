"""Synthetic problems: the full budget is BoTorch's function, and curves cross on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.test_functions.multi_objective import DTLZ2, ZDT1

from mobo_core import ObjectiveSet
from mobo_core.pareto.indicators import hypervolume
from mobo_core.problems.protocol import train_again
from mobo_core.problems.synthetic import (
    FUNCTIONS,
    IDEALS,
    NOISE,
    PROBLEMS,
    SyntheticProblem,
)


def curve(problem: SyntheticProblem, unit: np.ndarray) -> list[dict[str, float]]:
    training = problem.start(problem.space.from_unit(unit), 0)
    return [training.run_epoch() for _ in range(problem.max_epochs)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reports_lie_between_ideal_and_the_largest_hypervolume(name: str) -> None:
    problem = SyntheticProblem(name)
    objectives = ObjectiveSet(list(problem.objectives.values()))
    assert len(IDEALS[name]) == len(objectives)
    draws = np.random.default_rng(0).random((300, len(problem.space)))
    curves = np.array([objectives.to_points(curve(problem, unit)) for unit in draws])
    assert (curves >= objectives.ideal_point).all()
    assert (np.diff(curves, axis=1) <= 0).all()  # no report is better than the last
    reached = hypervolume(curves[:, -1], objectives.reference_point)
    assert 0 < reached <= problem.max_hypervolume


@pytest.mark.parametrize(("name", "function"), [("dtlz2", DTLZ2(6)), ("zdt1", ZDT1(6))])
def test_the_known_front_is_reached(name: str, function: DTLZ2 | ZDT1) -> None:
    # x2 … at their best values give a point of the front for every x1.
    problem = SyntheticProblem(name, max_epochs=5)
    rest = 0.5 if name == "dtlz2" else 0.0
    configs = [[x, *[rest] * 5] for x in np.linspace(0, 1, 400)]
    named = [dict(zip(problem.space.names, config, strict=True)) for config in configs]
    ends = [train_again(problem, config, 0, 5)[0] for config in named]
    objectives = ObjectiveSet(list(problem.objectives.values()))
    points = objectives.to_points(ends)
    expected = function.to(torch.double)(torch.tensor(configs, dtype=torch.double)).numpy()
    np.testing.assert_allclose(points, expected, rtol=0, atol=1e-12)
    for front in (points, problem.front(5000)):
        reached = hypervolume(front, objectives.reference_point)
        assert reached == pytest.approx(problem.max_hypervolume, rel=5e-3)


@pytest.mark.parametrize("name", ["zdt1", "dtlz2"])
def test_curves_cross(name: str) -> None:
    problem = SyntheticProblem(name, max_epochs=8)
    draws = np.random.default_rng(1).random((100, len(problem.space)))
    values = np.array([[row["f2"] for row in curve(problem, unit)] for unit in draws])
    ranks = values.argsort(axis=0).argsort(axis=0)
    # An early rank correlates with the last one, but not fully.
    correlations = [np.corrcoef(ranks[:, t], ranks[:, -1])[0, 1] for t in range(8)]
    assert 0.2 < correlations[0] < 0.95
    assert correlations == sorted(correlations)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="unknown function 'ackley': choose from"):
        SyntheticProblem("ackley")
    with pytest.raises(ValueError, match="at least 2, got 1"):
        SyntheticProblem("zdt1", max_epochs=1)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_ends_at_its_function(name: str) -> None:
    problem = SyntheticProblem(name, max_epochs=8)
    plain = SyntheticProblem(problem.function, max_epochs=8)
    assert (problem.shape, problem.is_noisy) == (
        ("power", name.endswith("noisy"))
        if name in (problem.function, f"{problem.function}-noisy")
        else (name.removeprefix(f"{problem.function}-"), False)
    )
    unit = np.full(len(problem.space), 0.3)
    mine, theirs = curve(problem, unit), curve(plain, unit)
    if not problem.is_noisy:
        assert mine[-1] == pytest.approx(theirs[-1])
    assert mine[0] == pytest.approx(theirs[0], rel=0.5)


def test_noise_is_of_the_stated_size_and_repeats() -> None:
    noisy, plain = SyntheticProblem("dtlz2-noisy"), SyntheticProblem("dtlz2")
    config = noisy.space.from_unit([0.3] * 6)
    ends = [train_again(noisy, config, seed, 8)[0]["f1"] for seed in range(300)]
    again = [train_again(noisy, config, seed, 8)[0]["f1"] for seed in range(3)]
    assert ends[:3] == again
    exact = train_again(plain, config, 0, 8)[0]["f1"]
    draws = np.random.default_rng(0).random((1000, 6))
    values = [train_again(plain, plain.space.from_unit(x), 0, 8)[0]["f1"] for x in draws]
    assert np.std(ends) == pytest.approx(NOISE * np.ptp(values), rel=0.1)
    assert np.mean(ends) == pytest.approx(exact, abs=4 * np.std(ends) / np.sqrt(300))
