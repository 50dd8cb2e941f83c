"""Every file of docs/examples does what its page says, on real Ray and in virtual time."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import ray

from bench.analysis.aggregate import summarise
from bench.records import storage
from mobo_core import pareto_front

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
MATRIX = str(EXAMPLES / "my-matrix.toml")
PROJECT = tomllib.loads((EXAMPLES / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Return the example module of the parameter's name."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return __import__(request.param)


def mobo_bench(folder: Path, *arguments: str) -> str:
    """Run the command in a folder where the examples' package is installed; return its output."""
    metadata = folder / "packages" / f"{PROJECT['name']}-{PROJECT['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n"
    )
    lines = []
    for group, entries in PROJECT["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mobo-bench")), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": "200",
            "PYTHONPATH": f"{metadata.parent}{os.pathsep}{EXAMPLES}",
        },
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_list_says_where_parts_come_from(tmp_path: Path) -> None:
    printed = mobo_bench(tmp_path, "list")
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    shown = re.findall(r"^ [a-z-]+ .*$", page, re.MULTILINE)
    assert len(shown) >= 3
    printed_lines = [line.rstrip() for line in printed.splitlines()]
    assert all(line in printed_lines for line in shown)
    for entries in PROJECT["entry-points"].values():
        for name, value in entries.items():
            line = rf"^ {name} +from my-parts 0\.1 \({value}\)"
            assert re.search(line, printed, re.MULTILINE), name


@pytest.mark.slow
def test_the_parts_run_together_in_virtual_time(tmp_path: Path) -> None:
    mobo_bench(tmp_path, "run", MATRIX, "--backend", "virtual", "--processes", "1")
    folder = tmp_path / "results" / "my-matrix-breast-cancer-virtual"
    runs = summarise(storage.read_all(folder)).set_index("scheduler")
    assert set(runs.index) == {"fifo", "plateau", "moasha-knee"}
    assert (runs["trials"] == 16).all()
    assert (runs["failed"] == 0).all()
    assert (runs["hypervolume"] > 0).all()
    assert runs.loc["fifo", "epochs"] == 16 * 8
    assert runs.loc["plateau", "stopped"] > 0
    assert runs.loc["moasha-knee", "epochs"] < 16 * 8 / 2
    report = tmp_path / "reports" / "my-matrix-breast-cancer-virtual" / "report.md"
    assert "Logistic regression on breast-cancer" in report.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.ray
def test_they_run_on_ray(tmp_path: Path) -> None:
    mobo_bench(tmp_path, "run", MATRIX, "--trials", "4", "--only", "plateau*")
    (record,) = storage.read_all(tmp_path / "results" / "my-matrix-breast-cancer")
    assert record.result is not None
    assert [trial.status for trial in record.result.trials].count("failed") == 0
    # Trained again, the final front came out bit for bit, and was measured on test data.
    assert record.result.front
    assert all(member.repeated for member in record.result.front)
    assert all("test_loss" in member.metrics for member in record.result.front)


@pytest.mark.parametrize("example", ["new_problem"], indirect=True)
def test_a_training_repeats_and_goes_on_where_it_was(example: ModuleType) -> None:
    problem = pickle.loads(pickle.dumps(example.LogisticProblem()))
    config = problem.space.from_unit(np.full(3, 0.5))

    def losses(breaks: bool) -> list[float]:
        training, seen = problem.start(config, seed=3), []
        for _ in range(problem.max_epochs):
            seen.append(training.run_epoch()["val_loss"])
            if breaks:
                state = training.state()
                training = problem.start(config, seed=3)
                training.load_state(state)
        return seen

    once = losses(breaks=False)
    assert once == losses(breaks=False)
    assert once == losses(breaks=True)
    assert once[-1] < once[0]


@pytest.mark.parametrize("example", ["new_scheduler"], indirect=True)
def test_the_rule_waits_for_its_patience(example: ModuleType) -> None:
    rule = example.PlateauRule(max_t=8, patience=2)
    points = [(3, 3), (2, 3), (2, 3), (3, 2), (3, 3), (2, 2), (1, 9)]
    decisions = []
    for t, point in enumerate(points, start=1):
        decisions.append(rule.report("a", t, np.array(point, float)).value)
    assert decisions == ["continue"] * 5 + ["stop", "continue"]
    assert rule.report("b", 8, np.zeros(2)).value == "complete"
    assert rule.report("b", 1, np.array([np.nan, 0])).value == "stop"


@pytest.mark.parametrize("example", ["new_ranking"], indirect=True)
def test_the_ranking_takes_the_knee_first(example: ModuleType) -> None:
    points = np.array([[0.0, 10.0], [10.0, 0.0], [2.0, 3.0], [3.0, 4.0]])
    # The last point is dominated by the third and comes after the whole front.
    assert example.pareto_knee(points).tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize("example", ["new_searcher"], indirect=True)
def test_the_searcher_moves_to_the_front(example: ModuleType) -> None:
    from mobo_core import ObjectiveSet
    from mobo_core.problems.synthetic import SyntheticProblem
    from mobo_core.virtual import simulate

    problem = SyntheticProblem("zdt1")
    objectives = ObjectiveSet(problem.objectives.values())

    def last_points(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        searcher = example.MutationSearcher(objectives, problem.space, seed, initial=10, step=0.1)
        run = simulate(problem, searcher=searcher, num_samples=80)
        return objectives.to_points([trial.last_result for trial in run.trials])

    points = last_points(seed=0)
    assert (points == last_points(seed=0)).all()
    # ZDT1's second objective falls as the search finds its front.
    assert points[-20:, 1].mean() < 0.5 * points[:10, 1].mean()


@pytest.mark.ray
@pytest.mark.parametrize("example", ["own_tune"], indirect=True)
def test_the_tune_program_runs(
    example: ModuleType, ray_session: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Ray's processes were started before this test and do not know the folder.
    ray.cloudpickle.register_pickle_by_value(example)
    results = example.search(trials=5, storage=str(tmp_path), slots=2)
    assert results.num_errors == 0
    epochs = [result.metrics["epoch"] for result in results if result.metrics]
    assert len(epochs) == 5
    assert max(epochs) == example.MAX_EPOCHS
    assert sum(epochs) < 5 * example.MAX_EPOCHS  # something was saved
    example.show_front(results)
    printed = capsys.readouterr().out
    assert re.search(r"hypervolume \d+\.\d after \d+ epochs of 40", printed)


def test_the_first_search_is_short() -> None:
    source = (EXAMPLES / "first_search.py").read_text("utf-8")
    code = [line for line in source.splitlines() if line and not line.lstrip().startswith('"""')]
    assert len(code) <= 25  # as docs/front.md says


@pytest.mark.ray
@pytest.mark.parametrize("example", ["first_search"], indirect=True)
def test_the_first_search_runs_and_is_resumed(
    example: ModuleType, ray_session: object, tmp_path: Path
) -> None:
    ray.cloudpickle.register_pickle_by_value(example)
    front = example.search(str(tmp_path), trials=8)
    assert 2 <= len(front) <= front.trials == 8  # nobody needs a search for a front of one trial
    assert front.hypervolume > 0
    assert "plotly" in (tmp_path / "front.html").read_text("utf-8")
    # Nothing is left to do in a search that has finished: the same front comes back.
    again = example.search(str(tmp_path), trials=8, resume=True)
    assert again.points.tolist() == front.points.tolist()
    assert len(pareto_front(str(tmp_path / "first"), front.objectives)) == len(front)
