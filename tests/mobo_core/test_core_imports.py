from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mobo_core

ROOT = Path(mobo_core.__file__).parents[1]

NUMERICS = ["objectives", "pareto", "pareto.indicators", "rules", "space", "seeding"]
HEAVY = ["ray", "ax", "botorch", "torch", "lightning", "pandas", "matplotlib"]


@pytest.mark.parametrize("module", ["mobo_core", *(f"mobo_core.{name}" for name in NUMERICS)])
def test_the_numerics_import_nothing_heavy(module: str) -> None:
    # A fresh process: in this one other tests may have imported them.
    code = (
        f"import sys, {module}\n"
        f"assert {module!r} in sys.modules\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
