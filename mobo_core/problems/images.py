"""Small image data sets in memory: MNIST (torchvision) and the digits of scikit-learn."""

from __future__ import annotations

import hashlib
import socket
import threading
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.seeding import derive_seed

with needs("problems", __name__):
    import lightning
    import torch
    from torch import Tensor
    from torchvision.datasets import MNIST

    from mobo_core.problems.parallel import Part

DatasetName = Literal["mnist", "digits"]

MNIST_MEAN, MNIST_STD = 0.1307, 0.3081
MNIST_SHA256 = "aba886cf767d66cd31478edf8db0ef33ce867826e135101d98e8a63708ccfd72"
"""The checksum of MNIST's images and labels, in the form of `ImageData.checksum`."""
MNIST_SHAPES = {"train": (60_000, 28, 28), "test": (10_000, 28, 28)}
VALIDATION_IMAGES: dict[str, int] = {"mnist": 5_000, "digits": 300}
DIGITS_TEST_IMAGES = 300
SPLIT_SEED = 0
"""The seed of the split, the same for all runs: validation images never enter training."""
PARTS = ("train", "validation", "test")
PROBE_SECONDS = 8.0
STALL_SECONDS = 30.0


class DataUnavailableError(Exception):
    """An error: the data set is neither on disk nor available from the network."""


class DataDamagedError(Exception):
    """An error: the data set's files exist, but their contents are wrong."""


@dataclass(frozen=True)
class Split:
    """The images and labels of one part of a data set.

    Args:
        images: (n, pixels) float32 tensor, normalised.
        labels: (n,) int64 tensor of values 0 to 9.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageData:
    """A data set split into training, validation and test.

    Args:
        name: ``"mnist"`` or ``"digits"``.
        train: The images for training.
        validation: The images for the metrics of a search.
        test: The images for the final front only.
        checksum: The SHA-256 of the raw images and labels before the split: first the training
            images and labels, then the test images and labels.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    checksum: str

    @property
    def pixels(self) -> int:
        """The number of pixels of an image."""
        return int(self.train.images.shape[1])


class ShuffledBatches:
    """Mini-batches in an order that depends only on the seed and the epoch.

    Every iteration over it is one epoch. The epoch counter increases by itself.

    Args:
        split: The images.
        batch_size: The number of images in a batch, ≥ 1. An epoch's last batch may be smaller.
        seed: The seed of the order.
        epoch: The first epoch, 0-based.
        part: This worker's part of each batch; None is the whole batch. Every image is in exactly
            one part per epoch.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        seed: int,
        epoch: int = 0,
        part: Part | None = None,
    ) -> None:
        self._split = split
        self._part = part or Part()
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._split) // self._batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(derive_seed("shuffle", self._seed, self.epoch))
        self.epoch += 1
        images, labels = self._split.images, self._split.labels
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        for chunk in torch.split(order, self._batch_size):
            rows = self._part.deal(chunk)
            yield images[rows], labels[rows]


class OneBatch:
    """A whole split as a single batch. Lightning would read a list as several loaders."""

    def __init__(self, split: Split) -> None:
        self._split = split

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield self._split.images, self._split.labels


class ImageDataModule(lightning.LightningDataModule):
    """A data set for Lightning: whole splits in memory, evaluation in one batch.

    Args:
        dataset: ``"mnist"`` or ``"digits"``.
        data_dir: The folder that holds (or will hold) torchvision's ``MNIST/raw``.
        batch_size: The number of images in a training batch.
        seed: The seed of the shuffling.
    """

    def __init__(
        self, dataset: DatasetName, data_dir: str | Path, batch_size: int, seed: int
    ) -> None:
        super().__init__()
        self._dataset: DatasetName = dataset
        self._data_dir = str(data_dir)
        self._batch_size = batch_size
        self._seed = seed

    def prepare_data(self) -> None:
        """Download the data if they are not on disk."""
        if self._dataset == "mnist" and not mnist_on_disk(self._data_dir):
            download_mnist(self._data_dir)

    def setup(self, stage: str) -> None:
        """Load the splits. They are read once per process, whatever the number of modules."""
        self.data = load(self._dataset, self._data_dir)

    def train_dataloader(self, part: Part | None = None) -> ShuffledBatches:
        """Return the shuffled training batches, or a worker's part of each batch."""
        return ShuffledBatches(self.data.train, self._batch_size, self._seed, part=part)

    def val_dataloader(self) -> OneBatch:
        """Return the validation images."""
        return OneBatch(self.data.validation)

    def test_dataloader(self) -> OneBatch:
        """Return the test images."""
        return OneBatch(self.data.test)


def mnist_on_disk(data_dir: str | Path) -> bool:
    """Return whether the four MNIST files are in ``data_dir/MNIST/raw``, without reading them."""
    raw = Path(data_dir, "MNIST", "raw")
    return all((raw / name.removesuffix(".gz")).is_file() for name, _ in MNIST.resources)


def download_mnist(data_dir: str | Path) -> None:
    """Download MNIST through torchvision, which checks each file's MD5.

    Raises:
        DataUnavailableError: If no mirror answers within `PROBE_SECONDS` or the download fails.
    """
    raw = Path(data_dir, "MNIST", "raw")
    files = ", ".join(name for name, _ in MNIST.resources)
    remedy = (
        f"download {files} from {MNIST.mirrors[0]} into {raw} and run again, or choose "
        "--dataset digits"
    )
    archived = all((raw / name).is_file() for name, _ in MNIST.resources)
    if not archived and not _mirror_answers():
        raise DataUnavailableError(
            f"MNIST is not in {data_dir} and no mirror answered within {PROBE_SECONDS:.0f} s; "
            + remedy
        )
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)  # torchvision sets none
    try:
        MNIST(str(data_dir), download=True)
    except Exception as error:
        raise DataUnavailableError(f"the MNIST download failed ({error}); {remedy}") from error
    finally:
        socket.setdefaulttimeout(timeout)


def _mirror_answers() -> bool:
    """Return whether a small file arrives from any mirror in time, including the name look-up."""
    answered = threading.Event()

    def probe() -> None:
        for mirror in MNIST.mirrors:
            try:
                url = mirror + MNIST.resources[-1][0]
                with urllib.request.urlopen(url, timeout=PROBE_SECONDS / 2) as response:  # noqa: S310
                    response.read()
                answered.set()
                return
            except (OSError, ValueError):
                continue

    # A name look-up has no time limit, so the thread may still run when this returns.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answered.is_set()


_LOADED: dict[tuple[DatasetName, str], ImageData] = {}
"""The data sets that this process has read or was given."""


def use(dataset: DatasetName, data_dir: str, data: ImageData) -> None:
    """Make `load` return these data in this process, instead of reading them."""
    _LOADED[dataset, data_dir] = data


def load(dataset: DatasetName, data_dir: str) -> ImageData:
    """Return the data set. It is read once per process, or never if `use` has provided it.

    Raises:
        ValueError: If the name is unknown.
        DataUnavailableError: If MNIST is not in `data_dir`.
        DataDamagedError: If the files there are not MNIST's.
    """
    if (dataset, data_dir) not in _LOADED:
        _LOADED[dataset, data_dir] = _read(dataset, data_dir)
    return _LOADED[dataset, data_dir]


def to_arrays(data: ImageData) -> dict[str, NDArray[Any]]:
    """Return a data set as arrays, without a copy, for processes that share memory."""
    arrays = {"name": np.array(data.name), "checksum": np.array(data.checksum)}
    for part in PARTS:
        split: Split = getattr(data, part)
        arrays |= {f"{part}_images": split.images.numpy(), f"{part}_labels": split.labels.numpy()}
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> ImageData:
    """Return the data set of arrays from `to_arrays`, without a copy. Do not write to it."""
    with warnings.catch_warnings():
        # Shared memory is read-only, and PyTorch warns because tensors cannot express that.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        train, validation, test = (
            Split(*(torch.from_numpy(arrays[f"{part}_{of}"]) for of in ("images", "labels")))
            for part in PARTS
        )
    return ImageData(str(arrays["name"]), train, validation, test, str(arrays["checksum"]))


def _read(dataset: DatasetName, data_dir: str) -> ImageData:
    if dataset == "digits":
        return _load_digits()
    if dataset == "mnist":
        return _load_mnist(data_dir)
    raise ValueError(f"unknown data set {dataset!r}; choose from {get_args(DatasetName)}")


def _load_mnist(data_dir: str) -> ImageData:
    if not mnist_on_disk(data_dir):
        raise DataUnavailableError(
            f"MNIST is not in {data_dir}: expected the four files of MNIST/raw there"
        )
    parts = {}
    for part, train in (("train", True), ("test", False)):
        try:
            raw = MNIST(data_dir, train=train)
            images, labels = raw.data.numpy(), raw.targets.numpy()
        except Exception as error:
            raise DataDamagedError(
                f"the {part} files of MNIST in {data_dir} cannot be read ({error}); delete "
                f"{Path(data_dir, 'MNIST')} and run again"
            ) from error
        if images.shape != MNIST_SHAPES[part] or labels.shape != images.shape[:1]:
            raise DataDamagedError(
                f"the {part} files of MNIST in {data_dir} hold {images.shape} images and "
                f"{labels.shape} labels, expected {MNIST_SHAPES[part]}; delete "
                f"{Path(data_dir, 'MNIST')} and run again"
            )
        parts[part] = (images, labels)
    data = _split(
        "mnist", *parts["train"], *parts["test"], scale=255.0, mean=MNIST_MEAN, std=MNIST_STD
    )
    if data.checksum != MNIST_SHA256:
        raise DataDamagedError(
            f"the files of MNIST in {data_dir} have SHA-256 {data.checksum}, expected "
            f"{MNIST_SHA256}; delete {Path(data_dir, 'MNIST')} and run again"
        )
    return data


def _load_digits() -> ImageData:
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    order = np.random.default_rng(derive_seed("digits-test", SPLIT_SEED)).permutation(
        len(bunch.target)
    )
    test, rest = order[:DIGITS_TEST_IMAGES], order[DIGITS_TEST_IMAGES:]
    images, labels = bunch.images.astype(np.uint8), bunch.target
    scaled = images[rest] / 16.0
    return _split(
        "digits",
        images[rest],
        labels[rest],
        images[test],
        labels[test],
        scale=16.0,
        mean=float(scaled.mean()),
        std=float(scaled.std()),
    )


def _split(
    name: DatasetName,
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.int64],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
    *,
    scale: float,
    mean: float,
    std: float,
) -> ImageData:
    checksum = hashlib.sha256()
    for array in (train_images, train_labels, test_images, test_labels):
        checksum.update(np.ascontiguousarray(array, dtype=np.uint8).tobytes())

    def part(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Split:
        pixels = torch.from_numpy(np.ascontiguousarray(images.reshape(len(images), -1)))
        normalised = (pixels.float() / scale - mean) / std
        return Split(normalised, torch.from_numpy(np.array(labels, dtype=np.int64)))

    order = np.random.default_rng(derive_seed("validation", SPLIT_SEED)).permutation(
        len(train_labels)
    )
    held_out = VALIDATION_IMAGES[name]
    validation, train = order[:held_out], order[held_out:]
    return ImageData(
        name=name,
        train=part(train_images[train], train_labels[train]),
        validation=part(train_images[validation], train_labels[validation]),
        test=part(test_images, test_labels),
        checksum=checksum.hexdigest(),
    )
