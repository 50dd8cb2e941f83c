"""Promotion without Ray: which trial a freed process goes to."""

from __future__ import annotations

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import PromotionMOASHA
from mobo_core.virtual import Cluster, InOrder, VirtualTrial
from mobo_core.virtual.simulator import Simulator
from tests.bench.cheap import MAX_T, CheapProblem

OBJECTIVES = ObjectiveSet([Objective("error", "min", 0.6), Objective("size", "min", 100)])


def test_a_freed_process_goes_to_a_trial_without_one() -> None:
    """Otherwise a slot whose process starts late would stay empty, as its trial would be chosen."""
    scheduler = PromotionMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, slots=2, time_attr="epoch")
    tune_controller = Simulator(
        CheapProblem(None), InOrder([]), scheduler, 3, Cluster(2), 0, 0, False, False, 0, ()
    )
    first, late, third = (VirtualTrial(n, {"number": n}, 0) for n in range(3))
    for trial in (first, late):
        scheduler.on_trial_add(tune_controller, trial)
    assert scheduler.choose_trial_to_run(tune_controller) is first
    assert scheduler.choose_trial_to_run(tune_controller) is late
    first.status = Trial.RUNNING
    report = {"error": 0.5, "size": 10.0, "epoch": 1}
    assert scheduler.on_trial_result(tune_controller, first, report) == TrialScheduler.PAUSE
    first.keep(b"", report)
    first.status = Trial.PAUSED
    # The slot is free, and `late` is still pending: its process is starting.
    assert scheduler.wants_new_trial()
    scheduler.on_trial_add(tune_controller, third)
    assert scheduler.choose_trial_to_run(tune_controller) is third
    third.status = Trial.RUNNING
    assert scheduler.choose_trial_to_run(tune_controller) is late
