"""Records on disk. Each run has one folder with ``run.json`` and ``epochs.parquet``.

A record is complete or absent: it is written to a temporary folder, flushed to disk, then renamed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from pydantic_core import from_json

from bench.errors import UserError
from bench.matrix.matrix import ID_DIGITS
from bench.records import environment, files, plain, schema
from bench.records.record import FrontMember, RunRecord, RunResult, Timing, TrialRecord
from mobo_core.objectives import Objective
from mobo_core.seeding import digest

SCHEMA_VERSION = 1
RUN_FILE, EPOCHS_FILE = "run.json", "epochs.parquet"
PARQUET_END = b"PAR1"
"""The last bytes of every Parquet file."""
SPARE_FILE = "result-as-text.json"
"""The file that keeps a result which has no place in a record; people read it, no program does."""
RUN_ID = re.compile(rf"\.seed\d+\.[0-9a-f]{{{ID_DIGITS}}}$")
"""The pattern of the end of every run id."""
WRITING, RETIRED = files.STAGING, ".retired-"
"""The name prefixes of a folder that is being written, and of the old one that it replaces."""


class UnwritableError(UserError):
    """A record that could not be written, for lack of space or permission or of the folder."""


def write(record: RunRecord, folder: Path, lost: RunResult | None = None) -> Path:
    """Write a record to ``folder/run_id`` and return that path. An older record is replaced.

    Args:
        record: The record; `bench.records.plain.of_record` makes any record one that can be stored.
        folder: The results folder.
        lost: The result of a run that counts as failed because its result cannot be stored. It is
            kept beside the record as plain text, in `SPARE_FILE`.

    Raises:
        UnwritableError: If the folder cannot be written.
        TypeError, ValueError, OverflowError, pyarrow.ArrowException: If the record has a value of
            a type that cannot be stored.
    """
    target = folder / record.run_id
    try:
        with files.uninterrupted():
            _write(record, folder, target, lost)
    except OSError as error:
        raise UnwritableError(f"cannot write results to {folder}: {error}") from error
    return target


def _write(record: RunRecord, folder: Path, target: Path, lost: RunResult | None) -> None:
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
        if lost is not None:
            spare = {**_result_to_json(lost), "epochs": lost.epochs.to_dict("records")}
            files.write_json(staging / SPARE_FILE, plain.value(spare))
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
        # Without a new record the old one is kept: `folders.held` puts it back later.
        if target.exists() and retired.exists():
            with contextlib.suppress(OSError):
                files.remove(retired)


class DamagedRecordError(UserError):
    """A record that cannot be read; its run may be executed again."""


def read(path: Path) -> RunRecord:
    """Return the record in the folder `path`.

    Raises:
        DamagedRecordError: If the record is damaged, or if the folder holds no record.
        UserError: If the record has another schema version.
    """
    try:
        text = (path / RUN_FILE).read_text("utf-8")
        document = _parsed(text)
        version = document.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema {version!r}, but this version reads {SCHEMA_VERSION}; move the "
                "folder away, or use the version of mobo-bench that wrote it"
            )
        schema.check_run(text)
        result = document.pop("result")
        record = RunRecord(
            objectives=tuple(Objective(**o) for o in document.pop("objectives")),
            result=_result_from_json(result, path) if result else None,
            **document,
        )
        if record.run_id != path.name:
            raise ValueError(f"it belongs to the run {record.run_id!r}")
        if record.result is not None:
            schema.check_result(record.result, [o.name for o in record.objectives])
    except UserError:
        raise
    except Exception as error:  # the libraries may raise anything on a damaged file
        raise DamagedRecordError(
            f"{path} is not a readable record ({one_line(error)}); move the folder away, or "
            "execute the run again with --force"
        ) from error
    return record


def _parsed(text: str) -> dict[str, Any]:
    """Return a document of JSON; NaN and infinities are no JSON.

    Pydantic reads it three times as fast as Python's own parser.
    """
    document: dict[str, Any] = from_json(text, allow_inf_nan=False)
    return document


def one_line(error: Exception) -> str:
    """Return the text of an error as one line."""
    return " ".join(repr(error).split())


def read_all(folder: Path) -> list[RunRecord]:
    """Return all records of a results folder, ordered by run id.

    Raises:
        UserError: If a record cannot be read. No record is skipped silently.
    """
    paths = sorted(path for path in folder.iterdir() if is_record(path))
    return [read(path) for path in paths]


@dataclass(frozen=True)
class Header:
    """What a list of runs shows of each one.

    Args:
        run_id: The run's id, the name of its folder.
        status: ``finished``, ``failed`` or ``damaged``.
        started_at: The time of the start in UTC, as ISO 8601; empty if the record is damaged.
        instructions: The vector instructions that were used; see `bench.instructions`.
    """

    run_id: str
    status: str
    started_at: str
    instructions: str = environment.UNKNOWN


def headers(folder: Path) -> Iterator[Header]:
    """Yield the headers of all records of a results folder, ordered by run id.

    Tables of epochs are not read, and values are not checked: thousands take a second.
    """
    for path in sorted(path for path in folder.iterdir() if is_record(path)):
        try:
            document = _parsed((path / RUN_FILE).read_text("utf-8"))
            status = "finished" if document["result"] is not None else "failed"
            if status == "finished":
                _check_end(path / EPOCHS_FILE)
            used = environment.instructions_of(document["environment"])
            yield Header(path.name, status, str(document["started_at"]), used)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            yield Header(path.name, "damaged", "")


def _check_end(path: Path) -> None:
    """Raise an error if a Parquet file is missing or its end is."""
    with path.open("rb") as file:
        file.seek(-len(PARQUET_END), os.SEEK_END)
        if file.read() != PARQUET_END:
            raise ValueError(f"{path} is truncated")


def is_record(path: Path) -> bool:
    """Return whether an entry of a results folder is a record by its name or kind.

    Every folder counts, and so does a file named like a run id. Hidden entries do not count.
    """
    if path.name.startswith("."):
        return False
    return path.is_dir() or RUN_ID.search(path.name) is not None


def find(folder: Path, run_id: str) -> RunRecord | None:
    """Return the record of a run, or None if there is none.

    Raises:
        UserError: If the record cannot be read.
    """
    path = folder / run_id
    return read(path) if path.exists() else None


def fingerprint(result: RunResult) -> str:
    """Return the SHA-256 of a whole result.

    Two runs in virtual time have the same fingerprint if they are equal bit for bit.
    """
    return digest([_result_to_json(result), result.epochs.to_csv(index=False)])


def _to_json(record: RunRecord) -> dict[str, Any]:
    """Return the record as values for JSON. The epochs are left out: they have their own file."""
    document = {f.name: getattr(record, f.name) for f in fields(record)}
    document["objectives"] = [asdict(objective) for objective in record.objectives]
    if record.result is not None:
        document["result"] = _result_to_json(record.result)
    return document


def _result_to_json(result: RunResult) -> dict[str, Any]:
    """Return the result as values for JSON, without the epochs."""
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
        epochs=_read_epochs(path / EPOCHS_FILE),
        counts=document.get("counts", {}),  # records written by older versions have no counts
    )


def _read_epochs(path: Path) -> pd.DataFrame:
    """Return the table of epochs. For a small file, one thread takes half as long as several."""
    table = pq.ParquetFile(path).read(use_threads=False)
    epochs: pd.DataFrame = table.to_pandas(use_threads=False)
    return epochs
