"""The rows of a data set: they are those of recorded runs, and say where noise ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.execution.virtual import VirtualBackend
from bench.matrix import catalogue, problems
from bench.matrix.costs import Costs
from bench.matrix.matrix import Run
from bench.matrix.surveys import REPLICATE, load_survey
from bench.studies.survey import fronts
from bench.studies.survey.measures import Yardstick
from bench.studies.survey.simulating import Request, simulated
from mobo_core.problems.synthetic import SyntheticProblem
from tests.bench.surveys import small_survey


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Return the rows of each data set of the small survey, one seed."""
    survey = load_survey(small_survey(tmp_path_factory.mktemp("survey")))
    found = {}
    for unit in survey.units():
        runs = [
            (s, n, 3) for n in fronts.objective_sets_of(unit, "none") for s in survey.schedulers
        ]
        found[unit.name] = simulated(Request(unit, tuple(runs)), "none")
    return found


def test_rows_are_those_of_recorded_runs(tmp_path: Path, rows: dict[str, pd.DataFrame]) -> None:
    survey = load_survey(small_survey(tmp_path))
    unit = survey.units()[0]
    objectives = ("loss", "params")
    problem = problems.make(unit.problem, unit.dataset, "none", 8)
    wanted = catalogue.make_objectives(problem, objectives)
    yardstick = Yardstick(fronts.known_front(unit, objectives, "none"), wanted)
    table = rows[unit.name].query("objectives == 'loss+params'").set_index("scheduler")
    full = unit.budget.trials * unit.budget.max_epochs
    for scheduler in survey.schedulers:
        plain = unit.run(scheduler, objectives, 3)
        run = Run(plain.cell, plain.budget, 3, Costs())
        epochs = VirtualBackend("none").execute(run, lambda: None).epochs
        points = wanted.to_points(epochs.groupby("trial").last().to_dict("records"))
        mine = table.loc[scheduler.label]
        assert mine.epochs == len(epochs) / full
        assert mine.wide == pytest.approx(yardstick.regrets(points)["wide"], abs=1e-12)


def test_fifo_is_made_again_with_another_training_seed_where_that_matters(
    rows: dict[str, pd.DataFrame],
) -> None:
    with_noise = {name for name, table in rows.items() if REPLICATE in set(table.scheduler)}
    assert with_noise == {"mlp-mnist", "synthetic-zdt2-noisy"}
    noisy = rows["synthetic-zdt2-noisy"].set_index("scheduler")
    assert noisy.loc[REPLICATE, "epochs"] == 1
    assert noisy.loc[REPLICATE, "igd"] != noisy.loc["fifo", "igd"]


def test_regrets_fall_with_the_epochs(rows: dict[str, pd.DataFrame]) -> None:
    for table in rows.values():
        fifo = table[table.scheduler == "fifo"]
        way = fifo[[f"igd@{share}" for share in (1, 10, 50, 100)]].to_numpy()
        assert np.isfinite(way).all()
        assert (way[:, 0] >= way[:, -1]).all()
        assert (fifo["igd@100"] == fifo.igd).all()


def test_known_fronts_are_those_that_are_shipped(tmp_path: Path) -> None:
    for unit in load_survey(small_survey(tmp_path)).units():
        for names in fronts.objective_sets_of(unit, "none"):
            shipped = fronts._shipped()[unit.name, "+".join(names)]
            made = fronts.fronts_of(unit, [names], "none")[names]
            np.testing.assert_allclose(np.sort(shipped, axis=0), np.sort(made, axis=0), rtol=1e-6)


def test_a_true_front_is_taken_where_it_is_known(tmp_path: Path) -> None:
    unit = load_survey(small_survey(tmp_path)).units()[1]
    found = fronts.known_front(unit, ("f1", "f2"), "none")
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(found)), abs=1e-6)
    assert len(found) > 400
    assert SyntheticProblem("dtlz2").front(4).shape == (4, 2)
