"""Indicators of made-up runs, worked by hand. Reference: accuracy 0.9, 100 parameters."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.analysis import aggregate, evidence
from bench.errors import UserError
from tests.bench.examples import record


def row(*records: object, index: int = -1) -> dict[str, object]:
    frame = aggregate.summarise(records)  # type: ignore[arg-type]
    return {str(k): v for k, v in frame.iloc[index].to_dict().items()}


def test_observed_hypervolume_is_of_last_reports() -> None:
    # Last points: (0.95, 80) and (0.93, 60). Union of boxes to (0.9, 100):
    # 0.05·20 + 0.03·(40 − 20) = 1.6
    summary = row(record())
    assert summary["hypervolume"] == pytest.approx(1.6)
    assert summary["front_size"] == 2
    assert summary["epochs"] == 4
    assert (summary["completed"], summary["stopped"], summary["failed"]) == (2, 0, 0)


def test_best_epoch_and_full_fidelity_variants() -> None:
    # Trial 0 falls from 0.95 to 0.91 and completes; trial 1 stopped at (0.93, 60).
    summary = row(record(curves=((0.95, 0.91), (0.93,))))
    # Last: (0.91, 80), (0.93, 60): the second dominates: 0.03·40 = 1.2
    assert summary["hypervolume"] == pytest.approx(1.2)
    # Every report: (0.95, 80) too: 0.05·20 + 0.03·20 = 1.6
    assert summary["hypervolume_best_epoch"] == pytest.approx(1.6)
    # Completed only: (0.91, 80): 0.01·20 = 0.2
    assert summary["hypervolume_full"] == pytest.approx(0.2)
    assert summary["hypervolume_predicted"] == 2.5


def test_failed_trials_do_not_count() -> None:
    summary = row(record(failed=(0,)))
    assert summary["hypervolume"] == pytest.approx(0.03 * 40)
    assert (summary["front_size"], summary["failed"]) == (1, 1)


def test_points_beyond_the_reference_are_no_front() -> None:
    summary = row(record(curves=((0.5, 0.6), (0.7, 0.8))))
    assert (summary["hypervolume"], summary["front_size"]) == (0.0, 0)


def test_against_fifo_of_the_same_seed() -> None:
    fifo = [record(seed=0), record(seed=1, wall_s=20.0)]
    stopper = record("stopper", curves=((0.91,), (0.92, 0.93)), seed=1, wall_s=5.0)
    summary = row(*fifo, stopper)
    assert summary["epochs_saved"] == pytest.approx(1 / 4)
    assert summary["runtime_saved"] == pytest.approx(3 / 4)
    # (0.91, 80) is dominated by (0.93, 60): 1.2 against 1.6
    assert summary["hypervolume_ratio"] == pytest.approx(0.75)


def test_two_runs_of_one_cell_and_seed_are_refused() -> None:
    with pytest.raises(UserError, match=r"fifo.* and again have the same cell and seed"):
        aggregate.summarise([record(), replace(record(), run_id="again")])


def test_without_fifo_or_without_its_hypervolume_there_is_no_ratio() -> None:
    alone = row(record("stopper"))
    assert math.isnan(float(str(alone["hypervolume_ratio"])))
    empty = record(curves=((0.1, 0.1), (0.1, 0.1)))
    assert math.isnan(float(str(row(empty, record("stopper"))["hypervolume_ratio"])))


def test_anytime_hypervolume_of_latest_points() -> None:
    curve = aggregate.anytime(record())
    assert curve["time_s"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert curve["epochs"].tolist() == [0, 1, 2, 3, 4]
    # (0.91,80): 0.2; (0.95,80): 1.0; + (0.92,60): 1.0 + 0.02·20 = 1.4; (0.93,60): 1.6
    np.testing.assert_allclose(curve["hypervolume"], [0, 0.2, 1.0, 1.4, 1.6])


def test_a_trial_that_failed_costs_its_epochs_and_has_no_point() -> None:
    made = record(failed=[0])
    curve = aggregate.anytime(made)
    assert curve["epochs"].tolist() == [0, 1, 2, 3, 4]
    # (0.92, 60): 0.02 · 40 = 0.8, then (0.93, 60): 1.2
    np.testing.assert_allclose(curve["hypervolume"], [0, 0, 0, 0.8, 1.2])
    assert curve["hypervolume"].iloc[-1] == pytest.approx(row(made)["hypervolume"])
    assert row(made)["epochs"] == 4


def test_utilisation_is_the_share_that_trained() -> None:
    # Two slots of 10 s, four epochs of one second.
    assert row(record())["utilisation"] == pytest.approx(4 / 20)


# FIFO: ends (0.95, 80), (0.93, 60), (0.92, 90): the front is the first two. The other stops the
# second after one epoch of two.
THREE = ((0.91, 0.95), (0.92, 0.93), (0.91, 0.92))
STOPPED = ((0.91, 0.95), (0.92,), (0.91,))


def test_oracle_and_lost_members_of_the_front() -> None:
    params = (80.0, 60.0, 90.0)
    fifo = record("fifo", THREE, params)
    other = record("other", STOPPED, params)
    runs = aggregate.summarise([fifo, other])
    # Two epochs for each of the front, one for the third: 5 of 6.
    assert runs["oracle_saved"].tolist() == pytest.approx([1 / 6, 1 / 6])
    assert runs["front_lost"].tolist() == [0, 1]


def test_front_lost_needs_the_same_configurations() -> None:
    fifo = record("fifo")
    assert fifo.result is not None
    trials = tuple(replace(t, config={"units": 32}) for t in fifo.result.trials)
    other = replace(record("other"), result=replace(fifo.result, trials=trials))
    runs = aggregate.summarise([fifo, other, record("alone", seed=5)])
    assert runs["front_lost"].isna().tolist() == [False, True, True]
    assert runs["oracle_saved"].isna().tolist() == [False, False, True]


def test_what_the_scheduler_counted() -> None:
    made = record("p")
    assert made.result is not None
    counted = replace(made, result=replace(made.result, counts={"resumes": 7}))
    runs = aggregate.summarise([counted])
    assert runs["resumes"].tolist() == [7]
    assert runs["excess_promotions"].tolist() == [0]


def test_a_baseline_that_took_no_time_leaves_the_saving_unknown() -> None:
    made = [
        record(scheduler, curves, seed=seed, wall_s=0.0)
        for seed in range(6)
        for scheduler, curves in (("fifo", ((0.91, 0.95),) * 2), ("mine", ((0.91,), (0.92, 0.93))))
    ]
    runs = aggregate.summarise(made)
    assert runs["runtime_saved"].isna().all()
    assert runs["epochs_saved"].notna().all()
    (row,) = evidence.against_baseline(runs).to_dict("records")
    assert np.isnan(row["runtime_saved"])
    assert row["epochs_saved"] == 0.25
