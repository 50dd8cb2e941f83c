"""The gate passes on what it measured, and fails on a planted fault, a slowdown and chance."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.commands.main import cli
from bench.errors import UserError
from bench.execution.virtual import VirtualBackend
from bench.matrix.costs import Costs
from bench.matrix.matrix import Budget, Component, Matrix, Run
from bench.records.record import RunResult
from bench.studies import gate
from mobo_core.pareto import ranking
from mobo_core.pareto.ranking import Order, ranks_of
from mobo_core.virtual import VirtualTrial, simulator

SEEDS = [0, 1, 2, 3]
SMALL = Matrix(
    name="small",
    title="Small",
    problem="synthetic",
    dataset="zdt1",
    searchers=(Component("random", "random", {}),),
    schedulers=tuple(
        Component(name, name, {}) for name in ("fifo", "moasha-stopping", "moasha-promotion")
    ),
    objective_sets=(("f1", "f2"),),
    budget=Budget(trials=30, max_epochs=9, slots=3),
    costs=Costs(),
)


def measure() -> gate.Measurement:
    return gate.measure(SMALL, SEEDS, processes=1, data_dir="")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "regress.json"
    gate.write_reference(SMALL, measure(), SEEDS, "the first", path)
    return path


def test_it_passes_on_itself(reference: Path) -> None:
    measured = measure()
    assert measured.unequal == ()
    document = gate.read_reference(reference)
    assert document["cells"] == measured.cells
    assert document["reason"] == "the first"
    changes = gate.compare(SMALL, measured, document)
    assert len(changes) == 2 * 2  # schedulers but FIFO, figures
    assert [change.loss for change in changes] == [0] * 4
    assert not any(change.fails for change in changes)
    assert list(gate.summary(measured)["scheduler"]) == ["moasha-stopping", "moasha-promotion"]


def test_it_fails_on_an_argsort_read_as_ranks(
    reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = ranking.RANKINGS["pareto_epsnet"]

    def wrong(points: object, reference_point: object = None) -> Order:
        return ranks_of(right(points, reference_point))  # type: ignore[arg-type]

    monkeypatch.setitem(ranking.RANKINGS, "pareto_epsnet", wrong)  # type: ignore[arg-type]
    changes = gate.compare(SMALL, measure(), gate.read_reference(reference))
    failed = [str(change) for change in changes if change.fails]
    assert failed
    pattern = (
        r"moasha-\w+ / f1\+f2: hypervolume gap grew by [\d.]+ % "
        r"\(95 % interval -?[\d.]+ to [\d.]+ %\), from [\d.e-]+ to [\d.]+; at most 0.5 % is allowed"
    )
    assert any(re.fullmatch(pattern, line) for line in failed), failed


def test_it_fails_when_a_scheduler_takes_longer(
    reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = simulator.Simulator._start

    def slower(self: simulator.Simulator, trial: VirtualTrial) -> None:
        self.now += 2.0 if trial.checkpoint else 0.0
        original(self, trial)

    monkeypatch.setattr(simulator.Simulator, "_start", slower)
    changes = gate.compare(SMALL, measure(), gate.read_reference(reference))
    (change,) = (change for change in changes if change.fails)
    assert (change.cell, change.figure) == ("moasha-promotion / f1+f2", "speedup")
    assert 0 < change.low <= change.loss <= change.high < 1
    assert "speed-up fell by" in str(change)


def test_one_lucky_seed_does_not_hide_three_that_lost(reference: Path) -> None:
    measured, document = measure(), gate.read_reference(reference)
    cell = "moasha-stopping / f1+f2"
    measured.cells[cell]["speedup"] = [
        value * factor
        for value, factor in zip(
            document["cells"][cell]["speedup"], (1.4, 0.8, 0.8, 0.8), strict=True
        )
    ]
    (change,) = (c for c in gate.compare(SMALL, measured, document) if c.fails)
    assert change.loss == pytest.approx(1 - (1.4 * 0.8**3) ** 0.25)
    measured.cells[cell]["speedup"] = [float("nan")] * 4
    assert any(c.fails for c in gate.compare(SMALL, measured, document))


def test_fifo_must_not_change(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VirtualBackend, "execute", wrong_clock(VirtualBackend.execute))
    with pytest.raises(UserError, match=r"fifo / f1\+f2: runtime_s was .* and is"):
        gate.compare(SMALL, measure(), gate.read_reference(reference))


def wrong_clock(execute: Callable[..., RunResult]) -> Callable[..., RunResult]:
    def changed(self: VirtualBackend, run: Run, on_trial_end: Callable[[], None]) -> RunResult:
        result = execute(self, run, on_trial_end)
        return replace(result, timing=replace(result.timing, wall_s=result.timing.wall_s * 1.01))

    return changed


@pytest.mark.slow
def test_other_processes_give_the_same(reference: Path) -> None:
    measured = gate.measure(SMALL, SEEDS[:1], processes=2, data_dir="")
    assert measured.unequal == ()
    for cell, figures in gate.read_reference(reference)["cells"].items():
        assert measured.cells[cell] == {name: values[:1] for name, values in figures.items()}


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "fixed_matrix", lambda: SMALL)
    path = str(tmp_path / "reference.json")

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(
            cli, ["regress", "--reference", path, "--processes", "1", *arguments]
        )

    written = command("--update", "--reason", "the first", "--seeds", "2")
    assert written.exit_code == 0, written.output
    assert gate.read_reference(Path(path))["reason"] == "the first"
    assert command().exit_code == 0
    document = json.loads(Path(path).read_text())
    document["cells"]["moasha-stopping / f1+f2"]["speedup"] = [100.0, 100.0]
    Path(path).write_text(json.dumps(document))
    assert command().exit_code == 1
    assert isinstance(command("--seeds", "3").exception, UserError)


def test_runs_that_do_not_repeat_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = simulator.Simulator._after, itertools.count()

    def jittered(self: object, seconds: float, *rest: object) -> None:
        original(self, seconds + 1e-9 * next(calls), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(simulator.Simulator, "_after", jittered)
    assert len(measure().unequal) == len(SMALL.runs(SEEDS))


def test_a_matrix_without_a_hypervolume_is_refused() -> None:
    # Of seed 0's three configurations none is better than the reference point.
    hopeless = replace(SMALL, dataset="dtlz2").with_budget(trials=3)
    with pytest.raises(UserError, match=r"f1\+f2: FIFO found no hypervolume"):
        gate.measure(hopeless, [0], processes=1, data_dir="")


def test_references_that_do_not_fit(reference: Path, tmp_path: Path) -> None:
    document, measured = gate.read_reference(reference), measure()
    with pytest.raises(UserError, match="other settings than the matrix has now"):
        gate.compare(SMALL.with_budget(slots=4), measured, document)
    document["cells"]["moasha-stopping / f1+f2"]["gap"].pop()
    (tmp_path / "short.json").write_text(json.dumps(document))
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "list.json").write_text("[]")
    for name in ("short.json", "empty.json", "list.json", "absent.json"):
        with pytest.raises(UserError, match="not a reference of the gate"):
            gate.read_reference(tmp_path / name)
