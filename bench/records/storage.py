"""Records on disk: one folder a run with ``run.json`` and ``epochs.parquet``, written at once.

A record is complete or absent: it is written beside its place, flushed to disk and renamed.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import UserError
from bench.matrix.matrix import ID_DIGITS
from bench.records import files, schema
from bench.records.record import FrontMember, RunRecord, RunResult, Timing, TrialRecord
from mobo_core.objectives import Objective
from mobo_core.seeding import digest

SCHEMA_VERSION = 1
RUN_FILE, EPOCHS_FILE = "run.json", "epochs.parquet"
RUN_ID = re.compile(rf"\.seed\d+\.[0-9a-f]{{{ID_DIGITS}}}$")
"""What the id of a run ends with."""
WRITING, RETIRED = ".writing-", ".retired-"
"""What the folders begin with of a record being written, and of the one that it replaces."""


def write(record: RunRecord, folder: Path) -> Path:
    """Write a record as ``folder/run_id`` and return that path; replaces an older one.

    Raises:
        UserError: If the folder cannot be written.
        TypeError, ValueError, pyarrow.ArrowException: If a value of it is of a kind that no record
            can hold.
    """
    target = folder / record.run_id
    try:
        with _uninterrupted():
            _write(record, folder, target)
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error}") from error
    return target


def _write(record: RunRecord, folder: Path, target: Path) -> None:
    files.make_folder(folder)
    staging = Path(tempfile.mkdtemp(prefix=WRITING, dir=folder))
    retired = folder / f"{RETIRED}{target.name}"
    try:
        staging.chmod(0o755)
        files.write_json(staging / RUN_FILE, {"schema_version": SCHEMA_VERSION, **_to_json(record)})
        schema.check_run((staging / RUN_FILE).read_text("utf-8"))
        if record.result is not None:
            schema.check_result(record.result, [o.name for o in record.objectives])
            record.result.epochs.to_parquet(staging / EPOCHS_FILE, index=False)
            files.flush(staging / EPOCHS_FILE)
        files.flush(staging)
        if target.exists():
            target.rename(retired)
        try:
            staging.rename(target)
        except OSError:
            if retired.exists():
                retired.rename(target)
            raise
        files.flush(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if target.exists() and retired.exists():  # else the old one is all there is: put back later
            with contextlib.suppress(OSError):
                files.remove(retired)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until a record is on disk; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    handlers = {
        kind: signal.signal(kind, lambda received, frame: held.append(received))
        for kind in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
        for received in held:
            signal.raise_signal(received)


class DamagedRecordError(UserError):
    """A record that cannot be read, and may be made again."""


def read(path: Path) -> RunRecord:
    """The record in the folder `path`.

    Raises:
        DamagedRecordError: If it is damaged or not a record.
        UserError: If it is of another schema.
    """
    try:
        text = (path / RUN_FILE).read_text("utf-8")
        document = json.loads(text, parse_constant=_no_number)
        version = document.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema {version!r}, this version reads {SCHEMA_VERSION}; move the "
                "folder away or use the version that made it"
            )
        schema.check_run(text)
        result = document.pop("result")
        record = RunRecord(
            objectives=tuple(Objective(**o) for o in document.pop("objectives")),
            result=_result_from_json(result, path) if result else None,
            **document,
        )
        if record.run_id != path.name:
            raise ValueError(f"it is of the run {record.run_id!r}")
        if record.result is not None:
            schema.check_result(record.result, [o.name for o in record.objectives])
    except UserError:
        raise
    except Exception as error:  # whatever a stranger's file makes of the libraries that read it
        raise DamagedRecordError(
            f"{path} is not a readable record ({one_line(error)}); move the folder away or make it "
            "again with --force"
        ) from error
    return record


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def one_line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(repr(error).split())


def read_all(folder: Path) -> list[RunRecord]:
    """All records of a results folder, ordered by run id.

    Raises:
        UserError: If one cannot be read: nothing is skipped in silence.
    """
    paths = sorted(path for path in folder.iterdir() if is_record(path))
    return [read(path) for path in paths]


def is_record(path: Path) -> bool:
    """Whether something in a results folder claims to be a record: a folder, or a run's id."""
    if path.name.startswith("."):
        return False
    return path.is_dir() or RUN_ID.search(path.name) is not None


def find(folder: Path, run_id: str) -> RunRecord | None:
    """The record of a run, or None if it was not made.

    Raises:
        UserError: If its record cannot be read.
    """
    path = folder / run_id
    return read(path) if path.exists() else None


def fingerprint(result: RunResult) -> str:
    """SHA-256 of all of a result: equal for runs in virtual time that are the same bit for bit."""
    return digest([_result_to_json(result), result.epochs.to_csv(index=False)])


def _to_json(record: RunRecord) -> dict[str, Any]:
    """The record as JSON-able values, without the epochs, which have a file of their own."""
    document = {f.name: getattr(record, f.name) for f in fields(record)}
    document["objectives"] = [asdict(objective) for objective in record.objectives]
    if record.result is not None:
        document["result"] = _result_to_json(record.result)
    return document


def _result_to_json(result: RunResult) -> dict[str, Any]:
    """All but the epochs."""
    return {
        "timing": asdict(result.timing),
        "trials": [asdict(trial) for trial in result.trials],
        "front": [asdict(member) for member in result.front],
        "test_error": result.test_error,
        "resources": result.resources,
        "predicted": result.predicted,
        "counts": result.counts,
    }


def _result_from_json(document: dict[str, Any], path: Path) -> RunResult:
    return RunResult(
        timing=Timing(**document["timing"]),
        trials=tuple(TrialRecord(**trial) for trial in document["trials"]),
        front=tuple(FrontMember(**member) for member in document["front"]),
        test_error=document["test_error"],
        resources=document["resources"],
        predicted=document["predicted"],
        epochs=pd.read_parquet(path / EPOCHS_FILE),
        counts=document.get("counts", {}),  # younger than the schema
    )
