"""Plain values: what a record can hold of the values that spaces, trials and searchers use.

A search space may offer anything as a choice, and a trial may report anything. A finished run is
kept all the same: numbers of NumPy become Python's, and other objects become text that is the same
in every process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from bench.records.record import FrontMember, RunRecord, RunResult, TrialRecord
from mobo_core.seeding import canonical_json

DEEPEST = 20
"""The number of containers inside each other that are kept; deeper ones become text."""
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""The part of an object's text that differs from process to process."""
SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The whole numbers that a column of a table can hold."""


def value(anything: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it, the same in every process and when applied again.

    Numbers, texts, booleans, None, lists and dictionaries stay what they are. Tuples, sets and
    arrays become lists, and dates become text in ISO 8601. Numbers that are not finite, classes,
    functions and other objects become text.

    Args:
        anything: Any object.
        depth: The number of containers around it.

    Example:
        >>> import numpy as np
        >>> value({"rate": np.float32(0.5), "shape": (3, np.int64(4)), "kind": dict})
        {'rate': 0.5, 'shape': [3, 4], 'kind': 'builtins.dict'}
    """
    if depth > DEEPEST:
        return _described(anything)
    if isinstance(anything, Mapping):
        texts = [text(str(key)) for key in anything]
        unique = len(set(texts)) == len(texts)
        keys = texts if unique else [text(repr(key)) for key in anything]
        return {k: value(v, depth + 1) for k, v in zip(keys, anything.values(), strict=True)}
    if isinstance(anything, list | tuple):
        return [value(each, depth + 1) for each in anything]
    if isinstance(anything, set | frozenset):
        return sorted((value(each, depth + 1) for each in anything), key=canonical_json)
    if hasattr(anything, "tolist") and not isinstance(anything, type):  # of NumPy or PyTorch
        is_time = isinstance(anything, np.datetime64 | np.timedelta64)
        return str(anything) if is_time else value(anything.tolist(), depth + 1)
    return _single(anything)


def _single(anything: Any) -> Any:
    """Return an object that is no container as JSON can hold it."""
    if anything is None or isinstance(anything, bool):
        return anything
    if isinstance(anything, Enum):
        return text(str(anything))
    if isinstance(anything, int):
        return int(anything)
    if isinstance(anything, float):
        return float(anything) if math.isfinite(anything) else str(float(anything))
    if isinstance(anything, str | PurePath):
        return text(str(anything))
    if isinstance(anything, date | time):
        return anything.isoformat()
    return _described(anything)


def _described(anything: Any) -> str:
    """Return the name of a class or function, or the text of an object without its address."""
    if hasattr(anything, "__qualname__"):
        return text(f"{getattr(anything, '__module__', '?')}.{anything.__qualname__}")
    try:
        return text(ADDRESS.sub("", repr(anything)))
    except Exception:  # an object of a stranger may raise anything
        return f"<{type(anything).__name__}>"


def text(anything: str) -> str:
    r"""Return a text that UTF-8 can hold; bytes of file names that it cannot become ``\udc..``."""
    return anything.encode("utf-8", "backslashreplace").decode("utf-8")


def number(anything: Any) -> float:
    """Return a number, or an array or tensor of one number, as a float; NaN for anything else."""
    if isinstance(anything, str | bytes):
        return math.nan
    try:
        return float(anything.item() if hasattr(anything, "item") else anything)
    except Exception:  # anything that is not a number, and objects may raise anything
        return math.nan


def frame(rows: Sequence[Mapping[str, Any]], numeric: Collection[str]) -> pd.DataFrame:
    """Return a table that Parquet can hold, with a row per mapping.

    A column of numbers, of texts or of booleans stays as it is. In any other column, for example
    one whose type changes, every value becomes its JSON. None stays None.

    Args:
        rows: Column name → value.
        numeric: Columns that must be numbers. Values that are none become NaN in them.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame(
        {name: _column([row.get(name) for row in rows], name in numeric) for name in names}
    )


def _column(values: Sequence[Any], is_numeric: bool) -> Any:
    """Return the values of a column as pandas can hold them."""
    if all(_fits(each) for each in values):
        return list(values)
    if is_numeric:
        return [number(each) for each in values]
    given = [each for each in values if not _absent(each)]
    if given and all(_fits(each) for each in given):  # None among numbers is NaN
        return [math.nan if _absent(each) else each for each in values]
    if len(given) == len(values) and all(isinstance(each, bool) for each in given):
        return list(values)
    if all(isinstance(each, str) for each in given):
        return [None if _absent(each) else text(str(each)) for each in values]
    texts = [None if _absent(each) else canonical_json(value(each)) for each in values]
    return pd.Series(texts, dtype=object)


def _fits(anything: Any) -> bool:
    """Return whether a value is a number that a column can hold."""
    if not isinstance(anything, int | float | np.integer | np.floating):
        return False
    if isinstance(anything, bool):
        return False
    return not isinstance(anything, int) or SMALLEST <= anything <= LARGEST


def _absent(anything: Any) -> bool:
    return anything is None or (isinstance(anything, float) and math.isnan(anything))


def of_record(record: RunRecord) -> RunRecord:
    """Return a record that can be written and sent to another process."""
    return replace(
        record,
        spec=value(record.spec),
        labels=value(record.labels),
        command=text(record.command),
        environment=value(record.environment),
        data=value(record.data),
        error=text(record.error),
        result=None if record.result is None else _of_result(record.result),
    )


def _of_result(result: RunResult) -> RunResult:
    members = [_tested(member) for member in result.front]
    errors = [text(result.test_error), *(error for _, error in members)]
    return replace(
        result,
        trials=tuple(_of_trial(trial) for trial in result.trials),
        front=tuple(member for member, _ in members),
        test_error="; ".join(filter(None, errors)),
        resources=value(result.resources),
        predicted=_prediction(result.predicted),
        counts={text(name): int(count) for name, count in result.counts.items()},
    )


def _of_trial(trial: TrialRecord) -> TrialRecord:
    return replace(
        trial,
        config=value(trial.config),
        origin=text(trial.origin),
        suggestion_s=float(trial.suggestion_s),
        error=text(trial.error),
    )


def _tested(member: FrontMember) -> tuple[FrontMember, str]:
    """Return a member with those test metrics that are finite numbers, and a word on the others."""
    numbers = {text(str(name)): number(metric) for name, metric in member.metrics.items()}
    kept = {name: float(metric) for name, metric in numbers.items() if math.isfinite(metric)}
    left = sorted(set(numbers) - set(kept))
    error = f"trial {member.trial}: no finite number as {', '.join(left)}" if left else ""
    return replace(member, metrics=kept, repeated=bool(member.repeated)), error


def _prediction(predicted: Mapping[str, Any] | None) -> dict[str, float] | None:
    """Return what a model predicts; None if the numbers are not finite."""
    if predicted is None or not all(math.isfinite(number(each)) for each in predicted.values()):
        return None
    return value(dict(predicted))  # type: ignore[no-any-return]
