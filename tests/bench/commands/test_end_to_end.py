"""The command as a user runs it: start, Ctrl-C, go on, report, run again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.records import storage

COMMAND = str(Path(sys.executable).with_name("mobo-bench"))
MATRIX = """title = "Interrupted"
problem = "mlp"
dataset = "digits"
objective_sets = ["acc+params"]
budget = { trials = 3, max_epochs = 3, slots = 2 }
searcher = [{ name = "sobol" }]
scheduler = [{ name = "fifo" }, { name = "paper-rungwise" }]
"""


def start(folder: Path) -> subprocess.Popen[str]:
    (folder / "mine.toml").write_text(MATRIX)
    return subprocess.Popen(
        [COMMAND, "run", "mine.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A test runner in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


@pytest.mark.slow
@pytest.mark.ray
def test_interrupt_and_go_on(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[1/2]"):
            break
    files = [Path(file.path) for file in psutil.Process(process.pid).open_files()]
    temporary = [file.parent for file in files if file.parent.name.startswith("mobo-")]
    assert temporary
    time.sleep(1)  # into the second run
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130, "".join(lines) + rest
    assert "what is finished is kept" in rest
    assert "Traceback" not in rest
    assert not any(folder.exists() for folder in temporary)
    folder = tmp_path / "results" / "mine-digits"
    kept = storage.read_all(folder)
    assert len(kept) == 1
    assert all(record.finished for record in kept)

    started = {record.run_id: record.started_at for record in kept}
    output, _ = start(tmp_path).communicate(timeout=300)
    assert f"{len(kept)} already finished" in output
    done = {record.run_id: record.started_at for record in storage.read_all(folder)}
    assert len(done) == 2
    assert started.items() <= done.items()
    assert (tmp_path / "reports" / "mine-digits" / "report.md").is_file()

    # Nothing left to do: no Ray is started, the report is made again.
    output, _ = start(tmp_path).communicate(timeout=120)
    assert "2 already finished" in output
    assert "[1/" not in output
