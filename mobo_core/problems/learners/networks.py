"""Small networks of PyTorch: perceptrons by SGD or Adam, and a convolutional network."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.problems.learners import scores
from mobo_core.problems.learners.costs import CNN_STRIDE
from mobo_core.problems.learners.data import Data, Part, narrowed
from mobo_core.problems.learners.recipes import Recipe
from mobo_core.seeding import derive_seed

with needs("problems", __name__):
    import torch
    from torch import Tensor, nn
    from torch.nn import functional


def mlp(config: Mapping[str, Any], inputs: int, outputs: int) -> nn.Sequential:
    """Return hidden layers of `units` units, each followed by ReLU and dropout.

    Args:
        config: A configuration with ``units`` and, where they are no 1 and 0, ``layers`` and
            ``dropout``.
        inputs: The number of inputs.
        outputs: The number of outputs.
    """
    widths = [inputs] + [config["units"]] * config.get("layers", 1)
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        modules += [nn.Linear(fan_in, fan_out), nn.ReLU(), nn.Dropout(config.get("dropout", 0.0))]
    return nn.Sequential(*modules, nn.Linear(widths[-1], outputs))


def cnn(config: Mapping[str, Any], inputs: int, outputs: int) -> nn.Sequential:
    """Return `blocks` convolutions of stride 2 with ReLU, and a linear layer.

    The first has `filters` filters and each further one twice as many as the one before.

    Args:
        config: A configuration with ``filters``, ``blocks`` and ``kernel``.
        inputs: The number of pixels of a square image.
        outputs: The number of outputs.
    """
    side, channels = round(inputs**0.5), 1
    modules: list[nn.Module] = [nn.Unflatten(1, (1, side, side))]
    for block in range(config["blocks"]):
        filters, kernel = config["filters"] * 2**block, config["kernel"]
        modules += [nn.Conv2d(channels, filters, kernel, CNN_STRIDE, kernel // 2), nn.ReLU()]
        side, channels = -(-side // CNN_STRIDE), filters
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(channels * side * side, outputs))


class NetworkTraining:
    """A training of a network, one epoch at a time; see `mobo_core.problems.Training`.

    A network whose weights have overflowed goes on, as it does for anyone who trains it: its
    error and loss are NaN from then on.

    Args:
        data: The data set.
        network: A newly initialised network.
        optimizer: The optimiser of its parameters.
        batch_size: The number of rows in a batch. An epoch's last batch may be smaller.
        seed: The seed of order and dropout. Each epoch has its own random stream, so no generator
            state is saved.
        static_metrics: Metrics that are known before training, added to every report.
    """

    def __init__(
        self,
        data: Data,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        batch_size: int,
        seed: int,
        static_metrics: Mapping[str, float],
    ) -> None:
        self._data = data
        self._network = network
        self._optimizer = optimizer
        self._batch_size = batch_size
        self._seed = seed
        self._static_metrics = dict(static_metrics)
        self._inputs = torch.from_numpy(data.train.inputs)
        self._targets = torch.from_numpy(data.train.targets)
        self._epoch = 0

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch, validate, and return the report; see `Training.run_epoch`."""
        began = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed("epoch", self._seed, self._epoch))
            self._network.train()
            order = torch.randperm(len(self._targets))
            # Rows are put in order once: picking them batch by batch takes longer.
            inputs = torch.split(self._inputs[order], self._batch_size)
            targets = torch.split(self._targets[order], self._batch_size)
            for batch, answers in zip(inputs, targets, strict=True):
                self._optimizer.zero_grad()
                torch.autograd.backward(self._loss(self._network(batch), answers))
                self._optimizer.step()
        self._epoch += 1
        error, val_loss = self._score(self._data.validation)
        return {
            "val_error": error,
            "val_loss": val_loss,
            **self._static_metrics,
            "epoch": self._epoch,
            "seconds": time.perf_counter() - began,
        }

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self._data.classes:
            return functional.cross_entropy(outputs, targets)
        return functional.mse_loss(outputs[:, 0], targets)

    def _score(self, part: Part) -> tuple[float, float]:
        self._network.eval()
        with torch.no_grad():
            outputs: Tensor = self._network(torch.from_numpy(part.inputs))
        if not self._data.classes:
            return scores.regressed(outputs[:, 0].numpy(), part.targets)
        chances: NDArray[Any] = functional.log_softmax(outputs.double(), dim=1).numpy()
        return scores.classified(chances, part.targets)

    def test_metrics(self) -> dict[str, float]:
        """Return test_error and test_loss of the present weights."""
        return dict(zip(("test_error", "test_loss"), self._score(self._data.test), strict=True))

    def state(self) -> bytes:
        """Return epoch, weights and optimiser moments in PyTorch's ``weights_only`` format."""
        file = io.BytesIO()
        torch.save(
            {
                "epoch": self._epoch,
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            },
            file,
        )
        return file.getvalue()

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned."""
        loaded = torch.load(io.BytesIO(state), weights_only=True)
        self._epoch = loaded["epoch"]
        self._network.load_state_dict(loaded["network"])
        self._optimizer.load_state_dict(loaded["optimizer"])

    def close(self) -> None:
        """Do nothing: Python frees everything with the object."""


def start(
    recipe: Recipe, config: Mapping[str, Any], data: Data, seed: int, static: Mapping[str, float]
) -> NetworkTraining:
    """Return a training at epoch 0. PyTorch is limited to one thread in this process.

    Args:
        recipe: The recipe, of kind ``mlp-sgd``, ``mlp-adam`` or ``cnn``.
        config: A configuration of the recipe's space.
        data: The data set.
        seed: The seed of initial weights, order and dropout.
        static: Metrics that are known before training.
    """
    torch.set_num_threads(1)
    if "inputs" in config:
        data = narrowed(data, config["inputs"])
    build = cnn if recipe.kind == "cnn" else mlp
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("weights", seed))
        network = build(config, data.train.inputs.shape[1], data.classes or 1)
    rate, parameters = config["learning_rate"], network.parameters()
    decay = config.get("weight_decay", 0.0)
    optimizer: torch.optim.Optimizer
    if recipe.kind == "mlp-adam":
        optimizer = torch.optim.Adam(parameters, rate, weight_decay=decay, fused=True)
    else:
        momentum = config.get("momentum", 0.9)
        optimizer = torch.optim.SGD(
            parameters, rate, momentum=momentum, weight_decay=decay, fused=True
        )
    return NetworkTraining(data, network, optimizer, config["batch_size"], seed, static)
