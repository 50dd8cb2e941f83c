"""The command ``mobo-bench doctor``: what this machine has, and what would be slow or fail."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from bench.records import environment
from mobo_core.problems import images
from mobo_core.problems.yahpo_scenarios import SCENARIOS


def show(data_dir: str, console: Console) -> None:
    """Print versions, cores, GPUs and data, and notes on what would be slow or fail."""
    found = environment.capture()
    console.print(f"Python {found.python} on {found.platform}")
    console.print(", ".join(f"{name} {version}" for name, version in found.versions.items()))
    console.print(f"{found.processor}: {found.cores} cores, {found.memory_gib} GiB memory")
    used, available = (found.instructions[key] for key in ("used", "available"))
    console.print(f"vector instructions: {used} used, {available} available", markup=False)
    console.print(f"GPUs: {', '.join(found.gpus) or 'none'}")
    mnist = images.mnist_on_disk(data_dir)
    console.print(f"MNIST in {data_dir}: {_mnist_state(mnist, data_dir)}", markup=False)
    console.print(f"YAHPO surrogates in {data_dir}: {_surrogates(data_dir)}", markup=False)
    for remark in _remarks(found, mnist):
        console.print(f"[yellow]note[/] {remark}")


def _mnist_state(found: bool, data_dir: str) -> str:
    if not found:
        return "not found"
    try:
        return f"found, SHA-256 {images.load('mnist', data_dir).checksum[:16]}"
    except images.DataDamagedError as error:
        return f"damaged: {error}"


def _surrogates(data_dir: str) -> str:
    found = [name for name in SCENARIOS if Path(data_dir, "yahpo", name, "model.onnx").is_file()]
    return ", ".join(found) or "none"


def _remarks(found: environment.Environment, mnist: bool) -> list[str]:
    remarks = []
    if "not installed" in found.versions.values():
        missing = [name for name, version in found.versions.items() if version == "not installed"]
        remarks.append(f"missing packages: {', '.join(missing)}; run 'make setup'")
    if not mnist:
        remarks.append(
            "the first run on MNIST tries to download it (11 MB); without a network, put the "
            "folder MNIST/raw there or use --dataset digits"
        )
    if found.cores < 2:
        remarks.append(
            "one core: trials, Ray and suggestions share it; runs take about twice as long"
        )
    if found.memory_gib < 4:
        remarks.append("less than 4 GiB of memory: two MNIST trials and Ray may not fit")
    if not found.gpus:
        remarks.append("no GPU: --gpus-per-trial must stay 0; these MLPs train well on cores")
    if not found.git_commit:
        remarks.append("not a git checkout: records will not name a commit")
    return remarks
