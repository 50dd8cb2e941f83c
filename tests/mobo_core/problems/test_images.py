"""Data: splits, checksums, integrity, and a download that cannot be had."""

from __future__ import annotations

import gzip
import socket
import struct
import time
import warnings
from pathlib import Path

import pytest
import torch

from mobo_core.problems import images
from mobo_core.problems.images import ShuffledBatches


def rows(part: images.Split) -> set[bytes]:
    return {row.numpy().tobytes() for row in part.images}


def test_digits_are_split_once_for_all_and_never_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_LOADED", {})
    first = images.load("digits", "")
    monkeypatch.setattr(images, "_LOADED", {})
    again = images.load("digits", "")
    assert again is not first
    assert images.load("digits", "") is again
    assert first.checksum == again.checksum
    assert torch.equal(first.validation.images, again.validation.images)
    assert (len(first.train), len(first.validation), len(first.test)) == (1197, 300, 300)
    assert first.pixels == 64
    # The 1,797 digits are all different pictures, so a shared row would be a leak.
    parts = [rows(part) for part in (first.train, first.validation, first.test)]
    assert len(parts[0] | parts[1] | parts[2]) == sum(map(len, parts))


def test_digits_are_normalised_by_what_is_not_test() -> None:
    data = images.load("digits", "")
    seen = torch.cat([data.train.images, data.validation.images])
    assert float(seen.mean()) == pytest.approx(0, abs=1e-5)  # float32 sums of 100,000 pixels
    assert float(seen.std()) == pytest.approx(1, abs=1e-4)


def test_given_arrays_stand_for_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images.load("digits", "")
    arrays = images.to_arrays(data)
    for array in arrays.values():
        array.flags.writeable = False  # as shared memory is
    monkeypatch.setattr(images, "_LOADED", {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.use("mnist", "/absent", images.from_arrays(arrays))
    given = images.load("mnist", "/absent")
    assert (given.name, given.checksum) == (data.name, data.checksum)
    for part in images.PARTS:
        mine, theirs = getattr(given, part), getattr(data, part)
        assert mine.images.data_ptr() == theirs.images.data_ptr()
        assert torch.equal(mine.labels, theirs.labels)


def test_mnist(mnist_dir: str) -> None:
    data = images.load("mnist", mnist_dir)
    assert (len(data.train), len(data.validation), len(data.test)) == (55_000, 5_000, 10_000)
    # Published mean and deviation of the training images give 0 and 1 after normalising.
    assert float(data.train.images.mean()) == pytest.approx(0, abs=2e-3)
    assert float(data.train.images.std()) == pytest.approx(1, abs=2e-3)
    # LeCun's test set: the first ten labels, as every tutorial prints them.
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def write_idx(path: Path, shape: tuple[int, ...], count: int | None = None) -> None:
    """Write an IDX file of zeros; `count` gives it fewer bytes than its header says."""
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    size = 1
    for extent in shape:
        size *= extent
    path.write_bytes(header + bytes(size if count is None else count))


def raw_folder(tmp_path: Path, train_images: int, truncate: bool = False) -> Path:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", train_images), ("t10k", 3)):
        shape = (count, 28, 28)
        write_idx(raw / f"{prefix}-images-idx3-ubyte", shape, 5 if truncate else None)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", (count,))
    return tmp_path


def test_other_images_under_mnists_name_are_refused(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, train_images=4)
    with pytest.raises(images.DataDamagedError, match=r"hold \(4, 28, 28\) images"):
        images.load("mnist", str(folder))


def test_truncated_files_are_named(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, train_images=60_000, truncate=True)
    with pytest.raises(images.DataDamagedError, match="cannot be read"):
        images.load("mnist", str(folder))


def test_missing_data_says_what_was_expected(tmp_path: Path) -> None:
    assert not images.mnist_on_disk(tmp_path)
    with pytest.raises(images.DataUnavailableError, match="MNIST is not in"):
        images.load("mnist", str(tmp_path))


def test_download_that_cannot_be_had_gives_up_within_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This mirror accepts the connection and never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(images.MNIST, "mirrors", [mirror] * 3)
        began = time.monotonic()
        with pytest.raises(images.DataUnavailableError, match="no mirror answered"):
            images.download_mnist(tmp_path)
        assert time.monotonic() - began < 10


def test_download_goes_through_torchvisions_integrity_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This mirror answers with files that are not MNIST's.
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, _ in images.MNIST.resources:
        (mirror / name).write_bytes(gzip.compress(b"not the images"))
    monkeypatch.setattr(images.MNIST, "mirrors", [mirror.as_uri() + "/"])
    with pytest.raises(images.DataUnavailableError, match="download failed"):
        images.download_mnist(tmp_path / "data")


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    split = images.load("digits", "").validation

    def labels(seed: int, epoch: int) -> list[int]:
        batches = list(ShuffledBatches(split, 64, seed, epoch))
        assert [len(y) for _, y in batches] == [64, 64, 64, 64, 44]
        return torch.cat([y for _, y in batches]).tolist()

    assert labels(1, 0) == labels(1, 0)
    assert labels(1, 0) != labels(1, 1)
    assert labels(1, 0) != labels(2, 0)
    assert sorted(labels(1, 0)) == sorted(split.labels.tolist())
    going_on = ShuffledBatches(split, 300, 1)
    list(going_on)
    assert (
        torch.cat([y for _, y in going_on]).tolist()
        == torch.cat([y for _, y in ShuffledBatches(split, 300, 1, epoch=1)]).tolist()
    )
