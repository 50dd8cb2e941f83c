"""The library's version is that of the installed distribution."""

from __future__ import annotations

import runpy
from importlib import metadata

import pytest

import mobo_core


def test_the_version_is_that_of_the_distribution() -> None:
    assert mobo_core.__version__ == metadata.version("mobo-bench")
    assert "__version__" in mobo_core.__all__


def test_code_that_is_not_installed_has_no_known_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert runpy.run_path(mobo_core.__file__)["__version__"] == "0+unknown"
