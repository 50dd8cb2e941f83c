"""Matrix files, seeds and ids."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.matrix.files import load_matrix, matrix_names
from bench.matrix.matrix import Component, Run, parse_seeds

GOOD = """
title = "t"
problem = "mlp"
dataset = "digits"
objective_sets = ["acc+params"]
[budget]
trials = 2
max_epochs = 3
slots = 1
[[searcher]]
name = "sobol"
[[scheduler]]
name = "fifo"
"""
OLD_ID = "fifo.acc+params.sobol.seed0.aa7c2ee6"
"""The id of this matrix's run, made before trials could have several workers."""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_paper_matrix_is_the_papers() -> None:
    matrix = load_matrix("paper")
    assert len(list(matrix.cells())) == 16
    assert (matrix.budget.trials, matrix.budget.max_epochs) == (25, 8)
    parameters = {s.label: dict(s.params) for s in matrix.schedulers}
    assert parameters == {
        "fifo": {},
        "paper-dominance-g1": {"grace_period": 1, "reduction_factor": 6},
        "paper-dominance-g2": {"grace_period": 2, "reduction_factor": 6},
        "paper-rungwise-g1": {"grace_period": 1, "reduction_factor": 6},
    }


def test_light_matrix_is_the_papers_with_a_lighter_optimiser() -> None:
    """The light runs are compared with the paper's pair by pair, so nothing else may differ."""
    paper, light = load_matrix("paper"), load_matrix("paper-light")
    (searcher,) = light.searchers
    options = dict(searcher.params)
    assert options.pop("optimizer_options") == {"num_restarts": 4, "raw_samples": 128}
    same = replace(paper, name=light.name, title=light.title)
    assert replace(light, searchers=(replace(searcher, params=options),)) == same
    (measured,) = (s for s in load_matrix("speed").searchers if s.label == "ax-ahead2-light")
    assert measured.params == searcher.params


@pytest.mark.parametrize("name", matrix_names())
def test_shipped_matrices_load(name: str) -> None:
    assert load_matrix(name).name == name


def test_runs_go_seed_by_seed_with_different_ids() -> None:
    runs = load_matrix("paper").with_dataset("mnist").runs([0, 5])
    assert [run.seed for run in runs] == [0] * 16 + [5] * 16
    assert len({run.run_id for run in runs}) == 32


def test_ids_are_the_same_in_every_process() -> None:
    code = (
        "from bench.matrix.files import load_matrix; "
        "print(load_matrix('paper').with_dataset('mnist').runs([0])[0].run_id)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    here = load_matrix("paper").with_dataset("mnist").runs([0])[0].run_id
    assert printed == {here + "\n"}


def test_everything_that_changes_a_result_changes_the_id(tmp_path: Path) -> None:
    base = load_matrix(write(tmp_path, GOOD))
    changed = [
        base.with_dataset("mnist"),
        base.with_budget(trials=3),
        base.with_budget(max_epochs=4),
        base.with_budget(slots=2),
        base.with_budget(workers_per_trial=2),
        load_matrix(write(tmp_path, GOOD.replace('"sobol"', '"random"'))),
        load_matrix(write(tmp_path, GOOD.replace("acc+params", "acc+loss"))),
        load_matrix(write(tmp_path, GOOD + "grace_period = 2")),
    ]
    digests = {run.run_id.rsplit(".", 1)[1] for m in [base, *changed] for run in m.runs([0, 1])}
    assert len(digests) == 2 * (1 + len(changed))


def test_one_worker_a_trial_is_the_run_of_old(tmp_path: Path) -> None:
    (old,) = load_matrix(write(tmp_path, GOOD)).runs([0])
    named = GOOD.replace("slots = 1", "slots = 1\nworkers_per_trial = 1")
    (new,) = load_matrix(write(tmp_path, named)).runs([0])
    assert new.run_id == old.run_id == OLD_ID
    two = load_matrix(write(tmp_path, named.replace("trial = 1", "trial = 2")))
    assert two.settings()["budget"]["workers_per_trial"] == 2
    assert two.runs([0])[0].spec()["budget"]["workers_per_trial"] == 2


def test_a_new_label_is_no_new_run(tmp_path: Path) -> None:
    (run,) = load_matrix(write(tmp_path, GOOD)).runs([0])
    renamed = Component("other", run.cell.scheduler.name, run.cell.scheduler.params)
    cell = type(run.cell)(
        run.cell.problem, run.cell.dataset, run.cell.searcher, renamed, run.cell.objectives
    )
    assert Run(cell, run.budget, 0).spec() == run.spec()


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1", [0]), ("3", [0, 1, 2]), ("0,3,7", [0, 3, 7]), ("3,", [3]), (" 2 , 1 ", [2, 1])],
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0", "-1", "a", "1,1", "1,-2", ",", "1.5", "0x2"])
def test_bad_seeds(text: str) -> None:
    with pytest.raises(UserError, match="bad seeds"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "t"', "", "key 'title' is missing"),
        ('title = "t"', "title = 3", "'title' must be text in"),
        ('title = "t"', 'title = "t', r"mine\.toml: .*line 2"),
        ('title = "t"', 'title = "t"\ncolour = "red"', "unknown key 'colour'"),
        ("trials = 2", "trials = 0", "trials must be a whole number of at least 1, got 0"),
        ("trials = 2", "trials = 2.5", "trials must be a whole number"),
        ("slots = 1", "slots = 1\nworkers_per_trial = 0", "workers_per_trial must be a whole"),
        ("trials = 2", "", "needs exactly trials, max_epochs and slots"),
        ('["acc+params"]', "[]", "objective_sets must list names"),
        ('["acc+params"]', "[3]", "objective_sets must list names"),
        ('name = "fifo"', 'label = "x"', r"every \[\[scheduler\]\] needs a name"),
        ('name = "fifo"', 'name = "fifo"\nlabel = "../x"', "must consist of letters"),
        ('name = "fifo"', 'name = "fifo"\n[[scheduler]]\nname = "fifo"', "different labels"),
    ],
)
def test_bad_files_are_named_with_the_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_matrix(write(tmp_path, GOOD.replace(old, new)))


def test_unknown_matrix_and_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="unknown matrix 'papre': choose from gate, lcbench, paper, paper-light"
    ):
        load_matrix("papre")
    with pytest.raises(UserError, match="cannot read matrix file"):
        load_matrix(str(tmp_path / "absent.toml"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot read matrix file"):
        load_matrix(str(binary))


def test_schedulers_of_another_matrix(tmp_path: Path) -> None:
    theirs = GOOD.partition("[[scheduler]]")[0].replace(
        "[budget]", 'schedulers_of = "paper"\n[budget]'
    )
    assert load_matrix(write(tmp_path, theirs)).schedulers == load_matrix("paper").schedulers
    with pytest.raises(UserError, match="schedulers_of must be one of"):
        load_matrix(write(tmp_path, theirs.replace('"paper"', '"papre"')))
    with pytest.raises(UserError, match="not both"):
        load_matrix(write(tmp_path, theirs + '[[scheduler]]\nname = "fifo"\n'))
