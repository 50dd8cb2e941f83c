"""Every undocumented name of Ray that the benchmark uses is there, and is read in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bench
from bench.execution.ray.private_names import NAMES, owner
from mobo_core.tune.private_names import PrivateName
from tests.mobo_core.tune.test_compat import private_imports

ROOT = Path(bench.__file__).parent


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.name)
def test_a_name_is_there(name: PrivateName) -> None:
    assert hasattr(owner(name), name.name), name.moved()


def test_a_module_that_has_gone_is_said_in_words() -> None:
    gone = PrivateName("ray._private.absent", "x", "test this", "mend the test", "tests")
    with pytest.raises(RuntimeError, match=r"^ray [\d.]+ has no absent\.x, .* mend the test in"):
        owner(gone)


def test_no_other_module_imports_undocumented_names_of_ray() -> None:
    found = {
        str(path.relative_to(ROOT)): sorted(private_imports(ast.parse(path.read_text("utf-8"))))
        for path in ROOT.rglob("*.py")
    }
    assert {path: names for path, names in found.items() if names} == {}
