"""Shapes of synthetic learning curves: how the excess over the final value decays.

A shape is a function from the epochs 1 … T to the share of the first excess that is left, which is
0 at T. Each depends on one number a in [0, 1] of the configuration. Only the first one is a power
law, which many schedulers assume:

* ``power``: t^-k with k = 0.3 + 1.2·a.
* ``exponential``: exp(-λ·t) with λ·T = 2 + 8·a.
* ``plateau``: nearly no progress before the epoch (0.2 + 0.6·a)·T, and nearly all of it around
  there.
* ``step``: an exponential to one half, and the rest at once after the share 0.3 + 0.6·a of the
  epochs, as after a cut of the learning rate.
* ``hump``: worse before it becomes better; the rise is largest shortly before the epoch
  (0.05 + 0.25·a)·T.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


def _to_zero(raw: Curve) -> Curve:
    """Return a curve moved and scaled so that it is 1 in the first epoch and 0 in the last."""
    scaled: Curve = (raw - raw[-1]) / (raw[0] - raw[-1])
    return scaled


def power(epochs: Curve, a: float) -> Curve:
    """Return the decay of a power law, shape (T,)."""
    return _to_zero(epochs ** -(0.3 + 1.2 * a))


def exponential(epochs: Curve, a: float) -> Curve:
    """Return an exponential decay, shape (T,)."""
    return _to_zero(np.exp(-(2 + 8 * a) * epochs / epochs[-1]))


def plateau(epochs: Curve, a: float) -> Curve:
    """Return a decay that waits for its epoch, shape (T,)."""
    return _to_zero(1 / (1 + np.exp(16 * (epochs / epochs[-1] - 0.2 - 0.6 * a))))


def step(epochs: Curve, a: float) -> Curve:
    """Return an exponential decay to one half, and a step to the rest, shape (T,)."""
    done = (epochs - 1) / (epochs[-1] - 1)
    before: Curve = (done < 0.3 + 0.6 * a).astype(float)
    return 0.5 * exponential(epochs, 1.0) + 0.5 * before


def hump(epochs: Curve, a: float) -> Curve:
    """Return a decay that first rises above its beginning, shape (T,)."""
    done = (epochs - 1) / (epochs[-1] - 1)
    place = done / (0.05 + 0.25 * a)
    shares: Curve = (1 - done) * (1 + 0.8 * place * np.exp(1 - place))
    return shares


SHAPES: Mapping[str, Callable[[Curve, float], Curve]] = {
    "power": power,
    "exponential": exponential,
    "plateau": plateau,
    "step": step,
    "hump": hump,
}
"""Name → the shape: a function from the epochs (T,) and a to the shares (T,) of the excess."""
