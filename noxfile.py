"""The versions of Python, Ray and Ax that are tested: one session for each of them.

    make versions-ends      the oldest and the newest versions, as in CI
    make versions           all of them; writes docs/versions.csv
    .venv/bin/nox --list    the names of the sessions

A session makes an environment of its own with uv, installs the project with the versions in `ROWS`
and runs the tests in `TESTS` there. uv downloads a Python that is not on this machine.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import nox

nox.options.default_venv_backend = "uv"
nox.options.tags = ["ends"]

TABLE = Path("docs/versions.csv")
TOOLS = ("pytest>=8.3", "pytest-benchmark>=5", "pytest-timeout>=2.3", "hypothesis>=6.100")
TESTS = ("tests/versions/contract.py", "tests/mobo_core/tune/test_compat.py")
WITHOUT_EXTRAS = "public_name or promotion_trains or front_of_the_results"
"""What CI tests of the library alone: its names, a search and a front. The environment that has the
extras too tests the rest, with the same versions of Ray and Python.
"""
SHOWN = ("ray", "ax-platform", "botorch", "torch", "numpy")
"""The packages whose versions stand in the table."""


@dataclass(frozen=True)
class Row:
    """One environment.

    Args:
        python: The version of Python.
        pins: What is installed beside the project, to fix versions.
        extras: The project's extras; without any, the library alone.
        lowest: Whether the oldest allowed version of each dependency is installed.
        end: Whether it is one of the oldest and newest environments, which CI tests.
    """

    python: str
    pins: tuple[str, ...] = ()
    extras: str = "[bench]"
    lowest: bool = False
    end: bool = False


ROWS = {
    "oldest-base": Row("3.11", extras="", lowest=True, end=True),
    "oldest": Row("3.11", ("ray[tune]==2.44.*", "ax-platform==1.1.2"), lowest=True, end=True),
    "ray-2.48": Row("3.11", ("ray[tune]==2.48.*",)),
    "ray-2.53": Row("3.12", ("ray[tune]==2.53.*",)),
    "ray-2.56": Row("3.12", ("ray[tune]==2.56.*",)),
    "ax-1.2": Row("3.12", ("ax-platform==1.2.*",)),
    "newest-base": Row("3.13", extras=""),
    "newest": Row("3.13", end=True),
}


def test(session: nox.Session, name: str, row: Row) -> None:
    """Install one row, run the tests, and write the counts if ``-- record`` was given."""
    options = ("--resolution", "lowest-direct") if row.lowest else ()
    session.install(*options, "--editable", f".{row.extras}", *row.pins, *TOOLS)
    session.env.update(OMP_NUM_THREADS="1", RAY_USAGE_STATS_ENABLED="0")
    # Ray's processes import the same modules again and again: they read the compiled ones.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    # Not the session's own temporary folder: Ray refuses one inside an environment.
    counts = Path("build/versions", f"{name}.xml").resolve()
    counts.parent.mkdir(parents=True, exist_ok=True)
    counts.unlink(missing_ok=True)
    tests = TESTS if row.extras else TESTS[:1]
    command = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={counts}")
    chosen = () if row.extras or "record" in session.posargs else ("-k", WITHOUT_EXTRAS)
    session.run(*command, *tests, *chosen, success_codes=[0, 1])
    if not counts.exists():  # nox --install-only
        return
    (suite,) = ElementTree.parse(counts).getroot().iter("testsuite")  # noqa: S314 - our own file
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    if "record" in session.posargs:
        skipped = int(suite.get("skipped", 0))
        passed = int(suite.get("tests", 0)) - failed - skipped
        write(name, row, installed(session), (passed, failed, skipped))
    if failed:
        session.error(f"{failed} tests fail with the versions of {name!r}")


def installed(session: nox.Session) -> list[str]:
    """Return the versions of `SHOWN`; a dash for a package that is not installed."""
    code = (
        "import json; from importlib.metadata import distributions; "
        "print(json.dumps({d.name: d.version for d in distributions()}))"
    )
    output = session.run("python", "-c", code, silent=True)
    versions = json.loads(str(output).splitlines()[-1])
    return [versions.get(name, "–").partition("+")[0] for name in SHOWN]


def write(name: str, row: Row, versions: list[str], counts: tuple[int, int, int]) -> None:
    """Replace one row of the table, or add it."""
    header = ["session", "Python", *SHOWN, "passed", "failed", "skipped", "date"]
    rows = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = {line[0]: line for line in list(csv.reader(file))[1:]}
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    rows[name] = [name, row.python, *versions, *map(str, counts), today]
    fresh = TABLE.with_suffix(".new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *(rows[key] for key in ROWS if key in rows)])
    os.replace(fresh, TABLE)


for _name, _row in ROWS.items():
    nox.session(name=_name, python=_row.python, tags=["all", "ends"] if _row.end else ["all"])(
        lambda session, name=_name, row=_row: test(session, name, row)
    )
