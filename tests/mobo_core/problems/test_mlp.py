"""The MLP: counts, curves that repeat bit for bit, and the same weights as Lightning's Trainer."""

from __future__ import annotations

import random
from typing import Any

import lightning
import numpy as np
import pytest
import torch

from mobo_core.problems.images import ImageDataModule
from mobo_core.problems.mlp import MLPClassifier, MLPProblem
from mobo_core.seeding import derive_seed

PROBLEM = MLPProblem("digits")
CONFIG: dict[str, Any] = {
    "layer_1_size": 32,
    "layer_2_size": 64,
    "layer_3_size": 128,
    "dropout": 0.2,
    "batch_size": 64,
    "learning_rate": 3e-3,
}
TIMES = ("seconds",)


def curve(config: dict[str, Any], seed: int, epochs: int = 3) -> list[dict[str, float]]:
    training = PROBLEM.start(config, seed)
    return [without_times(training.run_epoch()) for _ in range(epochs)]


def without_times(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in TIMES}


def test_params_and_flops_by_hand() -> None:
    # 784·16+16 + 16·32+32 + 32·64+64 + 64·10+10 = 12560 + 544 + 2112 + 650
    config = {"layer_1_size": 16, "layer_2_size": 32, "layer_3_size": 64}
    metrics = MLPProblem("mnist").static_metrics(config)
    assert metrics == {"params": 15_866, "flops": 2 * (12_544 + 512 + 2_048 + 640)}


def test_params_are_the_models_own() -> None:
    model = MLPClassifier(64, PROBLEM.hidden(CONFIG), 0.1, 1e-3)
    counted = sum(p.numel() for p in model.parameters())
    assert PROBLEM.static_metrics(CONFIG)["params"] == counted


def test_reports_name_what_the_paper_measures() -> None:
    report = PROBLEM.start(CONFIG, 0).run_epoch()
    assert set(report) == {
        "val_accuracy", "val_loss", "train_loss", "params", "flops", "epoch", "seconds",
    }  # fmt: skip
    assert report["epoch"] == 1
    assert {o.name for o in PROBLEM.objectives.values()} <= set(report)


def test_it_learns() -> None:
    # Digits are easy: three epochs at this rate are far above guessing, 10 %.
    assert curve(CONFIG, 0)[-1]["val_accuracy"] > 0.5


def test_validation_loss_is_over_samples() -> None:
    training = PROBLEM.start(CONFIG, 0)
    reported = training.run_epoch()["val_loss"]
    validation = training._data.data.validation
    training._module.eval()
    with torch.no_grad():
        logits = training._module(validation.images)
    by_sample = torch.nn.functional.cross_entropy(logits, validation.labels, reduction="none")
    assert reported == pytest.approx(float(by_sample.mean()), rel=1e-6)  # float32 summation order


def test_same_configuration_and_seed_same_curve_whatever_ran_before() -> None:
    alone = curve(CONFIG, 5)
    other = PROBLEM.start({**CONFIG, "batch_size": 128}, 6)
    other.run_epoch()
    torch.manual_seed(123)
    training = PROBLEM.start(CONFIG, 5)
    interleaved = []
    for _ in range(3):
        interleaved.append(without_times(training.run_epoch()))
        other.run_epoch()
        torch.rand(7)
    assert interleaved == alone


def test_seed_and_configuration_matter() -> None:
    base = curve(CONFIG, 0, 1)
    assert curve(CONFIG, 1, 1) != base
    assert curve({**CONFIG, "dropout": 0.21}, 0, 1) != base


def test_saved_and_loaded_training_goes_on_bit_for_bit() -> None:
    uninterrupted = curve(CONFIG, 2, 4)
    training = PROBLEM.start(CONFIG, 2)
    training.run_epoch()
    training.run_epoch()
    state = training.state()
    resumed = PROBLEM.start(CONFIG, 2)
    resumed.load_state(state)
    assert [without_times(resumed.run_epoch()) for _ in range(2)] == uninterrupted[2:]


def test_global_random_state_is_untouched() -> None:
    def states() -> tuple[object, ...]:
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002 - the state others rely on
        return random.getstate(), legacy, torch.get_rng_state().tolist()

    before = states()
    curve(CONFIG, 0, 1)
    assert states() == before


def test_test_set_does_not_change_the_training() -> None:
    undisturbed = curve(CONFIG, 3, 2)
    training = PROBLEM.start(CONFIG, 3)
    first = without_times(training.run_epoch())
    metrics = training.test_metrics()
    assert set(metrics) == {"test_accuracy", "test_loss"}
    assert [first, without_times(training.run_epoch())] == undisturbed


class SeedsAsTraining(lightning.Callback):
    """A callback that seeds the Trainer's dropout in each epoch like `MLPTraining` does."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        torch.manual_seed(derive_seed("dropout", self.seed, trainer.current_epoch))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_same_weights_as_lightnings_trainer() -> None:
    training = PROBLEM.start(CONFIG, 0)
    seed = training._seed
    initial = {name: value.clone() for name, value in training._module.state_dict().items()}
    for _ in range(2):
        training.run_epoch()

    model = MLPClassifier(64, PROBLEM.hidden(CONFIG), CONFIG["dropout"], CONFIG["learning_rate"])
    model.load_state_dict(initial)
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[SeedsAsTraining(seed)],
    )
    with torch.random.fork_rng():
        trainer.fit(model, datamodule=ImageDataModule("digits", "", CONFIG["batch_size"], seed))
    for name, value in training._module.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


@pytest.mark.slow
def test_mnist_reaches_the_accuracy_every_mlp_reaches(mnist_dir: str) -> None:
    problem = MLPProblem("mnist", mnist_dir)
    training = problem.start({**CONFIG, "learning_rate": 1e-3}, 0)
    report = training.run_epoch()
    # One epoch of Adam at 1e-3 on 55,000 images: well above 90 % for any layout in the space.
    assert report["val_accuracy"] > 0.92
    assert training.test_metrics()["test_accuracy"] == pytest.approx(
        report["val_accuracy"], abs=0.03
    )
