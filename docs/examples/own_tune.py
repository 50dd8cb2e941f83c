"""Hypervolume promotion in a Tune program: validation loss against the size of a network.

It requires scikit-learn for its data and its network, and takes a few seconds.
"""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any

from ray import tune
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from mobo_core import Objective, ObjectiveSet, pareto_front
from mobo_core.tune import HypervolumePromotion, SobolSearcher, ordered_choice

MAX_EPOCHS = 8


def train(config: dict[str, Any]) -> None:
    """Train, and report every epoch with a checkpoint, from which a paused trial continues."""
    images, labels = load_digits(return_X_y=True)
    network = MLPClassifier((config["units"],), learning_rate_init=config["lr"], random_state=0)
    epoch, checkpoint = 0, tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            epoch, network = pickle.loads(Path(folder, "state").read_bytes())  # noqa: S301
    while epoch < MAX_EPOCHS:
        network.partial_fit(images[:1400], labels[:1400], classes=list(range(10)))
        epoch += 1
        loss = log_loss(labels[1400:], network.predict_proba(images[1400:]))
        size = sum(weights.size for weights in network.coefs_ + network.intercepts_)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "state").write_bytes(pickle.dumps((epoch, network)))
            report = {"loss": float(loss), "params": size, "epoch": epoch}
            tune.report(report, checkpoint=tune.Checkpoint.from_directory(folder))


# [search]
objectives = ObjectiveSet(
    [
        Objective("loss", "min", reference=1.0, ideal=0),
        Objective("params", "min", reference=10_000, exact=True),
    ]
)


def search(trials: int, storage: str | None = None, slots: int | None = None) -> tune.ResultGrid:
    """Run the search and return its results. Tune starts Ray if it is not running."""
    tuner = tune.Tuner(
        train,
        param_space={
            "lr": tune.loguniform(1e-4, 1e-1),
            "units": ordered_choice([4, 8, 16, 32, 64, 128]),
        },
        tune_config=tune.TuneConfig(
            num_samples=trials,
            reuse_actors=True,
            search_alg=SobolSearcher(seed=0),
            scheduler=HypervolumePromotion(
                objectives, max_t=MAX_EPOCHS, time_attr="epoch", slots=slots
            ),
        ),
        run_config=tune.RunConfig(storage_path=storage, verbose=0),
    )
    return tuner.fit()


# [front]
def show_front(results: tune.ResultGrid) -> None:
    """Print the trials on the front, and the hypervolume."""
    front = pareto_front(results, objectives)  # failed trials are left out
    for trial in front:
        print(f"loss {trial.values['loss']:.3f}, {trial.values['params']:.0f}: {trial.config}")
    spent = sum(result.metrics["epoch"] for result in results if not result.error)
    epochs = f"{spent} epochs of {MAX_EPOCHS * len(results)}"
    print(f"hypervolume {front.hypervolume:.1f} after {epochs}")


if __name__ == "__main__":
    show_front(search(trials=25))
