"""A results folder: it holds the runs of one matrix and has one writer at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.matrix.matrix import Matrix
from bench.records import files
from bench.records.storage import RETIRED, WRITING, one_line

LOCK_FILE, MATRIX_FILE = ".lock", "matrix.json"
SETTINGS = {"name": str, "title": str, "problem": str, "dataset": str, "budget": dict}
SETTINGS |= {"searchers": list, "schedulers": list, "objective_sets": list}
"""What `MATRIX_FILE` must have; see `bench.matrix.matrix.Matrix.settings`."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be, and tidy it; others may read it meanwhile.

    The lock is the kernel's: it ends with the process that holds it, kill -9 included, and the
    file that stays behind locks nothing.

    Raises:
        UserError: If another process holds it, naming that process; or if it cannot be written.
    """
    try:
        files.make_folder(folder)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error
    try:
        _take(descriptor, folder)
        _tidy(folder)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
        raise UserError(
            f"{folder} is in use by {holder}: wait for its end, or choose another folder"
        ) from None
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def _tidy(folder: Path) -> None:
    """Remove what a killed process left half written, and put back what it was to replace."""
    try:
        for retired in folder.glob(f"{RETIRED}*"):
            target = folder / retired.name.removeprefix(RETIRED)
            if target.exists():
                files.remove(retired)
            else:
                retired.rename(target)
        for staging in folder.glob(f"{WRITING}*"):
            shutil.rmtree(staging)
        for staged in folder.glob(f".{MATRIX_FILE}.*"):
            staged.unlink()
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def open_folder(folder: Path, matrix: Matrix) -> None:
    """Make the results folder of a matrix, or check that it is this matrix's.

    A folder holds runs of one problem with one budget, so that whatever lies in it can stand in
    one table; seeds, schedulers, searchers and objective sets may be added at any time.

    Raises:
        UserError: If the folder holds runs of other settings or cannot be written.
    """
    path = folder / MATRIX_FILE
    settings = matrix.settings()
    if path.exists():
        settings = _united(read_settings(folder), settings, folder)
    try:
        files.make_folder(folder)
        files.write_json(path, settings)
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def _united(theirs: dict[str, Any], ours: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Our settings with what else lies in the folder: more schedulers, searchers, sets."""
    for key in ("problem", "dataset", "budget", "virtual"):
        if ours.get(key) != theirs.get(key):
            raise UserError(
                f"{folder} holds runs with another {key} ({theirs.get(key)} instead of "
                f"{ours.get(key)}); choose another folder with --results"
            )
    united = dict(ours)
    for key in ("searchers", "schedulers"):
        mine = {component["label"]: component for component in ours[key]}
        for component in theirs.get(key, []):
            if mine.setdefault(component["label"], component) != component:
                raise UserError(
                    f"{folder} knows the label {component['label']!r} with other parameters "
                    f"({component} instead of {mine[component['label']]}); use another label or "
                    "choose another folder with --results"
                )
        united[key] = list(mine.values())
    sets = theirs.get("objective_sets", [])
    united["objective_sets"] = list(dict.fromkeys([*ours["objective_sets"], *sets]))
    return united


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of the matrix whose runs lie in a folder.

    Raises:
        UserError: If there are none.
    """
    try:
        text = (folder / MATRIX_FILE).read_text("utf-8")
    except (OSError, ValueError) as error:
        inside = sorted(str(path.parent) for path in folder.glob(f"*/{MATRIX_FILE}"))
        remedy = (
            f"did you mean {' or '.join(inside)}?"
            if inside
            else "run a matrix into it first, e.g. mobo-bench run quick"
        )
        raise UserError(f"{folder} is no results folder; {remedy}") from error
    try:
        settings: dict[str, Any] = json.loads(text)
        if unlike := [k for k, v in SETTINGS.items() if not isinstance(settings[k], v)]:
            raise ValueError(f"{unlike[0]} is {settings[unlike[0]]!r}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{folder / MATRIX_FILE} is damaged ({one_line(error)}); delete it and run the matrix "
            "again: finished runs are kept"
        ) from error
    return settings
