"""The README's example runs, and every figure in it comes from the committed results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.analysis import aggregate, survey
from bench.matrix import catalogue
from bench.matrix.files import matrix_names
from bench.records import folders, storage
from bench.report import report_data, tables

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TEXT = " ".join(README.split())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def runs(name: str) -> pd.DataFrame:
    """Return the runs of a folder of committed results, in the order of its matrix."""
    folder = ROOT / "results" / "reference" / name
    recorded = report_data.in_matrix_order(storage.read_all(folder), folders.read_settings(folder))
    return aggregate.summarise(recorded)


def test_the_tables_of_the_paper_are_those_of_the_committed_results() -> None:
    found = runs("paper-mnist")
    assert found["seed"].nunique() == 8
    assert "medians of eight seeds" in TEXT
    assert tables.overview(found).grid() in README


def test_the_cell_that_is_explained_is_in_the_table() -> None:
    quoted, seconds, epochs, kept = re.findall(
        r"`(\d[^`]*)` means that the search took (\S+) s, trained (\S+) epochs in all, and kept "
        r"(\S+) % of",
        TEXT,
    )[0]
    assert README.count(f"| {quoted} |") == 1
    assert quoted == f"{seconds}s · {epochs} · {float(kept) / 100:.3f}"


def test_the_table_of_the_best_scheduler_is_that_of_the_committed_results() -> None:
    found = runs("schedulers-mnist")
    mine = found[found["scheduler"].isin(["fifo", "hv-promotion"])]
    assert set(mine["searcher"]) == {"sobol"}
    assert mine["seed"].nunique() == 3
    assert "Sobol search instead of Ax, three seeds instead of eight" in TEXT
    assert tables.overview(mine).grid() in README


def test_what_it_says_about_the_picture() -> None:
    picture, front = re.findall(r"!\[[^]]*\]\((\S+)\)", README)
    assert picture == "reports/reference/survey/figures/plane.png"
    assert front == "docs/_static/front.png"
    datasets = pd.read_parquet((ROOT / picture).parents[1] / "datasets.parquet")
    tested = datasets[datasets.side == "test"]
    assert f"on {tested.dataset.nunique()} data sets that were not used to choose" in TEXT
    recorded = survey.losses_table(tested).set_index(["family", "scheduler"]).loc["recorded"]
    noisy = recorded.loc["hv-promotion", "loss"]
    assert f"on small, noisy tables it loses {100 * noisy:.1f} %." in TEXT
    row = survey.losses_table(tested).set_index(["family", "scheduler"]).loc["lcbench"]
    mine = row.loc["hv-promotion"]
    assert (
        f"On LCBench, `hv-promotion` saves {100 * mine['saved']:.0f} % of the epochs and loses "
        f"{100 * mine['loss']:.1f} % of the hypervolume in the mean over data sets, "
        f"{100 * mine['worst run']:.0f} % in the worst run;"
    ) in TEXT


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) > 10
    for target in targets:
        assert (ROOT / target).exists(), target


def test_it_stays_short() -> None:
    assert len(README.splitlines()) <= 150
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 17


@pytest.mark.ray
def test_the_example_in_your_own_tune_code_runs(
    ray_session: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray import tune

    from bench.execution.ray.session import SLOT

    class Trainable(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.epoch = 0

        def step(self) -> dict[str, Any]:
            self.epoch += 1
            accuracy = 1 - self.config["lr"] / 2 - 0.3 / self.epoch
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
    for shown, run in (
        ("num_samples=25", "num_samples=4"),
        ("tune_config=config", "tune_config=config, run_config=run_config"),
    ):
        assert example.count(shown) == 1
        example = example.replace(shown, run)
    run_config = tune.RunConfig(storage_path=str(tmp_path), verbose=0)
    light = tune.with_resources(Trainable, {"cpu": 0.01, SLOT: 1})
    namespace: dict[str, Any] = {"trainable": light, "run_config": run_config}
    exec(example, namespace)
    reports = [result.metrics for result in namespace["results"]]
    assert len(reports) == 4
    assert max(report["epoch"] for report in reports) == 8
    points = [(report["accuracy"], report["params"]) for report in reports]
    front = {
        (a, p)
        for a, p in points
        if a > 0.9 and not any(x >= a and y <= p and (x, y) != (a, p) for x, y in points)
    }
    assert front
    found = namespace["front"]
    assert {(trial.values["accuracy"], trial.values["params"]) for trial in found} == front
    assert str(found) in capsys.readouterr().out


@pytest.mark.parametrize("name", matrix_names())
def test_every_matrix_is_mentioned(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", [*catalogue.SCHEDULERS, *catalogue.SEARCHERS])
def test_every_scheduler_and_searcher_is_mentioned(name: str) -> None:
    assert f"`{name}`" in README


def test_every_class_of_its_table_exists() -> None:
    from mobo_core import tune

    table = README[README.index("| in matrices |") :].split("\n\n")[0]
    classes = re.findall(r"`([A-Z]\w+)`", table)
    assert len(classes) == 7
    for name in classes:
        assert hasattr(tune, name), name


def test_every_target_it_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
