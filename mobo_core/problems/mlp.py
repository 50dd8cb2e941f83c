"""The paper's problem: the architecture and training of a multi-layer perceptron on images."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.objectives import Objective
from mobo_core.problems import images
from mobo_core.problems.images import DatasetName, ImageDataModule, OneBatch
from mobo_core.problems.parallel import Part
from mobo_core.seeding import derive_seed
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace

with needs("problems", __name__):
    import lightning
    import torch
    from lightning_utilities.core.apply_func import apply_to_collection
    from torch import Tensor, nn
    from torch.nn import functional

CLASSES = 10
INPUTS: dict[str, int] = {"mnist": 784, "digits": 64}
REFERENCES: dict[str, dict[str, float]] = {
    # MNIST has the paper's thresholds. Those for digits are ours and equally loose.
    "mnist": {"accuracy": 0.90, "loss": 0.5, "params": 100_000, "flops": 200_000},
    "digits": {"accuracy": 0.80, "loss": 0.8, "params": 20_000, "flops": 40_000},
}


class MLPClassifier(lightning.LightningModule):
    """Fully connected layers, each followed by ReLU and dropout, and a linear output.

    Args:
        inputs: The number of pixels of an image.
        hidden: The number of units of each hidden layer.
        dropout: The dropout probability after each hidden layer, in [0, 1).
        learning_rate: Adam's learning rate, > 0.
        part: This worker's part of each batch; None is the whole batch.
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
        """Return (n, 10) logits of (n, inputs) pixels."""
        logits: Tensor = self.network(pixels)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch."""
        pixels, labels = batch
        return functional.cross_entropy(self(pixels), labels)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, float]:
        """Return the accuracy and the mean cross-entropy of the batch."""
        pixels, labels = batch
        logits = self(pixels)
        return {
            "accuracy": float((logits.argmax(dim=1) == labels).double().mean()),
            "loss": float(functional.cross_entropy(logits, labels)),
        }

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam in its fused form, which has one kernel for all parameters."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate, fused=True)


class MLPTraining:
    """A training of `MLPClassifier`, one epoch at a time; see `Training`.

    The loop uses Lightning Fabric, so a scheduler can stop it between any two epochs. It gives the
    same weights bit for bit as ``lightning.Trainer`` and needs less time per step.

    Args:
        data: The data module, which is set up here.
        model: A newly initialised model.
        seed: The seed of dropout. Each epoch has its own random stream, so no generator state is
            saved.
        static_metrics: Metrics that are known before training, added to every report.
        part: This worker's part of each batch, the same as the model's; None is the whole batch.
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
        """Train one epoch, validate, and return the report; see `Training.run_epoch`.

        Returns:
            val_accuracy (0–1), val_loss and train_loss (nats, means over samples), the static
            metrics, epoch (this one's number, 1-based), seconds (training and validation). Only the
            first worker validates; other workers return an empty report.
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
            if len(labels):  # the mean over 0 rows is NaN
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
        """Return test_accuracy (0–1) and test_loss (nats) of the present weights."""
        return {f"test_{k}": v for k, v in self._evaluate(self._data.test_dataloader()).items()}

    def state(self) -> bytes:
        """Return epoch, weights and optimiser moments in PyTorch's ``weights_only`` format."""
        state = {
            "epoch": self._batches.epoch,
            "model": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        # Copied off the device, because the state may be loaded in a process without a GPU.
        file = io.BytesIO()
        torch.save(apply_to_collection(state, Tensor, lambda t: t.detach().cpu()), file)
        return file.getvalue()

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned."""
        loaded = torch.load(io.BytesIO(state), weights_only=True)
        self._batches.epoch = loaded["epoch"]
        self._module.load_state_dict(loaded["model"])
        self._optimizer.load_state_dict(loaded["optimizer"])

    def close(self) -> None:
        """Do nothing: Python frees everything with the object."""


@dataclass(frozen=True)
class MLPProblem:
    """The architecture and training of an MLP, with the paper's search space and references.

    Args:
        dataset: ``"mnist"``, the paper's data set, or ``"digits"``, a small one in scikit-learn.
        data_dir: The folder with torchvision's ``MNIST/raw``. It is not used for ``"digits"``.
        max_epochs: The full budget of a trial, in epochs.

    Example:
        >>> from mobo_core.problems.mlp import MLPProblem
        >>> problem = MLPProblem("digits")
        >>> config = problem.space.from_unit([0.5] * 6)
        >>> problem.static_metrics(config)
        {'params': 13802, 'flops': 27136}
        >>> report = problem.start(config, seed=1).run_epoch()
        >>> report["epoch"]
        1
    """

    dataset: DatasetName
    data_dir: str = "data"
    max_epochs: int = 8

    @property
    def name(self) -> str:
        """The problem's name: ``mlp-mnist`` or ``mlp-digits``."""
        return f"mlp-{self.dataset}"

    @property
    def space(self) -> SearchSpace:
        """The paper's search space. Sizes with two values are ordered choices."""
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
        """The objectives ``acc``, ``loss``, ``params`` and ``flops`` of this data set."""
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
        """Return the numbers of units of the three hidden layers."""
        return config["layer_1_size"], config["layer_2_size"], config["layer_3_size"]

    def static_metrics(self, config: Mapping[str, Any]) -> dict[str, float]:
        """Return the metrics that follow from the configuration without training.

        Returns:
            params (the number of weights and biases) and flops (the operations of one forward pass
            of one image, two for each multiply-add of the linear layers).
        """
        sizes = (INPUTS[self.dataset], *self.hidden(config), CLASSES)
        weights = sum(a * b for a, b in pairwise(sizes))
        return {"params": weights + sum(sizes[1:]), "flops": 2 * weights}

    def start(self, config: Mapping[str, Any], seed: int) -> MLPTraining:
        """Return a training at epoch 0, whose randomness follows from configuration and seed.

        PyTorch is limited to one thread in this process, so that trials can run side by side and
        results are reproducible.
        """
        return self.start_part(config, seed, rank=0, workers=1)

    def start_part(
        self, config: Mapping[str, Any], seed: int, rank: int, workers: int
    ) -> MLPTraining:
        """Return one worker's part of a training; see `DivisibleProblem.start_part`.

        ``batch_size`` is the number of images of all workers together.
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
        """Return the SHA-256 of the data set's raw images and labels."""
        return images.load(self.dataset, self.data_dir).checksum

    def data_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all data that a training needs; see `SharedDataProblem`."""
        return images.to_arrays(images.load(self.dataset, self.data_dir))

    def use_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Use these data instead of reading them; see `SharedDataProblem`."""
        images.use(self.dataset, self.data_dir, images.from_arrays(arrays))


def _cuda_devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
