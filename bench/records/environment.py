"""Where and with what a run was made: versions, machine, commit."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    "optuna",
    "onnxruntime",
)
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Environment:
    """What a figure depends on besides the run itself.

    Args:
        versions: Package → version.
        python: Version of the interpreter.
        platform: Operating system and architecture.
        processor: Model name.
        cores: Usable by this process.
        memory_gib: Of the machine.
        gpus: Model names.
        git_commit: Of the checkout, ``+`` appended if files differ from it; empty outside one.
        lock_sha256: Of requirements.lock; empty outside a checkout.
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

    def to_json(self) -> dict[str, Any]:
        """As a dictionary."""
        return asdict(self)


@functools.cache
def capture() -> Environment:
    """The present environment; read once per process."""
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
    )


def gpu_names() -> list[str]:
    """Model names of the GPUs PyTorch can use."""
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
    # An installed package may lie in a checkout of somebody else's.
    if not (ROOT / ".git").exists():
        return ""

    def git(*arguments: str) -> str:
        completed = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10
        )
        return completed.stdout.strip() if completed.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        # Results and reports change while runs are made; they are no source.
        changed = commit and git("status", "--porcelain", "--", ".", ":!results", ":!reports")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return commit + "+" if changed else commit
