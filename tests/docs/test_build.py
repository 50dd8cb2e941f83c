"""The documentation is built without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from tests.docs.test_pages import public_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    built = subprocess.run(
        [*command, str(ROOT / "docs"), str(tmp_path)], capture_output=True, text=True, timeout=550
    )
    assert built.returncode == 0, built.stderr
    # The examples are in the pages, and names in docstrings have become links.
    extending = (tmp_path / "extending.html").read_text("utf-8")
    assert "MutationSearcher" in extending
    assert "PlateauRule" in extending
    tune = (tmp_path / "api" / "tune.html").read_text("utf-8")
    assert re.search(r'href="rules.html#module-mobo_core.rules.projection"', tune)
    # Every public name has an entry under the path that users import it from.
    inventory = InventoryFile.loads((tmp_path / "objects.inv").read_bytes(), uri="")
    entries = {name for kind, found in inventory.data.items() if "py:" in kind for name in found}
    assert public_names() <= entries
    assert not list(tmp_path.rglob("conf.py"))
