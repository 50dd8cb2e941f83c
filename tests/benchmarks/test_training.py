"""A training with Lightning takes at most 1.5 times as long as a plain loop of PyTorch."""

from __future__ import annotations

import time

import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.nn import functional

from mobo_core.problems.mlp import MLPProblem

CONFIG = {
    "layer_1_size": 32,
    "layer_2_size": 64,
    "layer_3_size": 128,
    "dropout": 0.2,
    "batch_size": 64,
    "learning_rate": 0.003,
}
ROUNDS = 12
LIMIT = 1.5


class PlainLoop:
    """A training with the same model, data and optimiser, but without Lightning."""

    def __init__(self, problem: MLPProblem) -> None:
        torch.set_num_threads(1)
        training = problem.start(CONFIG, seed=0)
        self.model = training._module.module.network
        self.train, self.validation = training._data.data.train, training._data.data.validation
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=float(CONFIG["learning_rate"]), fused=True
        )

    def run_epoch(self) -> float:
        """Train one epoch and return the loss on the validation data."""
        self.model.train()
        for rows in torch.split(torch.randperm(len(self.train)), int(CONFIG["batch_size"])):
            self.optimizer.zero_grad()
            logits = self.model(self.train.images[rows])
            functional.cross_entropy(logits, self.train.labels[rows]).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        self.model.eval()
        with torch.no_grad():
            logits = self.model(self.validation.images)
            return float(functional.cross_entropy(logits, self.validation.labels))


def test_epoch_against_a_plain_loop(benchmark: BenchmarkFixture) -> None:
    """Both are timed in turn and the fastest of each counts, since other load slows both."""
    problem = MLPProblem("digits")
    ours, plain = problem.start(CONFIG, seed=0), PlainLoop(problem)

    def seconds(loop: object) -> float:
        began = time.perf_counter()
        loop.run_epoch()  # type: ignore[attr-defined]
        return time.perf_counter() - began

    pairs = [(seconds(ours), seconds(plain)) for _ in range(ROUNDS)]
    mine, theirs = (min(times) for times in zip(*pairs, strict=True))
    benchmark.extra_info["ratio to a plain loop"] = round(mine / theirs, 2)
    benchmark(ours.run_epoch)
    assert mine <= LIMIT * theirs
