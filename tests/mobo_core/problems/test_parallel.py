"""Parts of batches make up the batch of one worker: rows, means and dropout masks."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.problems import images
from mobo_core.problems.images import ShuffledBatches, Split
from mobo_core.problems.mlp import MLPProblem
from mobo_core.problems.parallel import Part

WORKERS = st.integers(1, 5)


@given(rows=st.integers(1, 60), batch_size=st.integers(1, 20), workers=WORKERS)
def test_every_row_is_in_one_part_once_an_epoch(rows: int, batch_size: int, workers: int) -> None:
    split = Split(torch.arange(float(rows)).reshape(-1, 1), torch.arange(rows))
    whole = list(ShuffledBatches(split, batch_size, seed=3))
    parts = [
        list(ShuffledBatches(split, batch_size, seed=3, part=Part(rank, workers)))
        for rank in range(workers)
    ]
    for index, (_, labels) in enumerate(whole):
        dealt = [part[index][1].tolist() for part in parts]
        assert sorted(chain.from_iterable(dealt)) == sorted(labels.tolist())
        assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert all(len(part) == len(whole) for part in parts)
    seen = Counter(label for part in parts for _, labels in part for label in labels.tolist())
    assert seen == Counter(range(rows))


@given(rows=st.integers(1, 20), workers=WORKERS)
def test_weighted_means_of_the_parts_add_up_to_the_mean(rows: int, workers: int) -> None:
    values = torch.arange(rows, dtype=torch.float64) ** 2
    total = 0.0
    for rank in range(workers):
        part = Part(rank, workers)
        mine = part.deal(values)
        if len(mine):
            total += float(part.weighted(mine.mean(), len(mine)))
    assert total == pytest.approx(float(values.mean()), rel=1e-12)  # float64 summation order


@pytest.mark.parametrize("workers", [2, 3])
def test_dropout_of_the_parts_is_that_of_the_whole_bit_for_bit(workers: int) -> None:
    values = torch.randn(13, 40, generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng():
        torch.manual_seed(7)
        alone = Part().dropout(0.3)(values)
        after = torch.get_rng_state()
        stitched = torch.zeros_like(values)
        for rank in range(workers):
            torch.manual_seed(7)
            part = Part(rank, workers)
            layer = part.dropout(0.3)
            part.mine(stitched).copy_(layer(part.deal(values)))
            assert torch.equal(torch.get_rng_state(), after)
    assert torch.equal(stitched, alone)
    assert torch.equal(layer.eval()(values), values)


def test_one_worker_has_the_plain_layers_and_batches() -> None:
    part = Part()
    assert isinstance(part.dropout(0.1), torch.nn.Dropout)
    rows = torch.arange(3)
    assert part.mine(rows) is rows


@pytest.mark.parametrize(("rank", "workers"), [(0, 0), (2, 2), (-1, 2)])
def test_a_worker_that_there_is_not(rank: int, workers: int) -> None:
    with pytest.raises(ValueError, match="rank must be in"):
        Part(rank, workers)


def test_no_worker_sees_a_validation_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # Images may look alike, so that each is given a number instead: its first pixel.
    data = images.load("digits", "")
    sizes = [len(data.train), len(data.validation), len(data.test)]
    numbers = torch.split(torch.arange(float(sum(sizes))), sizes)
    numbered = images.ImageData(
        "digits",
        *(
            Split(number.reshape(-1, 1), part.labels)
            for number, part in zip(numbers, (data.train, data.validation, data.test), strict=True)
        ),
        checksum="",
    )
    monkeypatch.setattr(images, "load", lambda dataset, data_dir: numbered)
    trained: list[float] = []
    held_out = []
    for rank in range(2):
        module: Any = images.ImageDataModule("digits", "", 64, seed=0)
        module.setup("fit")
        batches = module.train_dataloader(Part(rank, 2))
        trained += [float(image[0]) for pixels, _ in batches for image in pixels]
        ((pixels, _),) = module.val_dataloader()
        held_out.append(pixels.flatten().tolist())
    assert sorted(trained) == numbers[0].tolist()
    assert held_out == [numbers[1].tolist()] * 2


def test_a_problem_alone_trains_as_before() -> None:
    config = MLPProblem("digits").space.from_unit([0.5] * 6)
    problem = MLPProblem("digits")
    reports = [
        training.run_epoch()
        for training in (problem.start(config, 0), problem.start_part(config, 0, 0, 1))
    ]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1]
