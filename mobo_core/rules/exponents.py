"""Predicted exponents of learning curves: a Bayesian linear regression with honest uncertainty.

A learning curve is read as a power law: the distance to the ideal value falls like t^−y. This
module predicts the exponent y of a trial over a span from budget t to t′. It learns from k other
trials, whose curves over such spans are known. Every objective has a regression of its own.

**Inputs.** A span has the length ℓ = ln(t′/t), and the span that is asked for, from t to the full
budget R, has the length ℓ_R = ln(R/t). The inputs of a trial at budget t are

* x, what is particular to the trial's past:
  x = (max(own, 0) − α₀)·ℓ_own²/(ℓ_own² + λ). Here own is the exponent that the trial has shown
  from its first report to t, and ℓ_own = ln(t/t_first). At the first report x = 0. A trial that has
  become worse counts as one that stood still: it is more often past a hump than on its way down.
* w, where the trial is: the logarithm of its distance at t, minus the mean over the trials that
  have reported at t, divided by ℓ_R. If all trials ended alike, wherever they are at t, its
  coefficient would be 1.
* z₁ … z_p, the features of its configuration (`mobo_core.rules.curves.Features`).

**Model.** With the inputs u = (1, x, w, z₁, …, z_p),

    y = β₀ + β_own·x + β_level·w + Σ_k β_k·z_k + ε,    ε ~ N(0, σ²·(1 + λ/ℓ² + κ·(ℓ_R − ℓ)²))

The term λ/ℓ² is the noise of the two reports at the ends of the span; it weighs most in short
spans. The term κ·(ℓ_R − ℓ)² is the part that is not a power law: the exponent over a part of the
span may be another one than that over all of it. So a curve counts for more, the more of the span
it shows. All exponents, observed and predicted, are limited to ±`MAX_EXPONENT`.

**Prior.** It is conjugate: σ² ~ InvGamma(a, a·s²) and, given σ², β₀ ~ N(α₀, σ²),
β_own ~ N(1, σ²·(ω/s)²), β_level ~ N(0, σ²·(ψ/s)²), β_k ~ N(0, σ²·v/p). So the prior mean of β is
μ₀ = (α₀, 1, 0, 0, …, 0), and its prior covariance is σ²·V₀ with
V₀ = diag(1, (ω/s)², (ψ/s)², v/p, …, v/p).

**Posterior.** Let curve j of k have the inputs u_j, the exponent y_j, the weight
w_j = 1/(1 + λ/ℓ_j² + κ·(ℓ_R − ℓ_j)²) and the residual r_j = y_j − u_j·μ₀. Then

    Λ = V₀⁻¹ + Σ_j w_j·u_j·u_jᵀ,    δ = Λ⁻¹·Σ_j w_j·r_j·u_j
    A = a + k/2,    B = a·s² + (Σ_j w_j·r_j² − δᵀ·Λ·δ)/2

**Prediction.** The exponent over the span of length ℓ_R, for a trial with the inputs u, has
Student's t distribution with 2A = 2a + k degrees of freedom, the centre u·(μ₀ + δ) and the squared
scale (B/A)·(1 + λ/ℓ_R² + uᵀ·Λ⁻¹·u).

**Why this model.** With few curves much is unknown, and the tails of this distribution are wide
enough for that. Plain quantiles of few observed exponents are too narrow: a sixth curve lies below
the 0.9 quantile of five others in only 77 of 100 cases. In addition, only promising trials are
continued, which would bias plain quantiles. It biases the regression less, because the regression
uses most of the information by which the trials were chosen.

**Constants.** α₀, s, a, ω, v and λ were chosen on 240 random configurations of the MLP on MNIST and
on the first training seed of the embedded table; a tighter prior saves more epochs and loses more
hypervolume. κ, ψ, the limit of x at no progress, and the default margin were chosen on the tuning
data sets of the survey (``bench/matrix/split.py``). Without that limit, the twelve of LCBench lost
0.9 % of the hypervolume in the mean where they lose 0.4 % with it: on one of them, curves rise
before they fall, and the trials that were best in the end had been given up.

Source of the regression: Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 14.8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mobo_core.objectives import Points

PRIOR_EXPONENT = 0.15
"""α₀: the exponent that is expected before any curve has been observed."""
PRIOR_SPREAD = 0.13
"""s: the expected standard deviation of the exponents of similar trials."""
PRIOR_WEIGHT = 2.0
"""a: the prior of the spread weighs as much as 2a observed curves."""
OWN_SPREAD = 0.4
"""ω: how far a trial's future may differ from its past, as a share of x."""
LEVEL_SPREAD = 0.4
"""ψ: how far the end of a trial may depend on where it is, beyond its exponent, as a share of w."""
FEATURE_VARIANCE = 4.0
"""v: the prior variance of the configuration's contribution, in units of σ²."""
REPORT_NOISE = 0.2
"""λ: the variance of the joint noise of a span's two reports, on a log scale, in units of σ²."""
SHAPE_DRIFT = 1.0
"""κ: the variance by which the exponents of two spans differ, per squared difference of their
lengths, in units of σ².
"""
MAX_EXPONENT = 3.0
"""The largest absolute exponent. A trial that reaches its ideal would have an infinite exponent,
and the regression would predict the same for all other trials.
"""


def particular(shown: Points, lengths: NDArray[np.float64]) -> Points:
    """Return what is particular to the past of n trials: x in the module's text.

    Args:
        shown: (n, m) the exponents from the trials' first reports to their present ones. A row is
            not used if its length is 0.
        lengths: (n,) the lengths of these spans, ln(t/t_first) ≥ 0.

    Returns:
        (n, m) the inputs x; 0 where the length is 0.

    Example:
        >>> shown = np.array([[0.55], [-0.2], [np.nan]])
        >>> particular(shown, np.array([1.0, 1.0, 0.0])).round(3).tolist()
        [[0.333], [-0.125], [0.0]]
    """
    own = np.clip(shown, 0, MAX_EXPONENT) - PRIOR_EXPONENT
    reliability = lengths**2 / (lengths**2 + REPORT_NOISE)
    known: Points = np.where(lengths[:, None] > 0, own * reliability[:, None], 0.0)
    return known


@dataclass(frozen=True)
class Past:
    """What is known of n trials at a budget: the inputs of the regression.

    Args:
        own: (n, m) the inputs x, see `particular`.
        level: (n, m) the inputs w, where the trials are.
        features: (n, p) the features of their configurations.

    Example:
        >>> past = Past(np.array([[0.2]]), np.array([[-0.1]]), np.array([[1.0, -1.0]]))
        >>> past.inputs().tolist()
        [[[1.0, 0.2, -0.1, 1.0, -1.0]]]
    """

    own: Points
    level: Points
    features: Points

    def inputs(self) -> NDArray[np.float64]:
        """Return the regression's inputs u = (1, x, w, z₁, …, z_p), shape (m, n, 3 + p)."""
        n, m = self.own.shape
        inputs = np.empty((m, n, 3 + self.features.shape[1]))
        inputs[..., 0] = 1
        inputs[..., 1], inputs[..., 2] = self.own.T, self.level.T
        inputs[..., 3:] = self.features
        return inputs


@dataclass(frozen=True)
class Regression:
    """The regression of the exponents from one budget to the full budget, fitted to known curves.

    Args:
        coefficients: (m, q) the posterior means, μ₀ + δ.
        covariance: (m, q, q) Λ⁻¹.
        scale: (m,) √(B/A).
        freedom: (m,) 2A.
        noise: 1 + λ/ℓ_R².

    Example:
        Before any curve is known, the median is the prior's mean:

        >>> none, one = np.empty((0, 1)), np.zeros((1, 1))
        >>> regression = Regression.fitted(Past(none, none, none), none, np.empty(0), length=1.0)
        >>> regression.quantiles(Past(one, one, one), np.array([0.5])).round(3).tolist()
        [[[0.15]]]
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    scale: NDArray[np.float64]
    freedom: NDArray[np.float64]
    noise: float

    @classmethod
    def fitted(
        cls, past: Past, shown: Points, lengths: NDArray[np.float64], length: float
    ) -> Regression:
        """Return the regression that is learned from k trials that trained further.

        Args:
            past: What was known of the k trials at the budget.
            shown: (k, m) their exponents over the spans, NaN where an exponent must not be used.
            lengths: (k,) the lengths of the spans, ln(t′/t) > 0.
            length: The length of the span to predict, ℓ_R = ln(R/t) > 0.
        """
        inputs = past.inputs()
        count = inputs.shape[2] - 3
        mean = np.array([PRIOR_EXPONENT, 1.0, 0.0, *np.zeros(count)])
        spreads = np.array([OWN_SPREAD, LEVEL_SPREAD]) / PRIOR_SPREAD
        features = np.full(count, FEATURE_VARIANCE / max(count, 1))
        precision = np.diag(1 / np.array([1.0, *spreads**2, *features]))

        usable = ~np.isnan(shown.T)  # (m, k)
        variances = 1 + REPORT_NOISE / lengths**2 + SHAPE_DRIFT * (length - lengths) ** 2
        weights = usable / variances
        targets = np.where(usable, np.clip(shown.T, -MAX_EXPONENT, MAX_EXPONENT), 0)
        weighted = inputs * weights[..., None]
        posterior = precision + weighted.transpose(0, 2, 1) @ inputs  # (m, q, q)
        covariance = np.linalg.inv(posterior)
        residuals = targets - inputs @ mean
        shift = (covariance @ (weighted.transpose(0, 2, 1) @ residuals[..., None]))[..., 0]
        shape = PRIOR_WEIGHT + usable.sum(axis=1) / 2  # (m,)
        squares = (weights * residuals**2).sum(axis=1) - np.einsum(
            "mi,mij,mj->m", shift, posterior, shift
        )
        scale = PRIOR_WEIGHT * PRIOR_SPREAD**2 + np.maximum(squares, 0) / 2
        noise = 1 + REPORT_NOISE / length**2
        spread: NDArray[np.float64] = np.sqrt(scale / shape)
        return cls(mean + shift, covariance.astype(float), spread, 2 * shape, noise)

    def quantiles(self, past: Past, levels: Points) -> Points:
        """Return quantiles (n, K, m) of the exponents of n trials, within ±`MAX_EXPONENT`.

        Args:
            past: What is known of the n trials at the budget.
            levels: (K,) the levels of the quantiles, in (0, 1).
        """
        inputs = past.inputs()
        centres = np.einsum("mni,mi->mn", inputs, self.coefficients)
        unknown = ((inputs @ self.covariance) * inputs).sum(axis=2)
        spreads = self.scale[:, None] * np.sqrt(self.noise + unknown)
        exponents = (
            centres[..., None] + stdtrit(self.freedom[:, None, None], levels) * (spreads[..., None])
        )
        limited: Points = np.clip(exponents, -MAX_EXPONENT, MAX_EXPONENT).transpose(1, 2, 0)
        return limited
