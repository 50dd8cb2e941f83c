"""The command beside a run makes that run, and no other."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.main import cli
from bench.execution.preparation import in_virtual_time, select
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Matrix, Run
from bench.records import folders, reproduce, storage
from bench.records.record import RunRecord
from tests.bench.examples import record


def made(run: Run, command: str = "mobo-bench run paper --data-dir /data --seeds 3") -> RunRecord:
    labels = {"searcher": run.cell.searcher.label, "scheduler": run.cell.scheduler.label}
    return replace(
        record(seed=run.seed), run_id=run.run_id, spec=run.spec(), labels=labels, command=command
    )


def chosen(matrix: Matrix, label: str, seed: int) -> Run:
    return next(run for run in matrix.runs([seed]) if run.cell.label == label)


def test_a_run_of_the_paper() -> None:
    matrix = load_matrix("paper").with_dataset("mnist")
    run = chosen(matrix, "paper-rungwise-g1 / acc+loss", 3)
    assert reproduce.Commands(matrix.settings()).of(made(run)) == (
        "mobo-bench run paper --dataset mnist --data-dir /data --seeds 3, --only "
        f"'paper-rungwise-g1 / acc+loss / ax' --results results/again/{run.run_id}"
    )


def test_other_budgets_backends_and_resources_are_named() -> None:
    matrix = in_virtual_time(load_matrix("schedulers").with_dataset("mnist"))
    matrix = matrix.with_budget(trials=7, slots=5)
    one = made(chosen(matrix, "median / acc+loss", 0), command="mobo-bench run schedulers")
    assert one.result is not None
    resources = {"cpus_per_trial": 2.0, "gpus_per_trial": 0.5}
    one = replace(one, result=replace(one.result, resources=resources))
    command = reproduce.Commands(matrix.settings()).of(one)
    assert command is not None
    assert (
        "--trials 7 --slots 5 --backend virtual --cpus-per-trial 2 --gpus-per-trial 0.5" in command
    )
    assert "--data-dir" not in command


def test_what_no_matrix_has_is_not_promised() -> None:
    matrix = load_matrix("paper").with_dataset("mnist")
    run = made(chosen(matrix, "fifo / acc+loss", 0))
    renamed = dict(matrix.settings()) | {"name": "mine"}
    assert reproduce.Commands(renamed).of(run) is None
    changed = replace(run, run_id="fifo.acc+loss.ax.seed0.00000000")
    assert reproduce.Commands(matrix.settings()).of(changed) is None
    torn = replace(run, command="mobo-bench run 'mine.toml")
    assert reproduce.Commands(renamed).of(torn) is None


def test_a_searcher_can_be_chosen() -> None:
    matrix = load_matrix("speed")
    labels = [searcher.label for searcher in matrix.searchers]
    assert len(labels) > 1
    cell = next(matrix.cells())
    (run,) = select(matrix.runs([4]), [f"{cell.label} / {labels[1]}"])
    assert run.cell.searcher.label == labels[1]
    assert len(select(matrix.runs([4]), [cell.label])) == len(labels)


def test_it_makes_the_same_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A matrix of one's own, in virtual time: made again it is the same bit for bit.
    text = (
        'title = "mine"\nproblem = "synthetic"\ndataset = "zdt1"\nobjective_sets = ["f1+f2"]\n'
        "[budget]\ntrials = 5\nmax_epochs = 9\nslots = 2\n[virtual]\n"
        '[[searcher]]\nname = "sobol"\n[[searcher]]\nname = "random"\n'
        '[[scheduler]]\nname = "fifo"\n[[scheduler]]\nname = "hv-promotion"\n'
    )
    Path("mine.toml").write_text(text)
    arguments = ["run", "mine.toml", "--seeds", "2", "--processes", "1", "--trials", "6"]
    monkeypatch.setattr("sys.argv", ["mobo-bench", *arguments])
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    folder = Path("results", "mine-zdt1")
    first = next(
        r for r in storage.read_all(folder) if "hv-promotion.f1+f2.random.seed1" in r.run_id
    )
    command = reproduce.Commands(folders.read_settings(folder)).of(first)
    assert command is not None
    done = CliRunner().invoke(cli, [*shlex.split(command)[1:], "--processes", "1"])
    assert done.exit_code == 0, done.output
    (again,) = storage.read_all(Path("results", "again", first.run_id))
    assert again.run_id == first.run_id
    assert again.result is not None
    assert first.result is not None
    assert storage.fingerprint(again.result) == storage.fingerprint(first.result)
