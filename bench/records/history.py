"""Results folders as they were at a commit: ``main:results/reference/paper-mnist``."""

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
    """A results folder to read: `name` itself, or what git has under ``COMMIT:FOLDER``.

    Args:
        name: A path; or a commit, branch or tag and a folder of the repository that the current
            folder lies in, relative to that repository's root.

    Raises:
        UserError: If git knows no such commit or folder.
    """
    commit, colon, folder = name.partition(":")
    if Path(name).exists() or not (colon and commit and folder):
        yield Path(name)
        return
    with tempfile.TemporaryDirectory(prefix="mobo-commit-") as extracted:
        target = Path(extracted, folder.strip("/"))
        _extract(commit, folder.strip("/"), target, name)
        if not (target / MATRIX_FILE).exists():
            raise UserError(f"{name} is no results folder")
        yield target


def _extract(commit: str, folder: str, target: Path, name: str) -> None:
    """Write a folder of a commit as `target`; nothing of a name can be an option of git's."""
    root = _git(name, "rev-parse", "--show-toplevel").decode().strip()
    archive = _git(name, "-C", root, "archive", "--format=tar", "--", f"{commit}:{folder}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")


def _git(name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=TIMEOUT_S)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UserError(f"cannot ask git for {name}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(
            f"{name} is no folder, and git has none of that commit here ({' '.join(said[-1:])}); "
            "give FOLDER or COMMIT:FOLDER"
        )
    return done.stdout
