"""Inequalities as users write them, and names that Ax can parse."""

from __future__ import annotations

import math

import pytest

from mobo_core.tune.searchers.ax_expressions import ax_name, read_inequality

NAMES = ["x", "y", "a/x", "p-95 (ms)", "lambda", "x2"]


@pytest.mark.parametrize(
    ("text", "weights", "bound"),
    [
        ("x <= 3", {"x": 1}, 3),
        ("x >= 3", {"x": -1}, -3),
        ("3 >= x", {"x": 1}, 3),
        ("x + 2*a/x <= 3", {"x": 1, "a/x": 2}, 3),
        ("x+y<=1", {"x": 1, "y": 1}, 1),
        ("x <= y", {"x": 1, "y": -1}, 0),
        ("x/4 - p-95 (ms) <= 1e-3", {"x": 0.25, "p-95 (ms)": -1}, 1e-3),
        ("2*(x - 1e-3*y) >= -1.5e-2", {"x": -2, "y": 2e-3}, 1.5e-2),
        ("x + x2 + 1 <= x2 + 3", {"x": 1}, 2),
        ("-lambda <= +1", {"lambda": -1}, 1),
    ],
)
def test_linear_inequalities(text: str, weights: dict[str, float], bound: float) -> None:
    read = read_inequality(text, NAMES, what="constraint", closed=True)
    assert dict(read.weights) == pytest.approx(weights)
    assert read.bound == pytest.approx(bound)
    assert not math.copysign(1, read.bound) < 0 or read.bound < 0  # no -0.0 in messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z <= 1", "names 'z', which is no parameter; the parameters are x, y"),
        ("x*y <= 1", "multiplies or divides by a name"),
        ("1/x <= 1", "multiplies or divides by a name"),
        ("x**2 <= 1", "is no sum of numbers times names"),
        ("0 <= x <= 1", "exactly one <= or >="),
        ("x + 1", "exactly one <= or >="),
        ("x == 1", "only <= and >="),
        ("x < 1", "only <= and >="),
        ("x - x <= 1", "must compare a sum of names with a finite number"),
        ("1e400*x <= 1", "must compare a sum of names with a finite number"),
        ("x <= ", "cannot be parsed"),
        ("", "cannot be parsed"),
        (5, "must be a text"),
    ],
)
def test_what_is_no_linear_inequality(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="constraint") as caught:
        read_inequality(text, NAMES, what="constraint", closed=True)
    assert message in str(caught.value)


def test_metrics_need_not_be_known_but_there_is_no_baseline() -> None:
    read = read_inequality("val/loss + 2*p-95 <= 3", ["gain"], what="constraint", closed=False)
    assert dict(read.weights) == {"val/loss": 1, "p-95": 2}
    with pytest.raises(ValueError, match="relative to a baseline"):
        read_inequality("flops <= 0.9 * baseline", [], what="constraint", closed=False)


def test_an_inequality_in_the_words_of_ax() -> None:
    names = {"x": "x", "lambda": "_x6c_ambda"}
    read = read_inequality("2*x - lambda/2 >= 1", names, what="constraint", closed=True)
    assert read.expression(names) == "-2.0*x + 0.5*_x6c_ambda <= -1.0"
    single = read_inequality("-2*x <= 3", names, what="constraint", closed=True)
    assert single.expression(names) == "x >= -1.5"
    assert single.holds({"x": -1.5})
    assert not single.holds({"x": -1.6})


def test_names_stay_if_ax_can_parse_them_and_stay_different_if_not() -> None:
    assert [ax_name(name) for name in ("accuracy", "val_loss", "größe", "x_max")] == [
        "accuracy",
        "val_loss",
        "größe",
        "x_max",
    ]
    awkward = ["lambda", "_x6c_ambda", "test", "a/x", "a-x", "a x", "a(x)", "a__dot__b", "a.b"]
    awkward += ["baseline", "3", "3a", "_x33_a", "in", "beta", "ü/ö"]
    mapped = [ax_name(name) for name in awkward]
    assert len(set(mapped)) == len(awkward)
    assert all(name != there for name, there in zip(awkward, mapped, strict=True))
    assert all(name.isidentifier() and ax_name(name) != "" for name in mapped)
    assert ax_name("step", reserved=["step"]) != "step"
