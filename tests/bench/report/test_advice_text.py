"""The answer of an advice in five lines, as Markdown, as JSON and as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.advice import Advice, advise
from bench.errors import UserError
from bench.report import advice_files, advice_text
from tests.bench.analysis.test_advice import SETTING, replays, without_volume


def made(tolerance: float = 0.02, **changes: object) -> Advice:
    table = replays(good=(0.5, 0.99, True), plain=(0.6, 0.995, False), greedy=(0.2, 0.9, False))
    return advise(table, replace(SETTING, **changes), tolerance)  # type: ignore[arg-type]


def test_five_lines_with_the_figures() -> None:
    lines = advice_text.lines(made())
    assert len(lines) == 5
    assert lines[0] == (
        "20 trials of curves.csv (table), up to 8 epochs, replayed in 10 random orders on 4 slots, "
        "in virtual time."
    )
    assert lines[1].startswith(
        "Take good: it would have saved 50.0 % [50.0, 50.0] of the training (80 instead of 160 "
        "epochs) and 50.0 % [50.0, 50.0] of the time (40.0s instead of 1m20s), and lost 1.0 % ["
    )
    assert lines[1].endswith("of the hypervolume (worst order: 1.5 % lost).")
    assert "Without them take plain, which would have saved 40.0 %" in lines[2]
    assert lines[3] == "All curves are complete, so FIFO's result is known."
    assert "new orders of the same trials are not new trials" in lines[4]


def test_none_that_qualifies_is_said_plainly() -> None:
    lines = advice_text.lines(made(tolerance=0.0))
    assert lines[1].startswith("No scheduler that saves training surely loses at most 0.0 %")
    assert "Closest is plain: it would have saved 40.0 %" in lines[1]
    lines = advice_text.lines(made(per_order=11, trials=11))
    assert lines[1] == (
        "No recommendation: 11 trials are too few to recommend a scheduler: it takes at least 12."
    )
    nothing = advise(replays(same=(1.0, 1.0, False)), SETTING, 0.02)
    assert advice_text.lines(nothing)[1].startswith("No scheduler saves anything")


def test_what_is_unknown_is_said() -> None:
    found = made(incomplete=3, timed=False, unit=500, time_attr="step", left_out={"failed": 2})
    lines = advice_text.lines(found)
    assert "up to 4000 steps, counted by 500, replayed" in lines[0]
    assert "(40000 instead of 80000 steps)" in lines[1]
    assert "of the time" not in lines[1]
    assert lines[3].startswith("3 of 20 curves end before the full budget")
    assert "the real loss may be larger" in lines[3]
    one = advice_text.lines(made(incomplete=1))[3]
    assert one.startswith("1 of 20 curves ends before the full budget and is used as far as it")
    notes = advice_text.notes(found)
    assert notes[0] == "2 trials left out: failed."
    assert any("no times" in note for note in notes)
    assert "time saved" not in advice_text.table(found).columns


def test_the_table_begins_with_the_largest_saving() -> None:
    table = advice_text.table(made())
    assert table["scheduler"].tolist() == ["greedy", "good", "plain"]
    assert table["qualifies"].tolist() == ["no", "yes", "yes"]
    assert table["trials"].tolist() == ["stop", "pause", "stop"]


def test_the_column_is_what_its_legend_says() -> None:
    kept = {"good": (0.5, 0.99, True), "same": (1.0, 1.0, False), "greedy": (0.2, 0.9, False)}
    found = advise(replays(**kept), SETTING, 0.02)
    assert (
        "Qualifies: the upper end of the interval of the hypervolume lost is at most 2.0 %, and "
        "the lower end of that of the training saved is above 0." in advice_text.legend(found)
    )
    shown = dict(
        zip(*(advice_text.table(found)[c] for c in ("scheduler", "qualifies")), strict=True)
    )
    for outcome in found.outcomes:
        expected = outcome.loss.high <= 0.02 and outcome.steps_saved.low > 0
        assert shown[outcome.scheduler] == ("yes" if expected else "no")
    assert advice_text.legend(found).split(". ")[1] in advice_text.to_markdown(found, None)
    schedulers = json.loads(advice_text.to_json(found, None))["schedulers"]
    assert [s["within_tolerance"] for s in schedulers] == [True, True, False]
    assert [s["qualifies"] for s in schedulers] == [True, False, False]
    few = advise(replays(orders=2, good=(0.5, 0.99, True)), replace(SETTING, orders=2), 0.02)
    assert advice_text.table(few)["qualifies"].tolist() == ["–"]
    assert json.loads(advice_text.to_json(few, None))["schedulers"][0]["qualifies"] is None


def test_curves_that_are_mostly_cut_get_no_recommendation() -> None:
    cut = made(incomplete=19)
    assert cut.recommended is None
    line = advice_text.lines(cut)[1]
    assert line.startswith("No recommendation: 19 of 20 curves end before the full budget, as ")
    assert "train a sample of the trials to the end with FIFO" in line
    assert advice_files.headline(cut).endswith("to tell what FIFO would have reached")


def test_a_gain_is_no_loss() -> None:
    found = advise(replays(good=(0.5, 1.02, True)), SETTING, 0.02)
    assert "and gained 2.0 % [" in advice_text.lines(found)[1]


def test_orders_that_cannot_be_used_are_said() -> None:
    table = without_volume(replays(good=(0.5, 0.99, True)), 3)
    found = advise(table, SETTING, 0.05)
    assert "in 10 random orders, of which 7 can be used, on" in advice_text.lines(found)[0]
    assert advice_text.notes(found)[0].startswith("3 orders left out: no trial in it ends better")
    assert json.loads(advice_text.to_json(found, None))["usable_orders"] == 7


def test_json_has_no_nan_and_all_numbers() -> None:
    found = made(orders=10)
    few = advise(replays(orders=2, good=(0.5, 0.99, True)), replace(SETTING, orders=2), 0.02)
    assert np.isnan(few.outcomes[0].loss.low)
    answer = json.loads(advice_text.to_json(few, None))
    assert answer["schedulers"][0]["hypervolume_lost"]["low"] is None
    assert answer["recommended"] is None
    answer = json.loads(advice_text.to_json(found, "print()"))
    assert answer["recommended"] == "good"
    assert answer["without_pauses"] == "plain"
    assert answer["schedulers"][0]["training_saved"]["value"] == 0.5
    assert answer["fifo"] == {"steps": 160, "runtime_s": 80}
    assert answer["program"] == "print()"
    assert answer["objectives"] == [
        {"name": "acc", "goal": "max", "reference": 0.5, "ideal": None, "exact": False}
    ]


def test_the_files_of_an_advice(tmp_path: Path) -> None:
    hostile = made(name="<script>alert(1)</script>|x")
    paths = advice_files.write(hostile, "print('hello')\n", tmp_path / "new" / "advice")
    assert all(path.stat().st_size > 0 for path in paths)
    assert {path.name for path in paths} == {
        *("index.html", "advice.md", "advice.json", "advised.py", "replays.csv"),
        *("savings.png", "savings.pdf"),
    }
    page = (tmp_path / "new" / "advice" / "index.html").read_text("utf-8")
    assert "<script>" not in page
    assert 'src="savings.png"' in page
    assert "All reports" not in page
    assert (tmp_path / "new" / "advice" / "savings.png").read_bytes()[:4] == b"\x89PNG"
    assert not list((tmp_path / "new" / "advice").glob(".*"))  # nothing is left of the staging


def test_an_old_program_does_not_stay_beside_another_answer(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    advice_files.write(made(), "print('hello')\n", tmp_path)
    assert (tmp_path / "advised.py").exists()
    without = advice_files.write(made(tolerance=0.0), None, tmp_path)
    assert not (tmp_path / "advised.py").exists()
    assert "advised.py" not in {path.name for path in without}
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize("case", ["no order can be used", "no scheduler can be used"])
def test_without_an_outcome_there_is_no_figure(tmp_path: Path, case: str) -> None:
    advice_files.write(made(), "print('hello')\n", tmp_path)
    table = replays(good=(0.5, 0.99, True))
    if case == "no order can be used":
        table = without_volume(table, 10)
    else:
        table.loc[table["scheduler"] == "good", "refused"] = "needs an ideal"
    paths = advice_files.write(advise(table, SETTING, 0.02), None, tmp_path)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.glob("savings.*"))
    assert "<img" not in (tmp_path / "index.html").read_text("utf-8")


def test_a_file_is_no_folder_for_an_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to"):
        advice_files.write(made(), None, tmp_path / "file")
