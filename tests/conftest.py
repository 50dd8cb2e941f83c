"""Fixtures for all tests: one Ray per process of the tests, and MNIST if it is there.

Every process uses one thread.
"""

from __future__ import annotations

import os
from collections import Counter
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

from bench.instructions import pin

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

    from bench.execution.ray.backend import RayBackend

pin()  # before NumPy and PyTorch are imported

# Property tests use fixed examples, so that a test that fails on one machine fails on all. An
# example has no time limit, because timing belongs to the benchmarks.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def backend() -> Iterator[RayBackend]:
    """Yield the only Ray backend of this process: two slots, on the embedded digits."""
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


@pytest.hookimpl(trylast=True)  # after the tests that -m and -k leave out are gone
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of ``-n 2``, sort files so that those that take longest come first.

    The short ones fill the end up, so both processes end at about the same time.
    """
    if not hasattr(config, "workerinput"):
        return
    weights: Counter[Path] = Counter()
    for item in items:
        long = item.get_closest_marker("ray") or item.get_closest_marker("slow")
        weights[item.path] += 1000 if long else 1
    items.sort(key=lambda item: (-weights[item.path], item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """With ``-n 2``, give the next file to the process that is free; each has a Ray of its own."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # the order is that of the collected tests
    return LoadFileScheduling(config, log)
