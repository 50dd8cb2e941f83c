"""Recorded curves are replayed offline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.records import storage
from bench.studies import replays
from mobo_core.problems.mlp import MLPProblem
from mobo_core.seeding import canonical_json

PROBLEM = MLPProblem("mnist", "no-data-needed", 8)
REFERENCE = Path(__file__).parents[3] / "results" / "reference" / "paper-mnist"


def curves(n: int = 40) -> pd.DataFrame:
    """Return curves whose error and loss follow power laws, and whose sizes trade off."""
    rng = np.random.default_rng(0)
    rows = []
    for config, (start, exponent, size) in enumerate(rng.random((n, 3))):
        for epoch in range(1, 9):
            error = (0.05 + 0.1 * start) * epoch ** -(0.2 + 0.5 * exponent)
            rows.append(
                {
                    "config": config,
                    "epoch": epoch,
                    "val_accuracy": 1 - error,
                    "val_loss": 3 * error,
                    "params": 10_000 + 50_000 * size,
                    "seconds": 0.5,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture
def pool(tmp_path: Path) -> replays.Pool:
    curves().to_csv(tmp_path / "curves.csv", index=False)
    return replays.read_pool(tmp_path / "curves.csv")


def test_hyper_parameters_come_from_where_they_stand(tmp_path: Path) -> None:
    table = curves(4).assign(batch_size=64, dropout="none", config_id=7)
    table["learning_rate"] = 0.1 * (table["config"] + 1)
    table.to_csv(tmp_path / "file.csv", index=False)
    found = replays.read_pool(tmp_path / "file.csv").config(2, PROBLEM.space)
    assert found == {"learning_rate": pytest.approx(0.3), "batch_size": 64, "dropout": "none"}
    recorded = replays.read_pool(REFERENCE)
    assert set(recorded.config(0, PROBLEM.space)) == set(PROBLEM.space.names)


def test_every_scheduler_and_the_oracle(pool: replays.Pool) -> None:
    matrix = load_matrix("schedulers").with_budget(trials=20)
    rows = replays.replay_matrix(pool, matrix, PROBLEM, draws=3, slots=[1, 3])
    names = list(dict.fromkeys(rows["scheduler"]))
    assert names[:2] == ["oracle", "hv-promotion"]
    assert "fifo" not in names  # nothing to compare
    assert len(names) == len(matrix.schedulers)
    assert len(rows) == 3 * 4 * 2 * len(names)
    oracle = rows[rows["scheduler"] == "oracle"]
    assert (oracle["epochs_saved"] == oracle["oracle_saved"]).all()
    assert (oracle["hypervolume_ratio"] == 1).all()
    # Nothing stopped adds hypervolume, so no scheduler ends above FIFO on monotone curves, and
    # a scheduler that lost no member of the front keeps all of it.
    assert (rows["hypervolume_ratio"] <= 1 + 1e-12).all()
    kept = rows[rows["front_lost"] == 0]
    assert kept["hypervolume_ratio"].to_numpy() == pytest.approx(np.ones(len(kept)))
    assert rows["epochs_saved"].between(0, 0.875).all()
    hv = rows[rows["scheduler"] == "hv-promotion"]
    assert hv["cover_90"].between(0, 1).all()
    assert (hv.groupby("draw")["resumes"].sum() > 0).all()


def test_it_repeats(pool: replays.Pool) -> None:
    matrix = load_matrix("schedulers").with_budget(trials=10)
    first = replays.replay_matrix(pool, matrix, PROBLEM, draws=2, slots=[2])
    pd.testing.assert_frame_equal(
        first, replays.replay_matrix(pool, matrix, PROBLEM, draws=2, slots=[2])
    )


def test_the_fifo_runs_of_a_results_folder_are_a_pool() -> None:
    pool = replays.read_pool(REFERENCE)
    # The four objective sets of a seed share 12 Sobol trials, and some suggestions at the bounds.
    recorded = [r for r in storage.read_all(REFERENCE) if r.labels["scheduler"] == "fifo"]
    trials = [
        (r.spec["seed"], canonical_json(t.config))
        for r in recorded
        if r.result
        for t in r.result.trials
    ]
    different = set(trials)  # the training seed is the run's
    assert len(trials) == 8 * 100
    assert pool.seconds.shape == (len(different), 8)
    assert set(pool.metrics) >= {"val_accuracy", "val_loss", "params"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="seconds"), "lack the column 'seconds'"),
        (lambda t: t.iloc[:-1], "same number of epochs"),
        (lambda t: t.iloc[:0], "same number of epochs"),
        (lambda t: t.assign(seconds="long"), "'seconds' of the curves in .* got 'long'"),
        (lambda t: t.assign(seconds=-1.0), "must hold numbers of at least 0, got -1.0"),
        (lambda t: t.assign(seconds=t["seconds"].where(t["epoch"] > 1)), "at least 0, got nan"),
        (lambda t: t.assign(epoch="first"), "'epoch' of the curves in .* got 'first'"),
        (lambda t: t.assign(epoch=t["epoch"] + 1), "must be 1, 2, 3"),
    ],
)
def test_curves_that_cannot_be_used(change: object, message: str, tmp_path: Path) -> None:
    change(curves(3)).to_csv(tmp_path / "c.csv", index=False)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        replays.read_pool(tmp_path / "c.csv")


def test_missing_files_and_too_few_curves(pool: replays.Pool, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read curves"):
        replays.read_pool(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is not a results folder"):
        replays.read_pool(tmp_path)
    with pytest.raises(UserError, match="cannot draw 99 trials from only 40 curves"):
        replays.replay_matrix(
            pool, load_matrix("schedulers").with_budget(trials=99), PROBLEM, 1, [1]
        )


def test_curves_of_another_problem_are_named(tmp_path: Path) -> None:
    curves(3).drop(columns="val_loss").to_csv(tmp_path / "c.csv", index=False)
    pool = replays.read_pool(tmp_path / "c.csv")
    with pytest.raises(UserError, match=r"no numbers 'val_loss'.*they have: .*val_accuracy"):
        replays.usable(pool, PROBLEM, load_matrix("schedulers"))
    curves(3).assign(val_loss="low").to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(UserError, match="no numbers 'val_loss'"):
        replays.usable(replays.read_pool(tmp_path / "c.csv"), PROBLEM, load_matrix("schedulers"))


def test_curves_that_are_not_finite_are_left_out_and_counted(tmp_path: Path) -> None:
    table = curves(12)
    table.loc[(table["config"] == 3) & (table["epoch"] == 1), "val_loss"] = np.nan
    table.loc[(table["config"] == 5) & (table["epoch"] == 8), "val_accuracy"] = -np.inf
    table.to_csv(tmp_path / "c.csv", index=False)
    matrix = load_matrix("schedulers").with_budget(trials=10)
    pool, left_out = replays.usable(replays.read_pool(tmp_path / "c.csv"), PROBLEM, matrix)
    assert (len(pool), left_out) == (10, 2)
    assert not set(pool.configs["config"]) & {3, 5}
    rows = replays.replay_matrix(pool, matrix, PROBLEM, draws=1, slots=[2])
    assert np.isfinite(rows["hypervolume_ratio"]).all()
