"""The report of a survey: what it says, and that every figure is there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.errors import UserError
from bench.report import survey
from tests.bench.analysis.test_survey import LOSSES, rows


def test_the_report_has_tables_figures_and_numbers(tmp_path: Path) -> None:
    noise = {**LOSSES, "fifo-replicate": [0.01, -0.01, 0.0, 0.0, 0.0, 0.0]}
    both = pd.concat([rows(LOSSES), rows(noise, "g"), rows(LOSSES, "h").assign(side="tuning")])
    survey.write(both, "A title", tmp_path / "out")
    text = (tmp_path / "out" / survey.TEXT).read_text("utf-8")
    assert text.startswith("# A title\n")
    for name in ("plane", "anytime-epochs", "anytime-time", "ranks"):
        assert f"figures/{name}.png" in text
        assert (tmp_path / "out" / "figures" / f"{name}.png").stat().st_size > 10_000
    # Both sides have a table of their own, and statements are about the test side.
    tested = text.index("Saved and lost, test side")
    tuned = text.index("Saved and lost, tuning side")
    assert text.index("| g | fifo-replicate |") > tested
    assert "| h | moasha |" in text[tuned:]
    assert "| h |" not in text[: min(tested, tuned)]
    assert "`c0ffee`" in text
    assert "`a command`" in text
    assert "| f | hv-promotion | 6 | 70.0 % |" in text
    numbers = pd.read_parquet(tmp_path / "out" / survey.NUMBERS)
    assert set(numbers.dataset) == {f"{family}-{k}" for family in "fgh" for k in range(6)}


def test_a_report_of_one_side_only_is_possible(tmp_path: Path) -> None:
    survey.write(rows(LOSSES).assign(side="tuning"), "Tuning", tmp_path)
    text = (tmp_path / survey.TEXT).read_text("utf-8")
    assert "test side" not in text.split("## ", 1)[1]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        survey.write(rows(LOSSES), "A title", tmp_path / "file")


def test_a_survey_of_one_scheduler_has_no_ranks_and_no_duels(tmp_path: Path) -> None:
    survey.write(rows({"half": LOSSES["moasha"]}), "One", tmp_path)
    text = (tmp_path / survey.TEXT).read_text("utf-8")
    assert "Saved and lost" in text
    assert "Mean ranks" not in text
    assert "against" not in text.split("## ", 1)[1]
