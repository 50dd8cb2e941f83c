"""The environment of a run: package versions, machine and commit."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import instructions

PACKAGES = (
    "ray",
    "ax-platform",
    "botorch",
    "gpytorch",
    "torch",
    "torchvision",
    "lightning",
    "moocore",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "optuna",
    "onnxruntime",
)
ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "unknown"
"""The vector instructions of a record that does not say them."""


@dataclass(frozen=True)
class Environment:
    """Everything besides the run itself that can change its result.

    Args:
        versions: The version of each package in `PACKAGES`.
        python: The version of the Python interpreter.
        platform: The operating system and architecture.
        processor: The processor's model name.
        cores: The number of cores that this process may use.
        memory_gib: The machine's memory in GiB.
        gpus: The model names of the GPUs.
        git_commit: The checkout's commit. A ``+`` follows if files differ from the commit. The
            text is empty outside a checkout.
        lock_sha256: The SHA-256 of requirements.lock; empty outside a checkout.
        instructions: The vector instructions: those that were ``used``, those that are
            ``available``, and what ``torch`` says it uses; see `bench.instructions`.
    """

    versions: dict[str, str]
    python: str
    platform: str
    processor: str
    cores: int
    memory_gib: float
    gpus: list[str]
    git_commit: str
    lock_sha256: str
    instructions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the environment as a dictionary for JSON."""
        return asdict(self)


@functools.cache
def capture() -> Environment:
    """Return the present environment. It is read once per process."""
    lock = ROOT / "requirements.lock"
    return Environment(
        versions={name: _version(name) for name in PACKAGES},
        python=platform.python_version(),
        platform=platform.platform(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        memory_gib=round(_memory_bytes() / 2**30, 1),
        gpus=gpu_names(),
        git_commit=_git_commit(),
        lock_sha256=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        instructions=_instructions(),
    )


def instructions_of(environment: Mapping[str, Any]) -> str:
    """Return the vector instructions of a recorded environment; ``unknown`` in older records."""
    return str(environment.get("instructions", {}).get("used", UNKNOWN))


def _instructions() -> dict[str, str]:
    import torch

    return {
        "used": instructions.in_force(),
        "available": instructions.available(),
        "torch": str(torch.backends.cpu.get_cpu_capability()),
    }


def gpu_names() -> list[str]:
    """Return the model names of the GPUs that PyTorch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _git_commit() -> str:
    # An installed package may lie inside the checkout of another project.
    if not (ROOT / ".git").exists():
        return ""

    def git(*arguments: str) -> str:
        completed = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10
        )
        return completed.stdout.strip() if completed.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        # Results and reports change while runs are executed, and they are not source code.
        changed = commit and git("status", "--porcelain", "--", ".", ":!results", ":!reports")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return commit + "+" if changed else commit
