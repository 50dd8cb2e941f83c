"""Any input is accepted, or refused in one line without a traceback, and nothing is lost."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.commands import main
from bench.errors import UserError
from bench.execution import preparation
from bench.matrix import catalogue
from bench.matrix.files import load_matrix
from bench.matrix.matrix import parse_seeds
from bench.records import storage
from bench.studies import gate
from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace
from tests.bench.examples import record

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = st.integers() | st.floats() | st.booleans()
SCALARS = NUMBERS | st.text(max_size=8) | st.dates() | st.datetimes()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PARAMETERS = (
    "grace_period", "reduction_factor", "brackets", "ranking", "margin",
    "scalarization", "random_weights", "min_samples_required", "population_size",
    "initialization_trials", "partial_data", "optimizer_options", "ahead",
)  # fmt: skip
PLAUSIBLE = st.sampled_from(["f1+f2", "f1", "chebyshev", "pareto_epsnet", 0, 1, 2, 0.5, -1, 10**9])


def toml(value: Any) -> str:
    """Return a value in TOML's notation."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        inside = "".join(f"\\U{ord(c):08x}" for c in value)
        return f'"{inside}"'
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(value.isoformat())


def components(names: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    parameters = st.dictionaries(st.sampled_from(PARAMETERS), VALUES | PLAUSIBLE, max_size=2)
    entry = st.builds(
        lambda name, extra, label: {"name": name, **extra, **label},
        st.sampled_from(names),
        parameters,
        st.just({}) | st.fixed_dictionaries({"label": st.text(max_size=80)}),
    )
    return st.lists(entry, min_size=1, max_size=1)


GOOD: dict[str, Any] = {
    "title": "t",
    "problem": "synthetic",
    "dataset": "zdt1",
    "objective_sets": ["f1+f2"],
    "budget": {"trials": 2, "max_epochs": 4, "slots": 1},
    "searcher": [{"name": "random"}],
    "scheduler": [{"name": "fifo"}],
    "virtual": {},
    "limits": {},
}
COUNTS = st.integers() | st.integers(1, 30) | VALUES
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text() | VALUES,
        "problem": st.sampled_from(["mlp", "lcbench", "mlp-table", "tabular"]) | VALUES,
        "dataset": st.sampled_from(["auto", "mnist", "dtlz2"]) | VALUES,
        "objective_sets": st.lists(st.sampled_from(["f1", "f2", "acc", "f1+f2", "+"])) | VALUES,
        "budget": st.fixed_dictionaries(
            {"trials": COUNTS, "max_epochs": COUNTS, "slots": COUNTS},
            optional={"extra": VALUES},
        )
        | VALUES,
        "searcher": components(sorted(set(catalogue.SEARCHERS) - {"ax"})) | VALUES,
        "scheduler": components(sorted(catalogue.SCHEDULERS)) | VALUES,
        "schedulers_of": st.sampled_from(["paper", "schedulers"]) | VALUES,
        "virtual": st.dictionaries(
            st.sampled_from(["startup_s", "suggestion_s", "x"]), VALUES | PLAUSIBLE, max_size=2
        )
        | VALUES,
        "limits": st.dictionaries(
            st.sampled_from(["epoch_s", "failed_share", "x"]), VALUES | PLAUSIBLE, max_size=2
        )
        | VALUES,
        "colour": VALUES,
    },
)


def refused_or_sound(use: Callable[[], object], *errors: type[Exception]) -> None:
    """Call a function. It may raise only the given errors, and these must have a message."""
    try:
        use()
    except errors as error:
        message = str(error)
        assert message.strip()


def check(path: Path) -> None:
    """Do everything that the command does with a matrix file before the first run."""
    chosen = load_matrix(str(path))
    chosen = preparation.in_virtual_time(chosen)
    preparation.check_parts(chosen, "nowhere")
    for run in chosen.runs([0]):
        assert len(os.fsencode(run.run_id)) < 255
        json.dumps(run.spec(), allow_nan=False)
    json.dumps(chosen.settings(), allow_nan=False)


@settings(SHARED, max_examples=300)
@given(changes=TABLES)
@example(changes={"title": "[/nothing]"})
@example(changes={"budget": {"trials": 10**30, "max_epochs": 10**30, "slots": 10**30}})
@example(changes={"scheduler": [{"name": "asha", "brackets": 10**9}]})
@example(changes={"scheduler": [{"name": "moasha-promotion", "reduction_factor": float("nan")}]})
@example(changes={"searcher": [{"name": "ax", "optimizer_options": {"a": float("inf")}}]})
@example(changes={"searcher": [{"name": "ax", "ahead": 10**20}]})
def test_matrix_files(tmp_path: Path, changes: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in {**GOOD, **changes}.items())
    tomllib.loads(text)  # so it is not the syntax that is refused
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    refused_or_sound(lambda: check(path), UserError)


@settings(SHARED, max_examples=150)
@given(text=st.text() | st.binary())
@example(text="a = " + "[" * 5000)
@example(text="a = " + "9" * 5000)
@example(text="a.a" * 2000)
def test_any_text_as_a_matrix_file(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError):
        check(path)


@settings(SHARED, max_examples=300)
@given(text=st.text() | st.from_regex(r"[-+ ,0-9]*", fullmatch=True))
@example(text="9" * 20)
@example(text="9" * 5000)
@example(text="0," + "9" * 30)
def test_seeds(text: str) -> None:
    refused_or_sound(lambda: parse_seeds(text), UserError)


OPTIONS = ("--seeds", "--trials", "--max-epochs", "--slots", "--dataset", "--backend")
OPTIONS += ("--processes", "--cpus-per-trial", "--gpus-per-trial", "--epoch-time-limit")
OPTIONS += ("--failure-tolerance", "--colour")
WORDS = st.sampled_from(["nan", "inf", "-inf", "-1", "0", "1e9", "9" * 30, "", "[/x]", "a\nb"])


@settings(SHARED, max_examples=60)
@given(
    options=st.dictionaries(
        st.sampled_from(OPTIONS),
        WORDS | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
        max_size=3,
    )
)
@example(options={"--cpus-per-trial": "nan", "--backend": "ray"})
@example(options={"--gpus-per-trial": "inf", "--backend": "ray"})
def test_the_command_answers_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], options: dict[str, str]
) -> None:
    # The cell does not exist, so an accepted command ends before anything runs.
    words = [word for pair in {**options, "--only": "nothing"}.items() for word in pair]
    results = tmp_path / "results"
    if not results.is_dir():
        storage.write(record(), results)
    before = [p.read_bytes() for p in sorted(results.rglob("*")) if p.is_file()]
    arguments = ["mobo-bench", "run", "synthetic", "--results", str(results), *words]
    with mock.patch.object(sys, "argv", arguments), pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert [p.read_bytes() for p in sorted(results.rglob("*")) if p.is_file()] == before


@settings(SHARED, max_examples=300)
@given(name=VALUES, goal=st.sampled_from(["min", "max"]) | VALUES, values=st.tuples(VALUES, VALUES))
def test_objectives_and_references(name: Any, goal: Any, values: tuple[Any, Any]) -> None:
    reference, ideal = values

    def use() -> None:
        objective = Objective(name, goal, reference, ideal=ideal)
        point = ObjectiveSet([objective]).reference_point
        assert point.shape == (1,)
        ObjectiveSet([objective, objective])

    refused_or_sound(use, ValueError)


@settings(SHARED, max_examples=300)
@given(
    bounds=st.tuples(VALUES, VALUES), step=st.none() | VALUES, flags=st.tuples(*[st.booleans()] * 2)
)
def test_ranges(bounds: tuple[Any, Any], step: Any, flags: tuple[bool, bool]) -> None:
    def use() -> None:
        parameter = RangeParameter("x", *bounds, *flags, step)
        for u in (0.0, 0.3, 1 - 1e-9):
            assert parameter.lower <= parameter.from_unit(u) <= parameter.upper
        assert parameter.cardinality >= 1

    refused_or_sound(use, ValueError)


@SHARED
@given(values=st.lists(VALUES, max_size=4), names=st.lists(st.text(max_size=2), max_size=3))
def test_choices_and_spaces(values: list[Any], names: list[str]) -> None:
    def use() -> None:
        space = SearchSpace(tuple(ChoiceParameter(name, tuple(values)) for name in names))
        assert set(space.from_unit([0.5] * len(names))) == set(names)  # type: ignore[arg-type]

    refused_or_sound(use, ValueError)


REFERENCE = json.loads((ROOT / "results" / "reference" / "regress.json").read_text("utf-8"))
JSON = st.recursive(
    st.none() | NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@SHARED
@given(key=st.sampled_from(sorted(REFERENCE)), value=JSON)
def test_the_gates_reference(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "reference.json"
    path.write_text(json.dumps({**REFERENCE, key: value}))
    measured = gate.Measurement(REFERENCE["cells"], REFERENCE["baseline"], ())

    def use() -> None:
        gate.compare(gate.fixed_matrix(), measured, gate.read_reference(path))

    refused_or_sound(use, UserError)


@settings(SHARED, max_examples=200)
@given(file=st.sampled_from(["run.json", "epochs.parquet"]), data=st.data())
def test_damaged_records_are_named_and_left_alone(
    tmp_path: Path, file: str, data: st.DataObject
) -> None:
    path = storage.write(record(), tmp_path)
    content = (path / file).read_bytes()
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - start))
    damaged = content[:start] + data.draw(st.binary(max_size=20)) + content[start + length :]
    (path / file).write_bytes(damaged)
    # The change may have no effect, e.g. in a digit of a figure.
    refused_or_sound(lambda: storage.read(path), UserError)
    assert (path / file).read_bytes() == damaged
