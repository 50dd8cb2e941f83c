"""Anything that a space offers or a trial reports becomes something that a record can hold."""

from __future__ import annotations

import datetime
import enum
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records import columns, plain, storage
from bench.records.record import FrontMember
from tests.bench.examples import record


class Colour(enum.Enum):
    RED = 1


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no luck")


@pytest.mark.parametrize(
    ("anything", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.arange(3), [0, 1, 2]),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        ((1, ("a", None)), [1, ["a", None]]),
        ({3, 1, 2}, [1, 2, 3]),
        ({1: "a", "b": {2.5: None}}, {"1": "a", "b": {"2.5": None}}),
        ({1: "a", "1": "b"}, {"1": "a", "'1'": "b"}),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (10**30, 10**30),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (Path("/a/b"), "/a/b"),
        (Colour.RED, "Colour.RED"),
        (Colour, f"{__name__}.Colour"),
        (dict, "builtins.dict"),
        (object(), "<object object>"),
        (Broken(), "<Broken>"),
        ("caf\udce9", "caf\\udce9"),
        (b"x", "b'x'"),
    ],
)
def test_values(anything: Any, expected: Any) -> None:
    assert plain.value(anything) == expected
    assert type(plain.value(anything)) is type(expected)
    assert plain.value(plain.value(anything)) == expected
    json.dumps(plain.value(anything), allow_nan=False)


def test_what_contains_itself_ends() -> None:
    inside: list[Any] = []
    inside.append(inside)
    json.dumps(plain.value(inside))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())  # lone surrogates too
    | st.binary(max_size=3)
    | st.datetimes()
    | st.complex_numbers()
    | st.sampled_from([np.float32(1.5), np.int8(3), np.bool_(False), dict, len, Colour.RED])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(columns_=st.lists(st.lists(ANYTHING, min_size=3, max_size=3), min_size=1, max_size=3))
def test_any_table_can_be_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, columns_: list[list[Any]]
) -> None:
    rows = [{f"c{i}": values[row] for i, values in enumerate(columns_)} for row in range(3)]
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    table = plain.frame(rows, {"c0"})
    assert pd.api.types.is_numeric_dtype(table["c0"])
    table.to_parquet(path, index=False)
    read = pd.read_parquet(path)
    assert list(read.columns) == list(table.columns)
    for name in table:
        assert read[name].isna().tolist() == table[name].isna().tolist()


def test_numbers_stay_as_they_are_and_a_column_of_two_types_is_text() -> None:
    rows = [
        {"n": 1, "x": 0.5, "b": True, "mixed": 1, "gap": 2, "big": 10**30, "loss": "high"},
        {"n": 2, "x": 1.5, "b": False, "mixed": "1", "gap": None, "big": 1, "loss": np.ones(1)},
    ]
    table = plain.frame(rows, {"loss"})
    assert table["n"].dtype == "int64"
    assert table["x"].tolist() == [0.5, 1.5]
    assert table["b"].tolist() == [True, False]
    assert table["mixed"].tolist() == ["1", '"1"']  # JSON tells a number from a text
    assert table["gap"].tolist()[0] == 2
    assert math.isnan(table["gap"][1])
    assert table["big"].tolist() == ["1000000000000000000000000000000", "1"]
    assert math.isnan(table["loss"][0])
    assert table["loss"][1] == 1


@pytest.mark.parametrize("name", ["trial", "reported_s", "seed", "run_id", "config_x", "metric_x"])
def test_taken_names_get_a_prefix_of_their_own(name: str) -> None:
    assert columns.of_metric(name) == f"metric_{name}"
    assert len({columns.of_metric(n) for n in (name, f"metric_{name}")}) == 2


@given(config=ANYTHING, error=st.text(st.characters()), metric=ANYTHING)
def test_any_record_can_be_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, config: Any, error: str, metric: Any
) -> None:
    made = record()
    assert made.result is not None
    trials = tuple(replace(t, config={"c": config}, error=error) for t in made.result.trials)
    front = (FrontMember(0, {"test": metric}, repeated=True),)
    result = replace(made.result, trials=trials, front=front, predicted={"hypervolume": math.nan})
    sound = plain.of_record(replace(made, result=result, command=f"mobo-bench run {error}"))
    read = storage.read(storage.write(sound, tmp_path_factory.mktemp("records")))
    assert read == sound
    assert read.result is not None
    (member,) = read.result.front
    if not member.metrics:
        assert "trial 0: no finite number as test" in read.result.test_error
