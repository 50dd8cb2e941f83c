from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.space import ChoiceParameter, Condition, RangeParameter, SearchSpace

pytestmark = pytest.mark.filterwarnings("error")

units = st.floats(0, 1, exclude_max=True)


def cell_centres(n: int) -> list[float]:
    return [(i + 0.5) / n for i in range(n)]


# --- RangeParameter -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper"), [(1, 1), (2, 1), (math.nan, 1), (0, math.inf), (-math.inf, 0)]
)
def test_a_range_has_finite_ascending_bounds(lower: float, upper: float) -> None:
    with pytest.raises(ValueError, match="'x'"):
        RangeParameter("x", lower, upper)


@pytest.mark.parametrize("lower", [0, -1])
def test_a_logarithmic_range_is_positive(lower: float) -> None:
    with pytest.raises(ValueError, match="logarithmic"):
        RangeParameter("x", lower, 10, log=True)


@pytest.mark.parametrize("step", [0, -0.5, math.nan, math.inf])
def test_a_step_is_positive_and_finite(step: float) -> None:
    with pytest.raises(ValueError, match="'x'"):
        RangeParameter("x", 0, 10, step=step)


@pytest.mark.parametrize(
    ("lower", "upper", "step"),
    [(1, 9, 2), (0.05, 0.3, 0.1), (0, 10, 4)],
)
def test_bounds_are_multiples_of_the_step(lower: float, upper: float, step: float) -> None:
    # Otherwise the cardinality counts other values than `from_unit` gives: 1, 3, 5, 7, 9 against
    # 1, 2, 4, 6, 8, 9.
    with pytest.raises(ValueError, match="'x'"):
        RangeParameter("x", lower, upper, step=step)


def test_a_whole_number_range_has_whole_bounds() -> None:
    # Otherwise rounding leaves the range: 0 for a lower bound of 0.5.
    with pytest.raises(ValueError, match="'x'"):
        RangeParameter("x", 0.5, 2.5, integer=True)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (RangeParameter("x", 0, 1), math.inf),
        (RangeParameter("x", 1e-4, 1e-1, log=True), math.inf),
        (RangeParameter("x", 16, 128, integer=True), 113),
        (RangeParameter("x", -2, 2, integer=True), 5),
        (RangeParameter("x", 16, 128, integer=True, step=16), 8),
        # 0.2 / 0.1 is 1.9999999999999998 in floats.
        (RangeParameter("x", 0.1, 0.3, step=0.1), 3),
        (RangeParameter("x", 0, 1, step=0.25), 5),
    ],
)
def test_cardinality_by_hand(parameter: RangeParameter, expected: float) -> None:
    assert parameter.cardinality == expected


@pytest.mark.parametrize(("u", "expected"), [(0.0, -2.0), (0.25, -1.0), (0.5, 0.0), (0.75, 1.0)])
def test_a_linear_range_is_linear(u: float, expected: float) -> None:
    value = RangeParameter("x", -2, 2).from_unit(u)
    assert value == expected
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("u", "expected"), [(0, 1e-4), (1 / 3, 1e-3), (2 / 3, 1e-2), (0.5, 10**-2.5)]
)
def test_a_logarithmic_range_has_equal_shares_per_decade(u: float, expected: float) -> None:
    value = RangeParameter("learning_rate", 1e-4, 1e-1, log=True).from_unit(u)
    # Tolerance: a logarithm and an exponential, each rounded.
    assert value == pytest.approx(expected, rel=1e-12)
    assert value >= 1e-4


@pytest.mark.parametrize(
    ("lower", "upper", "step", "values"),
    [
        (1, 4, None, [1, 2, 3, 4]),
        (-2, 2, None, [-2, -1, 0, 1, 2]),
        (16, 128, 16, [16, 32, 48, 64, 80, 96, 112, 128]),
    ],
)
def test_whole_numbers_own_equal_cells(
    lower: int, upper: int, step: int | None, values: list[int]
) -> None:
    parameter = RangeParameter("x", lower, upper, integer=True, step=step)
    n = len(values)
    # Ten points in each cell, none on its edge.
    drawn = [parameter.from_unit(u) for u in cell_centres(10 * n)]
    assert drawn == [v for v in values for _ in range(10)]
    assert all(type(v) is int for v in drawn)


def test_steps_own_equal_cells() -> None:
    parameter = RangeParameter("dropout", 0.1, 0.5, step=0.1)
    drawn = [parameter.from_unit(u) for u in cell_centres(50)]
    expected = [v for v in (0.1, 0.2, 0.3, 0.4, 0.5) for _ in range(10)]
    # Tolerance: 3 * 0.1 is not 0.3 in floats.
    assert drawn == pytest.approx(expected, rel=1e-12)
    assert len(set(drawn)) == parameter.cardinality
    assert all(type(v) is float for v in drawn)


def test_logarithmic_whole_numbers_own_cells_of_their_logarithm() -> None:
    # k owns log((k + 1/2) / (k - 1/2)) of log(4.5 / 0.5): 1 exactly one half.
    parameter = RangeParameter("x", 1, 4, integer=True, log=True)
    n = 1000
    counts = Counter(parameter.from_unit(u) for u in cell_centres(n))
    for k in (1, 2, 3, 4):
        share = math.log((k + 0.5) / (k - 0.5)) / math.log(9)
        # Tolerance: a grid of n points counts a cell to within one point.
        assert counts[k] == pytest.approx(n * share, abs=1)
    assert sum(counts.values()) == n


@st.composite
def ranges(draw: st.DrawFn) -> RangeParameter:
    log = draw(st.booleans())
    kind = draw(st.sampled_from(["continuous", "integer", "step"]))
    first = draw(st.integers(1 if log else -50, 50))
    last = first + draw(st.integers(1, 100))
    if kind == "integer":
        return RangeParameter("x", first, last, integer=True, log=log)
    # Quarters are exact in floats.
    step = 0.25 if kind == "step" else None
    return RangeParameter("x", first / 4, last / 4, log=log, step=step)


@given(ranges(), units)
def test_values_lie_within_the_bounds(parameter: RangeParameter, u: float) -> None:
    value = parameter.from_unit(u)
    assert parameter.lower <= value <= parameter.upper
    if parameter.integer:
        assert isinstance(value, int)
    if parameter.step is not None:
        assert value % parameter.step == 0


@given(ranges(), units, units)
def test_values_rise_with_the_position(parameter: RangeParameter, u: float, v: float) -> None:
    low, high = sorted((u, v))
    assert parameter.from_unit(low) <= parameter.from_unit(high)


@given(ranges())
def test_the_ends_reach_the_bounds(parameter: RangeParameter) -> None:
    # Tolerance: a logarithm and an exponential; the last position before 1 is within 1e-15 of it.
    assert parameter.from_unit(0.0) == pytest.approx(parameter.lower, rel=1e-12)
    last = parameter.from_unit(math.nextafter(1.0, 0.0))
    assert last == pytest.approx(parameter.upper, rel=1e-12, abs=1e-12)


@given(ranges())
def test_cardinality_counts_the_values(parameter: RangeParameter) -> None:
    if math.isinf(parameter.cardinality):
        assert parameter.step is None
        assert not parameter.integer
        return
    # The narrowest cell, at the top of a log scale from 1/4 to 25, is wider than 1/2000.
    drawn = {parameter.from_unit(u) for u in cell_centres(2000)}
    assert len(drawn) == parameter.cardinality


# --- ChoiceParameter ------------------------------------------------------------------------------


def test_a_choice_needs_values() -> None:
    with pytest.raises(ValueError, match="'c'"):
        ChoiceParameter("c", ())


@pytest.mark.parametrize(
    ("u", "expected"), [(0.0, "a"), (0.24, "a"), (0.25, "b"), (0.5, None), (0.75, 4), (0.999, 4)]
)
def test_every_choice_owns_an_equal_share(u: float, expected: Any) -> None:
    assert ChoiceParameter("c", ("a", "b", None, 4)).from_unit(u) == expected


def test_choices_keep_their_order_and_type() -> None:
    parameter = ChoiceParameter("batch_size", (128, 64, "auto"))
    assert [parameter.from_unit(u) for u in cell_centres(3)] == [128, 64, "auto"]
    assert parameter.ordered is False


@given(st.integers(1, 200), units)
def test_a_choice_never_runs_out_of_values(n: int, u: float) -> None:
    values = tuple(range(n))
    assert ChoiceParameter("c", values).from_unit(u) in values
    assert ChoiceParameter("c", values).from_unit(math.nextafter(1.0, 0.0)) == n - 1


def test_cardinality_of_a_choice() -> None:
    assert ChoiceParameter("c", ("a", "b", "c")).cardinality == 3


def test_choices_must_differ() -> None:
    with pytest.raises(ValueError, match="must differ"):
        ChoiceParameter("c", (1, 1, 2))


# --- SearchSpace ----------------------------------------------------------------------------------

LAYER = ChoiceParameter("layer", (16, 32), ordered=True)
UNITS = RangeParameter("units", 1, 3, integer=True)
RATE = RangeParameter("optimiser/rate", 0, 1)


def test_a_space_needs_a_parameter() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SearchSpace(())


def test_names_in_a_space_differ() -> None:
    with pytest.raises(ValueError, match="differ"):
        SearchSpace((LAYER, ChoiceParameter("layer", (1,))))


def test_a_space_keeps_its_order() -> None:
    space = SearchSpace((RATE, LAYER, UNITS))
    assert len(space) == 3
    assert space.names == ("optimiser/rate", "layer", "units")
    with pytest.raises(dataclasses.FrozenInstanceError):
        space.parameters = ()  # type: ignore[misc]


def test_cardinality_of_a_space_is_the_product() -> None:
    assert SearchSpace((LAYER, UNITS)).cardinality == 6
    assert SearchSpace((LAYER, UNITS, RATE)).cardinality == math.inf


def test_a_point_of_the_cube_gives_each_parameter_its_coordinate() -> None:
    space = SearchSpace((RATE, LAYER, UNITS))
    config = space.from_unit(np.array([0.25, 0.75, 0.1]))
    assert config == {"optimiser/rate": 0.25, "layer": 32, "units": 1}
    assert list(config) == list(space.names)


@pytest.mark.parametrize("u", [[], [0.5], [0.5, 0.5, 0.5]])
def test_a_point_of_another_cube_is_refused(u: list[float]) -> None:
    with pytest.raises(ValueError, match="zip"):
        SearchSpace((LAYER, UNITS)).from_unit(np.array(u))


# --- Values that somebody gives -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "given", "expected"),
    [
        (RangeParameter("x", 0, 1), np.float32(0.5), 0.5),
        (RangeParameter("x", 0.1, 0.3), 0.1 + 0.2, 0.3),  # 0.30000000000000004
        (RangeParameter("x", 0.1, 0.5, step=0.1), 0.30000000000000004, 3 * 0.1),
        (RangeParameter("x", 1, 9, integer=True), 4.0, 4),
        (RangeParameter("x", 2, 8, integer=True, step=2), 6, 6),
        (ChoiceParameter("x", (1, True, None)), True, True),
        (ChoiceParameter("x", (None, [1, 2])), (1, 2), [1, 2]),
        (ChoiceParameter("x", (dict, list)), "builtins.list", list),
    ],
)
def test_a_given_value_is_taken(parameter: Any, given: Any, expected: Any) -> None:
    taken = parameter.checked(given)
    assert taken == expected
    assert type(taken) is type(expected)
    assert parameter.cardinality == math.inf or parameter.at(parameter.key(taken)) == taken


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (RangeParameter("x", 0, 1), 1.001, r"'x' must lie in \[0, 1\], got 1.001"),
        (RangeParameter("x", 0, 1), "0.5", "'x' needs a number, got '0.5'"),
        (RangeParameter("x", 0, 1), True, "'x' needs a number, got True"),
        (RangeParameter("x", 0, 1), math.nan, "'x' needs a number, got nan"),
        (RangeParameter("x", 1, 9, integer=True), 2.5, "'x' must be a multiple of 1, got 2.5"),
        (RangeParameter("x", 0, 1, step=0.25), 0.3, "'x' must be a multiple of 0.25, got 0.3"),
        (ChoiceParameter("x", (None, dict)), 3, "'x' must be one of None, builtins.dict; got 3"),
    ],
)
def test_a_given_value_is_refused(parameter: Any, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parameter.checked(given)


@pytest.mark.parametrize(
    "parameter",
    [
        RangeParameter("x", -2, 3, integer=True),
        RangeParameter("x", 4, 20, integer=True, step=4),
        RangeParameter("x", 0.1, 0.9, step=0.1),
        RangeParameter("x", 0.3, 30.0, log=True, step=0.3),
        ChoiceParameter("x", (1, True, "1", None)),
    ],
)
def test_numbered_values_are_those_of_the_cube(parameter: Any) -> None:
    numbered = [parameter.at(number) for number in range(int(parameter.cardinality))]
    drawn = {
        parameter.key(parameter.from_unit(u)): parameter.from_unit(u) for u in cell_centres(9999)
    }
    assert [drawn[number] for number in range(len(numbered))] == numbered
    assert [type(drawn[number]) for number in drawn] == [type(numbered[n]) for n in drawn]


@pytest.mark.parametrize(
    ("values", "plain"),
    [
        (("a", "b"), True),
        ((1, 2.5), True),
        ((True, False), True),
        ((1, True), False),
        ((1, 1.0), False),
        ((None, "a"), False),
        ((1.0, math.nan), False),
        ((np.float32(1), np.float32(2)), False),
        (([1], [2]), False),
    ],
)
def test_plain_choices(values: tuple[Any, ...], plain: bool) -> None:
    assert ChoiceParameter("x", values).plain is plain


# --- Conditions -----------------------------------------------------------------------------------

KIND = ChoiceParameter("kind", ("sgd", "adam", None))
MOMENTUM = RangeParameter("momentum", 0, 4, integer=True, condition=Condition("kind", (0,)))
SHARED = ChoiceParameter("shared", (True, False), condition=Condition("kind", (0, 1)))
BELOW = RangeParameter("below", 1, 3, integer=True, condition=Condition("shared", (0,)))
CONDITIONAL = SearchSpace((KIND, UNITS, MOMENTUM, SHARED, BELOW))


def test_configurations_with_conditions_by_hand() -> None:
    # sgd: 5 momenta × (shared: 3, or not: 1); adam: shared: 3, or not: 1; None: 1; each × 3 units.
    assert CONDITIONAL.cardinality == 3 * (5 * 4 + 4 + 1)
    assert CONDITIONAL.is_conditional
    assert not SearchSpace((LAYER, UNITS)).is_conditional


def test_all_configurations_are_listed_once() -> None:
    listed = list(CONDITIONAL.configurations())
    assert len(listed) == CONDITIONAL.cardinality
    keys = {CONDITIONAL.key(values) for values in listed}
    assert len(keys) == len(listed)
    drawn = np.random.default_rng(0).random((5000, 5))
    assert {CONDITIONAL.key(CONDITIONAL.from_unit(u)) for u in drawn} == keys


@given(st.lists(units, min_size=5, max_size=5))
def test_only_existing_parameters_get_a_value(u: list[float]) -> None:
    values = CONDITIONAL.from_unit(np.array(u))
    assert ("momentum" in values) == (values["kind"] == "sgd")
    assert ("shared" in values) == (values["kind"] is not None)
    assert ("below" in values) == values.get("shared", False)
    assert tuple(p.name for p in CONDITIONAL.active(values)) == tuple(values)
    # Values of what does not exist change nothing, not even by way of a choice that is not there.
    others = {"momentum": 1, "shared": True, "below": 2}
    assert CONDITIONAL.active(others | values)[: len(values)] == CONDITIONAL.active(values)


def test_a_choice_that_does_not_exist_brings_nothing() -> None:
    given = {"kind": None, "units": 1, "shared": True, "below": 2}
    assert [p.name for p in CONDITIONAL.active(given)] == ["kind", "units"]


def test_without_conditions_the_cube_is_as_before() -> None:
    always = SearchSpace((KIND, UNITS, dataclasses.replace(MOMENTUM, condition=None)))
    for u in np.random.default_rng(1).random((50, 5)):
        conditional, unconditional = CONDITIONAL.from_unit(u), always.from_unit(u[:3])
        assert conditional.items() <= (unconditional | conditional).items()
        assert all(unconditional[k] == v for k, v in conditional.items() if k in unconditional)


@pytest.mark.parametrize(
    "parameters",
    [
        (MOMENTUM, KIND),  # the parent comes later
        (MOMENTUM,),
        (UNITS, dataclasses.replace(MOMENTUM, condition=Condition("units", (0,)))),  # no choice
        (KIND, dataclasses.replace(MOMENTUM, condition=Condition("kind", (3,)))),  # no such branch
    ],
)
def test_a_condition_names_an_earlier_choice(parameters: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="condition of parameter 'momentum' must name an earlier"):
        SearchSpace(parameters)


@pytest.mark.parametrize("branches", [(), (1, 0), (0, 0), (-1,), ("sgd",)])
def test_branches_are_ascending_positions(branches: Any) -> None:
    with pytest.raises(ValueError, match="branches of a condition on 'kind'"):
        Condition("kind", branches)
