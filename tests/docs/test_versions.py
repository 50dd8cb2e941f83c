"""The stated versions of Python, Ray and Ax are those that were tested, on every page."""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import pytest

import noxfile

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
with (ROOT / "docs" / "versions.csv").open(encoding="utf-8", newline="") as _file:
    TABLE = list(csv.DictReader(_file))


def minor(version: str) -> tuple[int, int]:
    first, second = version.split(".")[:2]
    return int(first), int(second)


def bounds(requirements: list[str], package: str) -> tuple[str, str]:
    """Return the lowest allowed version of a package and the first that is not allowed."""
    (found,) = (r for r in requirements if re.match(rf"{re.escape(package)}[>=]", r))
    lower, upper = re.fullmatch(r"[^>=]+>=([\d.]+),<([\d.]+)", found).groups()  # type: ignore[union-attr]
    return lower, upper


RAY = bounds(PROJECT["dependencies"], "ray[tune]")
AX = bounds(PROJECT["optional-dependencies"]["ax"], "ax-platform")


def test_every_environment_was_tested_and_nothing_failed() -> None:
    assert [row["session"] for row in TABLE] == list(noxfile.ROWS)
    for row in TABLE:
        assert int(row["passed"]) > 10, row
        assert int(row["failed"]) == 0, row


def test_the_oldest_allowed_versions_are_tested() -> None:
    tested = {minor(row["ray"]) for row in TABLE}
    assert min(tested) == minor(RAY[0])
    assert max(tested) < minor(RAY[1] + ".0")
    tested = {minor(row["ax-platform"]) for row in TABLE if row["ax-platform"] != "–"}
    assert min(tested) == minor(AX[0])
    assert max(tested) < minor(AX[1])
    pythons = {row["Python"] for row in TABLE}
    assert min(pythons) == PROJECT["requires-python"].removeprefix(">=")
    classified = {text.rpartition(" ")[2] for text in PROJECT["classifiers"] if "3." in text}
    assert pythons == classified


def test_the_locked_versions_are_the_newest_tested() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    (newest,) = (row for row in TABLE if row["session"] == "newest")
    for package in ("ray", "ax-platform", "torch"):
        assert f"\n{package}=={newest[package]}\n" in lock


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md", "docs/versions.md"])
def test_the_pages_state_the_same_range(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    stated = set(
        re.findall(r"(?:Ray ≥ |Ray \| |Ray )(2\.\d+)(?: and newer| or newer| and Python)", text)
    )
    assert stated == {RAY[0]}
