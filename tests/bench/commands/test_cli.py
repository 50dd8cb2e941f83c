"""The command line as a user meets it: one line for a mistake, help that helps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.commands import main
from bench.errors import UserError
from bench.matrix.files import load_matrix
from bench.records import folders, storage
from mobo_core.problems import images
from tests.bench.examples import record

COMMAND = str(Path(sys.executable).with_name("mobo-bench"))


@dataclass(frozen=True)
class Completed:
    """The output of a command and its exit status."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Completed]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command in this process.

    A new process would import PyTorch and Ax again, which takes far longer.
    """

    def call(*arguments: str) -> Completed:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["mobo-bench", *arguments])
        status = 0
        try:
            main.main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capfd.readouterr()
        return Completed(status, said.out, said.err)

    return call


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("run",),
        ("report",),
        ("list",),
        ("regress",),
        ("compare",),
        ("export",),
        ("doctor",),
    ],
)
def test_help_has_examples(command: tuple[str, ...], tmp_path: Path) -> None:
    # The installed command, in a process of its own; help loads nothing heavy, so it is quick.
    completed = subprocess.run(
        [COMMAND, *command, "--help"], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
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
        ("run broken.toml", "Invalid value (at line 2, column 11); mend that place"),
        ("run unknown.toml", "unknown scheduler 'fofi': choose from asha, ax-and"),
        ("run params.toml", "scheduler 'paper-dominance' has no parameter 'eta'"),
        ("run values.toml", "grace_period must be at least 1, got 0"),
        ("run sets.toml", "unknown objective 'speed': choose from acc"),
        ("run data.toml", "unknown data set 'cifar' for problem 'mlp': choose from mnist, digits"),
        ("run twice.toml", "repeats an objective or a set"),
        ("run quick --seeds x", "bad seeds 'x'"),
        ("run quick --trials 0", "trials must be a whole number of at least 1, got 0"),
        ("run quick --dataset cifar", "unknown data set 'cifar' for problem 'mlp'"),
        ("run quick --backend virtual", "'mlp' has recorded curves for virtual time on mnist, not"),
        (
            "run quick --backend virtual --dataset cifar",
            "unknown data set 'cifar' for problem 'mlp'",
        ),
        ("run own_tune.py", "own_tune.py is a Python program, not a matrix: start it with 'python"),
        ("run unknown.toml --address auto --backend virtual", "unknown scheduler 'fofi'"),
        ("run strange.toml --backend ray", "unknown scheduler 'fofi'"),
        ("run strange.toml --backend cloud", "see 'mobo-bench run --help'"),
        ("run synthetic --backend ray", "problem 'synthetic' has recorded or computed curves"),
        ("run synthetic --slots 5 --address auto", "--address, --cpus-per-trial and"),
        ("run lcbench --data-dir nowhere", "there is no surrogate"),
        ("run lcbench --dataset 1", "unknown data set '1' for problem 'lcbench'"),
        ("run quick --backend cloud", "'cloud' is not one of 'ray', 'virtual'"),
        ("regress --reference absent.json", "absent.json is not a reference of the gate"),
        ("regress --update", "--update requires a --reason"),
        ("scale --trials x", "bad --trials 'x'"),
        ("scale --trials 100 --max-growth 13", "--max-growth compares numbers of trials"),
        ("scale --scheduler fofi", "unknown scheduler 'fofi'"),
        ("run quick --only nothing", "no cell matches 'nothing'"),
        ("run quick --gpus-per-trial 64", "needs more GPUs for 2 trials at a time"),
        ("run quick --gpus-per-trial 1.5", "must be a fraction up to 1 or a whole number"),
        ("run quick --address local", "--address local joins no cluster"),
        ("run quick --cpus-per-trial 0", "must be greater than 0"),
        ("run quick --workers-per-trial 0", "workers_per_trial must be a whole number of at least"),
        ("run quick --workers-per-trial 4096", "4096 workers per trial × 1 cores need more"),
        ("run synthetic --workers-per-trial 2", "workers_per_trial is for Ray, got 2 in virtual"),
        ("run quick --gpus-per-trial 64 --workers-per-trial 1 --slots 1", "needs more GPUs for 1"),
        ("report nowhere", "nowhere is not a results folder"),
        ("list nowhere", "nowhere is not a results folder"),
        ("compare nowhere", "Missing argument 'B'; see 'mobo-bench compare --help'"),
        ("compare nowhere nobody", "nowhere is not a results folder"),
        ("compare empty empty", "empty has no finished run to compare"),
        ("compare empty other", "empty and other have different data sets (digits and mnist)"),
        ("export empty", "Missing option '--out'"),
        ("export nowhere --out made", "nowhere is not a results folder"),
        ("export empty --out made", "empty has no finished run to export"),
        ("export empty --format xlsx --out made", "'xlsx' is not one of 'csv', 'parquet'"),
        ("export full --out full/matrix.json", "cannot write to full/matrix.json"),
        ("fly", "No such command 'fly'"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(
    arguments: str, message: str, tmp_path: Path, run: Run
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
        ("data", '"digits"', '"cifar"'),
        ("twice", "acc+params", "acc+acc"),
        ("strange", '"mlp"', '"synthetic"'),
    ):
        text = good.replace(old, new).replace("problem mlp", "problem = mlp")
        if name == "strange":
            text = text.replace('"paper-dominance"', '"fofi"')
        (tmp_path / f"{name}.toml").write_text(text)
    digits, mnist = (load_matrix("quick").with_dataset(name) for name in ("digits", "mnist"))
    for name, chosen in (("empty", digits), ("full", digits), ("other", mnist)):
        folders.open_folder(tmp_path / name, chosen)
    storage.write(record(), tmp_path / "full")
    completed = run(*arguments.split())
    assert completed.returncode == 2, completed.stderr
    (line,) = completed.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert "Traceback" not in completed.stdout


def test_debug_shows_the_traceback(run: Run) -> None:
    with pytest.raises(UserError, match="unknown matrix"):
        run("--debug", "run", "papre")


def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens


def test_insisting_on_mnist_without_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    no_mirror(monkeypatch)
    completed = run("run", "paper", "--dataset", "mnist", "--data-dir", "there")
    assert completed.returncode == 2
    assert "no mirror answered" in completed.stderr
    assert "there/MNIST/raw and run again, or choose --dataset digits" in completed.stderr


def test_without_mnist_digits_take_its_place_aloud(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_mirror(monkeypatch)
    # The cell does not exist, so that nothing is run after the data have been chosen.
    completed = run("run", "paper", "--data-dir", "there", "--only", "nothing")
    assert "running on scikit-learn's embedded digits instead" in completed.stdout
    assert "cannot be compared with the paper's" in " ".join(completed.stdout.split())


def test_damaged_mnist_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "MNIST").mkdir()
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"not mnist")
    completed = run("run", "paper", "--dataset", "mnist", "--data-dir", ".")
    assert completed.returncode == 2
    assert f"delete {tmp_path / 'MNIST'} and run again" in completed.stderr


def test_compare_and_export(run: Run, tmp_path: Path) -> None:
    for name, wall_s in (("a", 10.0), ("b", 20.0)):
        folders.open_folder(tmp_path / name, load_matrix("paper").with_dataset("mnist"))
        for seed in range(6):
            storage.write(record(seed=seed, wall_s=wall_s), tmp_path / name)
    shown = run("compare", "a", "b")
    assert shown.returncode == 0
    assert "slower" in shown.stdout
    lines = run("compare", "a", "b", "--markdown").stdout.splitlines()
    assert lines[0] == "### b (B) against a (A)"
    row = "| fifo / acc+params / ax | 6 | × 1.000 | +0.0 points | × 2.000 | × 1.000 | slower |"
    assert row in lines
    for kind, made in (("csv", "runs.csv"), ("parquet", "epochs.parquet")):
        exported = run("export", "a", "--format", kind, "--out", "new/tables")
        assert "wrote 6 runs to new/tables: 3 files" in exported.stdout
        assert (tmp_path / "new" / "tables" / made).is_file()


def test_list_and_doctor(run: Run) -> None:
    listed = run("list").stdout
    for name in ("paper", "quick", "ax", "sobol", "paper-rungwise", "digits"):
        assert name in listed
    doctor = run("doctor", "--data-dir", "nowhere")
    assert doctor.returncode == 0
    for name in ("ray 2", "cores", "GPUs:", "MNIST in nowhere: not found"):
        assert name in doctor.stdout
