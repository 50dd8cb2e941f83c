"""Fixtures for all tests: one Ray for the session, and MNIST if it is there.

Every process uses one thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Set before numpy and torch load. Tests, Ray and trials share few cores, and results must repeat.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray's processes would have the lowest priority beside other tests, and hardly run.
os.environ.setdefault("RAY_worker_niceness", "0")

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

    from bench.execution.ray.backend import RayBackend

# Property tests use fixed examples, so that a test that fails on one machine fails on all. An
# example has no time limit, because timing belongs to the benchmarks.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def backend() -> Iterator[RayBackend]:
    """Yield the session's only Ray backend: two slots, on the embedded digits."""
    from bench.execution.ray.backend import RayBackend
    from bench.execution.ray.settings import RaySettings

    with RayBackend(RaySettings(), data_dir="no-data-needed", slots=2) as running:
        yield running


@pytest.fixture
def ray_session(backend: RayBackend) -> RayBackend:
    """Return the backend with all slots free, for tests that call Tune themselves."""
    backend.free_slots()
    return backend


@pytest.fixture(scope="session")
def mnist_dir() -> str:
    """Return the folder with MNIST/raw, named by DATA_DIR; skip the test if it is missing."""
    folder = os.environ.get("DATA_DIR", str(ROOT / "data"))
    if not Path(folder, "MNIST", "raw").is_dir():
        pytest.skip("MNIST is not there; set DATA_DIR to a folder with MNIST/raw")
    return folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """With ``-n 2``, give all files with Ray to one process, and each other file to one."""
    from xdist.scheduler import LoadScopeScheduling

    class RayApart(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ray" if file in with_ray else file

    files = (ROOT / "tests").rglob("test_*.py")
    with_ray = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if "pytest.mark.ray" in file.read_text(encoding="utf-8")
    }
    return RayApart(config, log)
