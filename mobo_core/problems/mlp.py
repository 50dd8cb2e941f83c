"""The paper's problem: a multi-layer perceptron on small images, searched with its training."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import lightning
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mobo_core.objectives import Objective
from mobo_core.problems import images
from mobo_core.problems.images import DatasetName, ImageDataModule, OneBatch
from mobo_core.problems.parallel import Part
from mobo_core.seeding import derive_seed
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace

CLASSES = 10
INPUTS: dict[str, int] = {"mnist": 784, "digits": 64}
REFERENCES: dict[str, dict[str, float]] = {
    # The paper's thresholds; the digits' are ours, as loose for their smaller task.
    "mnist": {"accuracy": 0.90, "loss": 0.5, "params": 100_000, "flops": 200_000},
    "digits": {"accuracy": 0.80, "loss": 0.8, "params": 20_000, "flops": 40_000},
}


class MLPClassifier(lightning.LightningModule):
    """Fully connected layers, each followed by ReLU and dropout, and a linear output.

    Args:
        inputs: Pixels per image.
        hidden: Units per hidden layer.
        dropout: Probability after each hidden layer, in [0, 1).
        learning_rate: Of Adam, > 0.
        part: Of each batch, that it is trained on; None is the whole.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        dropout: float,
        learning_rate: float,
        part: Part | None = None,
    ) -> None:
        super().__init__()
        part = part or Part()
        self.learning_rate = learning_rate
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise((inputs, *hidden)):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU(), part.dropout(dropout)]
        self.network = nn.Sequential(*layers, nn.Linear((inputs, *hidden)[-1], CLASSES))

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 10) logits of (n, inputs) pixels."""
        logits: Tensor = self.network(pixels)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Mean cross-entropy of the batch."""
        pixels, labels = batch
        return functional.cross_entropy(self(pixels), labels)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, float]:
        """Accuracy and mean cross-entropy over the samples of the batch."""
        pixels, labels = batch
        logits = self(pixels)
        return {
            "accuracy": float((logits.argmax(dim=1) == labels).double().mean()),
            "loss": float(functional.cross_entropy(logits, labels)),
        }

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, fused: one kernel for all parameters."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate, fused=True)


class MLPTraining:
    """A training of `MLPClassifier`, one epoch at a time; see `Training`.

    The loop is Lightning Fabric's, which a scheduler can halt between any two epochs; it gives
    the same weights bit for bit as ``lightning.Trainer`` and costs less per step.

    Args:
        data: The data module; it is set up here.
        model: Freshly initialised.
        seed: Of dropout; epoch k draws from its own stream, so no generator state is kept.
        static_metrics: Metrics known before training, added to every report.
        part: Of each batch, if several workers train together; the model's too.
    """

    def __init__(
        self,
        data: ImageDataModule,
        model: MLPClassifier,
        seed: int,
        static_metrics: Mapping[str, float],
        part: Part | None = None,
    ) -> None:
        self._fabric = lightning.Fabric(accelerator="auto", devices=1)
        self._seed = seed
        self._static_metrics = dict(static_metrics)
        data.setup("fit")
        self._data = data
        self._part = part or Part()
        self._batches = data.train_dataloader(self._part)
        self._module, self._optimizer = self._fabric.setup(model, model.configure_optimizers())
        self._module.mark_forward_method("training_step")
        self._module.mark_forward_method("validation_step")

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and validate; see `Training.run_epoch`.

        Returns:
            val_accuracy (0–1), val_loss and train_loss (nats, means over samples), the static
            metrics, epoch (1-based, after this one), seconds (training and validation). Nothing
            from other workers than the first, which alone validates.
        """
        began = time.perf_counter()
        epoch = self._batches.epoch
        with torch.random.fork_rng(devices=_cuda_devices()):
            torch.manual_seed(derive_seed("dropout", self._seed, epoch))
            train_loss = self._train()
        if self._part.rank > 0:
            return {}
        validation = self._evaluate(self._data.val_dataloader())
        return {
            "val_accuracy": validation["accuracy"],
            "val_loss": validation["loss"],
            "train_loss": train_loss,
            **self._static_metrics,
            "epoch": epoch + 1,
            "seconds": time.perf_counter() - began,
        }

    def _train(self) -> float:
        self._module.train()
        parameters = list(self._module.parameters())
        total, count = torch.zeros((), device=self._fabric.device), 0
        for index, batch in enumerate(self._batches):
            pixels, labels = self._fabric.to_device(batch)
            loss = self._module.training_step((pixels, labels), index)
            self._optimizer.zero_grad()
            self._fabric.backward(self._part.weighted(loss, len(labels)))
            self._part.sum_gradients(parameters)
            self._optimizer.step()
            if len(labels):  # the mean over no rows is NaN
                total += loss.detach() * len(labels)
            count += self._part.batch_rows
        return float(self._part.total(total) / count)

    def _evaluate(self, whole: OneBatch) -> dict[str, float]:
        self._module.eval()
        (batch,) = whole
        with torch.no_grad():
            metrics: dict[str, float] = self._module.validation_step(
                self._fabric.to_device(batch), 0
            )
        return metrics

    def test_metrics(self) -> dict[str, float]:
        """test_accuracy (0–1) and test_loss (nats) of the present weights."""
        return {f"test_{k}": v for k, v in self._evaluate(self._data.test_dataloader()).items()}

    def state(self) -> bytes:
        """Epoch, weights and optimiser moments, in PyTorch's format, ``weights_only`` loadable."""
        state = {
            "epoch": self._batches.epoch,
            "model": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        # Copies off the device: the state may travel to a process that has no GPU.
        file = io.BytesIO()
        torch.save(apply_to_collection(state, Tensor, lambda t: t.detach().cpu()), file)
        return file.getvalue()

    def load_state(self, state: bytes) -> None:
        """Go on where `state` was taken."""
        loaded = torch.load(io.BytesIO(state), weights_only=True)
        self._batches.epoch = loaded["epoch"]
        self._module.load_state_dict(loaded["model"])
        self._optimizer.load_state_dict(loaded["optimizer"])

    def close(self) -> None:
        """Nothing outlives the object."""


@dataclass(frozen=True)
class MLPProblem:
    """Architecture and training of an MLP: the paper's search space, metrics and references.

    Args:
        dataset: ``"mnist"`` (the paper's) or ``"digits"`` (embedded, small).
        data_dir: Folder with torchvision's ``MNIST/raw``; unused for the digits.
        max_epochs: Full budget of a trial.
    """

    dataset: DatasetName
    data_dir: str = "data"
    max_epochs: int = 8

    @property
    def name(self) -> str:
        """``mlp-mnist`` or ``mlp-digits``."""
        return f"mlp-{self.dataset}"

    @property
    def space(self) -> SearchSpace:
        """The paper's space; two-valued sizes are ordered choices."""
        return SearchSpace(
            (
                ChoiceParameter("layer_1_size", (16, 32), ordered=True),
                ChoiceParameter("layer_2_size", (32, 64), ordered=True),
                ChoiceParameter("layer_3_size", (64, 128), ordered=True),
                RangeParameter("dropout", 0.1, 0.3),
                ChoiceParameter("batch_size", (64, 128), ordered=True),
                RangeParameter("learning_rate", 1e-4, 1e-1, log=True),
            )
        )

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """``acc``, ``loss``, ``params`` and ``flops`` with this data set's references."""
        reference = REFERENCES[self.dataset]
        return {
            "acc": Objective("val_accuracy", "max", reference["accuracy"], ideal=1),
            "loss": Objective("val_loss", "min", reference["loss"], "nats", ideal=0),
            "params": Objective("params", "min", reference["params"], exact=True, ideal=0),
            "flops": Objective(
                "flops", "min", reference["flops"], "FLOP/image", exact=True, ideal=0
            ),
        }

    def hidden(self, config: Mapping[str, Any]) -> tuple[int, int, int]:
        """Units of the three hidden layers."""
        return config["layer_1_size"], config["layer_2_size"], config["layer_3_size"]

    def static_metrics(self, config: Mapping[str, Any]) -> dict[str, float]:
        """What follows from the configuration without training.

        Returns:
            params (weights and biases) and flops (of one forward pass of one image, two per
            multiply-add of the linear layers).
        """
        sizes = (INPUTS[self.dataset], *self.hidden(config), CLASSES)
        weights = sum(a * b for a, b in pairwise(sizes))
        return {"params": weights + sum(sizes[1:]), "flops": 2 * weights}

    def start(self, config: Mapping[str, Any], seed: int) -> MLPTraining:
        """A training at epoch 0; configuration and seed together fix its randomness.

        Sets PyTorch to one thread in this process: trials run side by side, and results repeat.
        """
        return self.start_part(config, seed, rank=0, workers=1)

    def start_part(
        self, config: Mapping[str, Any], seed: int, rank: int, workers: int
    ) -> MLPTraining:
        """The same by one of several workers; see `DivisibleProblem.start_part`.

        ``batch_size`` is that of all workers together.
        """
        torch.set_num_threads(1)
        part = Part(rank, workers)
        training_seed = derive_seed(dict(config), seed)
        data = ImageDataModule(self.dataset, self.data_dir, config["batch_size"], training_seed)
        with torch.random.fork_rng(devices=_cuda_devices()):
            torch.manual_seed(derive_seed("weights", training_seed))
            model = MLPClassifier(
                INPUTS[self.dataset],
                self.hidden(config),
                config["dropout"],
                config["learning_rate"],
                part,
            )
        return MLPTraining(data, model, training_seed, self.static_metrics(config), part)

    def data_checksum(self) -> str:
        """SHA-256 of the data set's raw images and labels."""
        return images.load(self.dataset, self.data_dir).checksum

    def data_arrays(self) -> dict[str, NDArray[Any]]:
        """See `SharedDataProblem`."""
        return images.to_arrays(images.load(self.dataset, self.data_dir))

    def use_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """See `SharedDataProblem`."""
        images.use(self.dataset, self.data_dir, images.from_arrays(arrays))


def _cuda_devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
