"""What the README shows works, and its table is that of the committed results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bench.analysis import aggregate
from bench.matrix.matrix import matrix_names
from bench.records import folders, storage
from bench.report import report_data, tables

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_its_table_is_that_of_the_committed_results() -> None:
    folder = ROOT / "results" / "reference" / "paper-mnist"
    recorded = report_data.in_matrix_order(storage.read_all(folder), folders.read_settings(folder))
    assert tables.overview(aggregate.summarise(recorded)).grid() in README


def test_it_stays_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.ray
def test_the_example_in_your_own_tune_code_runs(ray_session: object, tmp_path: Path) -> None:
    from ray import tune

    from bench.execution.ray.session import SLOT

    class Trainable(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.epoch = 0

        def step(self) -> dict[str, Any]:
            self.epoch += 1
            accuracy = 1 - self.config["lr"] - 0.3 / self.epoch
            params = 784 * self.config["units"]
            return {"accuracy": accuracy, "params": params, "epoch": self.epoch}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.epoch = 0
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            Path(checkpoint_dir, "epoch").write_text(str(self.epoch))

        def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
            self.epoch = int(Path(checkpoint_dir, "epoch").read_text())

    (example,) = (block for block in blocks("python") if "tune.Tuner(" in block)
    # Fewer trials, and files in a folder of the test.
    example = example.replace("num_samples=25", "num_samples=4").replace(
        "    tune_config=",
        f"    run_config=tune.RunConfig(storage_path={str(tmp_path)!r}, verbose=0),\n"
        "    tune_config=",
    )
    light = tune.with_resources(Trainable, {"cpu": 0.01, SLOT: 1})
    namespace: dict[str, Any] = {"trainable": light}
    exec(example, namespace)
    results = namespace["tuner"].fit()
    assert len(results) == 4
    assert results.num_errors == 0
    assert max(result.metrics["epoch"] for result in results) == 8


def test_the_example_rule_decides_and_schedules() -> None:
    from bench.matrix.catalogue import TIME_ATTR, Context
    from mobo_core.objectives import Objective, ObjectiveSet
    from mobo_core.rules.rule import Decision
    from mobo_core.space import RangeParameter, SearchSpace
    from mobo_core.tune import RuleScheduler
    from mobo_core.virtual import replay

    (example,) = (block for block in blocks("python") if "class Cutoff" in block)
    namespace: dict[str, Any] = {"RuleScheduler": RuleScheduler, "TIME_ATTR": TIME_ATTR}
    exec(example, namespace)
    rule = namespace["Cutoff"]()
    rule.add("a", {})
    assert rule.report("a", 4, [-0.6]) is Decision.CONTINUE
    assert rule.report("a", 3, [-0.4]) is Decision.CONTINUE
    assert rule.report("a", 4, [-0.4]) is Decision.STOP

    objectives = ObjectiveSet([Objective("accuracy", "max", reference=0)])
    space = SearchSpace((RangeParameter("lr", 0, 1),))
    scheduler = namespace["cutoff"](Context(space, objectives, 8, slots=1, seed=0))
    curves = {"good": [{"accuracy": 0.6}] * 8, "bad": [{"accuracy": 0.4}] * 8}
    assert replay(scheduler, curves) == {"good": 8, "bad": 4}


@pytest.mark.parametrize("name", matrix_names())
def test_every_matrix_is_mentioned(name: str) -> None:
    assert name in README


def test_every_target_it_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
