"""Epochs in virtual time: what their reports must hold, and how nested ones are passed on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.problems.curve import CurveTraining
from mobo_core.tune import PromotionMOASHA, StoppingMOASHA
from mobo_core.virtual import InOrder, RecordedCurves, Simulation, simulate

REPORT = {"error": 0.5, "size": 1.0}


def along(*rows: dict[str, Any]) -> Simulation:
    """Run one curve with the given reports."""
    problem = RecordedCurves([[REPORT | row for row in rows]], [{"width": 8}])
    return simulate(problem, searcher=InOrder(problem.configs), num_samples=1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"seconds": -1.0}, "seconds must be at least 0, got -1.0"),
        ({"seconds": math.nan}, "seconds must be a finite number, got nan"),
        ({"seconds": math.inf}, "seconds must be a finite number, got inf"),
        ({"seconds": "1"}, "seconds must be a finite number, got '1'"),
        ({"seconds": None}, "seconds must be a finite number, got None"),
        ({"seconds": True}, "seconds must be a finite number, got True"),
        ({"epoch": 1}, "epoch must be greater than 1, got 1"),
        ({"epoch": 0}, "epoch must be greater than 1, got 0"),
        ({"epoch": math.nan}, "epoch must be a finite number, got nan"),
        ({"epoch": "2"}, "epoch must be a finite number, got '2'"),
    ],
)
def test_epochs_that_cannot_be_are_errors_that_say_where(row: dict[str, Any], message: str) -> None:
    expected = f"problem 'RecordedCurves' .* but {message}, after epoch 1 of the configuration "
    with pytest.raises(ValueError, match=rf"{expected}{{'width': 8, 'curve': CurveNumber"):
        along({}, row, {"epoch": 3})


class Forgetful(RecordedCurves):
    """Curves whose reports lack a key."""

    lacks: str

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        rows = [{"error": 0.5, "epoch": 1, "seconds": 1.0}]
        return CurveTraining(
            [{key: value for key, value in row.items() if key != self.lacks} for row in rows],
            hidden=None,
        )


@pytest.mark.parametrize("key", ["epoch", "seconds"])
def test_epochs_without_number_or_seconds_are_an_error(key: str) -> None:
    problem = Forgetful([[REPORT]])
    problem.lacks = key
    message = f"problem 'Forgetful' .* but '{key}' is missing; reported keys: error, "
    with pytest.raises(ValueError, match=message):
        simulate(problem, searcher=InOrder(problem.configs), num_samples=1)


def test_some_epochs_may_take_no_time_but_not_all(caplog: pytest.LogCaptureFixture) -> None:
    seconds = [np.float32(0.0), 2, np.int64(3)]
    assert along(*({"seconds": s} for s in seconds)).seconds == 5
    assert caplog.messages == []
    assert along({"seconds": 0}, {"seconds": 0.0}).seconds == 0
    (said,) = caplog.messages
    assert said.startswith("all 2 reports have 0 seconds")


def test_schedulers_and_searchers_get_nested_reports_flat_as_from_tune() -> None:
    objectives = ObjectiveSet([Objective("val/error", "min", 1), Objective("size", "min", 9)])
    nested = [{"val": {"error": 1 / t}, "p": {"t": t}, "size": 1.0} for t in (1, 2, 3)]
    problem = RecordedCurves([nested] * 3)
    told: list[dict[str, Any]] = []

    class Told(InOrder):
        def on_trial_complete(
            self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
        ) -> None:
            told.append(result or {})

    for scheduler in (
        StoppingMOASHA(objectives, 3, time_attr="p/t"),
        PromotionMOASHA(objectives, 3, slots=1, time_attr="p/t"),
    ):
        ran = simulate(problem, searcher=Told(problem.configs), scheduler=scheduler, num_samples=3)
        assert max(trial.last_result["p"]["t"] for trial in ran.trials) == 3
    assert {result["val/error"] for result in told} >= {1.0, 1 / 3}
