"""Runs with other objectives, spaces, data or budgets never stand in one table unnoticed."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis import aggregate
from bench.errors import UserError
from bench.execution import queue
from bench.matrix.files import load_matrix
from bench.records import definitions, folders, storage
from bench.records.record import RunRecord
from mobo_core.objectives import Objective
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace
from tests.bench.examples import OBJECTIVES, record

SPACE = SearchSpace((RangeParameter("lr", 0.1, 1.0), ChoiceParameter("units", (16, 32))))


def made(seed: int = 0, **changes: Any) -> RunRecord:
    run = replace(record(seed=seed), space=definitions.of_space(SPACE))
    spec = {**run.spec, "problem": "mlp", "dataset": "mnist"}
    return replace(run, spec=spec, **changes)


def objective(**changes: Any) -> tuple[Objective, ...]:
    return (replace(OBJECTIVES[0], **changes), OBJECTIVES[1])


def space(*parameters: RangeParameter | ChoiceParameter) -> dict[str, dict[str, Any]]:
    return definitions.of_space(SearchSpace(parameters))


OTHERS = [
    (
        made(1, objectives=objective(reference=0.8)),
        "objective 'val_accuracy' (reference 0.9 instead of 0.8)",
    ),
    (
        made(1, objectives=objective(goal="min")),
        "objective 'val_accuracy' (goal 'max' instead of 'min')",
    ),
    (
        made(1, objectives=objective(name="loss")),
        "another meaning of acc+params ('val_accuracy and params' instead of 'loss and params')",
    ),
    (made(1, objectives=objective(unit="%")), "objective 'val_accuracy' (unit '' instead of '%')"),
    (made(1, objectives=objective(ideal=1.0)), "(ideal nothing instead of 1.0)"),
    (made(1, objectives=objective(exact=True)), "(exact False instead of True)"),
    (made(1, space=space(RangeParameter("lr", 0.1, 2.0))), "(lr upper 1.0 instead of 2.0)"),
    (
        made(1, space=space(SPACE.parameters[0], ChoiceParameter("units", (16, 64)))),
        "search space (units values [16, 32] instead of [16, 64])",
    ),
    (made(1, data={"name": "mnist", "sha256": "0" * 64}), "another data checksum"),
    (replace(made(1), spec={**made(1).spec, "problem": "other"}), "('mlp' instead of 'other')"),
    (replace(made(1), spec={**made(1).spec, "virtual": {}}), "('real time' instead of 'virtual"),
    (
        replace(
            made(1), spec={**made(1).spec, "budget": {"trials": 9, "max_epochs": 2, "slots": 2}}
        ),
        "another budget (trials 3 instead of 9)",
    ),
]


@pytest.mark.parametrize(("other", "said"), OTHERS, ids=[said for _, said in OTHERS])
def test_a_mix_is_refused_and_says_what_differs(other: RunRecord, said: str) -> None:
    with pytest.raises(UserError) as refused:
        aggregate.summarise([made(), other])
    message = str(refused.value)
    assert said in message
    assert made().run_id in message
    assert other.run_id in message


def test_runs_of_one_kind_and_older_records_stand_together(tmp_path: Path) -> None:
    aggregate.summarise([made(), made(1), replace(made(2), space=None)])
    path = storage.write(made(), tmp_path)
    document = json.loads((path / "run.json").read_text())
    del document["space"]  # as older versions wrote it
    (path / "run.json").write_text(json.dumps(document))
    assert storage.read(path) == replace(made(), space=None)


def test_other_sets_of_the_same_objectives_are_no_mix() -> None:
    one = replace(made(1), objectives=OBJECTIVES[:1], spec={**made(1).spec, "objectives": ["acc"]})
    definitions.check([made(), one])


def definition(**changes: Any) -> definitions.Definition:
    chosen = {"acc": replace(OBJECTIVES[0], **changes), "params": OBJECTIVES[1]}
    return {
        **definitions.of_objectives(chosen),
        definitions.SPACE: definitions.of_space(SPACE),
    }


def test_a_folder_takes_runs_of_its_own_kind_only(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    folders.open_folder(tmp_path, matrix, definition())
    folders.open_folder(tmp_path, matrix, definition())
    before = (tmp_path / "matrix.json").read_bytes()
    with pytest.raises(
        UserError, match=r"another objective 'val_accuracy' \(reference 0.9 instead of 0.5"
    ):
        folders.open_folder(tmp_path, matrix, definition(reference=0.5))
    assert (tmp_path / "matrix.json").read_bytes() == before
    # An objective that no run has used may come later.
    more = {**definition(), "objective 'val_loss'": asdict(Objective("val_loss", "min", 2.0))}
    folders.open_folder(tmp_path, matrix, more)
    assert set(folders.read_settings(tmp_path)["definition"]) == set(more)


def test_a_folder_of_an_older_version_is_known_by_its_records(tmp_path: Path) -> None:
    matrix = load_matrix("quick")
    folders.open_folder(tmp_path, matrix)
    storage.write(replace(made(), space=None), tmp_path)
    assert "definition" not in folders.read_settings(tmp_path)
    with pytest.raises(UserError, match=r"goal 'max' instead of 'min'"):
        folders.open_folder(tmp_path, matrix, definition(goal="min"))
    folders.open_folder(tmp_path, matrix, definition())
    (tmp_path / "matrix.json").unlink()
    with pytest.raises(UserError, match=r"goal 'max' instead of 'min'"):
        folders.open_folder(tmp_path, matrix, definition(goal="min"))


def test_a_finished_run_with_another_reference_is_not_taken_for_this_one(tmp_path: Path) -> None:
    (run, *_) = load_matrix("quick").with_dataset("digits").runs([0])
    theirs = record()
    spec = {**theirs.spec, "objectives": list(run.cell.objectives)}
    storage.write(replace(theirs, run_id=run.run_id, spec=spec), tmp_path)
    with pytest.raises(
        UserError, match=f"{re.escape(run.run_id)} has another objective 'val_accuracy'"
    ):
        queue.pending([run], tmp_path, "")
