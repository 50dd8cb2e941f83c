"""Many runs in one process: what a run takes it gives back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.records import storage

RUNS, SETTLED = 200, 50
"""Runs, and those after which caches are filled and every kind of process has started."""
MAY_GROW = {
    "driver_mib": 40,
    "all_mib": 120,
    "handles": 50,
    "processes": 1,
    "folders": 1,
    "tune_folders": 0,
}
"""The growth that is allowed: memory and Ray's idle processes vary during a run."""
PROMPT_RAY = {
    # Ray's head keeps a connection to a normally ended process for one to two times this long.
    # The default, 300,000, is longer than the runs take.
    "RAY_subscriber_timeout_ms": "20000",
    # Ray keeps this many logs of ended processes open before it closes any; the default is 200.
    "RAY_LOG_MONITOR_MAX_OPEN_FILES": "20",
}
"""Settings of Ray under which what it keeps for a while does not hide what nobody gives back."""


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("kind", ["virtual", pytest.param("ray", marks=pytest.mark.ray)])
def test_200_runs_in_one_process_take_no_more_than_50(tmp_path: Path, kind: str) -> None:
    temporary = tempfile.mkdtemp(prefix="soak-", dir="/tmp")  # short, for Ray's sockets
    driver = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.bench.execution.soak_driver",
            kind,
            tmp_path,
            str(RUNS),
            str(SETTLED),
        ],
        env={**os.environ, **PROMPT_RAY, "TMPDIR": temporary, "RAY_TMPDIR": temporary},
        capture_output=True,
        text=True,
        timeout=1400,
    )
    left = os.listdir(temporary)
    shutil.rmtree(temporary)
    assert driver.returncode == 0, driver.stderr
    before, after = map(json.loads, driver.stdout.splitlines())
    grown = {what: after[what] - before[what] for what in MAY_GROW}
    assert {w: g for w, g in grown.items() if g > MAY_GROW[w]} == {}, (before, after)
    assert left == []
    assert len(storage.read_all(tmp_path)) == len(os.listdir(tmp_path)) == RUNS
