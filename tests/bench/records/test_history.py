"""Results as they were at a commit, from a real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.main import cli
from bench.errors import UserError
from bench.records import history
from tests.bench.analysis.test_comparison import folder, shorter, stopped


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository with two commits whose results in ``results/kept`` differ.

    The results of the second commit also lie on disk.
    """
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)

    git("init", "--initial-branch=main")
    kept = tmp_path / "results" / "kept"
    for made in ([stopped(k) for k in range(6)], [shorter(k) for k in range(6)]):
        folder(kept, *made)
        git("add", "--all", "--force")
        git("commit", "--message=results")
    (tmp_path / "below").mkdir()
    return tmp_path


def test_two_commits_are_compared(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "below")  # a name is relative to the repository's root
    names = ["HEAD~1:results/kept", "main:results/kept"]
    said = CliRunner().invoke(cli, ["compare", *names, "--markdown"])
    assert said.exit_code == 0, said.output
    assert "× 0.667" in said.output  # two epochs of three
    assert all(name in said.output for name in names)


def test_a_folder_on_disk_comes_first(repository: Path) -> None:
    for name in ("results/kept", "results/none"):
        with history.results(name) as found:
            assert found == Path(name)
    (repository / "main:results").mkdir()
    with history.results("main:results") as found:
        assert found == Path("main:results")


def test_nothing_is_left_behind(repository: Path) -> None:
    with history.results("HEAD~1:results/kept") as found:
        assert len(list(found.iterdir())) == 7  # six runs, and the settings
    assert not found.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nope:results/kept",
            r"nope:results/kept is not a folder, and git finds no .*FOLDER or COM",
        ),
        ("main:results/none", "git finds no such commit and folder here .*results/none"),
        ("--output=x:results/kept", "is not a folder, and git finds no"),
        ("main:results", "main:results is not a results folder"),
    ],
)
def test_what_is_not_there_is_named(name: str, message: str, repository: Path) -> None:
    with pytest.raises(UserError, match=message), history.results(name):
        pass
    assert not (repository / "x").exists()


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="git finds no"), history.results("main:results"):
        pass
