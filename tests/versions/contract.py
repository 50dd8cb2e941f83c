"""What every supported version of Ray, Ax and Python must do: whole searches, on real Ray.

`noxfile.py` runs this file in one environment for each row of docs/versions.csv. It needs nothing
of the benchmark, no PyTorch and no Ax; the tests of Ax and Optuna are skipped where these are
missing. Its name keeps it out of the ordinary suite, which tests the same in more detail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

import mobo_core.plot
import mobo_core.tune
from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import (
    HyperBand,
    HypervolumePromotion,
    PaperRungwise,
    PromotionMOASHA,
    RandomSearcher,
    ScalarizedScheduler,
    SchedulerState,
    SobolSearcher,
    StoppingMOASHA,
    restore_tuner,
)
from mobo_core.virtual import InOrder, RecordedCurves, simulate

MAX_T = 4
TRIALS = 6
OBJECTIVES = ObjectiveSet(
    [
        Objective("loss", "min", reference=2.0, ideal=0.0),
        Objective("cost", "min", reference=2.0, ideal=0.0, exact=True),
    ]
)
SPACE = {"x": tune.uniform(0.0, 1.0), "layers": tune.choice([1, 2, 3])}
WITH_AX = find_spec("ax") is not None
WITH_OPTUNA = find_spec("optuna") is not None


def report(config: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Return what a trial reports after an epoch: the cost of a low loss is high."""
    return {"loss": 1 - config["x"] * epoch / MAX_T, "cost": config["x"], "epoch": epoch}


class Curve(tune.Trainable):
    """A trainable that logs its epochs. It fails in epoch 2 where `x` exceeds ``fails_above``."""

    def setup(self, config: dict[str, Any]) -> None:
        self.epoch = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.epoch = 0
        return True

    def step(self) -> dict[str, Any]:
        self.epoch += 1
        if self.epoch == 2 and self.config["x"] > self.config.get("fails_above", 2):
            raise RuntimeError("this trial was made to fail")
        with Path(self.config["log"]).open("a") as log:
            log.write(f"{self.trial_id} {self.epoch}\n")
        return {**report(self.config, self.epoch), "done": self.epoch == MAX_T}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "epoch").write_text(str(self.epoch))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        self.epoch = int(Path(checkpoint_dir, "epoch").read_text())


def curve(config: dict[str, Any]) -> None:
    """Train as `Curve` does, as a function."""
    start = 0
    if checkpoint := tune.get_checkpoint():
        with checkpoint.as_directory() as folder:
            start = int(Path(folder, "epoch").read_text())
    for epoch in range(start + 1, MAX_T + 1):
        folder = Path(config["log"] + f"-{config['x']}-{epoch}")
        folder.mkdir()
        Path(folder, "epoch").write_text(str(epoch))
        tune.report(report(config, epoch), checkpoint=tune.Checkpoint.from_directory(folder))


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    assert not ray.is_initialized(), "name this file before those whose tests share one Ray"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def tuner(scheduler: Any, folder: Path, **options: Any) -> tune.Tuner:
    return tune.Tuner(
        options.pop("trainable", Curve),
        param_space={**SPACE, "log": str(folder / "log"), **options.pop("constants", {})},
        tune_config=tune.TuneConfig(
            scheduler=scheduler,
            search_alg=options.pop("searcher", None) or SobolSearcher(seed=1),
            num_samples=TRIALS,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="search",
            storage_path=str(folder),
            callbacks=[SchedulerState(scheduler), *options.pop("callbacks", [])],
            verbose=0,
        ),
    )


def promotion(slots: int = 2) -> PromotionMOASHA:
    return PromotionMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, slots=slots, time_attr="epoch")


def statuses(scheduler: Any, folder: Path, **options: Any) -> Counter[str]:
    results = tuner(scheduler, folder, **options).fit()
    assert len(results) == TRIALS
    return Counter("failed" if result.error else "ended" for result in results)


def test_promotion_trains_no_epoch_twice(tmp_path: Path) -> None:
    scheduler = promotion()
    assert statuses(scheduler, tmp_path) == {"ended": TRIALS}
    assert scheduler.resumes > 0
    epochs = Counter(Path(tmp_path, "log").read_text().splitlines())
    assert set(epochs.values()) == {1}
    assert len(epochs) < TRIALS * MAX_T


def test_a_function_is_promoted_from_its_checkpoint(tmp_path: Path) -> None:
    scheduler = HypervolumePromotion(OBJECTIVES, MAX_T, slots=2, time_attr="epoch")
    assert statuses(scheduler, tmp_path, trainable=curve) == {"ended": TRIALS}


def test_a_trial_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    found = statuses(promotion(), tmp_path, constants={"fails_above": 0.8})
    assert found["ended"] > 0
    assert sum(found.values()) == TRIALS
    assert found["failed"] <= 2  # of six Sobol points at most two exceed 0.8


@pytest.mark.parametrize(
    "make",
    [
        lambda: StoppingMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, time_attr="epoch"),
        lambda: PaperRungwise(OBJECTIVES, MAX_T, reduction_factor=2, time_attr="epoch"),
        lambda: promotion(slots=1),
    ],
    ids=["StoppingMOASHA", "PaperRungwise", "PromotionMOASHA"],
)
def test_one_slot_decides_as_in_virtual_time(make: Any, tmp_path: Path) -> None:
    scheduler = make()
    limited = tune.with_resources(Curve, {"cpu": 2})
    tuner(scheduler, tmp_path, trainable=limited).fit()
    epochs = Counter(line.split()[0] for line in Path(tmp_path, "log").read_text().splitlines())
    searcher = SobolSearcher(SPACE, seed=1)
    configs = [searcher.suggest(str(number)) for number in range(TRIALS)]
    curves = [[report(config, epoch) for epoch in range(1, MAX_T + 1)] for config in configs]
    problem = RecordedCurves(curves)
    run = simulate(problem, searcher=InOrder(problem.configs), scheduler=make(), num_samples=TRIALS)
    assert list(epochs.values()) == [trial.iteration for trial in run.trials]


def test_rays_own_schedulers_run(tmp_path: Path) -> None:
    asha = ASHAScheduler(time_attr="epoch", max_t=MAX_T, grace_period=1)
    scalarized = ScalarizedScheduler(asha, OBJECTIVES, seed=1)
    assert statuses(scalarized, tmp_path / "asha") == {"ended": TRIALS}


def test_hyperband_ends(tmp_path: Path) -> None:
    scheduler = HyperBand(time_attr="epoch", metric="loss", mode="min", max_t=MAX_T)
    results = tune.Tuner(
        Curve,
        param_space={**SPACE, "log": str(tmp_path / "log")},
        tune_config=tune.TuneConfig(
            scheduler=scheduler,
            search_alg=RandomSearcher(seed=1),
            num_samples=TRIALS,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    ).fit()
    assert len(results) == TRIALS
    assert results.num_errors == 0


class Crash(tune.Callback):
    """A callback that ends the driver's loop once, after some reports, as a crash would."""

    def __init__(self, reports: int, done: Path) -> None:
        self.left = reports
        self.done = done  # a restored experiment has the callback too

    def on_trial_result(self, **info: Any) -> None:
        self.left -= 1
        if self.left < 0 and not self.done.exists():
            self.done.touch()
            raise KeyError("the driver was made to crash")


def test_an_experiment_continues_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNE_GLOBAL_CHECKPOINT_S", "0.01")
    with pytest.raises(Exception, match="made to crash"):
        tuner(promotion(), tmp_path, callbacks=[Crash(8, tmp_path / "crashed")]).fit()
    before = len(Path(tmp_path, "log").read_text().splitlines())
    results = restore_tuner(str(tmp_path / "search"), Curve).fit()
    assert len(results) == TRIALS
    assert results.num_errors == 0
    epochs = Path(tmp_path, "log").read_text().splitlines()
    # Only the epochs since a trial's last pause are trained again.
    assert before < len(epochs) <= TRIALS * MAX_T


def test_the_front_of_the_results(tmp_path: Path) -> None:
    scheduler = PaperRungwise(OBJECTIVES, MAX_T, time_attr="epoch")
    results = tuner(scheduler, tmp_path).fit()
    front = mobo_core.pareto_front(results, OBJECTIVES)
    points = [tuple(member.values.values()) for member in front]
    assert points
    assert not any(a[0] <= b[0] and a[1] <= b[1] for a in points for b in points if a is not b)
    assert front.hypervolume > 0
    from_files = mobo_core.pareto_front(str(tmp_path / "search"), OBJECTIVES)
    assert from_files.points.tolist() == front.points.tolist()


@pytest.mark.parametrize("name", mobo_core.plot.__all__)
def test_a_figure_is_drawn(name: str) -> None:
    pytest.importorskip("plotly")
    rows = [
        {"trial_id": str(number), "config/x": number / 25, "loss": 1 - number / 30, "size": number}
        for number in range(25)
    ]
    objectives = [Objective("loss", "min", 2.0), Objective("size", "min", 100.0)]
    figure = getattr(mobo_core.plot, name)(rows, objectives)
    assert "loss" in figure.to_html()


@pytest.mark.parametrize("name", mobo_core.tune.__all__)
def test_a_public_name_is_there_or_names_its_extra(name: str) -> None:
    extra = {"AxSearcher": "ax"}.get(name)
    if extra and find_spec(extra) is None:
        with pytest.raises(ImportError, match=rf"pip install 'mobo-bench\[{extra}\]'$"):
            getattr(mobo_core.tune, name)
    else:
        assert getattr(mobo_core.tune, name).__doc__


@pytest.mark.skipif(not WITH_AX, reason="Ax is not installed")
@pytest.mark.parametrize("partial_data", ["full-fidelity", "last-value", "fidelity-feature"])
def test_ax_models_what_it_is_told(partial_data: Any, tmp_path: Path) -> None:
    searcher = mobo_core.tune.AxSearcher(
        OBJECTIVES,
        SPACE,
        seed=1,
        initialization_trials=3,
        time_attr="epoch",
        max_t=MAX_T,
        partial_data=partial_data,
        optimizer_options={"num_restarts": 1, "raw_samples": 8},
    )
    for number in range(6):
        trial_id = f"trial-{number}"
        config = searcher.suggest(trial_id)
        assert isinstance(config, dict)
        assert config.keys() == SPACE.keys()
        last = MAX_T if number != 1 else 2  # trial 1 is stopped early
        for epoch in range(1, last):
            searcher.on_trial_result(trial_id, report(config, epoch))
        searcher.on_trial_complete(
            trial_id=trial_id, result=report(config, last), error=number == 0
        )
    assert searcher.generation_node("trial-0") == "Sobol"
    assert searcher.generation_node("trial-5") == "BoTorch"
    searcher.save(str(tmp_path / "state"))
    searcher.suggest("before")
    searcher.restore(str(tmp_path / "state"))
    assert isinstance(searcher.suggest("after"), dict)


@pytest.mark.skipif(not WITH_AX, reason="Ax is not installed")
def test_ax_searches_with_promotion(tmp_path: Path) -> None:
    searcher = mobo_core.tune.AxSearcher(
        OBJECTIVES,
        seed=1,
        initialization_trials=3,
        time_attr="epoch",
        max_t=MAX_T,
        partial_data="last-value",
        optimizer_options={"num_restarts": 1, "raw_samples": 8},
    )
    assert statuses(promotion(), tmp_path, searcher=searcher) == {"ended": TRIALS}


@pytest.mark.skipif(not WITH_OPTUNA, reason="Optuna is not installed")
@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_optuna_searches(sampler: Any, tmp_path: Path) -> None:
    searcher = mobo_core.tune.optuna_searcher(OBJECTIVES, SPACE, sampler, seed=1)
    scheduler = StoppingMOASHA(OBJECTIVES, MAX_T, time_attr="epoch")
    results = tune.Tuner(
        Curve,
        param_space={"log": str(tmp_path / "log")},
        tune_config=tune.TuneConfig(
            scheduler=scheduler, search_alg=searcher, num_samples=TRIALS, reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    ).fit()
    assert len(results) == TRIALS
    assert results.num_errors == 0
