"""Small data sets with fixed splits: the validation sets are small, so that reports are noisy.

*digits*, *breast-cancer*, *wine* and *diabetes* come with scikit-learn, which bundles copies of
data from the UCI repository and, for diabetes, from Efron et al. (2004). *mnist* is a fixed part of
MNIST, each image averaged to 14 × 14 pixels. A split depends on nothing but the data set's name, so
validation and test rows never enter any training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.seeding import derive_seed

SPLIT_SEED = 0
MNIST_POOLING = 2


@dataclass(frozen=True)
class Sizes:
    """The numbers of rows of each part of a data set."""

    train: int
    validation: int
    test: int


SIZES: Mapping[str, Sizes] = {
    "digits": Sizes(1000, 397, 400),
    "breast-cancer": Sizes(341, 114, 114),
    "wine": Sizes(88, 45, 45),
    "diabetes": Sizes(262, 90, 90),
    "mnist": Sizes(2000, 1000, 2000),
}
"""Data set → the rows of its parts."""

SHAPES: Mapping[str, tuple[int, int]] = {
    "digits": (64, 10),
    "breast-cancer": (30, 2),
    "wine": (13, 3),
    "diabetes": (10, 0),
    "mnist": (196, 10),
}
"""Data set → its numbers of inputs and of classes; no class is a regression."""

SOURCES: Mapping[str, str] = {
    "digits": "scikit-learn's copy of the test part of UCI's handwritten digits, CC BY 4.0",
    "breast-cancer": "scikit-learn's copy of UCI's Breast Cancer Wisconsin (Diagnostic), CC BY 4.0",
    "wine": "scikit-learn's copy of UCI's Wine, CC BY 4.0",
    "diabetes": "scikit-learn's copy of the diabetes data of Efron et al. (2004)",
    "mnist": "MNIST (LeCun, Cortes and Burges), CC BY-SA 3.0, a fixed part, averaged to 14 × 14",
}
"""Data set → where it comes from, and its licence."""


@dataclass(frozen=True)
class Part:
    """One part of a data set.

    Args:
        inputs: (n, d) float32; standardised by the training part.
        targets: (n,) int64 class numbers from 0 on, or float32 values, standardised by the
            training part, for a regression.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[Any]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Data:
    """A data set in three parts.

    Args:
        train: The rows for training.
        validation: The rows for the metrics of a search.
        test: The rows for the final front only.
        classes: The number of classes; 0 for a regression.
        checksum: The SHA-256 of all inputs and targets before the split.
    """

    train: Part
    validation: Part
    test: Part
    classes: int
    checksum: str


@lru_cache(maxsize=8)
def load(name: str, data_dir: str) -> Data:
    """Return a data set. It is read once per process.

    Args:
        name: A key of `SIZES`.
        data_dir: The folder with torchvision's ``MNIST/raw``; only ``mnist`` needs it.

    Raises:
        ValueError: If MNIST is not in `data_dir` or is damaged.
    """
    if name == "mnist":
        return _mnist(data_dir)
    with needs("problems", __name__):
        from sklearn import datasets
    readers: Mapping[str, Callable[..., Any]] = {
        "digits": datasets.load_digits,
        "breast-cancer": datasets.load_breast_cancer,
        "wine": datasets.load_wine,
        "diabetes": datasets.load_diabetes,
    }
    inputs, targets = readers[name](return_X_y=True)
    checksum = hashlib.sha256(np.ascontiguousarray(inputs, dtype="<f8").tobytes())
    checksum.update(np.ascontiguousarray(targets, dtype="<f8").tobytes())
    sizes = SIZES[name]
    assert len(targets) == sizes.train + sizes.validation + sizes.test
    order = np.random.default_rng(derive_seed("learners", name, SPLIT_SEED)).permutation(
        len(targets)
    )
    rows = np.split(order, [sizes.train, sizes.train + sizes.validation])
    if name == "digits":  # pixels of one scale; some are always 0
        scaled = (inputs - inputs[rows[0]].mean()) / inputs[rows[0]].std()
    else:
        scaled = (inputs - inputs[rows[0]].mean(axis=0)) / inputs[rows[0]].std(axis=0)
    _, classes = SHAPES[name]
    if not classes:
        targets = (targets - targets[rows[0]].mean()) / targets[rows[0]].std()
    kind = np.int64 if classes else np.float32
    train, validation, test = (
        Part(scaled[part].astype(np.float32), targets[part].astype(kind)) for part in rows
    )
    return Data(train, validation, test, classes, checksum.hexdigest())


def narrowed(data: Data, inputs: int) -> Data:
    """Return a data set with the first inputs only, as if no more had been measured."""
    parts = (
        Part(np.ascontiguousarray(part.inputs[:, :inputs]), part.targets)
        for part in (data.train, data.validation, data.test)
    )
    train, validation, test = parts
    return Data(train, validation, test, data.classes, data.checksum)


def pooled(images: NDArray[Any], size: int) -> NDArray[Any]:
    """Return square images whose pixels are the means of squares of pixels.

    Args:
        images: (n, side²) pixels.
        size: The side of the squares; it divides the images' side.
    """
    side = round(images.shape[1] ** 0.5) // size
    squares = images.reshape(len(images), side, size, side, size)
    return np.asarray(squares.mean(axis=(2, 4)).reshape(len(images), side * side))


def _mnist(data_dir: str) -> Data:
    from mobo_core.problems import images  # this import takes seconds

    try:
        whole = images.load("mnist", data_dir)
    except (images.DataUnavailableError, images.DataDamagedError) as error:
        raise ValueError(str(error)) from error
    sizes = SIZES["mnist"]

    def part(split: images.Split, count: int) -> Part:
        pixels = pooled(split.images[:count].numpy(), MNIST_POOLING)
        return Part(pixels, split.labels[:count].numpy().copy())

    return Data(
        part(whole.train, sizes.train),
        part(whole.validation, sizes.validation),
        part(whole.test, sizes.test),
        classes=10,
        checksum=whole.checksum,
    )
