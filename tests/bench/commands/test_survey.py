"""The commands of surveys, as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.main import cli
from bench.errors import UserError
from tests.bench.surveys import SMALL, small_survey


@pytest.mark.slow
def test_a_survey_is_run_and_reported_and_reported_again(tmp_path: Path) -> None:
    path, out, reports = small_survey(tmp_path), tmp_path / "out", tmp_path / "reports"
    options = ["--seeds", "1", "--processes", "1", "--out", str(out)]
    run = [*options, "--only", "synthetic", "--reports", str(reports)]
    done = CliRunner().invoke(cli, ["survey", "run", path, *run], catch_exceptions=False)
    assert "3 data sets, 9 runs to simulate" in done.output
    assert "9 of 9 runs" in done.output
    first = (reports / "README.md").read_text("utf-8")
    assert "A small survey" in first
    again = CliRunner().invoke(cli, ["survey", "report", str(out), "--reports", str(reports)])
    assert again.exit_code == 0
    second = (reports / "README.md").read_text("utf-8")
    assert second == first.replace("# A small survey", "# out", 1)


def test_a_bad_parameter_is_found_before_any_run(tmp_path: Path) -> None:
    path = small_survey(tmp_path, SMALL.replace("reduction_factor = 2", "reduction_factor = 1"))
    options = ["--only", "recorded", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, ["survey", "run", path, *options])
    assert isinstance(done.exception, UserError)
    assert "scheduler 'moasha': reduction_factor must be" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing"], "unknown survey 'nothing'"),
        (["run", "survey", "--only", "lcbnech"], "unknown family 'lcbnech': choose from lcbench"),
        (["run", "survey", "--seeds", "0"], "bad seeds '0'"),
        (["run", "survey", "--data-dir", "nowhere"], "there is no surrogate"),
        (["report", "nowhere"], "has no rows of a survey"),
    ],
)
def test_mistakes_end_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["survey", *arguments])
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)
    assert list(tmp_path.iterdir()) == []
