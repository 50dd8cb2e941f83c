"""The page about rivals: its tables are the catalogue's, and its programs print what it says."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.matrix import rivals
from bench.matrix.files import load_matrix
from bench.matrix.split import side_of
from bench.rivals.installed import AX, DEEPHYPER, NEPS, SMAC, SYNE_TUNE, System

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rivals.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
OPTUNA = System("Optuna", "optuna")
SYSTEMS = (SYNE_TUNE, NEPS, DEEPHYPER, AX, AX, OPTUNA, SMAC)
"""The system of each program, in the page's order."""


def printed(program: str, system: System) -> str:
    """Run a program and return what it prints."""
    if system.environment:
        command = [str(system.python), "-I", "-W", "ignore", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(program, str(ROOT / "docs" / "rivals.md"), "exec"), {})
    return out.getvalue()


@pytest.mark.filterwarnings("ignore")  # of the rivals' own code
@pytest.mark.parametrize(
    ("program", "output", "system"),
    [
        pytest.param(
            program,
            output,
            system,
            marks=pytest.mark.skipif(bool(system.missing()), reason=system.missing()),
            id=f"{system.title}-{number}",
        )
        for number, ((program, output), system) in enumerate(zip(PROGRAMS, SYSTEMS, strict=True))
    ],
)
def test_its_programs_print_what_it_says(program: str, output: str, system: System) -> None:
    assert printed(program, system) == output


@pytest.mark.parametrize("kind", sorted(rivals.KINDS))
def test_its_tables_name_every_rival_and_parameter(kind: str) -> None:
    table = PAGE[PAGE.index(f"| {kind} | what it is |") :].split("\n\n")[0]
    rows = {
        name: dict(re.findall(r"`(\w+) = ([^`]*)`", parameters))
        for name, parameters in re.findall(r"^\| `([\w-]+)` \|.*\| (.*) \|$", table, re.MULTILINE)
    }
    assert set(rows) == set(rivals.KINDS[kind])
    for name, rival in rivals.KINDS[kind].items():
        assert rows[name] == defaults(rival.make), name


def defaults(make: object) -> Mapping[str, str]:
    """Return the parameters of a factory, with their defaults as the page writes them."""
    parameters = list(inspect.signature(make).parameters.values())[1:]  # type: ignore[arg-type]
    return {p.name: shown(p.default) for p in parameters}


def shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def test_the_matrices_have_every_rival_and_only_data_for_tuning() -> None:
    matrix, search = load_matrix("rivals"), load_matrix("rivals-search")
    for each in (matrix, search):
        assert side_of(f"mlp-{each.dataset}") == "tuning"
    assert set(rivals.SCHEDULERS) <= {component.name for component in matrix.schedulers}
    assert set(rivals.SEARCHERS) <= {component.name for component in search.searchers}


def test_versions_of_the_page_are_those_of_the_locks() -> None:
    locks = "".join((ROOT / f"requirements{name}.lock").read_text("utf-8") for name in LOCKS)
    assert "http" not in locks.replace("aiohttp", "").replace("httpx", "").replace("httpcore", "")
    for title, package in PACKAGES.items():
        (version,) = re.findall(rf"^\*\*{title}\*\* (\d+\.\d+) ", PAGE, re.MULTILINE)
        assert re.search(rf"^{package}=={re.escape(version)}\.", locks, re.MULTILINE), package


LOCKS = ("", "-rivals", "-neps")
PACKAGES = {
    "Syne Tune": "syne-tune",
    "NePS": "neural-pipeline-search",
    "Ax": "ax-platform",
    "DeepHyper": "deephyper",
    "SMAC": "smac",
}


def test_the_rivals_lock_changes_no_other_package() -> None:
    def versions(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in (ROOT / name).read_text("utf-8").splitlines():
            package, _, version = line.partition(";")[0].strip().partition("==")
            found.setdefault(package, set()).add(version)
        return found

    ours, theirs = versions("requirements.lock"), versions("requirements-rivals.lock")
    assert {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]} == set()
    assert {"syne-tune", "deephyper", "smac"} <= theirs.keys() - ours.keys()
