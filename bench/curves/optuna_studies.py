"""Curves from the intermediate values of an Optuna study.

Optuna keeps one value per step, and none in studies with several objectives. Further metrics come
from the trials' user attributes: a number is a constant of the trial, a list has a value for each
step, and a dictionary maps steps to values.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url

from bench.curves.curve import Curve, End, Found, Series, is_number, series
from bench.curves.facts import spread
from bench.curves.options import SourceOptions
from bench.errors import UserError
from bench.formatting import count

UNNAMED = "value"
"""The name of the intermediate values of a study whose metric has no name."""
SQLITE = b"SQLite format 3\0"
PICKLED = (b"\x80",)
"""The first byte of a pickle of protocol 2 or later, which joblib writes too."""
STATES: Mapping[TrialState, End] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.RUNNING: "stopped",
    TrialState.FAIL: "failed",
}


def is_study(path: Path) -> bool:
    """Return whether a file is a database or a journal as Optuna writes them, or a pickle."""
    if path.suffix in (".pkl", ".pickle"):
        return True
    with path.open("rb") as file:
        head = file.read(len(SQLITE))
    return head == SQLITE or head.startswith(b'{"op_code"')


def read(source: str, options: SourceOptions) -> Found:
    """Return the curves of a study.

    Args:
        source: The URL of a storage, or the path of a database of SQLite or of a journal.
        options: The study's name.

    Raises:
        UserError: If there is no such study, or it cannot be read.
    """
    # Optuna logs each study that it loads, in a line that belongs to no output of ours.
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        storage = _open(source)
        names = optuna.get_all_study_names(storage)
        study = optuna.load_study(study_name=_choose(names, source, options), storage=storage)
        trials = study.get_trials(deepcopy=False)
        metric = (study.metric_names or [UNNAMED])[0]
    except UserError:
        raise
    except Exception as error:  # each kind of storage raises its own errors
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UserError(f"cannot read an Optuna study from {source}: {reason}") from error
    curves = tuple(_curve(trial, metric) for trial in trials if trial.state in STATES)
    waiting = len(trials) - len(curves)
    notes = [f"{count(waiting, 'trial')} without values: waiting"] if waiting else []
    if any(np.isfinite(curve.started_s) for curve in curves):
        notes.append("times: a trial's seconds, spread evenly over its steps")
    return Found("Optuna study", study.study_name, curves, "step", notes=tuple(notes))


def _open(source: str) -> BaseStorage:
    """Return a storage that is only read from; neither a file nor a table is made.

    Raises:
        UserError: If a file is missing, or is a pickle.
    """
    path = Path(source)
    if "://" in source:
        url = make_url(source)
        if url.get_backend_name() != "sqlite":
            return RDBStorage(source, skip_table_creation=True)
        path = Path(unquote(str(url.database).removeprefix("file:")))
        if not path.is_file():
            raise UserError(f"there is no file {path}, which {source} names")
    with path.open("rb") as file:
        head = file.read(len(SQLITE))
    if head.startswith(PICKLED):
        raise UserError(
            f"{source} is a pickle, which can run any code when it is read: load it in Python and "
            "put its trials into a database with "
            "optuna.create_study(storage='sqlite:///study.db').add_trials(study.trials)"
        )
    if head != SQLITE:
        return JournalStorage(JournalFileBackend(str(path)))
    # A path in a URL for Optuna would be decoded once more, and braces in it be filled.
    uri = f"{path.resolve().as_uri()}?mode=ro"
    options = {"creator": lambda: sqlite3.connect(uri, uri=True)}
    return RDBStorage("sqlite://", options, skip_table_creation=True)


def _choose(names: Sequence[str], source: str, options: SourceOptions) -> str:
    if options.study:
        if options.study not in names:
            raise UserError(
                f"{source} has no study {options.study!r}; it has: {', '.join(names) or 'none'}"
            )
        return options.study
    if len(names) != 1:
        raise UserError(
            f"{source} has {len(names)} studies: choose one with --study: {', '.join(names)}"
            if names
            else f"{source} has no study"
        )
    return names[0]


def _curve(trial: FrozenTrial, metric: str) -> Curve:
    metrics = {}
    if trial.intermediate_values:
        metrics[metric] = _of_steps(trial.intermediate_values)
    constants = {}
    steps = sorted(trial.intermediate_values)
    for name, value in trial.user_attrs.items():
        if is_number(value):
            constants[name] = float(value)
        elif (found := _listed(value, steps)) is not None:
            metrics[name] = found
    duration = trial.duration.total_seconds() if trial.duration else np.nan
    return Curve(
        f"trial {trial.number}",
        spread(metrics, duration),
        dict(trial.params),
        constants,
        started_s=0.0 if np.isfinite(duration) else np.nan,
        end=STATES[trial.state],
    )


def _listed(value: Any, steps: Sequence[int]) -> Series | None:
    """Return a user attribute with a value per step; None if it is something else.

    A list without intermediate values beside it counts its steps from 1.
    """
    if isinstance(value, Mapping):
        keys = [str(key) for key in value]
        whole = keys and all(key.lstrip("-").isdigit() for key in keys)
        if not whole or not all(map(is_number, value.values())):
            return None
        return _of_steps({int(key): float(v) for key, v in value.items()})
    if not isinstance(value, list) or not value or not all(map(is_number, value)):
        return None
    if len(steps) == len(value):
        return _of_steps(dict(zip(steps, map(float, value), strict=True)))
    return None if steps else _of_steps(dict(enumerate(map(float, value), start=1)))


def _of_steps(values: Mapping[int, float]) -> Series:
    return series(list(values), list(values.values()), [np.nan] * len(values))
