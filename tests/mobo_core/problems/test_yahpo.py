"""YAHPO surrogates: known values, fixed points of reference, and what is said without the files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobo_core import ObjectiveSet
from mobo_core.problems import yahpo, yahpo_points
from mobo_core.problems.yahpo import YAHPOProblem, instances
from mobo_core.problems.yahpo_scenarios import SCENARIOS

LCBENCH: dict[str, Any] = {
    "batch_size": 64,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "num_layers": 2,
    "max_units": 512,
    "max_dropout": 0.2,
}


@pytest.fixture(scope="module")
def data_dir() -> str:
    folder = os.environ.get("DATA_DIR", "data")
    if not Path(folder, "yahpo").is_dir():
        pytest.skip("YAHPO is not there; set DATA_DIR to a folder with yahpo")
    return folder


def test_lcbench_gives_the_published_surrogates_values(data_dir: str) -> None:
    curve = YAHPOProblem("lcbench", "167152", data_dir).curve(LCBENCH)
    # The surrogate's epoch 26 is our 25th; published for it: 51.522 s, 97.746 %, 0.1683, 0.9617.
    at = {name: values[24] for name, values in curve.items()}
    assert curve["seconds"][:25].sum() == pytest.approx(51.522, abs=2e-3)
    assert at["val_error"] == pytest.approx(100 - 97.746, abs=2e-3)
    assert at["val_loss"] == pytest.approx(0.1683, abs=1e-3)
    assert at["val_balanced_error"] == pytest.approx(100 * (1 - 0.9617), abs=0.02)
    assert at["test_loss"] == pytest.approx(1.5037, abs=2e-3)
    # A funnel: 100 inputs, 512 and 261 units, 10 outputs.
    assert at["log10_params"] == np.log10(101 * 512 + 513 * 261 + 262 * 10)


def test_another_published_value(data_dir: str) -> None:
    # This is the surrogate's epoch 52, which no curve shows. Its inputs are in the published order.
    config = {
        "batch_size": 91,
        "learning_rate": 0.00316,
        "momentum": 0.545,
        "weight_decay": 0.050005,
        "num_layers": 3,
        "max_units": 256,
        "max_dropout": 0.5,
    }
    model, encoding = yahpo._surrogate(str(Path(data_dir, "yahpo", "lcbench")))
    categorical, continuous = SCENARIOS["lcbench"].inputs(config, "167152", encoding)
    (output,) = model.run(None, {"x_cat": categorical, "x_cont": continuous})
    expected = [186.338, 76.044, 1.3665, 0.7886, 2.1564, 0.7927]
    np.testing.assert_allclose(output[51], expected, rtol=2e-3)


@pytest.mark.parametrize("epochs", [None, 7])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_curves_are_sound(scenario: str, epochs: int | None, data_dir: str) -> None:
    instance = instances(scenario)[0]
    problem = YAHPOProblem(scenario, instance, data_dir, epochs)
    objectives = ObjectiveSet(list(problem.objectives.values()))
    for unit in np.random.default_rng(0).random((20, len(problem.space))):
        config = problem.space.from_unit(unit)
        training = problem.start(config, 0)
        rows = [training.run_epoch() for _ in range(problem.max_epochs)]
        assert [row["epoch"] for row in rows] == list(range(1, problem.max_epochs + 1))
        assert not any(name.startswith("test_") for name in rows[0])
        seconds = np.array([row["seconds"] for row in rows])
        assert (seconds >= 0).all()
        assert seconds.sum() == pytest.approx(rows[-1]["full_time"])
        points = objectives.to_points(rows)
        assert (points >= objectives.ideal_point).all()
        exact = [objective.exact for objective in objectives]
        assert (points[:, exact] == points[-1, exact]).all()  # known from the first report on
        again = YAHPOProblem(scenario, instance, data_dir, epochs).start(config, 5)
        assert [again.run_epoch() for _ in rows] == rows
    assert len(problem.data_checksum()) == 64


def test_more_rounds_and_more_data_take_longer(data_dir: str) -> None:
    problem = YAHPOProblem("rbv2_xgboost", "1040", data_dir)
    config = problem.space.from_unit(np.full(len(problem.space), 0.5)) | {"booster": "gbtree"}
    few, many = (problem.curve(config | {"nrounds": n}) for n in (50, 2000))
    assert many["full_time"][-1] > 2 * few["full_time"][-1]
    assert many["seconds"][0] < many["full_time"][-1] / 2
    assert many["val_error"][-1] < many["val_error"][0]


def test_a_deeper_tree_fits_better(data_dir: str) -> None:
    problem = YAHPOProblem("rbv2_rpart", "1040", data_dir)
    config = {"imputation": "impute.mean", "cp": 0.01, "minbucket": 1, "minsplit": 20}
    stump, tree = (problem.curve(config | {"maxdepth": depth}) for depth in (1, 30))
    assert tree["val_error"][-1] < stump["val_error"][-1] / 2
    assert tree["val_error"][-1] < tree["val_error"][0]
    pruned = problem.curve(config | {"maxdepth": 30, "cp": 0.9})
    assert tree["val_loss"][-1] < pruned["val_loss"][-1] / 2


def test_boosters_have_only_their_own_parameters(data_dir: str) -> None:
    problem = YAHPOProblem("rbv2_xgboost", "1040", data_dir)
    config = problem.space.from_unit(np.full(len(problem.space), 0.5))
    for booster, mine in (("gblinear", False), ("gbtree", True), ("dart", True)):
        config |= {"booster": booster}
        deeper = config | {"max_depth": 15}
        same = np.array_equal(
            problem.curve(config)["val_error"], problem.curve(deeper)["val_error"]
        )
        assert same is not mine


@pytest.mark.parametrize(
    ("scenario", "instance"),
    [("lcbench", "167152"), ("rbv2_xgboost", "16"), ("rbv2_rpart", "40499")],
)
def test_shipped_references_are_those_of_the_sample(
    scenario: str, instance: str, data_dir: str
) -> None:
    made = yahpo_points.reference_of(scenario, instance, data_dir)
    for objective in YAHPOProblem(scenario, instance, data_dir).objectives.values():
        assert objective.reference == pytest.approx(made[objective.name], rel=1e-3)


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown scenario 'fcnet'"):
        YAHPOProblem("fcnet", "1", "data")
    with pytest.raises(ValueError, match="unknown instance '1' of lcbench: choose from 3945"):
        YAHPOProblem("lcbench", "1", "data")
    with pytest.raises(ValueError, match="lcbench has 50 epochs a curve, not 51"):
        YAHPOProblem("lcbench", "3945", "data", 51)
    problem = YAHPOProblem("lcbench", "3945", str(tmp_path))
    with pytest.raises(ValueError, match="put the folder lcbench of the repository"):
        problem.data_checksum()
    with pytest.raises(ValueError, match="put the folder lcbench of the repository"):
        problem.start(LCBENCH, 0)
    folder = tmp_path / "yahpo" / "lcbench"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1")
    (folder / "encoding.json").write_text("{}")
    with pytest.raises(ValueError, match=r"the surrogate in .* cannot be read"):
        problem.start(LCBENCH, 0)
