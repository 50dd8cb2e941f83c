"""Shared by all tests: one Ray for the session, one thread per process, data if it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before numpy and torch load: tests, Ray and trials share few cores, and results must repeat.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from bench.execution.ray.backend import RayBackend

# Property tests: fixed examples, since a test that fails for one of us shall fail for all, and no
# limit on the time of one. Timing belongs to benchmarks.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def backend() -> Iterator[RayBackend]:
    """The Ray backend on the embedded digits, two slots; the session's only Ray."""
    from bench.execution.ray.backend import RayBackend
    from bench.execution.ray.settings import RaySettings

    with RayBackend(RaySettings(), data_dir="no-data-needed", slots=2) as running:
        yield running


@pytest.fixture
def ray_session(backend: RayBackend) -> RayBackend:
    """A running Ray with all slots free, for tests that talk to Tune themselves."""
    backend.free_slots()
    return backend


@pytest.fixture(scope="session")
def mnist_dir() -> str:
    """Folder with MNIST/raw from the environment's DATA_DIR; skips without it."""
    folder = os.environ.get("DATA_DIR", str(ROOT / "data"))
    if not Path(folder, "MNIST", "raw").is_dir():
        pytest.skip("MNIST is not there; set DATA_DIR to a folder with MNIST/raw")
    return folder
