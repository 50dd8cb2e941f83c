"""The learners in the catalogue: each trains on Ray and is looked up in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.execution import preparation, queue
from bench.execution.virtual import VirtualBackend
from bench.matrix import problems
from bench.matrix.files import load_matrix
from mobo_core.problems.learners import LearnerProblem
from mobo_core.problems.learners.recipes import RECIPES
from mobo_core.problems.tabular import TabularProblem

MATRIX = """title = "Learners"
problem = "learner"
dataset = "mlp-sgd-wine"
objective_sets = ["error+loss+size"]
budget = { trials = 6, max_epochs = 4, slots = 2 }
searcher = [{ name = "random" }]
scheduler = [{ name = "fifo" }, { name = "hv-promotion" }]
[virtual]
"""


def test_each_learner_trains_and_has_a_table() -> None:
    trained, recorded = problems.find("learner"), problems.find("learner-table")
    assert trained.trains
    assert trained.recorded == "learner-table"
    assert trained.datasets == recorded.datasets == tuple(RECIPES)
    for name, recipe in RECIPES.items():
        epochs = problems.epochs_of("learner", name)
        assert epochs == problems.epochs_of("learner-table", name) == recipe.epochs
        problem = problems.make("learner", name, "no-data", epochs)
        table = problems.make("learner-table", name, "no-data", epochs)
        assert isinstance(problem, LearnerProblem)
        assert isinstance(table, TabularProblem)
        assert (table.space, table.objectives) == (problem.space, problem.objectives)
    assert problems.epochs_of("mlp", "mnist") == problems.USUAL_EPOCHS == 8


def test_an_unknown_learner_and_too_many_epochs_are_users_errors() -> None:
    with pytest.raises(UserError, match="unknown data set 'mlp-sgd-mnist' for problem 'learner'"):
        problems.epochs_of("learner", "mlp-sgd-mnist")
    for name in ("learner", "learner-table"):
        with pytest.raises(UserError, match="has 50 epochs a curve, not 51"):
            problems.make(name, "mlp-sgd-wine", "no-data", 51)


def test_missing_mnist_is_said_before_anything_runs() -> None:
    with pytest.raises(UserError, match="MNIST is not in no-data"):
        problems.check_data("learner", "cnn-mnist", "no-data")
    problems.check_data("learner-table", "cnn-mnist", "no-data")


def test_a_matrix_of_a_learner_in_virtual_time(tmp_path: Path) -> None:
    (tmp_path / "learners.toml").write_text(MATRIX)
    chosen = load_matrix(str(tmp_path / "learners.toml"))
    looked_up = preparation.in_virtual_time(chosen, "linear-digits").with_dataset("linear-digits")
    assert looked_up.problem == "learner-table"
    preparation.check_parts(looked_up, "no-data")
    preparation.check_recordable(looked_up, "no-data")
    backend = VirtualBackend("no-data", 1)
    for run in looked_up.runs([0]):
        record = queue.attempt(run, backend, "").record
        assert record.result is not None, record.error
        assert [len(trial.config) for trial in record.result.trials] == [6] * 6
        assert all({"test_error", "test_loss"} <= set(m.metrics) for m in record.result.front)
