"""Results folders. Each holds the runs of one matrix and has one writer at a time."""

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
from bench.records import definitions, files, storage
from bench.records.definitions import Definition
from bench.records.storage import RETIRED, RUN_ID, WRITING, one_line

LOCK_FILE, MATRIX_FILE = ".lock", "matrix.json"
DEFINITION = "definition"
"""The key of the objectives and the search space; missing in folders of older versions."""
SETTINGS = {"name": str, "title": str, "problem": str, "dataset": str, "budget": dict}
SETTINGS |= {"searchers": list, "schedulers": list, "objective_sets": list}
"""The keys that `MATRIX_FILE` must have, with the type of each value.

`bench.matrix.matrix.Matrix.settings` writes them.
"""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a results folder for writing and tidy it. The folder is made if it is missing.

    Other processes may read the folder meanwhile. The kernel releases the lock when the process
    ends, even after ``kill -9``. The lock file that stays behind locks nothing.

    Raises:
        UserError: If another process holds the lock (the message names it), or if the folder
            cannot be written.
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
            f"{folder} is in use by {holder}: wait until it ends, or choose another folder"
        ) from None
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def _tidy(folder: Path) -> None:
    """Remove half-written records of a killed process, and restore the ones it was replacing."""
    try:
        for retired in folder.glob(f"{RETIRED}*"):
            target = folder / retired.name.removeprefix(RETIRED)
            if target.exists():
                files.remove(retired)
            else:
                retired.rename(target)
        for staging in folder.glob(f"{WRITING}*"):
            shutil.rmtree(staging)
        for staged in folder.glob(f".*.{MATRIX_FILE}"):
            staged.unlink()
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def open_folder(folder: Path, matrix: Matrix, definition: Definition | None = None) -> None:
    """Make the results folder of a matrix, or check that an existing folder fits the matrix.

    A folder holds runs of one problem with one budget, so that all its runs can be compared in one
    table. Seeds, schedulers, searchers and objective sets may be added at any time.

    Args:
        folder: The results folder.
        matrix: The matrix whose runs it is to hold.
        definition: The objectives and the search space of these runs; None checks neither.

    Raises:
        UserError: If the folder holds runs with other settings, or if it cannot be written.
    """
    path = folder / MATRIX_FILE
    settings = matrix.settings()
    if definition is not None:
        recorded = _recorded(folder)
        definitions.check_fit(recorded, definition, f"{folder} holds runs with")
        settings[DEFINITION] = {**recorded, **definition}
    if path.exists():
        settings = _united(read_settings(folder), settings, folder)
    try:
        files.make_folder(folder)
        files.write_json(path, settings)
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error


def _recorded(folder: Path) -> Definition:
    """Return what the runs of a folder share: from its settings, or else from its records.

    Only one record of each objective set is read, because a folder may hold thousands.

    Raises:
        UserError: If the settings or one of these records cannot be read.
    """
    if (folder / MATRIX_FILE).exists():
        settings = read_settings(folder)
        if isinstance(found := settings.get(DEFINITION), dict):
            return found
    if not folder.is_dir():
        return {}
    paths = [path for path in folder.iterdir() if RUN_ID.search(path.name)]
    one_each = {path.name.split(".")[1]: path for path in sorted(paths)}
    recorded: dict[str, Any] = {}
    for path in one_each.values():
        try:
            recorded |= definitions.of_record(storage.read(path))
        except storage.DamagedRecordError:  # it is named when its run is looked for
            continue
    return recorded


def _united(theirs: dict[str, Any], ours: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return our settings plus the schedulers, searchers and sets that the folder has already.

    Args:
        theirs: The settings that lie in the folder.
        ours: The settings of the matrix to be run.
        folder: The results folder, for messages.
    """
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
                    f"{folder} uses the label {component['label']!r} with other parameters "
                    f"({component} instead of {mine[component['label']]}); use another label or "
                    "choose another folder with --results"
                )
        united[key] = list(mine.values())
    sets = theirs.get("objective_sets", [])
    united["objective_sets"] = list(dict.fromkeys([*ours["objective_sets"], *sets]))
    return united


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the matrix whose runs lie in a folder.

    Raises:
        UserError: If the folder has no settings, or if they are damaged.
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
        raise UserError(f"{folder} is not a results folder; {remedy}") from error
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
