"""The command ``mobo-bench advise`` as a user meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from bench.commands.main import cli
from bench.errors import UserError
from tests.bench.curves.examples import long_table

OBJECTIVES = ("--objective", "accuracy:max:0.5", "--objective", "params:min:20000:exact")


def advise(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["advise", *arguments], catch_exceptions=True)


@pytest.fixture
def curves(tmp_path: Path) -> str:
    path = tmp_path / "curves.csv"
    long_table(14).to_csv(path, index=False)
    return str(path)


def test_the_whole_way_to_the_files(curves: str, tmp_path: Path) -> None:
    out = tmp_path / "advice"
    options = ("--seeds", "6", "--tolerance", "0.5", "--processes", "1", "--out", str(out))
    done = advise(curves, *OBJECTIVES, *options)
    assert done.exception is None, done.output
    text = " ".join(done.output.split())
    assert "14 trials of curves.csv (table), up to 6 epochs, replayed in 6 random orders" in text
    assert "Take " in text
    assert "Each scheduler against FIFO" in text
    assert (
        "Qualifies: the upper end of the interval of the hypervolume lost is at most 50.0" in text
    )
    assert "tune.Tuner(trainable, param_space=space, tune_config=config).fit()" in text
    assert f"page: {out / 'index.html'}" in text
    answer = json.loads((out / "advice.json").read_text("utf-8"))
    assert answer["recommended"] in (out / "advice.md").read_text("utf-8")
    assert len(answer["schedulers"]) >= 16
    assert answer["trials_per_order"] == 14


def test_json_alone_is_printed(curves: str) -> None:
    done = advise(curves, *OBJECTIVES, "--seeds", "2", "--processes", "1", "--json")
    assert done.exception is None, done.output
    answer = json.loads(done.output)
    assert answer["too_few"] == "2 orders are too few for an interval: give --seeds 6 or more"
    assert (answer["orders"], answer["slots"]) == (2, 4)


def test_a_dry_run_shows_what_was_found(curves: str) -> None:
    done = advise(curves, "--dry-run")
    assert done.exception is None, done.output
    assert "14 trials, up to 6 reports each, ordered by 'epoch'" in done.output
    assert "Hyper-parameters: rate, width." in done.output
    assert "constant" in done.output  # params never changes in a trial
    assert "Ends: 14 complete, for a full budget of 6 epochs." in done.output


def test_a_dry_run_and_the_answer_agree_on_the_ends(curves: str) -> None:
    table = pd.read_csv(curves)
    table = table.assign(state=table["trial"].map(lambda t: "failed" if t == "t13" else "running"))
    short = table["trial"].isin([f"t{k:02d}" for k in range(9)])
    table[~short | (table["epoch"] <= 3)].to_csv(curves, index=False)
    done = advise(curves, "--dry-run")
    assert "Ends: 4 complete, 9 early, 1 failed, for a full budget of 6 epochs." in done.output
    done = advise(curves, "--dry-run", "--max-t", "3", "--json")
    assert json.loads(done.output)["ends"] == {"complete": 13, "failed": 1}
    arguments = (curves, *OBJECTIVES, "--seeds", "6", "--processes", "1", "--json")
    answer = json.loads(advise(*arguments).output)
    assert (answer["source"]["trials"], answer["source"]["incomplete"]) == (13, 9)
    assert answer["recommended"] is None
    assert answer["too_few"].startswith("9 of 13 curves end before the full budget")
    assert answer["program"] is None
    answer = json.loads(advise(*arguments, "--max-t", "3").output)
    assert answer["source"]["incomplete"] == 0
    assert answer["too_few"] is None


def test_a_dry_run_prints_json_too(curves: str) -> None:
    done = advise(curves, "--dry-run", "--json")
    assert done.exception is None, done.output
    answer = json.loads(done.output)
    assert (answer["kind"], answer["trials"], answer["time_attr"]) == ("table", 14, "epoch")
    assert [row["metric"] for row in answer["metrics"]] == ["accuracy", "loss", "params"]
    assert answer["config"] == ["rate", "width"]
    assert answer["metrics"][2]["in a trial"] == "constant"


@pytest.mark.parametrize("place", ["curves.csv", "curves.csv/advice", "/proc/advice"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_replays(
    curves: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("bench.studies.advice.replaying.replay_all", None)  # it must not be reached
    done = advise(curves, *OBJECTIVES, "--out", str(tmp_path / place))
    assert isinstance(done.exception, UserError)
    assert re.match(r"cannot write to .*; choose another folder", str(done.exception))


def test_orders_of_few_trials_without_a_good_one_still_end_in_a_page(
    curves: str, tmp_path: Path
) -> None:
    options = ("--trials", "2", "--seeds", "8", "--processes", "1", "--out", str(tmp_path / "out"))
    best = ("--objective", "accuracy:max:0.945")  # one trial is better
    done = advise(curves, *best, *options)
    assert done.exception is None, done.output
    assert "of which" in done.output
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name at least one --objective .*the metrics of curves.csv are accuracy, loss"),
        (("--objective", "acc:max:0.5"), "has 'acc'; its metrics are accuracy, loss, params"),
        (("--objective", "accuracy:max"), "needs a reference"),
        (("--objective", "accuracy"), "bad --objective 'accuracy'"),
        ((*OBJECTIVES, "--trials", "99"), "--trials 99 is more than the 14 trials"),
        ((*OBJECTIVES, "--matrix", "nope"), "nope"),
        ((*OBJECTIVES, "--format", "optuna"), "cannot read an Optuna study"),
        (("--format", "tune", "--dry-run"), "--format tune takes the folder of one experiment"),
        (("--study", "mine", "--dry-run"), "--study says nothing about"),
        (("--objective", "acc:max:0.5", "--dry-run"), "has 'acc'; its metrics are accuracy"),
        (("--objective", "loss:min:1:exact", "--objective", "params:min:9"), "'loss' is not exact"),
    ],
)
def test_mistakes_are_one_line(curves: str, arguments: tuple[str, ...], message: str) -> None:
    done = advise(curves, *arguments)
    assert isinstance(done.exception, UserError)
    assert "\n" not in str(done.exception)
    assert re.search(message, str(done.exception))


def test_help_shows_every_kind_of_source() -> None:
    done = advise("--help")
    for word in ("Ray Tune", "Optuna", "TensorBoard", "W&B", "MLflow", "--tolerance", "--slots"):
        assert word in done.output
