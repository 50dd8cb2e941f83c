"""The small data sets: fixed splits, standardised by the training part alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets

from mobo_core.problems.learners import data
from mobo_core.problems.learners.data import SHAPES, SIZES, SOURCES, load, pooled

EMBEDDED = [name for name in SIZES if name != "mnist"]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_parts_hold_every_row_once(name: str) -> None:
    loaded, (inputs, classes) = load(name, "none"), SHAPES[name]
    parts, sizes = (loaded.train, loaded.validation, loaded.test), SIZES[name]
    assert [len(part) for part in parts] == [sizes.train, sizes.validation, sizes.test]
    assert loaded.classes == classes
    assert all(part.inputs.shape == (len(part), inputs) for part in parts)
    raw, targets = getattr(datasets, f"load_{name.replace('-', '_')}")(return_X_y=True)
    assert sum(sizes.__dict__.values()) == len(targets)
    # Standardising keeps the order of the rows' values, so sorted rows can be compared.
    together = np.concatenate([part.inputs for part in parts])
    column = int(np.argmax([len(np.unique(values)) for values in raw.T]))
    scaled = np.sort(raw[:, column]) - raw[:, column].mean()
    ours = np.sort(together[:, column].astype(float))
    assert np.corrcoef(scaled, ours)[0, 1] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_training_part_alone_sets_the_scale(name: str) -> None:
    loaded = load(name, "none")
    axis = None if name == "digits" else 0
    assert loaded.train.inputs.mean(axis=axis) == pytest.approx(0, abs=1e-5)
    assert loaded.train.inputs.std(axis=axis) == pytest.approx(1, abs=1e-5)
    assert np.abs(loaded.validation.inputs.mean(axis=axis)).max() > 1e-4
    if not loaded.classes:
        assert loaded.train.targets.mean() == pytest.approx(0, abs=1e-6)
        assert loaded.train.targets.std() == pytest.approx(1, abs=1e-6)
    else:
        for part in (loaded.train, loaded.validation, loaded.test):
            assert set(part.targets) == set(range(loaded.classes))


def test_a_split_is_the_same_in_every_process() -> None:
    first = load("wine", "none")
    load.cache_clear()
    second = load("wine", "none")
    assert second.checksum == first.checksum
    assert (second.validation.inputs == first.validation.inputs).all()


def test_mnist_is_a_fixed_part(mnist_dir: str) -> None:
    from mobo_core.problems import images

    loaded, sizes = load("mnist", mnist_dir), SIZES["mnist"]
    parts = (loaded.train, loaded.validation, loaded.test)
    assert [len(part) for part in parts] == [sizes.train, sizes.validation, sizes.test]
    assert loaded.train.inputs.shape[1] == SHAPES["mnist"][0]
    assert loaded.checksum == images.MNIST_SHA256
    first = images.load("mnist", mnist_dir).train.images[0].numpy().reshape(28, 28)
    assert loaded.train.inputs[0, 15] == pytest.approx(first[2:4, 2:4].mean(), abs=1e-6)


def test_missing_mnist_is_a_users_error() -> None:
    with pytest.raises(ValueError, match="MNIST is not in no-such-folder"):
        load("mnist", "no-such-folder")


def test_squares_of_pixels_become_their_mean() -> None:
    image = np.arange(16.0)
    assert pooled(image[None], 2).tolist() == [[2.5, 4.5, 10.5, 12.5]]
    assert pooled(image[None], 1).tolist() == [image.tolist()]


def test_every_data_set_has_a_source() -> None:
    assert set(SOURCES) == set(SIZES) == set(SHAPES)
    assert data.SPLIT_SEED == 0
