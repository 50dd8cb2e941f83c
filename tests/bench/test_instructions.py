"""The vector instructions are the same in every process of ours, unless somebody says otherwise."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bench import instructions
from bench.execution.parallel import in_processes
from mobo_core.seeding import digest

pytestmark = pytest.mark.skipif(
    not instructions.variables("avx2"), reason="this processor has no AVX2"
)
NAMES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "OPENBLAS_CORETYPE")
USED = """
import json, os, sys
from mobo_bench import main
sys.argv = ["mobo-bench", "list", "nowhere"]
try:
    main()
except SystemExit:
    pass
import numpy as np, threadpoolctl, torch
torch.manual_seed(0)
x = torch.rand(1000)
print(json.dumps({
    "torch": torch.backends.cpu.get_cpu_capability(),
    "numpy": np.show_config(mode="dicts")["SIMD Extensions"]["found"],
    "openblas": [i["architecture"] for i in threadpoolctl.threadpool_info()
                 if i["internal_api"] == "openblas"],
    "mkl": os.environ.get("MKL_CBWR"),
}))
"""


def started(**variables: str) -> dict[str, object]:
    """Return what a fresh process of the command uses, whatever this process was told."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in (*NAMES, instructions.SWITCH, "NPY_DISABLE_CPU_FEATURES")
    }
    command = [sys.executable, "-c", USED]
    ended = subprocess.run(command, env={**kept, **variables}, capture_output=True, text=True)
    used: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return used


def test_the_command_pins_all_libraries() -> None:
    used = started()
    assert used["torch"] == "AVX2"
    assert used["openblas"] == ["Haswell"]
    assert used["mkl"] == "AVX2,STRICT"
    newer = [name for name in used["numpy"] if "AVX512" in name or name == "X86_V4"]  # type: ignore[attr-defined]
    assert newer == []


@pytest.mark.skipif(
    instructions.available() not in ("AMX", "AVX-512"), reason="AVX2 is what this processor has"
)
def test_the_switch_leaves_the_libraries_alone() -> None:
    used = started(**{instructions.SWITCH: "native"})
    assert used["torch"] == "AVX512"
    assert used["openblas"] != ["Haswell"]
    assert "X86_V4" in used["numpy"]  # type: ignore[operator]
    assert used["mkl"] is None


def test_what_the_user_set_stays() -> None:
    environ = {"MKL_CBWR": "AUTO"}
    instructions.pin(environ)
    assert environ["MKL_CBWR"] == "AUTO"
    assert environ["OPENBLAS_CORETYPE"] == "Haswell"
    assert "MKL_CBWR=AUTO" in instructions.in_force(environ)
    assert instructions.in_force(environ).startswith("native ")


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("2.0.0", "AVX512_ICL"),
        ("2.2.6", "AVX512_ICL"),
        ("2.3.1", "AVX512_SPR"),
        ("2.4.6", "X86_V4"),
    ],
)
def test_numpy_is_told_the_names_that_it_knows(
    monkeypatch: pytest.MonkeyPatch, version: str, names: str
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda package: version)
    told = instructions.variables("avx2")["NPY_DISABLE_CPU_FEATURES"].split()
    assert names in told
    assert ("AVX512_SPR" in told) == (version >= "2.3")
    assert ("AVX512F" in told) == (version < "2.4")


def test_every_mode_has_a_text_of_its_own() -> None:
    texts = set()
    for mode in instructions.MODES:
        environ = {instructions.SWITCH: mode}
        instructions.pin(environ)
        texts.add(instructions.in_force(environ))
    assert len(texts) == len(instructions.MODES)


def test_an_unknown_mode_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="must be avx2, compatible, native or unset, got 'sse'"):
        instructions.pin({instructions.SWITCH: "sse"})
    ended = subprocess.run(
        [sys.executable, "-m", "mobo_bench", "doctor"],
        env={**os.environ, instructions.SWITCH: "sse"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: the environment variable MOBO_BENCH_INSTRUCTIONS")
    assert len(ended.stderr.splitlines()) == 1


def test_mkl_of_another_maker_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    environ: dict[str, str] = {}
    instructions.pin(environ)
    monkeypatch.setattr(instructions, "maker", lambda: "AuthenticAMD")
    assert instructions.in_force(environ) == "AVX2, MKL for AuthenticAMD"


def logarithms(job: int) -> tuple[str, str]:
    """Return the logarithms' checksum, which depends on NumPy's instructions, and what is used."""
    values = np.random.default_rng(job).random(10_000) + 0.1
    return digest(np.log(values).tolist()), instructions.in_force()


def test_spawned_processes_use_the_same_instructions() -> None:
    assert dict(in_processes(logarithms, [1, 2], (), 2)) == {1: logarithms(1), 2: logarithms(2)}
