"""The recommendation follows from the estimates, and says when there is none."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analysis.advice import FEWEST_TRIALS, Advice, Setting, advise
from mobo_core.objectives import Objective, ObjectiveSet

SETTING = Setting(
    kind="table",
    name="curves.csv",
    objectives=ObjectiveSet([Objective("acc", "max", 0.5)]),
    time_attr="epoch",
    unit=1,
    max_t=8,
    reports=8,
    timed=True,
    trials=20,
    incomplete=0,
    left_out={},
    notes=(),
    orders=10,
    per_order=20,
    slots=4,
)


def replays(orders: int = 10, **kept: tuple[float, float, bool]) -> pd.DataFrame:
    """Return replays of schedulers, each with its share of the steps, of the volume, and a pause.

    In every other order a scheduler keeps 1 % more than in the others.
    """
    rows = []
    for order in range(orders):
        for name, (steps, volume, pauses) in {"fifo": (1.0, 1.0, False), **kept}.items():
            share = volume + (0.005 if order % 2 else -0.005) * (name != "fifo")
            rows.append(
                {
                    "order": order,
                    "scheduler": name,
                    "pauses": pauses,
                    "steps": 160 * steps,
                    "training_s": 320 * steps,
                    "runtime_s": 80 * steps,
                    "hypervolume": 50 * share,
                    "resumes": 3,
                    "front_lost": 1,
                    "refused": "",
                }
            )
    return pd.DataFrame(rows)


def advice(tolerance: float = 0.02, **kept: tuple[float, float, bool]) -> Advice:
    return advise(replays(**kept), SETTING, tolerance)


def test_it_takes_the_one_that_saves_most_within_the_tolerance() -> None:
    found = advice(
        careful=(0.8, 1.0, False),
        good=(0.5, 0.99, True),
        plain=(0.6, 0.99, False),
        greedy=(0.2, 0.9, False),
    )
    assert found.recommended is not None
    assert found.without_pauses is not None
    assert (found.recommended.scheduler, found.without_pauses.scheduler) == ("good", "plain")
    assert found.recommended.steps_saved.value == 0.5
    assert found.recommended.loss.value == pytest.approx(0.01)
    assert found.recommended.loss.low < 0.01 < found.recommended.loss.high
    assert found.recommended.worst == pytest.approx(0.015)
    assert (found.fifo_steps, found.fifo_runtime_s) == (160, 80)


def test_the_upper_end_of_the_interval_decides() -> None:
    mean = advice(good=(0.5, 0.99, True)).outcomes[0].loss
    assert advice(mean.high + 1e-9, good=(0.5, 0.99, True)).recommended is not None
    assert advice(mean.high - 1e-9, good=(0.5, 0.99, True)).recommended is None


def test_a_scheduler_that_saves_nothing_is_not_recommended() -> None:
    assert advice(same=(1.0, 1.0, False)).recommended is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"per_order": FEWEST_TRIALS - 1}, "11 trials are too few .* at least 12"),
        ({"per_order": 1}, "^1 trial is too few"),
        ({"reports": 2, "max_t": 100}, "trials of 2 reports are too short"),  # far apart
        ({"orders": 5}, "^5 orders are too few for an interval: give --seeds 6"),
        ({"orders": 1}, "^1 order is too few"),
        ({"incomplete": 11}, "^11 of 20 curves end before the full budget.*with FIFO.*--max-t"),
    ],
)
def test_too_few_data_are_said(change: dict[str, int], message: str) -> None:
    found = advise(replays(good=(0.5, 1.0, True)), replace(SETTING, **change), 0.05)  # type: ignore[arg-type]
    assert found.recommended is None
    assert re.search(message, found.too_few)


def test_up_to_half_of_the_curves_may_end_early() -> None:
    found = advise(replays(good=(0.5, 1.0, True)), replace(SETTING, incomplete=10), 0.05)
    assert found.too_few == ""
    assert found.recommended is not None


def test_what_qualifies_saves_training_and_loses_little() -> None:
    found = advice(0.02, good=(0.5, 0.99, True), same=(1.0, 1.0, False), greedy=(0.2, 0.9, False))
    good, same, greedy = found.outcomes
    assert [(o.saves, o.within(0.02)) for o in (good, same, greedy)] == [
        (True, True),
        (False, True),
        (True, False),
    ]
    assert [o.qualifies(0.02) for o in (good, same, greedy)] == [True, False, False]


def without_volume(table: pd.DataFrame, orders: int) -> pd.DataFrame:
    """Return replays in whose first orders no trial beats all references."""
    return table.assign(hypervolume=table["hypervolume"].where(table["order"] >= orders, 0.0))


def test_orders_in_which_nothing_could_be_lost_do_not_count() -> None:
    table = replays(good=(0.5, 1.0, True))
    table.loc[(table["order"] == 0) & (table["scheduler"] == "good"), "steps"] = 160.0
    found = advise(without_volume(table, 4), SETTING, 0.05)
    assert found.orders == 6
    assert found.outcomes[0].steps_saved.value == 0.5  # of the same orders as the loss
    assert found.recommended is not None
    few = advise(without_volume(table, 5), SETTING, 0.05)
    assert few.recommended is None
    assert few.too_few.startswith("in only 5 of 10 orders a trial ends better than all references")
    none = advise(without_volume(table, 10), SETTING, 0.05)
    assert (none.orders, none.outcomes, none.recommended) == (0, (), None)
    assert none.fifo_steps == 160


def test_schedulers_that_were_refused_have_no_outcome() -> None:
    table = replays(good=(0.5, 1.0, True), asha=(0.5, 1.0, True))
    numbers = ["steps", "runtime_s", "hypervolume"]
    table[numbers] = table[numbers].astype(float)
    asha = table["scheduler"] == "asha"
    table.loc[asha, numbers] = np.nan
    table.loc[asha, "refused"] = "scheduler 'asha': needs an ideal"
    found = advise(table, SETTING, 0.05)
    assert [outcome.scheduler for outcome in found.outcomes] == ["good"]
    assert found.refused == {"asha": "scheduler 'asha': needs an ideal"}
