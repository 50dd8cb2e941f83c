"""The distance to the best known hypervolume, worked by hand on made-up runs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from bench.records.record import RunRecord
from bench.report.figures import progress_data
from bench.report.figures.progress_data import FLOOR
from tests.bench.examples import record


def runs(*names: str) -> list[RunRecord]:
    return [
        replace(made, run_id=name, labels=made.labels | {"searcher": ""})
        for name in names
        for made in [record(name)]
    ]


def curve(epochs: list[int], hypervolume: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"epochs": epochs, "hypervolume": hypervolume})


def test_distance_and_share_of_epochs() -> None:
    curves = {"fifo": curve([0, 5, 10], [0, 1, 3]), "mine": curve([0, 2, 4], [0, 3, 4])}
    (found,) = progress_data.progress(runs("fifo", "mine"), curves).values()
    # The best known hypervolume is 4, of "mine"; FIFO spends ten epochs.
    assert found.over["mine"]["at"].tolist() == pytest.approx([0, 0.2, 0.4])
    assert found.over["mine"]["median"].tolist() == pytest.approx([1, 0.25, FLOOR])
    assert found.over["fifo"]["median"].tolist() == pytest.approx([1, 0.75, 0.25])
    assert "share of FIFO's" in found.x_title


def test_without_fifo_epochs_are_counted_as_they_are() -> None:
    curves = {"mine": curve([0, 2, 4], [0, 3, 4])}
    (found,) = progress_data.progress(runs("mine"), curves).values()
    assert found.over["mine"]["at"].tolist() == [0, 2, 4]
    assert found.x_title == "epochs of all trials"


def test_there_is_no_figure_if_no_run_found_anything() -> None:
    curves = {"fifo": curve([0, 5], [0, 0])}
    assert progress_data.progress(runs("fifo"), curves) == {}


def test_the_axis_says_that_it_ends_above_zero() -> None:
    assert [progress_data.tick_label(tick) for tick in (1.0, 0.005, FLOOR)] == [
        *("100 %", "0.5 %", "≤ 0.1 %")
    ]
