"""The vector instructions with which numbers are computed, the same ones on every machine.

PyTorch, MKL, oneDNN, OpenBLAS and NumPy choose their code by the processor. With AVX-512 they round
and add differently from AVX2, so the last bits of a training differ, and soon its whole curve. Here
they are told to use AVX2. They read their variables when they are loaded, so `pin` must run before
any of them is imported. New processes inherit the variables.

This module imports the standard library only.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, MutableMapping
from pathlib import Path

SWITCH = "MOBO_BENCH_INSTRUCTIONS"
"""The environment variable with which a user chooses one of `MODES`."""
MODES: Mapping[str, str] = {
    "avx2": "AVX2,STRICT",
    "compatible": "COMPATIBLE",
    "native": "",
}
"""Mode → the branch of MKL.

With ``avx2`` trainings repeat on Intel processors with AVX2. MKL takes other branches on
processors of other makers, whatever it is told. Only its branch ``COMPATIBLE``, without vector
instructions newer than SSE2, is the same there, and it is slow. ``native`` pins nothing.
"""
DEFAULT = "avx2"
AVX512_OF_NUMPY: Mapping[tuple[int, int], str] = {
    (2, 4): "X86_V4 AVX512_ICL AVX512_SPR",
    (2, 3): "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    (0, 0): "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
"""The first version of NumPy, the newest first → the names of what it must not use.

NumPy warns of a name that it was not built with.
"""
FLAGS = {"AMX": "amx_tile", "AVX-512": "avx512f", "AVX2": "avx2", "AVX": "avx", "SSE2": "sse2"}
"""Name → the flag of the processor, the newest first."""


def pin(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that pin the instructions, for this process and those it starts.

    Variables that the user has set stay as they are. On a processor that is not x86-64, or that
    has no AVX2, nothing is set.

    Args:
        environ: The environment variables.

    Raises:
        ValueError: If `SWITCH` has another value than a mode.

    Example:
        >>> from bench.instructions import pin
        >>> variables = {"MOBO_BENCH_INSTRUCTIONS": "native"}
        >>> pin(variables)
        >>> variables
        {'MOBO_BENCH_INSTRUCTIONS': 'native'}
    """
    for name, value in variables(mode(environ)).items():
        environ.setdefault(name, value)


def mode(environ: Mapping[str, str] = os.environ) -> str:
    """Return the mode that the user has chosen, or `DEFAULT`.

    Raises:
        ValueError: If `SWITCH` has another value than a mode.
    """
    chosen = environ.get(SWITCH) or DEFAULT
    if chosen not in MODES:
        raise ValueError(
            f"the environment variable {SWITCH} must be {', '.join(MODES)} or unset, got {chosen!r}"
        )
    return chosen


def variables(chosen: str) -> dict[str, str]:
    """Return the environment variables of a mode on this machine.

    Args:
        chosen: The mode, one of `MODES`.
    """
    if chosen == "native" or "avx2" not in _flags():
        return {}
    return {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": MODES[chosen],
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": _avx512_of_numpy(),
    }


def in_force(environ: Mapping[str, str] = os.environ) -> str:
    """Return what the libraries of this process were told, in a few words.

    Two processes with the same text compute the same bits, as far as instructions are concerned.
    Without pins the text names the processor's own instructions and its maker.
    """
    for chosen in ("avx2", "compatible"):
        wanted = variables(chosen)
        if wanted and all(environ.get(name) == value for name, value in wanted.items()):
            if chosen == "compatible":
                return "AVX2, MKL compatible"
            return "AVX2" if maker() == "GenuineIntel" else f"AVX2, MKL for {maker()}"
    own = [f"{name}={environ[name]}" for name in variables(DEFAULT) if name in environ]
    return ", ".join([f"native {available()}", maker(), *own])


def available() -> str:
    """Return the newest vector instructions of this processor, or its architecture."""
    flags = _flags()
    return next((name for name, flag in FLAGS.items() if flag in flags), platform.machine())


def maker() -> str:
    """Return the maker of this processor as it names itself, e.g. ``GenuineIntel``."""
    return _cpuinfo("vendor_id") or "an unknown maker"


def _flags() -> frozenset[str]:
    return frozenset(_cpuinfo("flags").split())


def _cpuinfo(key: str) -> str:
    """Return a value of the first processor that Linux lists; empty if there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except (OSError, ValueError):
        return ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _avx512_of_numpy() -> str:
    try:
        major, minor = importlib.metadata.version("numpy").split(".")[:2]
        installed = int(major), int(minor)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return next(iter(AVX512_OF_NUMPY.values()))
    return next(names for first, names in AVX512_OF_NUMPY.items() if installed >= first)
