"""Rivals in the catalogue: their names and parameters, and what happens where one is missing."""

from __future__ import annotations

import inspect
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.commands.main import cli
from bench.commands.run import print_unfinished
from bench.errors import UserError
from bench.execution import runs
from bench.execution.request import BackendChoice, Output, Request, RunChoice
from bench.matrix import catalogue, rivals
from bench.matrix.matrix import Component
from bench.rivals.installed import System
from mobo_core import ObjectiveSet
from mobo_core.problems.synthetic import SyntheticProblem

ABSENT = System("Absent", "absent_package")
MATRIX = """title = "With a rival"
problem = "synthetic"
dataset = "zdt1"
objective_sets = ["f1+f2"]
budget = { trials = 3, max_epochs = 2, slots = 2 }
searcher = [{ name = "sobol" }]
scheduler = [{ name = "fifo" }, { name = "absent-rival", reduction_factor = 2 }]
[virtual]
"""


def context() -> catalogue.Context:
    problem = SyntheticProblem("zdt1")
    objectives = ObjectiveSet(problem.objectives.values())
    return catalogue.Context(problem.space, objectives, 8, slots=2, seed=0)


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a rival into the catalogue whose system is not installed."""
    make = rivals.SCHEDULERS["syne-tune-moasha"].make
    entry = rivals.Rival(make, ABSENT)
    monkeypatch.setitem(rivals.SCHEDULERS, "absent-rival", entry)  # type: ignore[arg-type]


def request(folder: Path, text: str = MATRIX) -> Request:
    (folder / "mine.toml").write_text(text)
    what = RunChoice(str(folder / "mine.toml"), seeds="2")
    where = BackendChoice(processes=1)
    return Request(what, where, output=Output(results_dir=folder / "results"))


def test_names_are_not_those_of_our_own_parts() -> None:
    assert not set(rivals.SCHEDULERS) & set(catalogue.SCHEDULERS)
    assert not set(rivals.SEARCHERS) & set(catalogue.SEARCHERS)


@pytest.mark.parametrize("name", sorted({**rivals.SCHEDULERS, **rivals.SEARCHERS}))
def test_factories_say_what_they_are(name: str) -> None:
    rival = {**rivals.SCHEDULERS, **rivals.SEARCHERS}[name]
    assert (inspect.getdoc(rival.make) or "").endswith((".", "named."))
    for parameter in list(inspect.signature(rival.make).parameters.values())[1:]:
        assert parameter.default is not inspect.Parameter.empty


def test_a_missing_rival_is_skipped_and_the_others_run(
    absent: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = runs.make(request(tmp_path), Console(file=io.StringIO()))
    assert made.requested == len(made.outcome.finished) == 2
    assert made.something_finished
    assert not made.outcome.failed
    assert {name.split(".")[0] for name in made.outcome.finished} == {"fifo"}
    assert {name.split(".")[0] for name in made.skipped} == {"absent-rival"}
    print_unfinished(made)
    reason = "skipped: 2 runs of absent-rival: Absent is not installed: run 'make rivals' once\n"
    assert capsys.readouterr().out == reason


def test_the_list_of_parts_has_rivals_and_what_is_missing(absent: None) -> None:
    listed = CliRunner().invoke(cli, ["list"])
    assert listed.exit_code == 0
    text = " ".join(listed.output.split())
    assert "ax-and AndEarlyStoppingStrategy of Ax" in text
    assert "Absent is not installed: run 'make rivals' once" in text


def test_a_matrix_of_missing_rivals_alone_is_refused(absent: None, tmp_path: Path) -> None:
    text = MATRIX.replace('{ name = "fifo" }, ', "")
    with pytest.raises(UserError, match="none of the runs can be made: absent-rival: Absent is"):
        runs.make(request(tmp_path, text), Console(file=io.StringIO()))
    assert not (tmp_path / "results").exists()


def test_a_missing_rival_cannot_be_made(absent: None) -> None:
    with pytest.raises(UserError, match="scheduler 'x': Absent is not installed: run 'make rivals"):
        catalogue.make_scheduler(Component("x", "absent-rival", {}), context())
    with pytest.raises(UserError, match=r"unknown scheduler 'none': .*syne-tune-moasha"):
        catalogue.find_scheduler("none")


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("ax-percentile", {"metric": "f3"}, "metric must be one of f1, f2, got 'f3'"),
        ("ax-percentile", {"percentile": -1}, "percentile must lie from 0 to 100, got -1"),
        ("ax-and", {"percentiles": {"f9": 3}}, "metric must be one of f1, f2, got 'f9'"),
        ("ax-or", {"min_progression": -1}, "min_progression"),
    ],
)
def test_bad_parameters_are_named(name: str, params: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        catalogue.make_scheduler(Component("x", name, params), context())
