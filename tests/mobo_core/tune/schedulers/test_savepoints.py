"""A trial pauses at a report with a checkpoint, and a lost checkpoint costs this trial only."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest
from ray.tune.result import SHOULD_CHECKPOINT
from ray.tune.trainable import FunctionTrainable

from mobo_core import Objective
from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
from mobo_core.tune import PromotionScheduler
from mobo_core.tune.schedulers.reports import ReportError
from mobo_core.tune.schedulers.savepoints import Savepoints
from mobo_core.virtual import VirtualTrial
from tests.bench.cheap import Cheap


def a_trial(number: int = 0) -> Any:
    return VirtualTrial(number, {}, max_failures=0)


def of_functions(time_attr: str) -> Savepoints:
    savepoints = Savepoints(time_attr)
    savepoints.use(FunctionTrainable)
    return savepoints


@pytest.mark.parametrize("trainable", [None, Cheap])
def test_classes_are_saved_at_any_report(trainable: Any) -> None:
    savepoints = Savepoints("epoch")
    savepoints.use(trainable)
    assert savepoints.can_pause(a_trial(), 1, {"epoch": 1})
    assert savepoints.missing(a_trial()) is None


def test_functions_pause_where_they_pass_a_checkpoint(caplog: pytest.LogCaptureFixture) -> None:
    savepoints, trial = of_functions("epoch"), a_trial()
    with caplog.at_level(logging.WARNING):
        assert not savepoints.can_pause(trial, 1, {"epoch": 1, SHOULD_CHECKPOINT: False})
        assert not savepoints.can_pause(trial, 2, {"epoch": 2})
        assert savepoints.can_pause(trial, 3, {"epoch": 3, SHOULD_CHECKPOINT: True})
    (record,) = caplog.records
    assert "trial 00000 is to pause at epoch=1, but this report has no checkpoint" in record.message
    assert savepoints.missing(trial) is None


def test_functions_that_never_pass_one_are_named() -> None:
    savepoints, trial = of_functions("epoch"), a_trial()
    assert savepoints.missing(trial) is None  # it was never to pause
    assert not savepoints.can_pause(trial, 1, {"epoch": 1})
    text = savepoints.missing(trial)
    assert text is not None
    assert "trial 00000 was to pause at epoch=1" in text
    assert "checkpoint=..." in text
    assert savepoints.missing(a_trial(1)) is None
    trial.keep(b"", {"epoch": 8})  # its last report had one
    assert savepoints.missing(trial) is None


@pytest.mark.parametrize("metrics", [{"p": {"epoch": 3}}, {"p/epoch": 3}])
def test_the_newest_checkpoint_is_that_of_the_pause(metrics: dict[str, Any]) -> None:
    savepoints, trial = of_functions("p/epoch"), a_trial()
    assert not savepoints.is_saved(trial, 3)
    trial.keep(b"", metrics)
    assert savepoints.is_saved(trial, 3)
    assert not savepoints.is_saved(trial, 4)
    error = savepoints.lost(trial, 4)
    assert isinstance(error, ReportError)
    assert "trial 00000 was paused at p/epoch=4" in str(error)


def test_a_restored_run_remembers_that_trials_have_paused() -> None:
    rule = PromotionHalvingRule(HalvingSettings(4, reduction_factor=2))
    objectives = [Objective("loss", "min", 1.0)]
    first = PromotionScheduler(rule, objectives=objectives, slots=1, time_attr="epoch")
    known = first.get_state()["_savepoints"]
    known.use(FunctionTrainable)
    assert known.can_pause(a_trial(), 1, {"epoch": 1, SHOULD_CHECKPOINT: True})
    again = PromotionScheduler(rule, objectives=objectives, slots=1, time_attr="epoch")
    again.set_state(pickle.loads(pickle.dumps(first.get_state())))
    restored = again.get_state()["_savepoints"]
    assert not restored.can_pause(a_trial(1), 2, {"epoch": 2})
    assert restored.missing(a_trial(1)) is None  # others have paused, so functions pass checkpoints
