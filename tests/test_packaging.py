"""The wheel holds all that the packages need, and works outside of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.mobo_core.test_base_install import HIDE

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the files in git only, so that it has no leftover of an older build."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "mobo_core",
         "bench", "mobo_bench.py", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    # No build isolation: setuptools is in the lock, and the network may not be there.
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(out), str(source)],
        check=True,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder `bin` of a new environment with the wheel and access to dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install",
         "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )  # fmt: skip
    (own,) = folder.glob("lib/python*/site-packages")
    # A checkout that encloses the environment must not be recorded as ours.
    for command in (
        ["init", "--quiet"],
        ["-c", "user.name=x", "-c", "user.email=x@example", "commit", "--allow-empty", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    # The path alone is added, so .pth files there, like that of our editable install, are not read.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def run(command: list[str], folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=500, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_types_and_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = subprocess.run(
        ["git", "ls-files", "mobo_core", "bench", "mobo_bench.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    # All that is in the packages' folders is in the wheel: code, py.typed, tables, matrices.
    assert {"mobo_core/py.typed", "bench/py.typed", "bench/matrices/paper.toml"} <= set(files)
    assert set(files) <= names
    top = {name.split("/")[0] for name in names}
    own = {"bench", "mobo_core", "mobo_bench.py"}
    assert {name for name in top if not name.endswith(".dist-info")} == own


@pytest.mark.slow
def test_the_library_needs_no_extra(outside: Path, tmp_path: Path) -> None:
    code = HIDE + (
        "import mobo_core, mobo_core.tune as tune\n"
        "assert 'environment' in mobo_core.__file__, mobo_core.__file__\n"
        "for name in set(tune.__all__) - {'AxSearcher'}: getattr(tune, name)\n"
        "from mobo_core.problems.synthetic import SyntheticProblem\n"
        "from mobo_core.problems.tabular import TabularProblem, embedded_table\n"
        "from mobo_core.virtual import Cluster, simulate\n"
        "problem = TabularProblem(str(embedded_table('mlp-mnist')), 8)\n"
        "pair = [problem.objectives['acc'], problem.objectives['params']]\n"
        "objectives = mobo_core.ObjectiveSet(pair)\n"
        "scheduler = tune.HypervolumePromotion(objectives, 8, slots=2, time_attr='epoch')\n"
        "searcher = tune.SobolSearcher(problem.space, seed=1)\n"
        "ended = simulate(problem, searcher=searcher, scheduler=scheduler, num_samples=7,\n"
        "                 cluster=Cluster(2)).trials\n"
        "print(len(ended), max(trial.last_result['epoch'] for trial in ended))\n"
        "try:\n"
        "    tune.AxSearcher\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    printed = run([str(outside / "python"), "-c", code], tmp_path).splitlines()
    assert printed[-2] == "7 8"
    assert re.fullmatch(r"mobo_core.tune.AxSearcher needs \w+: pip install '.*\[ax\]'", printed[-1])


@pytest.mark.slow
def test_the_command_works_in_any_folder(outside: Path, tmp_path: Path) -> None:
    command = str(outside / "mobo-bench")
    assert "mobo-bench run quick" in run([command, "--help"], tmp_path)
    run(
        [command, "run", "synthetic", "--backend", "virtual", "--trials", "6", "--processes", "1",
         "--only", "fifo*", "--only", "hv-promotion*"],
        tmp_path,
    )  # fmt: skip
    assert len(list(tmp_path.glob("results/synthetic-zdt1/*/run.json"))) == 2
    report = (tmp_path / "reports" / "synthetic-zdt1" / "report.md").read_text("utf-8")
    assert "hv-promotion" in report
    assert "commit: `unknown`" in report
