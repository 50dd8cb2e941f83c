"""The figure of savings: the highlighted schedulers and the limits of the axes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report.figures import savings_data
from bench.report.statistics_section import Findings
from tests.bench.analysis.test_evidence import found, run

FULL = ((0.91, 0.95),) * 2
CLOSE, HALF, POOR = ((0.95,), (0.91, 0.95)), ((0.94,), (0.94,)), ((0.92,), (0.92,))
"""They save a quarter or half of four epochs and keep all, four fifths, or two fifths."""


def findings(**curves: tuple[tuple[float, ...], ...]) -> Findings:
    return found([run(name, 0, mine) for name, mine in {"fifo": FULL, **curves}.items()])


def test_the_recommended_scheduler_comes_first_and_then_what_loses_least() -> None:
    made = findings(poor=POOR, half=HALF, close=CLOSE)
    assert savings_data.few_best(made) == ["close", "half", "poor"]
    shown = savings_data.savings(made)
    assert [(p.name, p.recommended) for p in shown.points] == [
        ("close", True),
        ("half", False),
        ("poor", False),
    ]
    assert [p.saved for p in shown.points] == [25, 50, 50]
    assert [p.kept for p in shown.points] == pytest.approx([100, 80, 40])


def test_axes_are_cut_to_where_the_schedulers_are() -> None:
    shown = savings_data.savings(findings(close=CLOSE, half=HALF))
    assert 0 < shown.x[0] < 25 < 50 < shown.x[1] < 60
    assert 70 < shown.y[0] < 80 < 100 < shown.y[1] < 110
    assert not shown.with_fifo
    alone = savings_data.savings(findings(same=FULL))
    assert alone.with_fifo
    assert alone.x[0] < 0 < alone.x[1]


def test_few_schedulers_are_all_highlighted_and_of_many_the_best() -> None:
    few = findings(close=CLOSE, half=HALF)
    names = ["fifo", "close", "half"]
    assert savings_data.highlights(few, names) == set(names)
    assert savings_data.highlights(None, names) == set(names)
    assert savings_data.described(few) == ""
    many = findings(poor=POOR, half=HALF, a=CLOSE, b=CLOSE, c=CLOSE, d=CLOSE)
    every = ["fifo", "poor", "half", "a", "b", "c", "d"]
    assert savings_data.highlights(many, every) == {"fifo", "a", "b", "c", "d"}
    assert savings_data.described(many) == (
        "The 4 schedulers in colour save the most epochs of all that lose at most 1 % of FIFO's "
        "hypervolume in the mean."
    )
    worse = findings(poor=POOR, half=HALF, a=CLOSE, b=HALF, c=POOR)
    assert savings_data.few_best(worse)[:3] == ["a", "half", "b"]
    assert savings_data.described(worse).startswith("In colour are the 1 scheduler with a loss of")


def with_interval(made: Findings, **columns: float) -> Findings:
    """Return findings whose first row has these ends of intervals."""
    baseline = made.baseline.copy()
    baseline.loc[baseline.index[0], list(columns)] = list(columns.values())
    return replace(made, baseline=baseline)


def test_the_axes_reach_the_ends_of_intervals_and_cut_only_wide_ones() -> None:
    made = findings(close=CLOSE, half=HALF)  # at 25 and 50 % saved, 100 and 80 % kept
    whole = savings_data.savings(
        with_interval(made, epochs_saved_low=0.15, epochs_saved_high=0.3, mean_low=0.7, mean_high=1)
    )
    assert 0 < whole.x[0] < 15
    assert whole.y[0] < 70
    assert not whole.any_cut
    wide = savings_data.savings(
        with_interval(made, epochs_saved_low=0.2, epochs_saved_high=2, mean_low=0.7, mean_high=9)
    )
    assert wide.x[1] < 80
    assert wide.y[1] < 125
    assert [cut.toward for point in wide.points for cut in wide.cuts(point)] == ["right", "up"]


def test_fifo_is_shown_where_an_interval_reaches_it() -> None:
    made = with_interval(
        findings(close=CLOSE, half=HALF),
        epochs_saved=0.19,  # FIFO is not near the points
        epochs_saved_low=-0.01,
        epochs_saved_high=0.3,
        mean_low=0.9,
        mean_high=1.0,
    )
    shown = savings_data.savings(made)
    assert shown.with_fifo
    assert shown.x[0] < 0
