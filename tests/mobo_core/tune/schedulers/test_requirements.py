"""What cannot work with a scheduler is refused before anything trains."""

from __future__ import annotations

from typing import Any

import pytest
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.trainable import FunctionTrainable

from mobo_core import Objective
from mobo_core.tune import PromotionMOASHA
from mobo_core.tune.schedulers.requirements import (
    BUFFER,
    check_reusable,
    check_trainable,
    check_unbuffered,
)
from mobo_core.virtual import InOrder, simulate
from tests.bench.cheap import MAX_T, Cheap, CheapProblem
from tests.mobo_core.tune.awkward import Bare, FailsToReset, NoReset, NotAgain


@pytest.mark.parametrize("trainable", [None, Cheap, FunctionTrainable, NotAgain, FailsToReset])
def test_trainables_that_may_be_reused(trainable: Any) -> None:
    check_reusable(trainable, "StoppingMOASHA")


def test_trainables_that_are_for_one_trial() -> None:
    with pytest.raises(ValueError, match=r"NoReset has no reset_config.*under StoppingMOASHA"):
        check_reusable(NoReset, "StoppingMOASHA")


def test_trainables_that_cannot_pause() -> None:
    for trainable in (None, Cheap, FunctionTrainable, NoReset):
        check_trainable(trainable, "PromotionMOASHA")
    with pytest.raises(ValueError, match="PromotionMOASHA pauses trials, but Bare has no save_ch"):
        check_trainable(Bare, "PromotionMOASHA")


@pytest.mark.parametrize("length", ["", "1"])
def test_reports_that_come_at_once(length: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUFFER, length)
    check_unbuffered("StoppingMOASHA")


def test_reports_that_are_collected_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUFFER, "5")
    with pytest.raises(ValueError, match=f"StoppingMOASHA must see each report.*{BUFFER}=5: unset"):
        check_unbuffered("StoppingMOASHA")


class Around(FIFOScheduler):
    """A scheduler that passes calls on, but chooses the trials that run itself."""

    def __init__(self, inner: TrialScheduler) -> None:
        super().__init__()
        self.inner = inner

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        self.inner.on_trial_add(controller, trial)

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        return str(self.inner.on_trial_result(controller, trial, result))


def test_a_scheduler_around_promotion_that_chooses_itself_is_refused() -> None:
    objectives = [Objective("error", "min", 0.6), Objective("size", "min", 100)]
    inner = PromotionMOASHA(objectives, MAX_T, slots=1, time_attr="epoch")
    searcher = InOrder([{"number": number, "case": "finish"} for number in range(3)])
    with pytest.raises(ValueError, match=r"PromotionMOASHA decides which trial runs, but the sche"):
        simulate(CheapProblem(None), searcher=searcher, scheduler=Around(inner), num_samples=3)
