"""The regression of exponents against hand-worked cases and simulated runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mobo_core.objectives import Points
from mobo_core.rules import exponents
from mobo_core.rules.exponents import MAX_EXPONENT, Past, Regression, particular

NONE = np.empty((0, 1))
LEVELS = np.array([0.1, 0.5, 0.9])


def known(
    shown: list[float], own: list[float] | None = None, features: Points | None = None
) -> tuple[Points, Points, Points, Points]:
    """Return trials with one objective whose exponents were observed over a span of length 1.

    Args:
        shown: The exponent that each trial has shown.
        own: The value of `particular` for each trial before the span; 0 if None.
        features: The (k, d) features of the configurations; none if None.
    """
    k = len(shown)
    before = np.zeros((k, 1)) if own is None else np.array(own)[:, None]
    z = np.empty((k, 0)) if features is None else features
    return before, z, np.array(shown)[:, None], np.ones(k)


def predicted_exponents(
    known: tuple[Points, Points, Points, Points],
    asked: tuple[Points, Points],
    length: float,
    levels: Points,
) -> Points:
    """Return the quantiles (n, K, m) for n trials, all of them at the mean level."""
    own, features, shown, lengths = known
    past = Past(own, np.zeros_like(own), features)
    regression = Regression.fitted(past, shown, lengths, length)
    own, features = asked
    return regression.quantiles(Past(own, np.zeros_like(own), features), levels)


def asked(own: float = 0.0, features: Points | None = None) -> tuple[Points, Points]:
    return np.array([[own]]), np.empty((1, 0)) if features is None else features


def test_before_any_curve_the_prior_speaks() -> None:
    a, s, noise = exponents.PRIOR_WEIGHT, exponents.PRIOR_SPREAD, exponents.REPORT_NOISE
    found = predicted_exponents(known([]), asked(), 1.0, LEVELS)
    # σ²·(1 + λ for the span, + 1 for the unknown mean), Student's t with 2a degrees of freedom.
    spread = s * np.sqrt(2 + noise)
    expected = stats.t(2 * a, exponents.PRIOR_EXPONENT, spread).ppf(LEVELS)
    assert found[0, :, 0] == pytest.approx(expected)


def test_one_curve_by_hand() -> None:
    a, s, noise = exponents.PRIOR_WEIGHT, exponents.PRIOR_SPREAD, exponents.REPORT_NOISE
    prior = exponents.PRIOR_EXPONENT
    found = predicted_exponents(known([prior + 0.3]), asked(), 2.0, LEVELS)
    weight = 1 / (1 + noise + exponents.SHAPE_DRIFT)  # one unit shorter than the span asked for
    variance = 1 / (1 + weight)  # of the mean, in σ²: prior 1, one curve
    shift = variance * weight * 0.3
    scale = a * s**2 + (weight * 0.3**2 - shift**2 / variance) / 2
    spread = np.sqrt(scale / (a + 0.5) * (1 + noise / 4 + variance))
    assert found[0, :, 0] == pytest.approx(stats.t(2 * a + 1, prior + shift, spread).ppf(LEVELS))


def test_many_like_curves_are_believed() -> None:
    rng = np.random.default_rng(0)
    noise = exponents.REPORT_NOISE
    shown = rng.normal(0.3, 0.05 * np.sqrt(1 + noise), 150)
    found = predicted_exponents(known(shown.tolist()), asked(), 1.0, LEVELS)[0, :, 0]
    spread = 0.05 * np.sqrt(1 + noise)
    expected = stats.norm(0.3, spread).ppf(LEVELS)
    assert found == pytest.approx(expected, abs=0.02)


def test_what_a_trial_has_shown_counts_before_any_curve_has_gone_on() -> None:
    slow, fast = (
        predicted_exponents(known([]), asked(own), 1.0, LEVELS)[0, 1, 0] for own in (0.1, 0.6)
    )
    assert fast - slow == pytest.approx(0.5)


def test_configurations_tell_trials_apart() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(40, 3))
    shown = 0.3 + 0.2 * z[:, 1] + rng.normal(0, 0.02, 40)
    sample = known(shown.tolist(), features=z)
    at = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    found = predicted_exponents(sample, (np.zeros((2, 1)), at), 1.0, LEVELS)[:, :, 0]
    assert found[:, 1] == pytest.approx([0.5, 0.1], abs=0.03)
    assert (found[:, 2] - found[:, 0] < 0.2).all()


def test_where_a_trial_is_tells_where_it_ends() -> None:
    """All trials end alike, wherever they are at the budget: who is far has farther to go."""
    level = np.linspace(-0.5, 0.5, 30)[:, None]
    past = Past(np.zeros((30, 1)), level, np.empty((30, 0)))
    regression = Regression.fitted(past, 0.3 + level, np.ones(30), 1.0)
    at = Past(np.zeros((2, 1)), np.array([[-0.4], [0.4]]), np.empty((2, 0)))
    found = regression.quantiles(at, LEVELS)[:, 1, 0]
    assert found == pytest.approx([-0.1, 0.7], abs=0.05)


def test_a_curve_that_shows_a_part_of_the_span_counts_for_less() -> None:
    own = np.zeros((1, 1))
    past, exponent = Past(own, own, np.empty((1, 0))), np.array([[0.9]])
    whole, part = (
        Regression.fitted(past, exponent, np.array([shown]), 3.0).quantiles(past, LEVELS)[0, 1, 0]
        for shown in (3.0, 1.0)
    )
    assert whole > part > exponents.PRIOR_EXPONENT


def test_objectives_are_apart() -> None:
    both = predicted_exponents(
        (np.zeros((2, 2)), np.empty((2, 0)), np.array([[0.1, 0.8], [0.2, 0.9]]), np.ones(2)),
        (np.zeros((1, 2)), np.empty((1, 0))),
        1.0,
        LEVELS,
    )
    for column, shown in enumerate(([0.1, 0.2], [0.8, 0.9])):
        alone = predicted_exponents(known(shown), asked(), 1.0, LEVELS)
        assert both[0, :, column] == pytest.approx(alone[0, :, 0])


def test_short_spans_are_noisy_and_say_less() -> None:
    sample = known([0.2, 0.2, 0.2])
    short, long = (predicted_exponents(sample, asked(), at, LEVELS)[0, :, 0] for at in (0.1, 2.0))
    assert short[2] - short[0] > 2 * (long[2] - long[0])
    before, z, shown, lengths = known([1.0])
    far, near = (
        predicted_exponents((before, z, shown, lengths * scale), asked(), 1.0, LEVELS)[0, 1, 0]
        for scale in (2.0, 0.1)
    )
    assert far > near > exponents.PRIOR_EXPONENT


def test_no_exponent_is_beyond_reason() -> None:
    extreme = np.array([1e-9, 1 - 1e-9])
    found = predicted_exponents(known([50.0, -50.0]), asked(40.0), 1.0, extreme)[0, :, 0]
    assert found.tolist() == [-MAX_EXPONENT, MAX_EXPONENT]
    for far, limit in ((50.0, MAX_EXPONENT), (-50.0, -MAX_EXPONENT)):
        limited = predicted_exponents(known([limit]), asked(), 1.0, LEVELS)
        assert predicted_exponents(known([far]), asked(), 1.0, LEVELS) == pytest.approx(limited)


def test_a_span_that_tells_nothing_is_left_out() -> None:
    sample = known([0.3, np.nan, 0.5], own=[0.1, 3.0, -0.1], features=np.eye(3))
    without = known([0.3, 0.5], own=[0.1, -0.1], features=np.eye(3)[[0, 2]])
    z = np.array([[0.2, 0.5, 0.1]])
    found, expected = (
        predicted_exponents(s, asked(0.2, z), 1.0, LEVELS) for s in (sample, without)
    )
    assert found == pytest.approx(expected)


def test_what_is_particular_counts_as_far_as_it_is_reliable() -> None:
    prior, noise = exponents.PRIOR_EXPONENT, exponents.REPORT_NOISE
    shown = np.array([[prior + 0.4], [prior + 0.4], [np.inf], [np.nan]])
    lengths = np.array([2.0, 0.1, 1.0, 0.0])
    expected = [
        0.4 * 4 / (4 + noise),
        0.4 * 0.01 / (0.01 + noise),
        (MAX_EXPONENT - prior) / (1 + noise),
        0,
    ]
    assert particular(shown, lengths)[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("count", [0, 2, 5, 20])
def test_coverage_on_runs_drawn_from_the_prior(count: int) -> None:
    """A new trial stays below level q in a share q of all runs, of few curves or of many."""
    rng = np.random.default_rng(count + 1)
    a, s = exponents.PRIOR_WEIGHT, exponents.PRIOR_SPREAD
    runs, features = 4000, 3
    below = np.zeros(len(LEVELS))
    for _ in range(runs):
        sigma = np.sqrt(stats.invgamma.rvs(a, scale=a * s**2, random_state=rng))
        z = rng.normal(size=(count + 1, features))
        own, level = rng.normal(0, 0.5, (2, count + 1))
        lengths = rng.uniform(0.2, 2, count + 1)
        beta = rng.normal(0, sigma * np.sqrt(exponents.FEATURE_VARIANCE / features), features)
        slope = rng.normal(1, sigma * exponents.OWN_SPREAD / s)
        rise = rng.normal(0, sigma * exponents.LEVEL_SPREAD / s)
        mean = rng.normal(exponents.PRIOR_EXPONENT, sigma)
        drift = exponents.SHAPE_DRIFT * (lengths - lengths[-1]) ** 2
        noise = sigma * np.sqrt(1 + exponents.REPORT_NOISE / lengths**2 + drift)
        y = mean + slope * own + rise * level + z @ beta + rng.normal(0, noise)
        past = Past(own[:-1, None], level[:-1, None], z[:-1])
        regression = Regression.fitted(past, y[:-1, None], lengths[:-1], float(lengths[-1]))
        found = regression.quantiles(Past(own[-1:, None], level[-1:, None], z[-1:]), LEVELS)
        below += y[-1] <= found[0, :, 0]
    assert below / runs == pytest.approx(LEVELS, abs=0.02)
