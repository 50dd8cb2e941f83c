"""A rival's global random states are its own."""

from __future__ import annotations

import random

import numpy as np

from bench.rivals.global_random import GlobalRandom


def draws() -> tuple[float, float]:
    return np.random.random(), random.random()  # noqa: NPY002 - the global states are the subject


def test_a_rival_draws_by_its_seed_whatever_others_draw() -> None:
    first, second, other = GlobalRandom(1), GlobalRandom(1), GlobalRandom(2)
    one, two = [], []
    for _ in range(3):
        with first.used():
            one.append(draws())
        draws()
        with other.used():
            draws()
        with second.used():
            two.append(draws())
    assert one == two
    assert len(set(one)) == 3


def test_others_draw_as_if_there_were_no_rival() -> None:
    with GlobalRandom(5).used():  # so that this test itself leaves no trace
        inside = GlobalRandom(5)
        before = draws()
        with inside.used():
            assert draws() == before
        after = draws()
    with GlobalRandom(5).used():
        assert (draws(), draws()) == (before, after)


def test_an_error_inside_leaves_no_trace() -> None:
    before = random.getstate()
    try:
        with GlobalRandom(1).used():
            draws()
            raise KeyError
    except KeyError:
        pass
    assert random.getstate() == before
