"""The figure of an advice: what is in colour, and where FIFO's note stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from bench.analysis.advice import advise
from bench.report.figures import plots_advice
from bench.report.figures.drawing import GREY
from bench.report.figures.savings_data import FIFO_NOTE
from tests.bench.analysis.test_advice import SETTING, replays

KEPT = {
    "good": (0.5, 0.99, True),
    "plain": (0.6, 0.995, False),
    "greedy": (0.2, 0.9, False),
    "other": (0.3, 0.8, False),
}


def figure(tolerance: float, **kept: tuple[float, float, bool]) -> Figure:
    return plots_advice.savings(advise(replays(**kept), SETTING, tolerance), "title", "subject.")


def colours(drawn: Figure) -> dict[tuple[float, float], str]:
    """Return the place of each point → its colour."""
    return {
        (round(float(line.get_xdata()[0])), round(float(line.get_ydata()[0]), 1)): line.get_color()
        for line in drawn.axes[0].get_lines()
        if line.get_marker() != "None" and line.get_markersize() > 6
    }


@pytest.mark.parametrize(
    ("tolerance", "coloured", "said"),
    [
        (0.02, {(50, 99.0), (40, 99.5)}, "In colour: those that save training and surely lose at"),
        (0.0, set(), "None is in colour: none would save training and surely lose at most 0.0 %"),
    ],
)
def test_only_what_is_within_the_tolerance_is_in_colour(
    tolerance: float, coloured: set[tuple[float, float]], said: str
) -> None:
    drawn = figure(tolerance, **KEPT)
    found = colours(drawn)
    assert {(50, 99.0), (40, 99.5), (80, 90.0), (70, 80.0)} <= set(found)
    assert {at for at, colour in found.items() if colour not in (GREY, "black")} == coloured
    assert said in " ".join(text.get_text().replace("\n", " ") for text in drawn.texts)


def test_what_may_be_taken_is_the_most_visible() -> None:
    # The last of many schedulers would have the palest of the colours and a small marker.
    grey = {f"s{k}": (0.3 + 0.02 * k, 0.8, False) for k in range(18)}
    drawn = figure(0.02, **grey, good=(0.5, 0.99, True), plain=(0.6, 0.995, False))
    looks = {
        round(float(line.get_ydata()[0]), 1): line
        for line in drawn.axes[0].get_lines()
        if line.get_marker() != "None" and len(line.get_xdata()) == 1
    }
    best, other, quiet = looks[99.0], looks[99.5], looks[80.0]
    assert best.get_markersize() > other.get_markersize() > quiet.get_markersize()
    for line in (best, other):
        assert luminance(line.get_color()) < 0.5
        assert luminance(line.get_markeredgecolor()) < 0.1
    assert quiet.get_color() == GREY


def luminance(colour: Any) -> float:
    """Return how light a colour is, 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_nothing_is_in_colour_without_enough_data() -> None:
    cut = advise(replays(**KEPT), replace(SETTING, incomplete=19), 0.02)
    drawn = plots_advice.savings(cut, "title", "subject.")
    assert {colour for colour in colours(drawn).values() if colour != "black"} == {GREY}
    assert any("none can be recommended" in text.get_text() for text in drawn.texts)


def test_the_note_on_fifo_hides_no_point() -> None:
    # All of them keep everything, so they lie on the line at which the note stands.
    kept = {f"s{k}": (0.75 - 0.03 * k, 1.0, False) for k in range(12)}
    drawn = plots_advice.savings(
        advise(replays(**kept), replace(SETTING, orders=10), 0.05), "title", "subject."
    )
    drawn.draw_without_rendering()
    (axis,) = drawn.axes
    (note,) = (text for text in axis.texts if text.get_text() == FIFO_NOTE)
    points = axis.transData.transform([(25 + 3 * k, 100) for k in range(12)])
    box = note.get_window_extent().padded(3)
    assert box.count_contains(points) == 0
    area = axis.get_window_extent()
    assert area.y0 <= box.y0 < box.y1 <= area.y1
    assert np.isclose(area.x0, note.get_window_extent().x0, atol=12)
