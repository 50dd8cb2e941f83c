"""The first search: train, search, schedule, resume, find the front and draw it, in 25 lines."""

from ray import tune
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from mobo_core import Objective, ParetoFront, pareto_front, plot
from mobo_core.tune import SobolSearcher, StoppingMOASHA, restore_tuner


def train(config: dict[str, float]) -> None:
    """Train a small network on images of digits, and report after each epoch."""
    images, labels = load_digits(return_X_y=True)
    network = MLPClassifier((config["units"],), learning_rate_init=config["lr"], random_state=0)
    for epoch in range(1, 9):
        network.partial_fit(images[:1400], labels[:1400], classes=list(range(10)))
        loss = log_loss(labels[1400:], network.predict_proba(images[1400:]))
        tune.report({"loss": loss, "params": 75 * config["units"] + 10, "epoch": epoch})


objectives = [Objective("loss", "min", 2.0), Objective("params", "min", 10_000)]  # worst values


def search(folder: str, trials: int = 25, resume: bool = False) -> ParetoFront:
    """Search, or resume a search that was interrupted; draw and return the front."""
    scheduler = StoppingMOASHA(objectives, max_t=8, grace_period=3, time_attr="epoch")
    run = tune.RunConfig(storage_path=folder, name="first", verbose=0)
    space = {"units": tune.randint(4, 129), "lr": tune.loguniform(1e-4, 1e-1)}
    config = tune.TuneConfig(num_samples=trials, search_alg=SobolSearcher(), scheduler=scheduler)
    tuner = tune.Tuner(train, param_space=space, tune_config=config, run_config=run)
    results = (restore_tuner(f"{folder}/first", train) if resume else tuner).fit()
    plot.front(results, objectives).write_html(f"{folder}/front.html")
    return pareto_front(results, objectives)  # results may also be f"{folder}/first"


if __name__ == "__main__":
    print(search(__file__.removesuffix(".py")))  # a folder beside this file
