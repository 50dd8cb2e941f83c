"""Trials are read from tables, from dicts and from the files of an experiment, also broken ones.

What real Ray writes and returns is read in `tests/mobo_core/tune/test_live.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mobo_core.results import TrialHistory, metric_names, read_trials
from mobo_core.results.history import error_line, flat, split_config
from tests.mobo_core.results.examples import tune_report, write_state, write_trial

pytestmark = pytest.mark.filterwarnings("error")

CONFIG = {"lr": 0.1, "net": {"act": None, "width": 16}}
TRACEBACK = """Failure # 1 (occurred at 2026-11-29_02-25-44)
Traceback (most recent call last):
  File "train.py", line 7, in train
    raise RuntimeError("boom")
RuntimeError: boom
and a second line
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Return the folder of an experiment that still runs: five trials in five conditions."""
    folder = tmp_path / "plain"
    reports = [tune_report("1f46a_00000", CONFIG, val={"loss": 1 / e}, epoch=e) for e in (1, 2, 3)]
    whole = folder / "train_1f46a_00000_0_lr=0.1_2026-11-29"
    write_trial(whole, reports, params_json=json.dumps(CONFIG))
    with (whole / "result.json").open("a") as file:
        file.write('{"val": {"loss": 0.2')  # this line is being written
    failed = [tune_report("1f46a_00001", CONFIG, val={"loss": 9.0}, epoch=1)]
    write_trial(folder / "train_1f46a_00001_1_lr=0.1", failed, error_txt=TRACEBACK)
    retried = [tune_report("1f46a_00002", CONFIG, val={"loss": 5.0}, epoch=1)]
    write_trial(folder / "train_1f46a_00002_2_lr=0.1", retried, error_txt=TRACEBACK)
    write_trial(folder / "train_1f46a_00010_10_lr=0.1", [])
    (folder / "notes").mkdir()  # belongs to no trial
    status = {0: "RUNNING", 1: "ERROR", 2: "TERMINATED", 10: "TERMINATED"}
    states = [
        {
            "trial_id": f"1f46a_{number:05d}",
            "status": status[number],
            "relative_logdir": next(folder.glob(f"train_1f46a_{number:05d}_*")).name,
            "trainable_name": "no_such_module.train",
            "config": {"lr": {"_type": "CLOUDPICKLE_FALLBACK", "value": "8004"}},
        }
        for number in (10, 2, 0, 1)
    ]
    pending = {"trial_id": "1f46a_00011", "status": "PENDING", "relative_logdir": None}
    write_state(folder, [*states, pending])
    return folder


def test_a_folder_of_a_search_that_runs(experiment: Path) -> None:
    trials = read_trials(experiment)
    ids = [trial.trial_id for trial in trials]
    assert ids == ["1f46a_00000", "1f46a_00001", "1f46a_00002", "1f46a_00010", "1f46a_00011"]
    running, failed, retried, silent, pending = trials
    assert [report["val/loss"] for report in running.reports] == [1.0, 0.5, 1 / 3]
    assert running.config == CONFIG
    assert not any("config" in key for key in running.reports[0])
    assert (running.status, running.failed, running.error) == ("RUNNING", False, None)
    assert (failed.failed, failed.error) == (True, "RuntimeError: boom")
    # A trial that failed and was retried keeps its error file, but did not fail in the end.
    assert (retried.failed, retried.error, len(retried.reports)) == (False, None, 1)
    assert (silent.reports, silent.status) == ((), "TERMINATED")
    assert (pending.reports, pending.status) == ((), "PENDING")


def test_a_folder_is_named_in_many_ways(experiment: Path) -> None:
    expected = read_trials(str(experiment))
    assert read_trials(experiment.as_uri()) == expected
    (state,) = experiment.glob("experiment_state-*")
    assert read_trials(state) == expected
    (one,) = read_trials(experiment / "train_1f46a_00001_1_lr=0.1")
    assert (one.trial_id, one.failed) == ("1f46a_00001", True)


def test_the_newest_state_that_can_be_read_counts(experiment: Path) -> None:
    expected = read_trials(experiment)
    (experiment / "experiment_state-2.json").write_text('{"trial_data": [["{')
    assert read_trials(experiment) == expected
    for path in experiment.glob("experiment_state-*"):
        path.unlink()
    trials = {trial.trial_id: trial for trial in read_trials(experiment)}
    # Without a state the files of the trials still tell most, but not that a retry succeeded.
    assert set(trials) == {trial.trial_id for trial in expected} - {"1f46a_00011"}
    assert trials["1f46a_00000"].reports == expected[0].reports
    assert trials["1f46a_00001"].failed


def test_folders_that_the_state_does_not_name(experiment: Path) -> None:
    expected = [trial.trial_id for trial in read_trials(experiment)]
    report = tune_report("x", CONFIG, val={"loss": 1.0})
    # The first is newer than the state; the second was restarted as trial 1 under another id.
    write_trial(experiment / "train_a8f9c2d1_12_lr=0.1", [report | {"trial_id": "a8f9c2d1"}])
    write_trial(experiment / "train_b8f9c2d1_1_lr=0.1", [report | {"trial_id": "b8f9c2d1"}])
    assert sorted(trial.trial_id for trial in read_trials(experiment)) == [*expected, "a8f9c2d1"]


def search_of(folder: Path, ids: str, began: int, **runner: Any) -> None:
    """Write what a search that began at a minute past twelve leaves: its trials and its state."""
    listed = []
    for number, name in enumerate(ids, start=1):
        place = f"train_{name * 8}_{number}_lr=0.1_2026-11-29_12-{began:02d}-05"
        stamp = {"timestamp": 1_795_953_600 + 60 * began + 10}
        write_trial(folder / place, [tune_report(name * 8, CONFIG, val={"loss": 1.0}) | stamp])
        listed.append({"trial_id": name * 8, "status": "RUNNING", "relative_logdir": place})
    write_session(folder, listed, began, **runner)


def write_session(folder: Path, listed: list[dict[str, Any]], began: int, **runner: Any) -> None:
    session = f"2026-11-29_12-{began:02d}-00"
    more = {"_session_str": session, "_start_time": 1_795_953_600.5 + 60 * began, **runner}
    write_state(folder, listed, session, **more)


def ids_of(folder: Path) -> str:
    return "".join(trial.trial_id[0] for trial in read_trials(folder))


def test_only_the_newest_search_of_a_folder_counts(tmp_path: Path) -> None:
    search_of(tmp_path, "abcd", began=0)
    assert ids_of(tmp_path) == "abcd"
    search_of(tmp_path, "ef", began=30)
    # Two trials began after the state was written: one has reported, the other has not.
    new = tmp_path / "train_12345678_3_lr=0.1_2026-11-29_12-31-00"
    write_trial(new, [tune_report("12345678", CONFIG) | {"timestamp": 1_795_955_460}])
    write_trial(tmp_path / "train_23456789_4_lr=0.1_2026-11-29_12-31-01", [])
    with pytest.warns(UserWarning, match=r"4 trials in .* left out.*12-30-00.*restore_tuner"):
        assert ids_of(tmp_path) == "ef12"


@pytest.mark.parametrize("clock", ["in the names", "in the reports"])
def test_either_clock_tells_the_trials_of_an_older_search(tmp_path: Path, clock: str) -> None:
    search_of(tmp_path, "ab", began=0)
    for place in tmp_path.glob("train_*"):
        if clock == "in the names":
            (place / "result.json").write_text("")
        else:  # the user has named the folders
            place.rename(tmp_path / place.name.split("_lr")[0])
    write_session(tmp_path, [], began=30)
    write_trial(tmp_path / "train_cccccccc_3_lr=0.1_2026-11-29_12-30-00", [])
    with pytest.warns(UserWarning, match="2 trials in"):
        assert ids_of(tmp_path) == "c"


def test_a_resumed_search_keeps_its_trials(tmp_path: Path) -> None:
    search_of(tmp_path, "abc", began=0)
    places = sorted(place.name for place in tmp_path.glob("train_*"))
    listed = [{"trial_id": place[6:14], "relative_logdir": place} for place in places]
    # Trial 3 had failed and was restarted as another one; the fourth began after the resumption.
    again = "train_dddddddd_3_lr=0.1_2026-11-29_12-30-02"
    write_trial(tmp_path / again, [])
    write_trial(tmp_path / "train_eeeeeeee_4_lr=0.1_2026-11-29_12-40-00", [])
    listed[-1] = {"trial_id": "dddddddd", "relative_logdir": again}
    write_session(tmp_path, listed, began=30, _resumed=True)
    assert ids_of(tmp_path) == "abde"


def test_broken_lines_are_left_out_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "train_1f46a_00000_0"
    good = json.dumps(tune_report("1f46a_00000", {}, loss=1.0))
    write_trial(folder, [])
    (folder / "result.json").write_text(f'{good}\n{{"loss": 0.{good}\n[1]\n{good}')
    with pytest.warns(UserWarning, match=r"2 of 3 lines of .*result\.json are not reports"):
        (trial,) = read_trials(folder)
    assert [report["loss"] for report in trial.reports] == [1.0, 1.0]


def test_progress_csv_alone(tmp_path: Path) -> None:
    folder = tmp_path / "train_a8f9c2d1_3_x=1"
    folder.mkdir()
    (folder / "progress.csv").write_text(
        "val/loss,epoch,done,note,config/net/act,trial_id\n"
        "0.5,1,False,,relu,a8f9c2d1\nnan,2,True,x,relu,a8f9c2d1\n0.2"
    )
    (trial,) = read_trials(tmp_path)
    assert trial.trial_id == "a8f9c2d1"
    assert trial.config == {"net/act": "relu"}
    assert trial.reports[0] == {"val/loss": 0.5, "epoch": 1, "done": False, "trial_id": "a8f9c2d1"}
    assert len(trial.reports) == 2


def test_an_array_with_one_element_is_a_number_in_a_file_too(tmp_path: Path) -> None:
    report = tune_report("a8f9c2d1", {"layers": [16]}, loss=[0.45], nested=[[2]], pair=[1, 2])
    write_trial(tmp_path / "train_a8f9c2d1_0", [report])
    (trial,) = read_trials(tmp_path)
    assert [trial.reports[0][name] for name in ("loss", "nested", "pair")] == [0.45, 2, [1, 2]]
    assert trial.config == {"layers": [16]}
    (tmp_path / "train_a8f9c2d1_0" / "result.json").unlink()
    lines = 'loss,pair,config/layers,note\n[0.45],"[1, 2]",[16],[a\n'
    (tmp_path / "train_a8f9c2d1_0" / "progress.csv").write_text(lines)
    (trial,) = read_trials(tmp_path)
    assert trial.reports[0] == {"loss": 0.45, "pair": [1, 2], "note": "[a"}
    assert trial.config == {"layers": [16]}


def test_without_loggers_the_state_has_the_last_report(tmp_path: Path) -> None:
    state = {"trial_id": "a", "status": "TERMINATED", "relative_logdir": "train_a", "config": {}}
    last = {"loss": 0.5, "training_iteration": 4, "config": {"lr": 0.1}}
    write_state(tmp_path, [state | {"last_result": last}])
    (trial,) = read_trials(tmp_path)
    assert trial.reports == ({"loss": 0.5, "training_iteration": 4},)
    assert trial.config == {"lr": 0.1}


def test_folders_that_are_no_experiment(experiment: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no folder '.*nowhere'.*storage_path"):
        read_trials(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds 1: give the folder.*for example .*/plain"):
        read_trials(tmp_path)
    with pytest.raises(ValueError, match=r"no trial of Ray Tune was found.*result\.json"):
        read_trials(experiment / "notes")
    with pytest.raises(ValueError, match=r"'abc://x' cannot be opened"):
        read_trials("abc://x")
    table = experiment / "runs.csv"
    table.write_text("loss,size\n1,2\n")
    with pytest.raises(ValueError, match=r"runs\.csv' is a file, not.*pandas\.read_csv"):
        read_trials(table)


def test_reading_starts_no_ray_and_runs_no_code(experiment: Path) -> None:
    code = (
        "import sys, mobo_core\n"
        "assert 'pyarrow' not in sys.modules\n"
        "objectives = [mobo_core.Objective('val/loss', 'min', 9)]\n"
        f"print(len(mobo_core.pareto_front({str(experiment)!r}, objectives)))\n"
        "print(*(n for n in ('ray', 'pandas', 'torch', 'plotly', 'pickle5') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


LONG = pd.DataFrame(
    {
        "trial": ["a", "b", "a"],
        "loss": [1.0, 2.0, np.nan],
        "epoch": [1, 1, 2],
        "config/net/act": ["relu", None, "relu"],
    }
)


def test_a_long_table() -> None:
    a, b = read_trials(LONG)
    assert a.reports == ({"trial": "a", "loss": 1.0, "epoch": 1}, {"trial": "a", "epoch": 2})
    assert (a.config, b.config) == ({"net/act": "relu"}, {})
    assert a.result["epoch"] == 2
    named = read_trials(LONG.rename(columns={"trial": "run"}), trial_column="run")
    assert [trial.trial_id for trial in named] == ["a", "b"]
    with pytest.raises(ValueError, match=r"no column 'run'.*epoch, loss, trial"):
        read_trials(LONG, trial_column="run")


def test_rows_without_a_trial_are_not_given_to_another_one() -> None:
    rows: list[dict[str, Any]] = [{"trial_id": "1", "loss": 5}, {"loss": 1}]
    for table in (rows, pd.DataFrame(rows)):
        with pytest.raises(ValueError, match=r"row 1 of the table has no 'trial_id', but others"):
            read_trials(table)
    # pandas writes whole numbers as floats if a value was missing once.
    floats = pd.DataFrame({"trial_id": [1, 1, None], "loss": [2.0, 1.0, None]}).dropna()
    assert [trial.trial_id for trial in read_trials(floats)] == ["1"]
    assert [trial.trial_id for trial in read_trials([{"trial": 0.5, "loss": 1}])] == ["0.5"]


def test_a_table_with_a_row_for_each_trial() -> None:
    trials = read_trials(LONG.drop(columns=["trial", "epoch"]))
    assert [trial.trial_id for trial in trials] == ["0", "1", "2"]
    assert [len(trial.reports) for trial in trials] == [1, 1, 1]


def long_rows(**more: Any) -> list[dict[str, Any]]:
    """Return the reports of three trials, of which one ended early, in the order of the epochs."""
    return [
        {"run": f"r{n}", "epoch": e, "loss": n / e, **more} for e in (1, 2, 3) for n in range(3)
    ][:-1]


@pytest.mark.parametrize("name", ["run", "run_id", "Run_Name", "Trial"])
def test_usual_names_of_the_trials_column(name: str) -> None:
    rows = [{name if key == "run" else key: v for key, v in row.items()} for row in long_rows()]
    for table in (rows, pd.DataFrame(rows)):
        trials = read_trials(table)
        assert [(trial.trial_id, len(trial.reports)) for trial in trials] == [
            ("r0", 3),
            ("r1", 3),
            ("r2", 2),
        ]
    # With a row for each trial, the names are the trials' too.
    assert [trial.trial_id for trial in read_trials(rows[:3])] == ["r0", "r1", "r2"]


def test_a_long_table_without_a_column_of_trials_is_said() -> None:
    rows = [{"model": row.pop("run"), **row} for row in long_rows()]
    message = r"each of the 8 rows.*column 'epoch' counts up several times.*trial_column="
    for table in (rows, sorted(rows, key=lambda row: str(row["model"])), pd.DataFrame(rows)):
        with pytest.warns(UserWarning, match=message):
            assert len(read_trials(table)) == 8
        assert len(read_trials(table, trial_column="model")) == 3


def test_a_column_of_runs_that_does_not_tell_rows_apart_is_not_taken() -> None:
    # The repetitions of two configurations, which have the same numbers and epochs.
    twice = [{"run": n, "lr": lr, "epoch": 8, "loss": lr * n} for lr in (0.1, 0.2) for n in (1, 2)]
    with pytest.warns(UserWarning, match=r"column 'run' has the same value.*trial_column='run'"):
        assert len(read_trials(twice)) == 4
    without = [{key: v for key, v in row.items() if key != "epoch"} for row in long_rows()]
    with pytest.warns(UserWarning, match="column 'run' has the same value in several rows"):
        assert len(read_trials(without)) == 8
    # A row for each trial: the whole search has one name, and trials ended after some epochs.
    ends = [1, 3, 1, 9, 3, 9, 9, 1]
    wide = [{"run": "sweep", "epoch": end, "loss": n} for n, end in enumerate(ends)]
    assert len(read_trials(wide)) == 8
    assert len(read_trials([{"loss": n, "epoch": 8} for n in range(4)])) == 4
    assert len(read_trials([{"loss": 1.0, "run": 1}, {"loss": 2.0}])) == 2


def test_dicts_are_rows() -> None:
    rows = [{"val": {"loss": 1.0}, "config": CONFIG}, {"val/loss": 2.0}]
    nested, plain = read_trials(rows)
    assert nested.reports == ({"val/loss": 1.0},)
    assert nested.config == CONFIG
    assert plain.reports == ({"val/loss": 2.0},)
    assert read_trials([nested, plain]) == [nested, plain]
    assert read_trials([]) == []


@pytest.mark.parametrize("wrong", [3, None, {"loss": 1.0}, b"path", [1, 2], [{}, 3], object()])
def test_other_things_are_refused_in_one_line(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"results must be a ResultGrid.* got \w+") as raised:
        read_trials(wrong)
    assert "\n" not in str(raised.value)


def test_names_of_metrics() -> None:
    reports = ({"loss": 1.0, "note": "x", "done": True}, {"late": np.float32(2), "bad": np.nan})
    assert metric_names([TrialHistory("a", {}, reports)]) == ["late", "loss"]


def test_flat_and_split() -> None:
    assert flat({1: {2: [3]}, "a": {}}) == {"1/2": [3]}
    assert split_config({"config": "text", "loss": 1}) == ({"config": "text", "loss": 1}, {})
    frame = pd.DataFrame({"loss": [[0.5], [0.2, 0.3]], "config/layers": [[16], [8, 8]]})
    first, second = read_trials(frame)
    assert (first.reports, first.config) == (({"loss": 0.5},), {"layers": [16]})
    assert second.reports == ({"loss": [0.2, 0.3]},)
    assert error_line("") == "unknown error"
    assert error_line("the worker died") == "the worker died"
