"""Read results folders from a git commit, e.g. ``main:results/reference/paper-mnist``."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import UserError
from bench.records.folders import MATRIX_FILE

TIMEOUT_S = 300


@contextmanager
def results(name: str) -> Iterator[Path]:
    """Yield the path of a results folder: the folder `name`, or ``COMMIT:FOLDER`` from git.

    A folder from git is written to a temporary folder, which is removed at the end.

    Args:
        name: The path of a folder; or a commit, branch or tag, a colon, and a folder relative to
            the repository's root. The repository is the one that holds the current folder.

    Raises:
        UserError: If git finds no such commit or folder.
    """
    commit, colon, folder = name.partition(":")
    if Path(name).exists() or not (colon and commit and folder):
        yield Path(name)
        return
    with tempfile.TemporaryDirectory(prefix="mobo-commit-") as extracted:
        target = Path(extracted, folder.strip("/"))
        _extract(commit, folder.strip("/"), target, name)
        if not (target / MATRIX_FILE).exists():
            raise UserError(
                f"{name} is not a results folder: it has no {MATRIX_FILE}; give the folder of one "
                "matrix, such as results/reference/paper-mnist"
            )
        yield target


def _extract(commit: str, folder: str, target: Path, name: str) -> None:
    """Write a folder of a commit to `target`. Git never reads any part of the name as an option."""
    root = _git(name, "rev-parse", "--show-toplevel").decode().strip()
    archive = _git(name, "-C", root, "archive", "--format=tar", "--", f"{commit}:{folder}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")


def _git(name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=TIMEOUT_S)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UserError(f"cannot read {name} with git: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(
            f"{name} is not a folder, and git finds no such commit and folder here "
            f"({' '.join(said[-1:])}); give FOLDER or COMMIT:FOLDER"
        )
    return done.stdout
