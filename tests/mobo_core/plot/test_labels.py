"""Labels stay inside the figure and apart from each other, however long the names are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mobo_core import Objective, plot
from mobo_core.plot import style
from tests.mobo_core.plot.examples import SEARCH, SETS, a_search

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("objectives", SETS, ids=len)
def test_the_printed_front(objectives: list[Objective]) -> None:
    figure = plot.front(SEARCH, objectives, engine="matplotlib")
    m = len(objectives)
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == max(1, m * (m - 1) // 2)
    assert panels[0].get_ylabel() == style.axis_label(objectives[min(1, m - 1)])
    assert all_inside(figure)


LONG = [
    Objective(name, "min", reference=objective.reference)
    for name, objective in zip(
        (
            "validation/metrics/cross_entropy_loss_of_the_exponential_moving_average",
            "model/number_of_trainable_parameters_including_embeddings",
            "VALIDATION/TOP_5_ACCURACY_ON_THE_HELD_OUT_DISTRIBUTION",
            "inference/latency_at_batch_size_1_on_cpu_in_milliseconds",
        ),
        SETS[-1],
        strict=True,
    )
]


def with_long_names(trials: int = 40) -> list[dict[str, Any]]:
    """Return a search whose objectives and parameters have long names."""
    names = dict(zip(("params", "latency", "acc"), (o.name for o in LONG[1:]), strict=True))
    rows = []
    for row in a_search(trials, 1):
        found = {names.get(name, name): value for name, value in row.items()}
        found[LONG[0].name] = row["val"]["loss"]
        common = "optimiser/options/of_the_first_parameter_group"
        found["config"] = {
            f"{common}/{tail}/learning_rate": row["config"]["lr"] * (1 + len(tail))
            for tail in ("encoder", "decoder")
        } | {"activation": ["a very long name with parameters (alpha=0.1)", "relu"][len(rows) % 2]}
        rows.append(found)
    return rows


def all_inside(figure: Any) -> bool:
    """Return whether all texts of a figure of Matplotlib are whole and do not cover each other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }
    texts = [text for text in figure.findobj(Text) if text.get_text() and text not in ticks]
    # An axis has tick labels beyond its ends, which are not drawn: its own box leaves them out.
    drawn = [axis for axes in figure.axes if axes.axison for axis in (axes.xaxis, axes.yaxis)]
    boxes = [text.get_window_extent(renderer) for text in texts]
    boxes += [axis.get_tightbbox(renderer) for axis in drawn]
    width, height = figure.bbox.size
    whole = all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= width and b.y1 <= height for b in boxes)
    labels = [axis.label.get_window_extent(renderer) for axis in drawn]
    apart = not any(one.overlaps(other) for one, other in combinations(labels, 2))
    return whole and apart


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_long_names_stay_inside_the_printed_figure(m: int) -> None:
    assert all_inside(plot.front(with_long_names(), LONG[:m], engine="matplotlib"))
    none = plot.front([{}], LONG[:m], engine="matplotlib")
    assert all_inside(none)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_long_names_are_shortened_and_whole_under_the_pointer(m: int) -> None:
    rows = with_long_names()
    figure = plot.front(rows, LONG[:m])
    titles = [
        title.text
        for kind in ("xaxis", "yaxis", "zaxis")
        for title in (
            *(axis.title for axis in figure.select_xaxes() if kind == "xaxis"),
            *(axis.title for axis in figure.select_yaxes() if kind == "yaxis"),
            *(scene[kind].title for scene in figure.select_scenes()),
        )
        if title.text
    ]
    assert len(titles) >= m
    assert max(map(len, titles)) <= style.MOST_LETTERS
    texts = [
        text for trace in figure.data if trace.hovertext is not None for text in trace.hovertext
    ]
    assert all(objective.name in text for text in texts for objective in LONG[:m])
    curve = plot.hypervolume(rows, LONG[:m])
    assert len(curve.layout.yaxis.title.text) <= style.MOST_LETTERS
    assert all(objective.name in curve.data[0].hovertemplate for objective in LONG[:m])
    (lines,) = plot.parallel_coordinates(rows, LONG[:m]).data
    assert max(len(dimension.label) for dimension in lines.dimensions) <= 20
    assert max(len(text) for d in lines.dimensions for text in d.ticktext or ()) <= 20


def test_importances_of_parameters_with_long_names_stay_apart() -> None:
    figure = plot.parameter_importance(with_long_names(24), LONG[1:2])
    (bars,) = figure.data
    assert len(set(bars.y)) == len(bars.y) == 3
    assert max(map(len, figure.layout.yaxis.ticktext)) <= 24
    lines = [line for a in figure.layout.annotations for line in a.text.split("<br>")]
    assert max(map(len, lines)) <= 60
    assert all(text.endswith(LONG[1].name) for text in bars.hovertext)
    assert any("decoder/learning_rate" in text for text in bars.hovertext)
