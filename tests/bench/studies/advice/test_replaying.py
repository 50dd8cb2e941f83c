"""Replays agree with runs of the same trials, and with the program that the advice prints."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ray import tune

from bench.analysis.advice import advise
from bench.analysis.aggregate import summarise
from bench.curves import reading
from bench.curves.options import SourceOptions
from bench.errors import UserError
from bench.execution import queue
from bench.execution.virtual import VirtualBackend
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Component
from bench.studies.advice import goals, snippet
from bench.studies.advice.plan import Job, Plan, candidates
from bench.studies.advice.replaying import replay, replay_all
from bench.studies.advice.trials import Budget, Trials, prepare
from bench.studies.replays import replayed
from tests.bench.curves.examples import long_table
from tests.bench.curves.test_tune_experiments import write_experiment

TRIALS, SLOTS, SEED = 25, 5, 0
SCHEDULERS = load_matrix("schedulers").schedulers


def prepared(table: pd.DataFrame, folder: Path, *objectives: str) -> Trials:
    table.to_csv(folder / "curves.csv", index=False)
    found = reading.read([str(folder / "curves.csv")], SourceOptions())
    texts = objectives or ("accuracy:max:0.5", "params:min:20000:exact")
    return prepare(found, [goals.parse(text) for text in texts], Budget())


def free_of_charge(folder: Path) -> str:
    """Return the path of the matrix ``schedulers`` on MNIST's table, where only training costs."""
    text = resources.files("bench.matrices").joinpath("schedulers.toml").read_text("utf-8")
    for old, new in (
        ('problem = "mlp"', 'problem = "mlp-table"'),
        ('dataset = "auto"', 'dataset = "mnist"'),
        ('["acc+params", "acc+loss", "loss+params", "acc+loss+params"]', '["acc+params"]'),
        ("slots = 2", f"slots = {SLOTS}"),
    ):
        assert old in text
        text = text.replace(old, new)
    costs = "startup_s = 0\ncheckpoint_s = 0\nrestore_s = 0\nsuggestion_s = { sobol = 0 }\n"
    (folder / "free.toml").write_text(f"{text}\n[virtual]\n{costs}")
    return str(folder / "free.toml")


def test_the_embedded_table_gives_what_runs_in_virtual_time_give(tmp_path: Path) -> None:
    backend = VirtualBackend("", 1)
    todo = load_matrix(free_of_charge(tmp_path)).runs([SEED])
    records = [queue.attempt(run, backend, "").record for run in todo]
    runs = summarise(records).set_index("scheduler")
    fifo = next(r.result for r in records if r.labels["scheduler"] == "fifo")
    assert fifo is not None
    # The trial that is replayed at place k must be the k-th trial of the run.
    order = np.random.default_rng(SEED).permutation(TRIALS)
    curves = fifo.epochs.sort_values("trial", key=lambda trial: order[trial], kind="stable")
    accuracy, params = ("val_accuracy:max:0.9:ideal=1", "params:min:1e5:exact:ideal=0")
    trials = prepared(curves.drop(columns="reported_s"), tmp_path, accuracy, params)
    rows = replay(Job(SEED, SCHEDULERS), trials, Plan(SCHEDULERS, 1, SLOTS))
    assert len(rows) == len(runs) == len(SCHEDULERS)
    for row in rows:
        run = runs.loc[row["scheduler"]]
        assert row["steps"] == run["epochs"], row["scheduler"]
        assert row["hypervolume"] == pytest.approx(run["hypervolume"], rel=1e-12)
        assert row["runtime_s"] == pytest.approx(run["runtime_s"], rel=1e-9)


def test_every_scheduler_on_every_order(tmp_path: Path) -> None:
    trials = prepared(long_table(14), tmp_path)
    plan = Plan(candidates(SCHEDULERS, trials.max_t), orders=6, slots=3)
    seen: list[int] = []
    rows = replay_all(trials, plan, seen.append)
    names = list(dict.fromkeys(rows["scheduler"]))
    assert names[:3] == ["fifo", "hv-promotion", "hv-promotion-g2"]
    assert len(rows) == 6 * len(names) == sum(seen)
    fifo = rows[rows["scheduler"] == "fifo"]
    assert (fifo["steps"] == 14 * 6).all()
    assert fifo["hypervolume"].nunique() == 1  # the order of the trials changes nothing
    assert (rows["hypervolume"] <= fifo["hypervolume"].iloc[0] * (1 + 1e-12)).all()
    assert (rows.loc[rows["front_lost"] == 0, "hypervolume"] == fifo["hypervolume"].iloc[0]).all()
    assert rows["steps"].between(14, 14 * 6).all()
    pd.testing.assert_frame_equal(rows, replay_all(trials, plan))


def test_processes_make_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.studies.advice.replaying.FEW_REPORTS", 0)
    trials = prepared(long_table(12), tmp_path)
    some = SCHEDULERS[:3]
    alone = replay_all(trials, Plan(some, 2, 2, trials=8))
    pd.testing.assert_frame_equal(
        alone, replay_all(trials, Plan(some, 2, 2, trials=8, processes=2))
    )
    assert (alone.loc[alone["scheduler"] == "fifo", "steps"] == 8 * 6).all()


def test_a_curve_that_ends_early_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    table = long_table(14)
    table = table[(table["trial"] != "t03") | (table["epoch"] <= 2)]
    rows = replay_all(prepared(table, tmp_path), Plan(SCHEDULERS, 1, 3))
    assert rows.loc[0, ["scheduler", "steps"]].tolist() == ["fifo", 13 * 6 + 2]


def test_what_cannot_be_replayed_is_said(tmp_path: Path) -> None:
    table = long_table(14).assign(accuracy=lambda t: 100 * t["accuracy"])
    trials = prepared(table, tmp_path, "accuracy:max:50", "params:min:20000:exact")
    rows = replay_all(trials, Plan(SCHEDULERS, 1, 3))
    refused = rows.loc[rows["refused"] != "", "scheduler"].tolist()
    # Ray's schedulers see one scale, which takes a best possible percentage that nobody named.
    assert refused == ["asha", "asha-random-weights", "async-hyperband", "hyperband", "median"]
    with pytest.raises(UserError, match=r"--trials 99 is more than the 14"):
        replay_all(trials, Plan(SCHEDULERS, 1, 3, trials=99))
    trials = prepared(table, tmp_path, "accuracy:max:99.9", "params:min:20000:exact")
    with pytest.raises(UserError, match=r"no hypervolume to lose.*best values are accuracy [89]"):
        replay_all(trials, Plan(SCHEDULERS, 1, 3))


def test_longer_grace_periods_only_where_they_fit() -> None:
    given = [
        Component("hv-promotion", "hv-promotion", {}),
        Component("mine", "moasha-promotion", {"grace_period": 3}),
        Component("brackets", "moasha-promotion", {"brackets": 3}),
        Component("median", "median", {}),
    ]
    labels = [component.label for component in candidates(given, max_t=7)]
    assert labels == ["hv-promotion", "hv-promotion-g2", "mine", "brackets", "median"]


def names_in(program: str, **known: Any) -> Mapping[str, Any]:
    """Return the names that the part of a program before the search defines."""
    lines = ast.parse(program).body
    assert [ast.unparse(line).split(" =")[0] for line in lines[-2:]] == ["config", "results"]
    scope = dict(known)
    exec(compile(ast.Module(lines[:-1], []), "program", "exec"), scope)
    return scope


def of_tune(trials: Trials, unit: int) -> Trials:
    """Return trials as if Tune had their objectives once in `unit` iterations."""
    found = replace(trials.found, in_tune=True, time_attr="training_iteration")
    return replace(trials, found=found, unit=unit)


def stretched(trials: Trials, unit: int) -> Trials:
    """Return trials whose reports are `unit` steps apart."""
    members = (replace(trial, steps=trial.steps * unit) for trial in trials.members)
    return replace(trials, members=tuple(members))


@pytest.mark.parametrize("unit", [1, 5])
@pytest.mark.parametrize("component", SCHEDULERS, ids=lambda component: component.label)
def test_the_program_makes_the_scheduler_that_was_replayed(
    tmp_path: Path, component: Component, unit: int
) -> None:
    if component.name == "fifo":
        return
    trials = of_tune(prepared(long_table(14), tmp_path), unit)
    plan = Plan((component,), 1, 3)
    _, row = replay_all(trials, plan).to_dict("records")
    program = snippet.program(trials, plan, component, bool(row["pauses"]))
    assert max(map(len, program.splitlines())) <= 100
    # On a cluster a scheduler that promotes counts the slots itself.
    slots = "slots=3, " if component.name in ("hv-promotion", "moasha-promotion") else ""
    scope = names_in(program.replace('time_attr="training_iteration"', f'{slots}time_attr="epoch"'))
    assert isinstance(scope["config"], tune.TuneConfig)
    assert scope["config"].num_samples == 14
    assert (scope["config"].search_alg is not None) == row["pauses"]
    picked = np.random.default_rng(0).permutation(14).tolist()
    # HyperBand's rungs depend on the number of steps, so it has to count reports.
    counts_reports = unit > 1 and component.name == "hyperband"
    assert ("# One report must be 5 iterations of the curves" in program) == counts_reports
    trained = trials if counts_reports else stretched(trials, unit)
    run = replayed(trained.curves(picked), scope["scheduler"], slots=3)
    assert sum(trial.iteration for trial in run.trials) == row["steps"]
    assert run.seconds == row["runtime_s"]


def test_the_program_counts_as_the_source_does(tmp_path: Path) -> None:
    trials = prepared(long_table(14), tmp_path)
    component = Component("hv-promotion", "hv-promotion", {"grace_period": 2})
    plan = Plan((component,), 1, 3)

    def program(source: Trials) -> str:
        return " ".join(snippet.program(source, plan, component, pauses=True).split())

    by_reports = 'max_t=6, time_attr="training_iteration", grace_period=2'
    table = program(trials)
    assert 'max_t=6, time_attr="epoch", grace_period=2' in table
    assert (
        '# Each report must have "epoch", counted as in the curves: 6 is the full budget.' in table
    )
    wide = program(replace(trials, unit=5))
    assert 'max_t=30, time_attr="epoch", grace_period=10' in wide
    assert "counted as in the curves: 30 is the full budget" in wide
    for name in ("training_iteration", "time_total_s", "timestamp"):  # Tune sets them itself
        own = program(replace(trials, found=replace(trials.found, time_attr=name)))
        assert by_reports in own
        assert "# One report must be 1 " in own
    assert "Each report must have" not in program(of_tune(trials, 1))
    sparse = program(of_tune(trials, 5))
    assert 'max_t=30, time_attr="training_iteration", grace_period=10' in sparse
    assert "One report" not in sparse
    shifted = program(replace(of_tune(trials, 5), shift=5))
    assert by_reports in shifted
    assert "# One report must be 5 iterations of the curves" in shifted
    fraction = program(replace(trials, unit=0.5))
    assert "# One report must be 0.5 epochs of the curves" in fraction


def test_the_program_says_what_is_the_users_own(tmp_path: Path) -> None:
    trials = prepared(long_table(14), tmp_path)
    component = Component("hv-promotion", "hv-promotion", {})
    text = snippet.program(trials, Plan((component,), 1, 3), component, pauses=True)
    told, trainable, space, *code = text.splitlines()
    assert told.startswith("# Replace these two lines by your own")
    assert trainable.startswith("# trainable = …")
    assert trainable.endswith("reports accuracy, params")
    assert space == "# space = … # the search space: a dictionary of rate, width"
    own = ["class trainable:", "    pass", "space = {}"]
    program = ast.parse("\n".join([*own, *code]))
    used = {node.id for node in ast.walk(program) if isinstance(node, ast.Name)}
    assert {"trainable", "space"} <= used  # and no other name is left undefined
    scope = names_in("\n".join([*own, *code]))
    assert scope["config"].num_samples == 14
    strange = replace(trials.members[0], config={"a\nimport os": 1, "x" * 90: 2})
    odd = snippet.program(
        replace(trials, members=(strange,)), Plan((component,), 1, 3), component, pauses=True
    )
    assert "# space = … # the search space: a dictionary of hyper-parameters" in odd
    assert max(map(len, odd.splitlines())) <= 100


def test_the_budget_of_a_sparse_objective_is_that_of_its_curves(tmp_path: Path) -> None:
    write_experiment(tmp_path / "search", trials=12, epochs=60)
    for path in (tmp_path / "search").glob("*/result.json"):
        reports = [json.loads(line) for line in path.read_text("utf-8").splitlines()[:-1]]
        for report in reports:
            if report["training_iteration"] % 5:
                del report["val"]
        path.write_text("\n".join(map(json.dumps, reports)))
    found = reading.read([str(tmp_path / "search")], SourceOptions())
    trials = prepare(found, [goals.parse("val/accuracy:max:0.5")], Budget())
    component = Component("moasha-stopping", "moasha-stopping", {"grace_period": 2})
    text = snippet.program(trials, Plan((component,), 1, 3), component, pauses=False)
    assert 'max_t=60, time_attr="training_iteration", grace_period=10' in text


def test_a_foreign_scheduler_has_no_program(tmp_path: Path) -> None:
    trials = prepared(long_table(14), tmp_path)
    plan = Plan(SCHEDULERS, 1, 3)
    foreign = Component("theirs", "of-another-package", {})
    assert snippet.program(trials, plan, foreign, pauses=True).startswith("# theirs is a part of")


def test_the_advice_of_a_source(tmp_path: Path) -> None:
    trials = prepared(long_table(14), tmp_path)
    plan = Plan(SCHEDULERS, 6, 3)
    advice = advise(replay_all(trials, plan), trials.setting(plan), tolerance=1.0)
    assert advice.recommended is not None
    best = max(outcome.steps_saved.value for outcome in advice.outcomes)
    assert advice.recommended.steps_saved.value == best
    assert advice.without_pauses is not None
    assert not advice.without_pauses.pauses
