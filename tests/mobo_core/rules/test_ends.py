"""Projected ends of learning curves, against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core import Objective, ObjectiveSet
from mobo_core.objectives import Points
from mobo_core.rules import exponents
from mobo_core.rules.ends import Ends

ERROR = Objective("error", "min", 0.5, ideal=0)
SIZE = Objective("size", "min", 100, exact=True)
OBJECTIVES = ObjectiveSet([ERROR, SIZE])


@pytest.fixture(autouse=True)
def round_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the prior so that the distance halves from a quarter of the budget to its end.

    This makes expected values easy to work out by hand. Where a trial is tells nothing.
    """
    monkeypatch.setattr(exponents, "PRIOR_EXPONENT", 0.5)
    monkeypatch.setattr(exponents, "PRIOR_SPREAD", 1e-7)
    monkeypatch.setattr(exponents, "LEVEL_SPREAD", 1e-12)


def p(error: float, size: float) -> Points:
    return np.array([error, size])


def test_without_curves_the_prior_power_law_holds() -> None:
    ends_of = Ends(OBJECTIVES, max_t=4)
    ends_of.curves.add("a", 1, p(0.4, 10))
    # α = 0.5: a quarter of the way, half of the distance; the size is known.
    assert ends_of.of(["a"], np.array([0.1, 0.9])) == pytest.approx(
        np.array([[[0.2, 10], [0.2, 10]]])
    )


def test_unfinished_curves_count_from_where_they_are() -> None:
    ends_of = Ends(OBJECTIVES, max_t=9)
    ends_of.curves.add("a", 1, p(0.4, 10))
    ends_of.curves.add("a", 3, p(0.4 * 3**-1.5, 10))
    ends_of.curves.add("b", 1, p(0.3, 20))
    # Exponent 1.5 over a span of ln 3, against a prior of 0.5 that weighs as much as 1.
    noise, drift = exponents.REPORT_NOISE / np.log(3) ** 2, exponents.SHAPE_DRIFT * np.log(3) ** 2
    weight = 1 / (1 + noise + drift)
    expected = 0.5 + 1.0 * weight / (1 + weight)
    ends = ends_of.of(["b"], np.array([0.5]))[0, 0]
    assert ends.tolist() == pytest.approx([0.3 * 9**-expected, 20])


def test_many_curves_take_the_priors_place() -> None:
    ends_of = Ends(OBJECTIVES, max_t=4)
    for trial in range(100):
        for t in (1, 2, 4):
            ends_of.curves.add(f"a{trial}", t, p(0.4 / t, 10))
    ends_of.curves.add("b", 1, p(0.4, 20))
    assert ends_of.of(["b"], np.array([0.5]))[0, 0, 0] == pytest.approx(0.1, rel=0.02)


def test_a_trial_is_expected_to_go_on_as_it_has_begun() -> None:
    ends_of = Ends(OBJECTIVES, max_t=4)
    for t in (1, 2):
        ends_of.curves.add("fast", t, p(0.4 / t, 10))
        ends_of.curves.add("flat", t, p(0.4, 10))
    ends = ends_of.of(["fast", "flat"], np.array([0.5]))[:, 0, 0]
    # Halved or not at all over a span of ln 2, as far as two reports can be trusted.
    trusted = 0.5 / (1 + exponents.REPORT_NOISE / np.log(2) ** 2)
    assert ends == pytest.approx([0.2 * 2 ** -(0.5 + trusted), 0.4 * 2 ** -(0.5 - trusted)])


def test_without_an_ideal_the_range_seen_stands_in() -> None:
    objectives = ObjectiveSet([Objective("reward", "max", 0)])
    ends_of = Ends(objectives, max_t=4)
    ends_of.curves.add("a", 1, np.array([-1.0]))  # reward 1
    ends_of.curves.add("b", 1, np.array([-3.0]))  # reward 3, the best
    # Pseudo-ideal: reward 5. a: distance 4, halved by the prior: reward 3; b: 4.
    ends = ends_of.of(["a", "b"], np.array([0.5]))[:, 0, 0]
    assert ends == pytest.approx([-3, -4])


def test_a_diverged_trial_does_not_stretch_the_unknown_ideal() -> None:
    objectives = ObjectiveSet([Objective("loss", "min", 1.0)])
    ends_of = Ends(objectives, max_t=4)
    ends_of.curves.add("a", 1, np.array([0.5]))
    ends_of.curves.add("b", 1, np.array([1e6]))
    # Pseudo-ideal 2·0.5 − 1 = 0: the distance 0.5 halves.
    assert ends_of.of(["a"], np.array([0.5]))[0, 0] == pytest.approx([0.25])


def test_a_diverged_trial_hides_no_course() -> None:
    def end(*losses: float) -> float:
        ends_of = Ends(OBJECTIVES, max_t=4)
        for t in (1, 2):
            ends_of.curves.add("a", t, p(0.4 / t, 10))
        for t, loss in enumerate(losses, 1):
            ends_of.curves.add("diverged", t, p(loss, 10))
        return float(ends_of.of(["a"], np.array([0.5]))[0, 0, 0])

    assert end(1e15) == pytest.approx(end())


def test_one_perfect_trial_is_not_everybodys_future() -> None:
    ends_of = Ends(OBJECTIVES, max_t=4)
    ends_of.curves.add("a", 1, p(0.4, 10))
    ends_of.curves.add("a", 4, p(0.0, 10))
    ends_of.curves.add("b", 1, p(0.4, 10))
    # The exponent of a is capped at 3.
    assert ends_of.of(["b"], np.array([1.0]))[0, 0, 0] == pytest.approx(0.4 / 64)


def test_who_was_at_the_ideal_spoils_nobodys_future() -> None:
    def end(*strange: float) -> float:
        ends_of = Ends(OBJECTIVES, max_t=4)
        for trial in range(5):
            for t in (1, 2, 4):
                ends_of.curves.add(str(trial), t, p(0.4 * t**-0.5, 10))
        for t, error in zip((1, 2, 4), strange, strict=False):
            ends_of.curves.add("strange", t, p(error, 10))
        for t in (1, 2):
            ends_of.curves.add("asked", t, p(0.4 * t**-0.5, 10))
        return float(ends_of.of(["asked"], np.array([0.5]))[0, 0, 0])

    assert end() == pytest.approx(0.2)
    assert end(0.4, 0.0, 0.0) == pytest.approx(end(), rel=1e-6)
    assert end(0.4, 0.0, 0.01) == pytest.approx(end(), rel=1e-6)
