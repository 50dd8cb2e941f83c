"""Tables of readings from curves, compared with values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from bench.records.record import RunRecord
from bench.report.figures.attainment_data import Fronts, difference
from bench.report.page import figure_tables
from bench.report.page.parts import Grid
from mobo_core import Objective
from tests.bench.examples import record

UP, ALONG = Objective("gain", "max", 0.0), Objective("cost", "min", 10.0, unit="kg")


def texts(grid: Grid | None) -> list[list[str]]:
    assert grid is not None
    assert all(len(row) == len(grid.sheet.header) for row in grid.sheet.rows)
    return [[cell.text for cell in row] for row in grid.sheet.rows]


def runs(*names: str, seeds: int = 1) -> list[RunRecord]:
    return [
        replace(record(name, seed=seed), run_id=f"{name}{seed}")
        for name in names
        for seed in range(seeds)
    ]


def curve(column: str, at: list[float], hypervolume: list[float]) -> pd.DataFrame:
    return pd.DataFrame({column: at, "hypervolume": hypervolume})


def test_hypervolume_is_read_at_parts_of_fifos_run_of_the_same_seed() -> None:
    short = curve("epochs", [0, 10, 40], [0.0, 1.0, 3.0])
    curves = {
        "fifo0": curve("epochs", [0, 50, 100], [0.0, 2.0, 4.0]),
        "fifo1": curve("epochs", [0, 50, 200], [0.0, 2.0, 4.0]),
        "mine0": short,
        "mine1": short,
    }
    grid = figure_tables.anytime(runs("fifo", "mine", seeds=2), curves, [("epochs", "epochs")])
    fifo, mine = texts(grid)
    assert fifo[1:] == [
        *("acc+params", "epochs"),
        *("0 (0–0)", "1 (0–2)", "2 (2–2)", "2 (2–2)", "4 (4–4)"),
    ]
    # A tenth of FIFO's is 10 epochs in one seed and 20 in the other, a quarter 25 and 50.
    assert mine[3:] == ["1 (1–1)", "2 (1–3)", "3 (3–3)", "3 (3–3)", "3 (3–3)"]


def test_without_fifo_the_longest_run_counts() -> None:
    curves = {
        "a0": curve("time_s", [0.0, 100.0], [0.0, 5.0]),
        "b0": curve("time_s", [0.0, 20.0], [0.0, 2.0]),
        "c0": curve("time_s", [0.0, 30.0], [0.0, 3.0]),
    }
    a, b, c = texts(figure_tables.anytime(runs("a", "b", "c"), curves, [("time_s", "time")]))
    assert a[2:] == ["time", "0", "0", "0", "0", "5"]
    assert b[3:] == ["0", "2", "2", "2", "2"]
    assert c[3:] == ["0", "0", "3", "3", "3"]


def test_the_corners_of_median_surfaces_are_in_the_objectives_own_directions() -> None:
    # Minimised points: -gain, cost. Two of three seeds reach gain 3 at cost 5, one gain 1 at 1.
    high, low = np.array([[-3.0, 5.0]]), np.array([[-1.0, 1.0]])
    fronts = Fronts((UP, ALONG), ("mine", "fifo"), ([high, high, low], [low, low, low]))
    found = {"gain+cost": (fronts, difference(fronts))}
    assert texts(figure_tables.attainment(found)) == [
        ["mine", "gain+cost", "gain ≥ 3", "cost ≤ 5 kg"],
        ["fifo", "gain+cost", "gain ≥ 1", "cost ≤ 1 kg"],
    ]


def test_no_surface_no_table() -> None:
    nothing = np.empty((0, 2))
    fronts = Fronts((UP, ALONG), ("mine", "fifo"), ([nothing] * 3, [nothing] * 3))
    assert figure_tables.attainment({"gain+cost": (fronts, difference(fronts))}) is None


def test_targets_reached_within_parts_of_the_budget() -> None:
    reached = {"mine": np.array([[0.05, 0.3], [0.6, np.inf]])}
    assert texts(figure_tables.reached(reached)) == [
        ["mine", "25.0 %", "25.0 %", "50.0 %", "75.0 %", "75.0 %"]
    ]


def test_profiles_are_read_at_a_few_places() -> None:
    final = pd.DataFrame(
        {
            "series": ["mine", "mine", "fifo", "fifo"],
            "objectives": "acc+params",
            "ratio": [0.97, 0.85, 1.0, 1.0],
        }
    )
    costs = {"mine": np.array([1.0, 3.0]), "fifo": np.array([2.0, 2.0])}
    found: Any = SimpleNamespace(final=final)
    mine, fifo = texts(figure_tables.profiles(found, costs))
    whole, half, none = "100.0 %", "50.0 %", "0.0 %"
    # Above 80, 90, 95, 98 and 99 % of FIFO's; within 1, 1.5, 2 and 4 times the quickest.
    assert mine[1:] == [whole, half, half, none, none, half, whole, whole, whole]
    assert fifo[1:] == [whole] * 5 + [half, half, whole, whole]
