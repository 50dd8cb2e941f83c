"""A restore does what is left and nothing else, whatever the experiment ended with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from bench.execution.ray.cleanup import free_placement_groups
from mobo_core.tune import PromotionMOASHA, StoppingMOASHA, restore_tuner
from tests.bench.cheap import MAX_T
from tests.mobo_core.tune.awkward import Mendable
from tests.mobo_core.tune.schedulers.promotion_driver import (
    OBJECTIVES,
    TRIALS,
    Cheap,
    resources,
    tuner,
)
from tests.mobo_core.tune.schedulers.test_promotion import EpochBudget

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

SCHEDULERS: dict[str, Callable[[], Any]] = {
    "promotion": lambda: PromotionMOASHA(
        OBJECTIVES, MAX_T, reduction_factor=2, slots=2, time_attr="epoch"
    ),
    "stopping": lambda: StoppingMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, time_attr="epoch"),
}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Any:
    """Free the processes of experiments that have ended: later tests need their cores."""
    yield
    free_placement_groups()


class Run:
    """An experiment that can be continued, and the epochs that its trials have trained."""

    def __init__(self, folder: Path, trainable: Any) -> None:
        self.folder, self.log, self.trainable = folder, folder / "log", trainable
        self.failed: set[int] = set()

    def start(self, name: str, **settings: Any) -> dict[int, int]:
        extra = {"folder": str(self.folder)}
        fitted = tuner(
            SCHEDULERS[name](),
            self.folder,
            "finish",
            str(self.log),
            trainable=self.trainable,
            extra=extra,
            **settings,
        ).fit()
        return self.reached(fitted)

    def restore(self, **options: Any) -> tuple[dict[int, int], set[int]]:
        """Return the last epoch of every trial, and the trials that have trained."""
        before = len(self.log.read_text().splitlines())
        trainable = tune.with_resources(self.trainable, resources())
        fitted = restore_tuner(str(self.folder / "promotion"), trainable, **options).fit()
        trained = self.log.read_text().splitlines()[before:]
        return self.reached(fitted), {int(line.split()[0]) for line in trained}

    def reached(self, results: tune.ResultGrid) -> dict[int, int]:
        """Return the last epoch of every trial that has reported; note those that have failed."""
        begun = [(result, result.config, result.metrics) for result in results]
        self.failed = {config["number"] for result, config, _ in begun if result.error and config}
        return {
            config["number"]: metrics["epoch"]
            for _, config, metrics in begun
            if config and metrics and "epoch" in metrics
        }


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("promotion", "resume_errored"),
        ("promotion", "restart_errored"),
        ("stopping", "restart_errored"),
    ],
)
def test_a_finished_run_trains_nothing_and_failed_trials_are_tried_again(
    name: str, how: str, tmp_path: Path
) -> None:
    run = Run(tmp_path, Mendable)
    ended = run.start(name)
    failed = run.failed
    assert failed
    assert len(failed) < len(ended) == TRIALS
    assert run.restore() == (ended, set())
    (tmp_path / "mended").touch()
    again, trained = run.restore(**{how: True})
    assert trained == failed
    assert not run.failed
    assert {n: t for n, t in again.items() if n not in failed} == {
        n: t for n, t in ended.items() if n not in failed
    }
    # They pause and end at the rungs of the first run, and these are known.
    assert set(again.values()) <= {1, 2, 4, MAX_T}
    assert sum(again[n] == MAX_T for n in failed) < len(failed)


def test_what_a_stopper_has_ended_stays_ended(tmp_path: Path) -> None:
    """Tune ends all trials at once then: some train, some are paused, some have not begun."""
    run = Run(tmp_path, Cheap)
    ended = run.start("promotion", samples=-1, stop=EpochBudget(4 * TRIALS))
    assert sum(ended.values()) >= 4 * TRIALS
    assert run.restore() == (ended, set())
