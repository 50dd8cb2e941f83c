"""What a source is, and which options fit it, is decided once for all kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tensorboardX

from bench.curves import options, reading
from bench.curves.options import SourceOptions
from bench.errors import UserError
from tests.bench.curves.examples import long_table
from tests.bench.curves.test_exports import write_history, write_plot
from tests.bench.curves.test_optuna_studies import make
from tests.bench.curves.test_tune_experiments import write_experiment

NAMES = {"time_attr": "epoch", "trial_column": "trial", "config": ("rate",), "study": "search"}
"""Option → a value that fits where the option does."""


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    """Return a source of each kind that other tools write to a single path."""
    table = long_table(2).rename(columns={"config/rate": "rate", "config/width": "width"})
    table.to_csv(tmp_path / "table.csv", index=False)
    write_experiment(tmp_path / "tune", key="epoch")
    make(f"sqlite:///{tmp_path / 'optuna.db'}")
    write_plot(tmp_path / "wandb.csv", long_table(2), "loss")
    write_history(tmp_path / "mlflow.csv", long_table(2))
    places = ("table.csv", "tune", "optuna.db", "wandb.csv", "mlflow.csv")
    return {place.partition(".")[0]: str(tmp_path / place) for place in places}


def test_every_option_is_used_or_refused(sources: dict[str, str]) -> None:
    for kind, source in sources.items():
        needed = {"time_attr": "epoch"} if kind == "tune" else {}
        for name, value in NAMES.items():
            given = SourceOptions(**{**needed, name: value})  # type: ignore[arg-type]
            if name in reading.FORMATS[kind].takes:
                assert reading.read([source], given).curves
            else:
                message = f"{options.flag(name)} says nothing about .* which is read as {kind}: "
                with pytest.raises(UserError, match=message):
                    reading.read([source], given)


def test_a_format_that_does_not_fit_is_refused(sources: dict[str, str], tmp_path: Path) -> None:
    for kind, source in sources.items():
        for other in set(reading.FORMATS) - {kind, "table"}:
            with pytest.raises(
                UserError,
                match=rf"--format {other} takes|cannot read an Optuna|holds no|cannot tell",
            ):
                reading.read([source], SourceOptions(format=other))
    with pytest.raises(UserError, match=r"--format optuna takes one file or the URL"):
        reading.read([str(tmp_path)], SourceOptions(format="optuna"))
    with pytest.raises(UserError, match=r"--format table takes CSV or Parquet files"):
        reading.read(["sqlite:///study.db"], SourceOptions(format="table"))


def test_every_format_has_a_reader() -> None:
    assert ("auto", *reading.FORMATS) == options.FORMATS
    known = set().union(*(form.takes for form in reading.FORMATS.values()))
    assert known == set(NAMES) == SourceOptions("", **NAMES).given()  # type: ignore[arg-type]


def test_files_of_different_kinds_are_refused(sources: dict[str, str]) -> None:
    for one, other in (("table", "wandb"), ("table", "mlflow"), ("wandb", "mlflow")):
        with pytest.raises(UserError, match="the files are of different kinds"):
            reading.read([sources[one], sources[other]], SourceOptions())


def add_logs(folder: Path) -> None:
    """Write event files of TensorBoard, as Tune's loggers leave them in each trial's folder."""
    with tensorboardX.SummaryWriter(str(folder)) as writer:
        writer.add_scalar("loss", 1.0, 1)


@pytest.mark.parametrize("beside", ["nothing", "logs", "table", "experiment", "deeper"])
def test_a_folder_around_experiments_is_refused(tmp_path: Path, beside: str) -> None:
    root = tmp_path / "ray_results"
    write_experiment(root / "a")
    for trial in (root / "a").iterdir():
        add_logs(trial)
    if beside == "logs":
        add_logs(root / "other" / "run_0")
    elif beside == "table":
        long_table(2).to_csv(root / "curves.csv", index=False)
    elif beside == "experiment":
        (root / "b").mkdir()  # it has no reports yet
        (root / "b" / "experiment_state-2026-01-01_00-00-00.json").write_text("{}")
    elif beside == "deeper":
        (root / "group").mkdir()
        (root / "a").rename(root / "group" / "a")
    said = {
        "experiment": f"holds 2: give the folder of one of them, for example {root}/b, or say with",
        "deeper": f"holds 1: give the folder of it, which is {root}/group/a, or say with",
    }.get(beside, f"holds 1: give the folder of it, which is {root}/a, or say with --format")
    with pytest.raises(UserError, match=re.escape(f"{root} is not an experiment but {said}")):
        reading.read([str(root)], SourceOptions())
    with pytest.raises(UserError, match="is not an experiment but holds"):
        reading.read([str(root)], SourceOptions(format="tune"))
    inside = root / "group" / "a" if beside == "deeper" else root / "a"
    assert len(reading.read([str(inside)], SourceOptions()).curves) == 3
    logs = reading.read([str(root)], SourceOptions(format="tensorboard"))
    assert len(logs.curves) == (4 if beside == "logs" else 3)  # the user says what it is
