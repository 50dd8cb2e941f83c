"""The content of figures, worked out by hand on made-up runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analysis import aggregate
from bench.report.figures import figure_data
from tests.bench.examples import record

FIFO = record()  # trials at (0.95, 80) and (0.93, 60), both on the front after 2 epochs
STOPPER = record("stopper", ((0.91, 0.95), (0.92,)))
EDGES = [0, 1, 2, 3]


def test_members_of_fifos_front_that_ended_early_are_counted_where_they_ended() -> None:
    matched = aggregate.baselines([FIFO, STOPPER])
    assert matched == {FIFO.run_id: FIFO, STOPPER.run_id: FIFO}
    (member,) = aggregate.lost_members(STOPPER, FIFO) or []
    assert (member.trials, member.epochs) == ((1,), 1)
    lost = figure_data.lost_by_epoch([FIFO, STOPPER], ["fifo, ax", "stopper, ax"], EDGES, matched)
    assert lost.loc["stopper, ax"].tolist() == [0, 1, 0]
    assert lost.loc["fifo, ax"].isna().all()
    ended = figure_data.last_epochs([FIFO, STOPPER], ["fifo, ax", "stopper, ax"], EDGES)
    assert ended.to_numpy().tolist() == [[0, 0, 2], [0, 1, 1]]


def test_twice_the_same_point_is_lost_when_both_trials_are() -> None:
    twice = ((0.91, 0.95), (0.91, 0.95))
    fifo = record(curves=twice, params=(80.0, 80.0))
    one = record("one", ((0.91,), (0.91, 0.95)), (80.0, 80.0))
    both = record("both", ((0.91,), ()), (80.0, 80.0))
    assert aggregate.lost_members(one, fifo) == []
    (member,) = aggregate.lost_members(both, fifo) or []
    assert (member.trials, member.epochs) == ((0, 1), 1)


def test_other_configurations_lose_nothing_that_could_be_named() -> None:
    assert STOPPER.result is not None
    trials = tuple(replace(t, config={"units": 32}) for t in STOPPER.result.trials)
    other = replace(STOPPER, result=replace(STOPPER.result, trials=trials))
    assert aggregate.lost_members(other, FIFO) is None
    lost = figure_data.lost_by_epoch(
        [other], ["stopper, ax"], EDGES, aggregate.baselines([FIFO, other])
    )
    assert lost.isna().to_numpy().all()


def test_axes_end_at_the_reference_or_show_what_never_reached_it() -> None:
    accuracy = FIFO.objectives[0]  # reference 0.9
    best = figure_data.limits([FIFO], accuracy)
    assert 0.9 < best[0] < 0.91 < 0.95 < best[1]
    hopeless = record("fifo", ((0.1, 0.2), (0.15, 0.3)))
    low, high = figure_data.limits([hopeless], accuracy)
    assert low < 0.1 < 0.3 < high < 0.4


def test_a_run_that_ended_keeps_what_it_has() -> None:
    short = pd.DataFrame({"epochs": [0, 1], "hypervolume": [0.0, 4.0]})
    long = pd.DataFrame({"epochs": [0, 2, 3], "hypervolume": [0.0, 1.0, 2.0]})
    over = figure_data.spread([short, long], "epochs")
    assert over["at"].tolist() == [0, 1, 2, 3]
    assert over["median"].tolist() == [0, 2, 2.5, 3]
    assert over["lowest"].tolist() == [0, 0, 1, 2]
    assert over["highest"].tolist() == [0, 4, 4, 4]


@pytest.mark.parametrize(
    ("last", "names"),
    [(2, ["0", "1", "2"]), (50, ["0", "1–5", "6–10", "11–15"]), (1, ["0", "1"])],
)
def test_epochs_that_are_too_many_are_in_bins(last: int, names: list[str]) -> None:
    found = figure_data.bin_names(figure_data.epoch_bins(last))
    assert found[: len(names)] == names
    assert found[-1] == str(last)


def test_factors_end_where_the_slowest_gets_there() -> None:
    factors = figure_data.factors({"a": np.array([1.0, 2.0]), "b": np.array([4.0, np.inf])})
    assert (factors[0], factors[-1]) == (1, 4)
    assert figure_data.factors({"a": np.array([np.inf])})[-1] == 2
