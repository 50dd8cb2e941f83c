"""Several workers train one trial: as one would, repeatable, and replaced when one dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.util.placement_group import get_current_placement_group, placement_group_table

from mobo_core import ObjectiveSet
from mobo_core.problems.mlp import MLPProblem, MLPTraining
from mobo_core.tune import HypervolumePromotion, SobolSearcher, Team, problem_trainable, team
from tests.mobo_core.tune.summing import Summing

pytestmark = pytest.mark.ray

CONFIG: dict[str, Any] = {
    "layer_1_size": 32,
    "layer_2_size": 64,
    "layer_3_size": 128,
    "dropout": 0.2,
    "batch_size": 64,
    "learning_rate": 3e-3,
}
CPUS = 0.1
"""The cores that a worker reserves; a small share, because tests share few cores."""
PATIENCE_S = 30.0


def epochs(source: Any, count: int, state: bytes | None = None) -> list[dict[str, float]]:
    training = source.start(CONFIG, 5)
    if state is not None:
        training.load_state(state)
    reports = [training.run_epoch() for _ in range(count)]
    for report in reports:
        del report["seconds"]
    return reports


def on_workers(of: Team, function: Any) -> list[Any]:
    return ray.get([worker.__ray_call__.remote(function) for worker in of._workers])


def pids(of: Team) -> list[int]:
    return on_workers(of, lambda worker: os.getpid())


def groups() -> int:
    """Return the number of placement groups that exist."""
    return sum(group["state"] != "REMOVED" for group in placement_group_table().values())


def free_cpus() -> float:
    return float(ray.available_resources()["CPU"])


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture(scope="module")
def pair(backend: object) -> Iterator[Team]:
    pair = Team(MLPProblem("digits"), 2, CPUS)
    yield pair
    pair.disband()


def test_two_workers_train_as_one_does(pair: Team) -> None:
    alone, together = epochs(MLPProblem("digits"), 3), epochs(pair, 3)
    assert [report["epoch"] for report in together] == [1, 2, 3]
    for one, two in zip(alone, together, strict=True):
        assert set(one) == set(two)
        # The same 57 steps on the same rows and masks: only float32 sums are ordered otherwise,
        # which showed in the 7th digit; Adam passes it on to the next step.
        assert two == pytest.approx(one, rel=1e-5)


def test_a_training_repeats_and_resumes_bit_for_bit(pair: Team) -> None:
    first = epochs(pair, 3)
    assert epochs(pair, 3) == first
    paused = pair.start(CONFIG, 5)
    paused.run_epoch()
    state = paused.state()
    epochs(pair, 1)  # the workers train another trial meanwhile
    assert epochs(pair, 2, state) == first[1:]
    # All workers hold the same weights, and one worker can take their state over.
    states = on_workers(pair, lambda worker: worker.call("state"))
    assert states[0] == states[1]
    tested = pair.start(CONFIG, 5)
    tested.load_state(state)
    alone = MLPProblem("digits").start(CONFIG, 5)
    alone.load_state(state)
    assert tested.test_metrics() == alone.test_metrics()


def test_workers_share_the_training_images_and_one_split(pair: Team) -> None:
    pair.start(CONFIG, 5)

    def images_of(worker: Any) -> Any:
        training = worker._training
        rows = [image.numpy().tobytes() for pixels, _ in training._batches for image in pixels]
        data = training._data.data
        return rows, data.validation.images.numpy().tobytes(), data.checksum

    (rows_0, validation_0, sum_0), (rows_1, validation_1, sum_1) = on_workers(pair, images_of)
    here = MLPProblem("digits").start(CONFIG, 5)._data.data
    assert sorted(rows_0 + rows_1) == sorted(i.numpy().tobytes() for i in here.train.images)
    assert abs(len(rows_0) - len(rows_1)) <= len(here.train) // CONFIG["batch_size"] + 1
    assert validation_0 == validation_1 == here.validation.images.numpy().tobytes()
    assert sum_0 == sum_1 == here.checksum


def test_an_error_that_all_workers_raise_leaves_them_in_place(pair: Team) -> None:
    before = pids(pair) if pair.formed else None
    broken = pair.start({**CONFIG, "batch_size": -1}, 5)
    with pytest.raises(Exception, match="split_size"):
        broken.run_epoch()
    broken.close()
    assert before is None or pids(pair) == before
    assert len(epochs(pair, 1)) == 1


class Placed(MLPProblem):
    """A problem whose workers report the number of bundles in their placement group."""

    def start_part(
        self, config: Mapping[str, Any], seed: int, rank: int, workers: int
    ) -> MLPTraining:
        training = super().start_part(config, seed, rank, workers)
        group = get_current_placement_group()
        training._static_metrics["bundles"] = group.bundle_count if group else 0
        return training


@pytest.mark.slow
def test_tune_trials_of_two_workers_pause_resume_and_give_all_back(
    backend: object, tmp_path: Path
) -> None:
    """A user of the library alone gets workers in the trial's own placement group."""
    before, free = groups(), free_cpus()
    problem = Placed("digits", max_epochs=4)
    objectives = ObjectiveSet([problem.objectives["acc"], problem.objectives["params"]])
    scheduler = HypervolumePromotion(objectives, max_t=4, slots=1, time_attr="epoch")
    trainable = problem_trainable(problem, 5, {"cpu": CPUS}, workers=2)
    results = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=SobolSearcher(problem.space, seed=1),
            scheduler=scheduler,
            num_samples=5,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    ).fit()
    assert results.num_errors == 0
    assert scheduler.counts()["resumes"] > 0
    # These are the cores of the trial's own process and of two workers.
    assert [result.metrics["bundles"] for result in results] == [3] * 5
    whole = [result for result in results if result.metrics["epoch"] == 4]
    assert whole
    # The last process of a trial ends with the experiment, and its workers with it.
    assert eventually(lambda: groups() == before)
    assert eventually(lambda: free_cpus() == pytest.approx(free))  # counted in steps of 0.0001


@pytest.fixture(scope="module")
def adders(backend: object) -> Iterator[Team]:
    adders = Team(Summing(), 2, CPUS)  # type: ignore[arg-type]
    yield adders
    adders.disband()


def test_the_first_worker_reports_for_all(adders: Team) -> None:
    training = adders.start({}, 0)
    assert training.run_epoch() == {"sum": 3, "rank": 0, "epoch": 1, "seconds": 0}  # 1 + 2
    state = training.state()
    assert training.run_epoch()["sum"] == 5
    training.load_state(state)
    assert training.run_epoch()["sum"] == 5
    assert training.test_metrics() == {"rank": 0}
    training.close()


def test_a_dead_worker_is_an_error_of_its_trial_and_all_are_replaced(adders: Team) -> None:
    training = adders.start({}, 0)
    training.run_epoch()
    before = pids(adders)
    os.kill(before[1], signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"worker 1 of 2 died"):
        training.run_epoch()
    with pytest.raises(RuntimeError, match="were ended; start another"):
        training.run_epoch()
    training.close()
    assert adders.start({}, 0).run_epoch()["sum"] == 3
    assert not set(pids(adders)) & set(before)


def test_a_worker_that_raises_alone_does_not_leave_the_others_waiting(
    adders: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "GRACE_S", 1.0)
    training = adders.start({"raises": 1}, 0)
    before = pids(adders)
    with pytest.raises(ArithmeticError, match="out of luck"):
        training.run_epoch()
    assert adders.start({}, 0).run_epoch()["sum"] == 3
    assert not set(pids(adders)) & set(before)


def test_an_error_of_all_keeps_the_team(adders: Team) -> None:
    training = adders.start({"raises": "all"}, 0)
    before = pids(adders)
    with pytest.raises(ArithmeticError, match="out of luck"):
        training.run_epoch()
    assert pids(adders) == before


def test_workers_end_with_whoever_holds_the_team(backend: object) -> None:
    @ray.remote(num_cpus=0)
    class Holder:
        def __init__(self) -> None:
            self.team = Team(Summing(), 2, CPUS)  # type: ignore[arg-type]

        def form(self) -> str:
            return self.team.data_checksum()

    free = free_cpus()
    holder = Holder.remote()
    ray.get(holder.form.remote())
    assert eventually(lambda: free_cpus() == pytest.approx(free - 2 * CPUS))
    ray.kill(holder)
    assert eventually(lambda: free_cpus() == pytest.approx(free))


def test_what_no_team_can_be() -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        Team(MLPProblem("digits"), 0)

    class Whole:
        max_epochs = 1

    with pytest.raises(ValueError, match="problem Whole cannot be trained by several workers"):
        problem_trainable(Whole(), 0, {"cpu": 1}, workers=2)  # type: ignore[arg-type]


def test_a_trial_asks_for_all_its_workers_at_once() -> None:
    bundles = team.team_resources(3, {"cpu": 2, "gpu": 1}).bundles
    assert bundles == [{"CPU": 0.01}] + [{"CPU": 2, "GPU": 1}] * 3
