"""Figures hold what they should show, for every shape of results that users have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly import graph_objects as go

import mobo_core
from mobo_core import Objective, pareto_front, plot
from mobo_core.plot import columns, style
from mobo_core.plot.importances import FEWEST, WEAK
from mobo_core.plot.shown import shown_points
from mobo_core.results import TrialHistory
from tests.mobo_core.plot.examples import (
    ACCURACY,
    BOTH,
    LATENCY,
    LOSS,
    PARAMS,
    SEARCH,
    SETS,
    a_search,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("objectives", SETS, ids=len)
@pytest.mark.parametrize("scope", ["last", "best"])
def test_the_front_has_a_point_for_each_trial(objectives: list[Objective], scope: Any) -> None:
    given = {"scope": scope, "constraints": "latency <= 9"}
    figure = plot.front(SEARCH, objectives, **given)
    shown = shown_points(SEARCH, objectives, **given)
    assert isinstance(figure, go.Figure)
    traces = {trace.name: trace for trace in figure.data if trace.hovertext is not None}
    assert sum(len(trace.hovertext) for trace in traces.values()) == len(shown.candidates)
    front = pareto_front(SEARCH, objectives, **given)
    (on_front,) = (trace for name, trace in traces.items() if name.startswith("on the front"))
    assert len(on_front.hovertext) == len(front)
    assert figure.layout.title.text == front.summary()
    broken = {f"t{number:03d}" for number in range(40) if number % 17 == 5}
    trials = {candidate.trial.trial_id for candidate in shown.candidates}
    assert trials.isdisjoint(broken) or "val/loss" not in {o.name for o in objectives}
    assert figure.to_json()


def test_kinds_of_points() -> None:
    rows = [
        {"val/loss": 1.0, "params": 1000, "ms": 1},
        {"val/loss": 1.1, "params": 2000, "ms": 1},
        {"val/loss": 0.5, "params": 1000, "ms": 9},
        {"val/loss": 9.0, "params": 1000, "ms": 1},
        {"val/loss": None, "params": 1000},
    ]
    shown = shown_points(rows, BOTH, constraints="ms <= 5")
    assert shown.kinds == ["front", "dominated", "infeasible", "outside"]
    assert shown.numbers == [1, 2, 3, 4]
    figure = plot.front(rows, BOTH, constraints="ms <= 5")
    # The far point does not set the axis.
    assert figure.layout.xaxis.range[1] < 2
    symbols = {trace.name: trace.marker.symbol for trace in figure.data if trace.marker.symbol}
    assert len(set(symbols.values())) == 3  # front and dominated differ in size and colour
    assert "breaks a constraint (1)" in symbols


def test_the_staircase_ends_at_the_reference() -> None:
    figure = plot.front([{"val/loss": 1.0, "params": 10}, {"val/loss": 0.5, "params": 20}], BOTH)
    area, line = figure.data[:2]
    assert list(line.x) == [0.5, 0.5, 1.0, 1.0, 1.2]
    assert list(line.y) == [80_000, 20, 20, 10, 10]
    assert (area.x[-1], area.y[-1]) == (1.2, 80_000)


def test_hover_texts_have_the_configuration_and_no_markup() -> None:
    name = "<b>%{x}$y$</b>"
    config = {name: name, "net": {"act": None}, **{f"p{k}": k for k in range(20)}}
    figure = plot.front([{"val/loss": 1.0, "config": config}], [LOSS])
    (text,) = (trace.hovertext[0] for trace in figure.data if trace.hovertext is not None)
    assert "<b>trial 0, on the front</b>" in text
    assert "net/act: None" in text
    assert "%{" not in text
    assert "&lt;b&gt;" in text
    assert "and 8 more" in text


def test_axes_say_what_is_better_and_grow_logarithmic() -> None:
    rows = [{"latency": 10.0**k, "acc": 0.8} for k in range(-3, 2)]
    figure = plot.front(rows, [LATENCY, ACCURACY])
    assert figure.layout.xaxis.title.text == "latency / ms ↓ (lower is better)"
    assert figure.layout.yaxis.title.text == "acc ↑ (higher is better)"
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "linear")
    low, high = style.axis_range(np.array([3.0]), reference=3.0)
    assert low < 3 < high
    low, high = style.axis_range(np.array([0.0]), reference=0.0)
    assert low < 0 < high


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_each_axis_shows_its_objective_and_no_far_point(m: int) -> None:
    objectives = [Objective(name, "min", reference=10) for name in "abcde"[:m]]
    rng = np.random.default_rng(0)
    rows = [
        {name: 10 ** rng.uniform(-4, 0) if name == "b" else rng.random() for name in "abcde"}
        for _ in range(40)
    ]
    rows += [dict.fromkeys("abcde", 1e9), dict.fromkeys("abcde", 1e9)]
    figure = plot.front(rows, objectives)
    layout = figure.layout
    if m == 1:
        axes = [("a", layout.yaxis)]
    elif m == 3:
        axes = [
            (name, layout.scene[f"{letter}axis"]) for name, letter in zip("abc", "xyz", strict=True)
        ]
    elif m == 2:
        axes = [("a", layout.xaxis), ("b", layout.yaxis)]
    else:
        # Plotly numbers both axes of an objective alike; the last has no column, the first no row.
        axes = [
            (name, layout[f"{letter}axis{number if number > 1 else ''}"])
            for number, name in enumerate("abcde"[:m], start=1)
            for letter in "xy"
        ]
    for name, found in axes:
        assert found.title.text.split()[0] == name
        assert found.type == ("log" if name == "b" else "linear")
        assert found.range[1] < 12
    (label,) = (trace.name for trace in figure.data if str(trace.name).startswith("not better"))
    assert label == "not better than the reference (2, 2 outside the view)"
    printed = plot.front(rows, objectives, engine="matplotlib")
    assert label in [text.get_text() for text in printed.legends[0].get_texts()]


def test_no_symbol_in_space_is_a_letter_that_fonts_lack() -> None:
    objectives = [Objective(name, "min", reference=10) for name in "abc"]
    rows = [{"a": 1, "b": 1, "c": 1, "ms": ms} for ms in (1, 30)]
    figure = plot.front(rows, objectives, constraints="ms <= 20")
    assert [trace.marker.symbol for trace in figure.data] == ["cross", "circle"]


def test_parallel_coordinates_of_one_trial_invent_no_values() -> None:
    (trace,) = plot.parallel_coordinates([{"val/loss": 0.5, "params": 3000}], BOTH).data
    assert [dimension.ticktext for dimension in trace.dimensions] == [("0.5",), ("3000",)]
    assert [dimension.tickvals for dimension in trace.dimensions] == [(0.5,), (3000.0,)]


def test_tables_with_another_column_for_the_trials() -> None:
    rows = [{"run": row["trial_id"], **row} for row in SEARCH]
    for row in rows:
        del row["trial_id"]
    named = {"trial_column": "run"}
    front = pareto_front(rows, BOTH, **named)
    assert front.trials == 40
    assert plot.front(rows, BOTH, **named).layout.title.text == front.summary()
    assert plot.parallel_coordinates(rows, BOTH, **named).layout.title.text == front.summary()
    assert plot.hypervolume(rows, BOTH, **named).data[0].y[-1] == front.hypervolume
    with pytest.raises(ValueError, match="got 5"):
        plot.parameter_importance(rows[:15], [PARAMS], **named)


NOTHING: list[list[dict[str, Any]]] = [[], [{}]]


@pytest.mark.parametrize("results", NOTHING)
def test_no_point(results: list[dict[str, Any]]) -> None:
    reason = "it reported nothing" if results else "there is no trial yet"
    figures = [
        plot.front(results, BOTH),
        plot.parallel_coordinates(results, BOTH),
        plot.hypervolume(results, BOTH),
    ]
    for figure in figures[:2]:
        assert reason in figure.layout.annotations[0].text
    assert figures[2].layout.annotations[0].text == "no trial has reported all objectives"
    printed = plot.front(results, BOTH, engine="matplotlib")
    assert reason in printed.texts[-1].get_text()
    with pytest.raises(ValueError, match=rf"at least {FEWEST} trials.*, got 0"):
        plot.parameter_importance(results, BOTH)


@pytest.mark.parametrize("objectives", SETS, ids=len)
def test_one_point(objectives: list[Objective]) -> None:
    one = SEARCH[2:3]
    for figure in (plot.front(one, objectives), plot.parallel_coordinates(one, objectives)):
        assert "1 of 1 trials is on the front" in figure.layout.title.text
    assert len(plot.hypervolume(one, objectives).data[0].x) == 2


def test_the_hypervolume_by_hand() -> None:
    objectives = [Objective("f", "min", reference=10)]
    rows = [
        {"trial_id": "a", "f": 9, "timestamp": 100},
        {"trial_id": "b", "f": 4, "timestamp": 101},
        {"trial_id": "a", "f": 7, "timestamp": 103},
        {"trial_id": "b", "f": 8, "timestamp": 109},
        {"trial_id": "b", "note": "no value", "timestamp": 110},
    ]

    def curve(**more: Any) -> list[list[float]]:
        (line,) = plot.hypervolume(rows, objectives, **more).data
        return [line.x.tolist(), line.y.tolist()]

    assert curve() == [[0, 0, 1, 3, 9, 10], [0, 1, 6, 6, 3, 3]]
    assert curve(scope="best")[1] == [0, 1, 6, 6, 6, 6]
    assert curve(over="reports") == [[0, 1, 2, 3, 4, 5], [0, 1, 6, 6, 3, 3]]
    assert curve(over="trials") == [[0, 1, 2], [0, 3, 3]]
    for row in rows:
        del row["timestamp"]
    assert curve() == [[0, 1, 2, 3, 4, 5], [0, 1, 3, 6, 3, 3]]
    with pytest.raises(ValueError, match=r"no 'timestamp'.*over='reports'"):
        curve(over="seconds")


def test_the_hypervolume_ends_at_that_of_the_front_and_stays_small() -> None:
    rows = a_search(trials=60, epochs=20)
    for scope in ("last", "best"):
        (line,) = plot.hypervolume(rows, BOTH, scope=scope, over="reports").data
        assert line.y[-1] == pareto_front(rows, BOTH, scope=scope).hypervolume
        assert len(line.x) <= 401
    assert (np.diff(line.y) >= 0).all()


def test_failed_trials_do_not_count() -> None:
    failed = TrialHistory("a", {}, ({"f": 1.0},), error="E")
    trials = [failed, TrialHistory("b", {}, ({"f": 8.0},))]
    (line,) = plot.hypervolume(trials, [Objective("f", "min", reference=10)]).data
    assert line.y.tolist() == [0, 2]


def test_columns_of_parameters() -> None:
    trials = [TrialHistory(str(n), row["config"], ()) for n, row in enumerate(SEARCH)]
    found = {column.name: column for column in columns.parameter_columns(trials)}
    assert list(found) == ["lr", "net/width", "net/act", "net/layers", "dropout"]  # no seed
    assert [c.is_number for c in found.values()] == [True, True, False, False, True]
    assert [c.is_log for c in found.values()][:2] == [True, False]
    assert found["net/act"].labels == ["None", "relu", "tanh"]
    assert found["net/layers"].labels == ["[1, 2]", "[1]"]
    assert np.isnan(found["dropout"].positions).sum() == sum(
        "dropout" not in trial.config for trial in trials
    )
    flags = [TrialHistory(str(flag), {"flag": flag}, ()) for flag in (True, False)]
    (column,) = columns.parameter_columns(flags)
    assert (column.is_number, column.labels) == (False, ["False", "True"])


def test_parallel_coordinates() -> None:
    figure = plot.parallel_coordinates(SEARCH, [ACCURACY, PARAMS])
    (trace,) = figure.data
    dimensions = {dimension.label: dimension for dimension in trace.dimensions}
    names = ["lr", "net/width", "net/act", "net/layers", "dropout", "acc ↑", "params ↓"]
    assert list(dimensions) == names
    front = pareto_front(SEARCH, [ACCURACY, PARAMS])
    assert sum(trace.line.color) == len(front)
    assert list(trace.line.color) == sorted(trace.line.color)  # the front is drawn last
    assert all(len(d.values) == len(trace.line.color) for d in trace.dimensions)
    assert all(np.isfinite(d.values).all() for d in trace.dimensions)
    assert dimensions["net/act"].ticktext == ("None", "relu", "tanh")
    assert dimensions["dropout"].ticktext[0] == "none"
    assert min(dimensions["lr"].values) < -3  # a logarithm
    assert all(float(text) > 0 for text in dimensions["lr"].ticktext)


def test_the_ticks_of_parallel_coordinates_reach_both_ends() -> None:
    rows = [
        {"loss": 0.31 + k, "config": {"lr": lr, "units": 16 + k, "far": 10.0 ** (3 * k)}}
        for k, lr in enumerate([1.32e-4, 0.005, 0.03, 0.0876, 0.002])
    ]
    (trace,) = plot.parallel_coordinates(rows, [Objective("loss", "min", reference=3)]).data
    texts = {dimension.label: dimension.ticktext for dimension in trace.dimensions}
    assert texts == {
        "lr": ("0.000132", "0.001", "0.01", "0.0876"),
        "units": ("16", "17", "18", "19", "20"),
        "far": ("1", "100", "1e+04", "1e+06", "1e+08", "1e+10", "1e+12"),
        "loss ↓": ("0.31", "1", "2", "3", "4", "4.31"),
    }
    for dimension in trace.dimensions:
        assert (min(dimension.tickvals), max(dimension.tickvals)) == tuple(dimension.range)


def test_figures_take_columns_with_parameters_and_say_if_there_are_none() -> None:
    rows = [
        {"run": n, "lr": 10.0 ** -(n % 4), "opt": "ab"[n % 2], "val/loss": n / 40}
        for n in range(40)
    ]
    named = {"config_columns": ["lr", "opt"]}
    (trace,) = plot.parallel_coordinates(rows, [LOSS], **named).data
    assert [dimension.label for dimension in trace.dimensions] == ["lr", "opt", "val/loss ↓"]
    bars = plot.parameter_importance(rows, [LOSS], **named)
    assert set(bars.layout.yaxis.ticktext) == {"lr", "opt"}
    figure = plot.front(rows, [LOSS], **named)
    assert all("opt: " in t for trace in figure.data for t in trace.hovertext or ())
    (note,) = plot.parallel_coordinates(rows, [LOSS]).layout.annotations
    assert note.text.replace("<br>", " ") == columns.NO_PARAMETER
    assert not plot.parallel_coordinates(rows[:1], [LOSS]).layout.annotations


def test_every_figure_refuses_a_misspelt_objective() -> None:
    misspelt = [Objective("val/los", "min", reference=1)]
    for draw in (plot.front, plot.hypervolume, plot.parallel_coordinates):
        with pytest.raises(ValueError, match="did you mean 'val/loss'"):
            draw(SEARCH, misspelt)
    with pytest.raises(ValueError, match="did you mean 'val/loss'"):
        plot.parameter_importance(SEARCH, misspelt)


def with_noise() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [{**row, "noise": rng.random()} for row in a_search(60, 1)]


def test_importance_finds_what_matters() -> None:
    noise = Objective("noise", "min", reference=2)
    figure = plot.parameter_importance(with_noise(), [ACCURACY, LATENCY, noise])
    accuracy, latency, random = figure.data
    for bars, first in ((accuracy, {"lr", "net/width"}), (latency, {"net/width"})):
        best = np.argsort(bars.x)[::-1][: len(first)]
        assert {figure.layout.yaxis.ticktext[index] for index in best} == first
        assert max(bars.x) > 0.3
    assert max(np.abs(random.x)) < 0.3
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert titles.pop() == (
        "fall of R² when shuffled<br>thin lines: ± 1 standard deviation over folds and shuffles"
    )
    r2 = [float(title.split("R² ")[1].split("<")[0]) for title in titles]
    assert r2[1] > 0.9
    assert r2[2] < WEAK
    assert "too low to rely on" in titles[2]
    assert "too low" not in titles[1]
    assert all(len(bars.error_x.array) == 5 for bars in figure.data)


def test_importance_is_refused_without_enough_to_learn_from() -> None:
    with pytest.raises(ValueError, match=rf"at least {FEWEST} trials.* got 18"):
        plot.parameter_importance(a_search(19, 1), BOTH)  # one trial reported NaN
    rows = [{"val/loss": k / 40, "params": 1} for k in range(40)]
    with pytest.raises(ValueError, match=r"no parameter differs.*config/lr"):
        plot.parameter_importance(rows, BOTH)
    same = [{"val/loss": 1.0, "config": {"a": k}} for k in range(25)]
    figure = plot.parameter_importance(same, [LOSS])
    assert figure.data[0].x.tolist() == [0.0]


def test_wrong_arguments() -> None:
    calls: list[tuple[Any, str]] = [
        (lambda: plot.front(SEARCH, BOTH, engine="gnuplot"), "engine must be one of"),
        (lambda: plot.front(SEARCH, BOTH, scope="all"), "scope must be one of"),
        (lambda: plot.hypervolume(SEARCH, BOTH, over="epochs"), "over must be one of"),
        (lambda: plot.hypervolume(SEARCH, BOTH, scope="all"), "scope must be one of"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        plot.pie  # noqa: B018


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("plotly", "front([{'f': 1}], o)"),
        ("sklearn", "parameter_importance([{'f': 1}], o)"),
        ("matplotlib", "front([{'f': 1}], o, engine='matplotlib')"),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(missing: str, call: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from mobo_core import *\n"
        "o = [Objective('f', 'min', 2)]\n"
        f"try: plot.{call}\n"
        "except ImportError as error: print(error)\n"
    )
    root = Path(mobo_core.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert "pip install 'mobo-bench[plot]'" in done.stdout
    assert f"needs {missing}" in done.stdout
    assert len(done.stdout.splitlines()) == 1
