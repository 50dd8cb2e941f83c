"""Promotion on real Ray goes on or ends, whatever others do to its trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.schedulers import ResourceChangingScheduler

from bench.execution.ray.cleanup import free_placement_groups
from bench.execution.ray.session import SLOT
from mobo_core.tune import PromotionMOASHA
from tests.bench.cheap import MAX_T
from tests.mobo_core.tune.awkward import FailsAtEnds, every_third
from tests.mobo_core.tune.schedulers.promotion_driver import OBJECTIVES, TRIALS, Numbers, tuner
from tests.mobo_core.tune.schedulers.test_promotion import SCHEDULERS, Hesitant, epochs_of

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Free the processes of experiments that raised: they hold cores that later tests need."""
    yield
    free_placement_groups()


def test_functions_pause_where_they_have_a_checkpoint(tmp_path: Path) -> None:
    """Their reports are nested, too."""
    scheduler = PromotionMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, slots=2, time_attr="p/epoch")
    extra = {"folder": str(tmp_path / "checkpoints")}
    results = tuner(
        scheduler, tmp_path, "finish", trainable=every_third, extra=extra, samples=6
    ).fit()
    assert results.num_errors == 0
    reached = sorted(r.metrics["p"]["epoch"] for r in results)  # type: ignore[index]
    # Trials are to pause after epochs 1, 2 and 4, and do so after 3 and 6.
    assert set(reached) <= {3, 6, MAX_T}
    assert reached[0] < reached[-1] == MAX_T
    assert scheduler.resumes > 0


def test_an_error_at_the_end_of_a_paused_trial_costs_this_trial(tmp_path: Path) -> None:
    """Tune itself would leave the trial paused, and the run would never end."""
    searcher = Hesitant(patient=True)
    results = tuner(
        SCHEDULERS["moasha"](2), tmp_path, "finish", searcher=searcher, callbacks=[FailsAtEnds()]
    ).fit()
    assert len(results) == TRIALS
    assert results.num_errors == TRIALS
    assert all("the tracker is away" in str(error) for error in results.errors)
    assert searcher.ended == TRIALS  # and each is told once


def test_an_error_of_the_searcher_at_the_end_of_a_paused_trial_costs_it(tmp_path: Path) -> None:
    class Sulks(Numbers):
        def on_trial_complete(self, *arguments: Any, **named: Any) -> None:
            raise ConnectionError("the model is away")

    searcher = Sulks("finish", None, {})
    # All trials pause after epoch 1, and none is resumed.
    scheduler = PromotionMOASHA(OBJECTIVES, MAX_T, reduction_factor=8, slots=1, time_attr="epoch")
    results = tuner(scheduler, tmp_path, "finish", searcher=searcher, samples=3).fit()
    assert results.num_errors == 3
    assert all("the model is away" in str(error) for error in results.errors)


def test_trials_that_another_scheduler_pauses_go_on(tmp_path: Path) -> None:
    changed = set()

    def once(controller: Any, trial: Any, result: Any, scheduler: Any) -> Any:
        """Return new resources after a trial's first report that it goes on after."""
        if trial.trial_id in changed:
            return None
        changed.add(trial.trial_id)
        return tune.PlacementGroupFactory([{"CPU": 0.02, SLOT: 1}])

    inner = SCHEDULERS["hv"](2)
    scheduler = ResourceChangingScheduler(inner, once)
    results = tuner(scheduler, tmp_path, "finish", samples=2, reuse_actors=False).fit()
    assert results.num_errors == 0
    assert changed
    assert max(epochs_of(results).values()) == MAX_T
