"""Parts of other packages, by entry points: found, listed, run, and refused with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.matrix import catalogue, extensions, problems
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Component

COMMAND = Path(sys.executable).with_name("mobo-bench")

PARTS = """
from bench.matrix.problems import ProblemEntry
from mobo_core.problems.synthetic import SyntheticProblem
from mobo_core.rules import Decision, StoppingRule
from mobo_core.tune import RandomSearcher, RuleScheduler


class Cutoff(StoppingRule):
    def __init__(self, epochs):
        self._epochs = epochs

    def report(self, trial_id, t, point):
        return Decision.STOP if t >= self._epochs else Decision.CONTINUE


def cutoff(context, *, epochs=2):
    return RuleScheduler(Cutoff(epochs), objectives=context.objectives, time_attr="epoch")


def uniform(context):
    return RandomSearcher(context.space, seed=context.seed)


def make(dataset, data_dir, max_epochs):
    return SyntheticProblem("branin-currin", max_epochs)


PROBLEM = ProblemEntry(make, ("only",), "A problem of a stranger on {}")
"""

MATRIX = """
title = "Parts of a stranger"
problem = "strange"
dataset = "only"
objective_sets = ["f1+f2"]

[budget]
trials = 4
max_epochs = 4
slots = 2

[virtual]

[[searcher]]
name = "uniform"

[[scheduler]]
name = "fifo"

[[scheduler]]
name = "cutoff"
epochs = 3
"""


def install(folder: Path, package: str, *entries: str, code: str = PARTS) -> None:
    """Lay a package down as pip would: its module, and its metadata beside it."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    metadata = folder / f"{module}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text("\n".join(entries))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_a_strangers_parts_are_listed_and_run(path: Path, tmp_path: Path) -> None:
    install(
        path,
        "strange-parts",
        "[mobo_bench.schedulers]",
        "cutoff = strange_parts:cutoff",
        "[mobo_bench.searchers]",
        "uniform = strange_parts:uniform",
        "[mobo_bench.problems]",
        "strange = strange_parts:PROBLEM",
    )
    (tmp_path / "mine.toml").write_text(MATRIX)
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "120"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    listed = " ".join(run("list").stdout.split())
    assert "cutoff from strange-parts 1.2 (strange_parts:cutoff)" in listed
    assert "uniform from strange-parts 1.2 (strange_parts:uniform)" in listed
    assert "strange from strange-parts 1.2 (strange_parts:PROBLEM); data sets: only" in listed
    made = run("run", "mine.toml", "--seeds", "1")
    assert made.returncode == 0, made.stderr
    table = (tmp_path / "reports" / "mine-only" / "report.md").read_text()
    assert "A problem of a stranger on only" in table
    assert (tmp_path / "results" / "mine-only").is_dir()


def test_a_part_is_loaded_when_it_is_asked_for_and_hidden_by_one_of_the_suite(path: Path) -> None:
    install(
        path,
        "two-parts",
        "[mobo_bench.schedulers]",
        "fifo = two_parts:absent",
        "broken = two_parts:absent",
        code="",
    )
    names = [part.name for part in extensions.found("scheduler") if part.origin.startswith("two")]
    assert names == ["broken", "fifo"]
    assert catalogue.find_scheduler("fifo") is catalogue.SCHEDULERS["fifo"]
    with pytest.raises(UserError, match=r"scheduler 'broken' of two-parts 1\.2 .* AttributeError"):
        catalogue.find_scheduler("broken")


def test_a_name_that_two_packages_offer_is_refused_with_both(path: Path) -> None:
    for package in ("one-package", "other-package"):
        entry = f"same = {package.replace('-', '_')}:cutoff"
        install(path, package, "[mobo_bench.schedulers]", entry)
    with pytest.raises(UserError, match=r"2 packages: one-package 1\.2 .*; other-package 1\.2"):
        catalogue.find_scheduler("same")


def test_an_unknown_name_is_refused_with_the_strangers_names_too(path: Path) -> None:
    install(path, "strange-parts", "[mobo_bench.schedulers]", "cutoff = strange_parts:cutoff")
    with pytest.raises(UserError, match=r"unknown scheduler .cutof.: choose from asha, .* cutoff,"):
        catalogue.find_scheduler("cutof")
    with pytest.raises(UserError, match=r"unknown problem .x.: choose from lcbench, learner, "):
        problems.find("x")


def test_a_problem_that_is_no_entry_is_refused(path: Path) -> None:
    install(path, "strange-parts", "[mobo_bench.problems]", "odd = strange_parts:make")
    with pytest.raises(UserError, match=r"must be a bench\.matrix\.problems\.ProblemEntry"):
        problems.find("odd")


def test_parameters_of_a_strangers_part_are_checked_like_others(path: Path) -> None:
    install(path, "strange-parts", "[mobo_bench.schedulers]", "cutoff = strange_parts:cutoff")
    matrix = load_matrix("synthetic")
    problem = problems.make("synthetic", "branin-currin", "", 4)
    objectives = catalogue.make_objectives(problem, matrix.objective_sets[0])
    context = catalogue.Context(problem.space, objectives, 4, 1, 0)
    for params, message in (
        ({"epoch": 3}, "has no parameter 'epoch'; it has: epochs"),
        ({"epochs": "x"}, "epochs must be a number, got 'x'"),
    ):
        with pytest.raises(UserError, match=message):
            catalogue.make_scheduler(Component("cutoff", "cutoff", params), context)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("part = 3", r"must be a factory, a function factory\(context, \*\*parameters\), got 3"),
        ("part = min", "must be a factory"),
        ("def part(): pass", "must be a factory"),
        ("def part(context): return 'text'", "must return a TrialScheduler .*, it returned str"),
        ("def part(context, **others): return 3", "has no parameter 'others'; it has: none"),
    ],
)
def test_what_is_no_factory_is_refused(path: Path, code: str, message: str) -> None:
    install(path, "odd-parts", "[mobo_bench.schedulers]", "odd = odd_parts:part", code=code)
    sys.modules.pop("odd_parts", None)
    problem = problems.make("synthetic", "zdt1", "", 4)
    objectives = catalogue.make_objectives(problem, ("f1", "f2"))
    context = catalogue.Context(problem.space, objectives, 4, 1, 0)
    params = {"others": 1} if "others" in code else {}
    with pytest.raises(UserError, match=message):
        catalogue.make_scheduler(Component("odd", "odd", params), context)


def test_another_package_called_bench_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text("raise SystemExit('imported')")
    ended = subprocess.run(
        [sys.executable, "-m", "mobo_bench", "list"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: the package 'bench' that Python finds first is not mobo-bench's")
    assert str(tmp_path / "bench") in line


def test_the_example_of_the_module_is_what_the_code_reads() -> None:
    for group in extensions.GROUPS.values():
        assert group.startswith("mobo_bench.")
    text = textwrap.dedent(extensions.__doc__ or "")
    assert f'entry-points."{extensions.GROUPS["scheduler"]}"' in text
