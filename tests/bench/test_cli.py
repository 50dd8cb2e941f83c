"""The command line as a user meets it: one line for a mistake, help that helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [str(Path(sys.executable).with_name("mobo-bench"))]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120
    )


@pytest.mark.parametrize("command", [(), ("run",), ("report",), ("list",), ("doctor",)])
def test_help_has_examples(command: tuple[str, ...], tmp_path: Path) -> None:
    completed = run(*command, "--help", cwd=tmp_path)
    assert completed.returncode == 0
    assert "Usage: mobo-bench" in completed.stdout
    if command != ("doctor",):
        assert "Examples:" in completed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run", "Missing argument 'MATRIX'"),
        ("run papre", "unknown matrix 'papre': choose from"),
        ("run absent.toml", "cannot read matrix file absent.toml"),
        ("run broken.toml", "matrix file broken.toml: Invalid value (at line 2, column 8)"),
        ("run unknown.toml", "unknown scheduler 'fofi': choose from fifo"),
        ("run params.toml", "scheduler 'paper-dominance' has no parameter 'eta'"),
        ("run values.toml", "grace_period must be at least 1, got 0"),
        ("run sets.toml", "unknown objective 'speed': choose from acc"),
        ("run quick --seeds x", "bad seeds 'x'"),
        ("run quick --trials 0", "trials must be a whole number of at least 1, got 0"),
        ("run quick --dataset cifar", "'cifar' is not one of"),
        ("run quick --only nothing", "no cell is like 'nothing'"),
        ("run quick --gpus-per-trial 64", "needs a GPU"),
        ("run quick --gpus-per-trial 1.5", "must be a fraction up to 1 or a whole number"),
        ("run quick --cpus-per-trial 0", "must be greater than 0"),
        ("report nowhere", "nowhere is no results folder"),
        ("list nowhere", "nowhere is no results folder"),
        ("fly", "No such command 'fly'"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(
    arguments: str, message: str, tmp_path: Path
) -> None:
    good = """title = "t"
problem = "mlp"
dataset = "digits"
objective_sets = ["acc+params"]
budget = { trials = 2, max_epochs = 2, slots = 1 }
searcher = [{ name = "sobol" }]
scheduler = [{ name = "paper-dominance" }]
"""
    for name, old, new in (
        ("broken", 'problem = "mlp"', "problem mlp"),
        ("unknown", '"paper-dominance"', '"fofi"'),
        ("params", '"paper-dominance"', '"paper-dominance", eta = 3'),
        ("values", '"paper-dominance"', '"paper-dominance", grace_period = 0'),
        ("sets", "acc+params", "acc+speed"),
    ):
        text = good.replace(old, new).replace("problem mlp", "problem = mlp")
        (tmp_path / f"{name}.toml").write_text(text)
    completed = run(*arguments.split(), cwd=tmp_path)
    assert completed.returncode == 2, completed.stderr
    (line,) = completed.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert "Traceback" not in completed.stdout


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    completed = run("--debug", "run", "papre", cwd=tmp_path)
    assert completed.returncode != 0
    assert "Traceback" in completed.stderr


def test_insisting_on_mnist_without_it(tmp_path: Path) -> None:
    (tmp_path / "MNIST").mkdir()
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"not mnist")
    completed = run("run", "paper", "--dataset", "mnist", "--data-dir", ".", cwd=tmp_path)
    assert completed.returncode == 2
    assert "delete MNIST and run again" in completed.stderr


def test_list_and_doctor(tmp_path: Path) -> None:
    listed = run("list", cwd=tmp_path).stdout
    for name in ("paper", "quick", "ax", "sobol", "paper-rungwise", "digits"):
        assert name in listed
    doctor = run("doctor", "--data-dir", "nowhere", cwd=tmp_path)
    assert doctor.returncode == 0
    for name in ("ray 2", "cores", "GPUs:", "MNIST in nowhere: not found"):
        assert name in doctor.stdout
