"""Errors and losses against scikit-learn's, and what is not a number."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mobo_core.problems.learners.scores import classified, regressed, rounded


def test_classification_is_what_scikit_learn_says() -> None:
    rng = np.random.default_rng(0)
    chances, labels = rng.dirichlet(np.ones(4), 200), rng.integers(0, 4, 200)
    error, loss = classified(np.log(chances), labels)
    assert error == pytest.approx(1 - metrics.accuracy_score(labels, chances.argmax(axis=1)))
    assert loss == pytest.approx(metrics.log_loss(labels, chances), rel=1e-4)  # five digits


def test_regression_is_relative_to_the_best_constant() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(3, 5, 101)
    predictions = targets + rng.normal(0, 2, 101)
    error, loss = regressed(predictions, targets)
    assert error == pytest.approx(1 - metrics.r2_score(targets, predictions), rel=1e-4)
    constant = metrics.mean_absolute_error(targets, np.full(101, np.median(targets)))
    expected = metrics.mean_absolute_error(targets, predictions) / constant
    assert loss == pytest.approx(expected, rel=1e-4)
    assert regressed(targets, targets) == (0.0, 0.0)
    assert regressed(np.full(101, targets.mean()), targets)[0] == 1.0
    assert regressed(np.full(101, np.median(targets)), targets)[1] == 1.0


def test_an_overflown_network_has_no_score() -> None:
    broken = np.array([[np.nan, np.nan], [0.0, -1.0]])
    assert np.isnan(classified(broken, np.array([0, 0]))).all()
    assert np.isnan(regressed(np.array([np.nan, 1.0]), np.array([1.0, 2.0]))).all()


def test_five_digits_are_kept() -> None:
    assert rounded(0.123456789) == 0.12346
    assert rounded(123456.789) == 123460.0
    assert np.isnan(rounded(float("nan")))
    assert rounded(float("inf")) == float("inf")
