"""A survey goes on where it was, and makes again what has changed."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from bench.errors import UserError
from bench.matrix.surveys import load_survey
from bench.studies.survey import running
from tests.bench.surveys import SMALL, small_survey


def make(tmp_path: Path, seeds: list[int], text: str = SMALL, force: bool = False) -> str:
    """Make what is missing of the small survey's first and third data set; return what is said."""
    survey, said = load_survey(small_survey(tmp_path, text)), io.StringIO()
    units = survey.units()[::2]
    console = Console(file=said, width=200)
    wanted = running.Wanted(units, seeds, force)
    running.make(survey, wanted, tmp_path / "out", "none", 1, console)
    return said.getvalue()


@pytest.mark.slow
def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    assert "9 runs to simulate" in make(tmp_path, [0])
    first = running.rows_of(tmp_path / "out")
    assert len(first) == 9 + 2  # and FIFO with another training seed, on the recorded table
    assert set(first.side) == {"tuning", "test"}
    assert "0 runs to simulate" in make(tmp_path, [0])
    assert "9 runs to simulate" in make(tmp_path, [0, 1])
    both = running.rows_of(tmp_path / "out")
    pd.testing.assert_frame_equal(
        both[both.seed == 0].reset_index(drop=True), first, check_like=True
    )
    # A changed scheduler is made again, and no other.
    changed = SMALL.replace("reduction_factor = 2", "reduction_factor = 4")
    assert "3 runs to simulate" in make(tmp_path, [0], changed)
    after = running.rows_of(tmp_path / "out")
    assert len(after) == len(both) - 3  # the old rows of the other seed are gone
    other = after.scheduler != "moasha"
    assert other.sum() == (both.scheduler != "moasha").sum()
    before = both[(both.scheduler == "moasha") & (both.seed == 0)]
    assert after[~other].epochs.mean() < before.epochs.mean()
    assert "9 runs to simulate" in make(tmp_path, [0], force=True)
    again = running.rows_of(tmp_path / "out")
    keys = [*running.KEYS, "dataset"]
    # The same settings give the same numbers, bit for bit.
    left = again[again.scheduler != "moasha"].sort_values(keys).reset_index(drop=True)
    right = both[both.scheduler != "moasha"].sort_values(keys).reset_index(drop=True)
    pd.testing.assert_frame_equal(left, right)


def test_a_folder_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no rows of a survey"):
        running.rows_of(tmp_path)
