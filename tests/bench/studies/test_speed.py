"""The time of runs is divided among its parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.records.record import RunRecord
from bench.studies import speed
from tests.bench.examples import record


def with_origins(origins: list[str], suggestion_s: list[float], seed: int) -> RunRecord:
    made = record(seed=seed)
    assert made.result is not None
    trials = tuple(
        replace(trial, origin=origin, suggestion_s=seconds)
        for trial, origin, seconds in zip(made.result.trials, origins, suggestion_s, strict=True)
    )
    return replace(made, result=replace(made.result, trials=trials))


def test_parts_are_medians_over_the_seeds() -> None:
    records = [
        with_origins(["Sobol", "BoTorch"], [0.0, seconds], seed)
        for seed, seconds in enumerate([1.0, 3.0, 8.0])
    ]
    (row,) = speed.parts(records).to_dict("records")
    assert (row["scheduler"], row["runs"]) == ("fifo", 3)
    assert row["one suggestion by the model s"] == 3.0
    assert row["one epoch slot-s"] == row["training slot-s"] / row["epochs"] == 1.0
    wall, slots = row["wall time s"], 2
    spent = row["training slot-s"] + row["start-up slot-s"] + row["waiting slot-s"]
    assert spent == pytest.approx(slots * wall)
    assert row["utilisation"] == pytest.approx(row["training slot-s"] / (slots * wall))


def test_the_page_says_what_tune_costs() -> None:
    page = speed.markdown(speed.parts([record()]), speed.Overhead(2.5, 0.125, 0.0042), "2 trials")
    assert "4.2 ms per report, 125 ms per trial and 2.5 s per run" in page
    assert "| fifo" in page


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_costless_epochs_take_little() -> None:
    few, many = speed.costless_search_s(2, 1), speed.costless_search_s(2, 30)
    assert 0 < few < 30
    assert many < few + 30  # 58 reports more, each with nothing to do
