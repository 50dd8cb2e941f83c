"""Packages that import names on first use show them to editors and notebooks before that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rooms import ROOT

LAZY = sorted(
    ".".join(path.relative_to(ROOT).parent.parts)
    for package in ("bench", "mobo_core")
    for path in (ROOT / package).rglob("__init__.py")
    if "def __getattr__(" in path.read_text("utf-8")
)


def test_there_are_such_packages() -> None:
    assert {"mobo_core", "mobo_core.plot", "mobo_core.tune"} <= set(LAZY)


@pytest.mark.parametrize("package", LAZY)
def test_dir_has_all_public_names_and_imports_none(package: str) -> None:
    code = (
        f"import sys, {package} as package\n"
        "before = set(sys.modules)\n"
        "names = dir(package)\n"
        "assert set(sys.modules) == before\n"
        "assert names == sorted(set(names))\n"
        "print(set(package.__all__) - set(names), {'__doc__', '__name__'} - set(names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["set()", "set()"]
