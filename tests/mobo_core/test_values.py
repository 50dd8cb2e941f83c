"""Values of any kind: their texts, their equality and their positions."""

from __future__ import annotations

import enum
import functools
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from mobo_core.values import equal, labels_of, position, repeated, same, stable_text


class Colour(enum.Enum):
    RED = 1


class Plain:
    """An object whose repr contains its address."""


NAN = math.nan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        ("a", "'a'"),
        (True, "True"),
        (np.bool_(True), "True"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.array([[1, 2]]), "array([[1, 2]])"),
        (NAN, "nan"),
        (dict, "builtins.dict"),
        (len, "builtins.len"),
        (Plain, f"{__name__}.Plain"),
        (functools.partial(int, "7", base=8), "partial(builtins.int, '7', base=8)"),
        (Colour.RED, "Colour.RED"),
        ([np.float32(0.5), (1,), ()], "[0.5, (1,), ()]"),
        ({"a": {"b": dict}}, "{'a': {'b': builtins.dict}}"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (Plain(), f"<{__name__}.Plain object>"),
        ({"at": [Plain()]}, f"{{'at': [<{__name__}.Plain object>]}}"),
    ],
)
def test_a_text_by_hand(value: Any, text: str) -> None:
    assert stable_text(value) == text


def test_texts_are_the_same_in_another_process() -> None:
    program = (
        "from mobo_core.values import labels_of\n"
        "class C: pass\n"
        "f = lambda x: x\n"
        "g = lambda x: -x\n"
        "print(labels_of([C, C(), f, g, frozenset('abcdef'), {'k': f}]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=".",
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert "<lambda> (2)" in texts.pop()


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["a", "b"], ("a", "b")),
        ([1, "1"], ("1", "'1'")),
        ([1, True, 1.0, None], ("1", "True", "1.0", "None")),
        ([Plain(), Plain()], (f"<{__name__}.Plain object>", f"<{__name__}.Plain object> (2)")),
    ],
)
def test_labels_differ(values: list[Any], labels: tuple[str, ...]) -> None:
    assert labels_of(values) == labels


@pytest.mark.parametrize(
    ("one", "other", "are_equal", "are_same"),
    [
        (1, 1, True, True),
        (1, True, True, False),
        (1, 1.0, True, False),
        (np.float32(0.5), 0.5, True, False),
        (NAN, float("nan"), True, True),
        ([1, [2]], [1, [2]], True, True),
        ([1, 2], (1, 2), True, False),
        ([1, 2], [1, 2, 3], False, False),
        ({"a": [1]}, {"a": [1]}, True, True),
        ({"a": 1}, {"b": 1}, False, False),
        ("1", 1, False, False),
        (None, 0, False, False),
        (np.array([1, 2]), np.array([1, 2]), True, True),
        (np.array([1, 2]), np.array([1, 3]), False, False),
        (np.array([1, 2]), 1, False, False),
        (dict, dict, True, True),
        ("", np.array([]), False, False),
    ],
)
def test_equality(one: Any, other: Any, are_equal: bool, are_same: bool) -> None:
    assert equal(one, other) is equal(other, one) is are_equal
    assert same(one, other) is same(other, one) is are_same


def test_a_position_prefers_the_same_value() -> None:
    values = [1, True, 1.0, "1", None, NAN, [1], (1,)]
    assert [position(value, values) for value in values] == list(range(8))
    assert position(float("nan"), values) == 5
    assert position(np.float32(1), values) == 0
    assert position("x", values) is None


def test_repeated_values() -> None:
    assert not repeated([1, True, 1.0, "1", Plain(), Plain(), [1], [True]])
    assert repeated([[1], "a", [1]])
    assert repeated([NAN, NAN])
