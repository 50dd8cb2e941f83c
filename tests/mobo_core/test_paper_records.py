"""The paper's recorded runs, replayed.

The records are not part of the project: the environment variable PAPER_RECORDS names the folder
that holds their `trials.csv` and `epochs.csv`.
"""

from __future__ import annotations

import csv
import os
import statistics
from pathlib import Path

import pytest

from mobo_core.objectives import Objective, ObjectiveSet
from mobo_core.pareto.dominance import non_dominated_mask
from mobo_core.pareto.indicators import hypervolume
from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule

pytestmark = pytest.mark.filterwarnings("error")

Records = list[dict[str, str]]

ACCURACY = Objective("val_accuracy", "max", 0.90)
LOSS = Objective("val_loss", "min", 0.5)
PARAMS = Objective("model_params", "min", 100_000)

OBJECTIVES = {
    1: ObjectiveSet([ACCURACY, PARAMS]),
    2: ObjectiveSet([ACCURACY, LOSS]),
    3: ObjectiveSet([LOSS, PARAMS]),
    4: ObjectiveSet([ACCURACY, LOSS, PARAMS]),
}

MAX_T = 8
TRIALS = 25


def read(name: str) -> Records:
    """Return the rows of a file; skip the test if PAPER_RECORDS is not set.

    If the variable names a wrong folder, that is an error and not a reason to skip.
    """
    folder = os.environ.get("PAPER_RECORDS")
    if folder is None:
        pytest.skip("PAPER_RECORDS does not name the folder with the paper's records")
    with (Path(folder) / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def epochs() -> Records:
    return read("epochs.csv")


@pytest.fixture(scope="module")
def trials() -> Records:
    return read("trials.csv")


def select(records: Records, table: int, run: int) -> Records:
    return [r for r in records if (int(r["table"]), int(r["run"])) == (table, run)]


def rule_of(table: int) -> StoppingRule:
    if table == 4:
        return PaperRungwiseRule(MAX_T, 1, 6)
    return PaperDominanceRule(MAX_T, {2: 1, 3: 2}[table], 6)


# The counts of epochs are those of the paper's records, not of a replay.
@pytest.mark.parametrize(
    ("table", "run", "count"),
    [(2, 1, 46), (2, 2, 32), (3, 1, 80), (3, 2, 74), (4, 1, 102), (4, 2, 67)],
)
def test_every_decision_of_the_paper(epochs: Records, table: int, run: int, count: int) -> None:
    # The paper ran one trial at a time, in the order of their indices.
    reports = sorted(
        (int(r["trial_index"]), int(r["epoch"]), r) for r in select(epochs, table, run)
    )
    last = {trial: epoch for trial, epoch, _ in reports}
    assert len(last) == TRIALS
    rule = rule_of(table)
    checked, mismatches = 0, []
    for trial, epoch, report in reports:
        if epoch == MAX_T:
            expected = Decision.COMPLETE
        else:
            expected = Decision.STOP if epoch == last[trial] else Decision.CONTINUE
        decision = rule.report(str(trial), epoch, OBJECTIVES[run].to_point(report))
        if decision is not expected:
            mismatches.append((trial, epoch, decision, expected))
        checked += 1
    assert mismatches == []
    assert checked == count


# The hypervolume and front size of the trials' last metrics, computed apart from this project.
# They are not what the paper published, which are predictions of its model.
@pytest.mark.parametrize(
    ("table", "run", "printed", "size"),
    [
        (1, 1, "6026.91", 4),
        (1, 2, "0.029985", 1),
        (1, 3, "32908.19", 4),
        (1, 4, "2132.88", 6),
        (2, 1, "4437.16", 1),
        (2, 2, "0.014592", 1),
        (3, 1, "5666.83", 3),
        (3, 2, "0.027039", 1),
        (4, 1, "5788.58", 5),
        (4, 2, "0.026131", 1),
    ],
)
def test_observed_hypervolume_and_front_size(
    trials: Records, table: int, run: int, printed: str, size: int
) -> None:
    records = select(trials, table, run)
    assert len(records) == TRIALS
    objectives = OBJECTIVES[run]
    points, reference = objectives.to_points(records), objectives.reference_point
    # All printed digits; the last one is rounded.
    digits = len(printed.partition(".")[2])
    assert f"{hypervolume(points, reference):.{digits}f}" == printed
    better_than_reference = (points < reference).all(axis=1)
    assert (non_dominated_mask(points) & better_than_reference).sum() == size


# Seconds of wall time as published, and what share of them went into epochs and into starts.
@pytest.mark.parametrize(
    ("table", "run", "runtime_s", "training", "starts"),
    [
        (1, 1, 1053, 37, 43),
        (1, 2, 1042, 43, 38),
        (1, 3, 1085, 36, 45),
        (1, 4, 1414, 30, 55),
        (2, 1, 794, 19, 60),
        (2, 2, 616, 9, 64),
        (3, 1, 654, 26, 51),
        (3, 2, 555, 24, 47),
        (4, 1, 1027, 22, 61),
        (4, 2, 691, 22, 54),
    ],
)
def test_where_the_time_went(
    epochs: Records, table: int, run: int, runtime_s: int, training: int, starts: int
) -> None:
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for report in select(epochs, table, run):
        seconds[report["epoch"] == "1"].append(float(report["time_this_iter_s"]))
    # The first epoch of a trial has its start in it: all beyond what an epoch usually takes.
    usual = statistics.median(seconds[False])
    started = sum(max(0.0, first - usual) for first in seconds[True])
    trained = sum(seconds[False]) + usual * len(seconds[True])
    assert (round(100 * trained / runtime_s), round(100 * started / runtime_s)) == (
        training,
        starts,
    )
