"""Shapes of synthetic curves: all begin at 1 and end at 0, each in its own way."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core.problems.shapes import SHAPES

EPOCHS = np.arange(1.0, 51.0)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("a", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("length", [2, 8, 50])
def test_every_shape_goes_from_1_to_0(name: str, a: float, length: int) -> None:
    shares = SHAPES[name](np.arange(1.0, length + 1), a)
    assert shares.shape == (length,)
    assert shares[0] == pytest.approx(1)
    assert shares[-1] == pytest.approx(0, abs=1e-12)
    assert (shares >= 0).all()


def test_a_plateau_waits_and_a_hump_rises() -> None:
    assert SHAPES["plateau"](EPOCHS, 0.5)[12] > 0.95
    assert SHAPES["hump"](EPOCHS, 0.5).max() > 1.3
    step = SHAPES["step"](EPOCHS, 0.0)
    assert np.diff(step).min() == pytest.approx(-0.5, abs=0.05)
    assert int(np.argmin(np.diff(step))) == 14  # from epoch 15 to 16: 14/49 and 15/49, about 0.3
