"""Survey files: what they name, on which side of the split it is, and what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.matrix import problems
from bench.matrix.surveys import load_survey, survey_names, without_absent
from mobo_core.problems.protocol import train_again
from mobo_core.problems.yahpo import instances
from tests.bench.surveys import SMALL, small_survey


def test_units_have_the_names_of_their_problems_and_a_budget(tmp_path: Path) -> None:
    units = load_survey(small_survey(tmp_path)).units()
    assert [unit.name for unit in units] == [
        "mlp-mnist",
        "synthetic-dtlz2",
        "synthetic-zdt1-step",
        "synthetic-zdt2-noisy",
    ]
    assert [unit.side for unit in units] == ["tuning", "tuning", "test", "test"]
    assert [unit.budget.max_epochs for unit in units] == [8] * 4
    for unit in units:
        made = problems.make(unit.problem, unit.dataset, "none", unit.budget.max_epochs)
        assert made.name.removesuffix("-table") == unit.name
        assert made.max_epochs == unit.budget.max_epochs


def test_the_survey_covers_all_data_sets_of_its_families() -> None:
    assert "survey" in survey_names()
    survey = load_survey("survey")
    names = [unit.name for unit in survey.units()]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("lcbench") for name in names) == len(instances("lcbench"))
    assert sum(name.startswith("rbv2_rpart") for name in names) == len(instances("rbv2_rpart"))
    families = {unit.family for unit in survey.units()}
    for family in families:  # on each side there is something to learn from and to claim
        assert {u.side for u in survey.units() if u.family == family} == {"tuning", "test"}


@pytest.mark.parametrize(("dataset", "possible"), [("1220", False), ("1067", True)])
def test_left_out_is_what_has_impossible_values(dataset: str, possible: bool) -> None:
    data_dir = os.environ.get("DATA_DIR", "data")
    if not Path(data_dir, "yahpo").is_dir():
        pytest.skip("YAHPO is not there; set DATA_DIR to a folder with yahpo")
    import numpy as np
    from scipy.stats import qmc

    from bench.studies.survey.fronts import SAMPLE, SEED

    problem = problems.make("rbv2-xgboost", dataset, data_dir, 20)
    rng = np.random.default_rng(SEED)
    points = qmc.Sobol(len(problem.space), scramble=True, rng=rng).random(SAMPLE)
    ends = (train_again(problem, problem.space.from_unit(x), 0, 20)[0] for x in points)
    assert all(end["val_error"] > 0 and end["val_loss"] > 0 for end in ends) == possible
    kept = {unit.name for unit in load_survey("survey").units()}
    assert (f"rbv2_xgboost-{dataset}" in kept) == possible


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "fifo"', 'name = "asha"', "called 'fifo' is needed"),
        ('name = "fifo"', 'label = "fifo"\nname = "asha"', "called 'fifo' is needed"),
        ('label = "moasha"', 'label = "fifo-replicate"', "FIFO with another seed"),
        ('datasets = ["dtlz2"', 'datasets = "dtlz2"\nleave_out = ["zdt1"', "must be a list"),
        ('"zdt1-step"', '"dtlz2"', "in two families"),
        ('"acc+params", ', '"acc+acc", ', "repeats an objective"),
        ("slots = 3", "", "'slots' is missing"),
        ("slots = 3", "slots = 0", "slots must be a whole number"),
        ("dtlz2", "dtlz9", "unknown data set 'dtlz9'"),
        ("mlp-table", "mlp-tabel", "unknown problem 'mlp-tabel'"),
        ("max_epochs", "epochs", r"\[\[family\]\]: unknown key 'epochs'"),
        ("title", "titel", "unknown key 'titel'"),
        ("trials = 12", "trials = ", "mend that place"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = small_survey(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(UserError, match=message) as found:
        load_survey(path)
    if "unknown data" not in message and "problem" not in message and "whole" not in message:
        assert "small.toml" in str(found.value)


def test_rivals_that_are_not_installed_are_left_out_with_a_reason() -> None:
    survey, skipped = without_absent(load_survey("rivals"))
    labels = {component.label for component in survey.schedulers}
    assert {"fifo", "hv-promotion", "ax-and"} <= labels
    assert not labels & set(skipped)
    absent = {"neps-moasha", "syne-tune-moasha", "syne-tune-moasha-repaired"} - labels
    assert set(skipped) == absent
    assert all("make rivals" in reason for reason in skipped.values())


def test_an_unknown_survey_is_refused() -> None:
    with pytest.raises(UserError, match=r"unknown survey 'suvrey': choose from .*survey"):
        load_survey("suvrey")
    with pytest.raises(UserError, match=r"cannot read survey file missing\.toml"):
        load_survey("missing.toml")
