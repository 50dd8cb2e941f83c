"""Columns of tables as numbers, times and texts, whatever tool wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.curves.curve import End, Floats
from bench.errors import UserError

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

MILLISECONDS = 1e11
"""A clock that shows more than this counts milliseconds since 1970; in seconds it is year 5138."""
SEPARATORS = (",", ";", "\t")
"""What may separate the columns of a CSV file, the usual one first."""
DECIDING_ROWS = 100
"""The number of rows that show whether the numbers of a CSV file have a comma."""
ENDS: Mapping[str, End] = {
    "complete": "complete",
    "completed": "complete",
    "finished": "complete",
    "terminated": "unknown",  # Ray Tune's word for stopped and for completed trials
    "pruned": "stopped",
    "stopped": "stopped",
    "killed": "stopped",
    "paused": "stopped",
    "running": "stopped",
    "pending": "stopped",
    "error": "failed",
    "fail": "failed",
    "failed": "failed",
    "crashed": "failed",
}
"""What tools say about a trial's end, in small letters → what it means here."""


def read_table(path: Path) -> pd.DataFrame:
    """Return a CSV, TSV or Parquet file as a table; an empty cell is missing, ``NaN`` is a value.

    Columns of a CSV file may also be separated by semicolons, with commas in the numbers, or by
    tabs. Parquet has no empty cells: what pandas wrote as NaN is missing.

    Raises:
        UserError: If the file cannot be read as a table.
    """
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            separator, decimal = _dialect(path)
            table = pd.read_csv(
                path,
                sep=separator,
                decimal=decimal,
                keep_default_na=False,
                na_values=[""],
                low_memory=False,
            )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot read {path} as a table: {reason}") from error
    table.columns = pd.Index([str(name) for name in table.columns])
    return table


def _dialect(path: Path) -> tuple[str, str]:
    """Return what separates the columns of a CSV file, and the mark of its decimal fractions."""
    if ".tsv" in path.suffixes:
        return "\t", "."
    header = pd.read_csv(path, nrows=0).columns
    separator = max(SEPARATORS, key=str(header[0]).count) if len(header) == 1 else ","
    if separator != ";":
        return separator, "."
    first = pd.read_csv(path, nrows=DECIDING_ROWS, sep=separator, dtype=str).to_numpy().ravel()
    commas = any(re.fullmatch(r"-?\d+,\d+([eE][-+]?\d+)?", str(cell)) for cell in first)
    return separator, "," if commas else "."


def present(column: pd.Series) -> Mask:
    """Return (n,) where a column has a value; a NaN that was written as ``NaN`` is one."""
    return column.notna().to_numpy(dtype=bool)


def numbers(column: pd.Series) -> Floats | None:
    """Return (n,) the numbers of a column, NaN where it has none; None if it has other texts.

    Truth values are no numbers here. ``NaN``, ``Infinity`` and ``-inf`` are.
    """
    if pd.api.types.is_bool_dtype(column):
        return None
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    strange = present(column) & np.isnan(values)
    if strange.any() and not pd.api.types.is_numeric_dtype(column):
        texts = column[strange].astype(str).str.strip().str.lower()
        if (texts != "nan").any():
            return None
    return np.asarray(values, dtype=float)


def clock_s(column: pd.Series) -> Floats | None:
    """Return (n,) seconds from a column of times: seconds, milliseconds or dates; else None."""
    values = numbers(column)
    if values is not None:
        known = values[np.isfinite(values)]
        scale = 1e-3 if len(known) and np.median(np.abs(known)) > MILLISECONDS else 1.0
        return values * scale
    dates = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    if dates.isna().all():
        return None
    since = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return np.asarray(since.to_numpy(dtype=float, na_value=np.nan), dtype=float)


def first_of(candidates: Iterable[str], table: pd.DataFrame) -> str | None:
    """Return the first candidate that is a column, in any mixture of capitals; None if none is."""
    lower = {name.lower(): name for name in reversed(table.columns)}
    return next((lower[c.lower()] for c in candidates if c.lower() in lower), None)


def rows_of(table: pd.DataFrame, column: str) -> dict[str, Places]:
    """Return the rows of each different value of a column, as text, in order of appearance."""
    known = table[column].dropna().astype(str)  # numbers of one file may be texts in another
    places = np.flatnonzero(present(table[column]))
    groups = known.groupby(known.to_numpy(), sort=False).indices
    return {str(value): places[rows] for value, rows in groups.items()}


def first_text(column: pd.Series) -> tuple[int, str] | None:
    """Return the place and the text of the first cell that is no number, in a column of numbers.

    It is None if all cells are numbers, or if fewer than half are: then it is a column of texts.
    """
    known = present(column)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    texts = column.astype(str).str.strip()
    strange = known & np.isnan(values) & (texts.str.lower() != "nan").to_numpy()
    if not strange.any() or 2 * strange.sum() > known.sum():
        return None
    place = int(np.flatnonzero(strange)[0])
    return place, texts.iloc[place]


def named(option: str, name: str, table: pd.DataFrame, where: object) -> str:
    """Return the name of a column that a user gave.

    Raises:
        UserError: If the table has no such column.
    """
    if name not in table.columns:
        columns = ", ".join(map(str, table.columns))
        raise UserError(f"{option} {name!r} is no column of {where}; it has: {columns}")
    return name


def end_of(state: object) -> End:
    """Return what a tool's word for the state of a trial means."""
    return ENDS.get(str(state).strip().lower(), "unknown")
