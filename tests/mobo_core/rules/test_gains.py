"""Projected ends and gains in units of any size, and after reports that cannot be true."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.rules.gains import Projection, ProjectionSettings

pytestmark = pytest.mark.filterwarnings("error")


def a_projection(unit: float) -> Projection:
    """Return a projection of three trials whose losses are measured in a unit."""
    loss = Objective("loss", "min", reference=2.0 * unit, ideal=0.0)
    params = Objective("params", "min", reference=100_000, exact=True)
    projection = Projection(ProjectionSettings(ObjectiveSet([loss, params]), max_t=8))
    for number, trial in enumerate("abc"):
        for t in (1, 2, 4):
            point = np.array([(1 + number / 4) / t**0.5 * unit, 20_000.0 - 5_000 * number])
            projection.ends.curves.add(trial, t, point)
    return projection


@pytest.mark.parametrize("unit", [1e-30, 1e-15, 1e15, 1e100])
def test_the_unit_of_a_loss_does_not_matter(unit: float) -> None:
    plain, scaled = a_projection(1.0), a_projection(unit)
    trials, levels = ["a", "b", "c"], np.array([0.1, 0.5, 0.9])
    expected = plain.ends.of(trials, levels) * [unit, 1.0]
    assert scaled.ends.of(trials, levels) == pytest.approx(expected, rel=1e-9)
    gains = plain.gains(trials)
    assert (gains > 0).any()
    assert scaled.gains(trials) == pytest.approx(gains, rel=1e-6)
    losses = [projection.expected_loss(trials, []) for projection in (plain, scaled)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_an_absurdly_good_report_does_not_end_the_run() -> None:
    projection = a_projection(1.0)
    projection.ends.curves.add("broken", 1, np.array([-1e200, -1e200]))
    assert np.isfinite(projection.hypervolume())
    assert np.isfinite(projection.gains(["a", "b"])).all()
    assert np.isfinite(projection.shared(["a", "b"], ["c"])).all()
    assert np.isfinite(projection.expected_loss(["a", "b"], ["c"]))


@pytest.mark.parametrize("values", [(1e-310, 0.5), (1e-200, 1e-120), (5e-324, 5e-324)])
def test_a_volume_below_all_floats_is_one_like_others(values: tuple[float, float]) -> None:
    objectives = [Objective(name, "max", reference=0.0) for name in ("p", "q")]
    projection = Projection(ProjectionSettings(ObjectiveSet(objectives), max_t=8))
    projection.ends.curves.add("tiny", 1, -np.array(values))
    assert projection.hypervolume() == pytest.approx(1)
    assert (projection.gains(["tiny"]) >= 0).all()
    projection.ends.curves.add("usual", 1, -np.array([0.5, 0.5]))
    assert projection.hypervolume() == pytest.approx(1)


def test_references_that_no_trial_reaches_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    accuracy = Objective("accuracy", "max", reference=0.9)
    params = Objective("params", "min", reference=100.0, exact=True)
    projection = Projection(ProjectionSettings(ObjectiveSet([accuracy, params]), max_t=8))
    for number in range(12):
        projection.ends.curves.add(str(number), 1, np.array([-0.05 * number, 10.0 + number]))
        assert projection.hypervolume() == 0
        assert len(caplog.records) == (number >= 9)
    (message,) = caplog.messages
    assert "none of 10 trials is better than the reference in every objective" in message
    assert "'accuracy' 0.45 (reference 0.9), 'params' 10 (reference 100)" in message
