"""Reading of Ray Tune's experiment folders from their files, while a search runs or afterwards.

Only text is read: nothing is unpickled, so no code of the experiment runs, its trainable need not
be importable, and Ray does not start. Files that are being written are read as far as they go.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pyarrow import fs as filesystems

from mobo_core.objectives import is_finite_number
from mobo_core.results.history import Report, TrialHistory, error_line, split_config

STATE = "experiment_state-"
"""The beginning of the name of the file in which Tune lists an experiment's trials."""
TRIAL_FILES = ("result.json", "progress.csv", "params.json", "error.txt")
"""The files of a trial that are read; a folder with one of them is a trial's folder."""
NAME = re.compile(r"_(?P<id>[0-9a-f]{5,8}(?:_\d{5})?)(?:_(?P<number>\d+))?(?:_|$)")
"""The trial's id and number in the name that Tune gives to the trial's folder."""
DATE = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
"""The time in the names that Tune gives to trials' folders and state files, on the driver's clock.

Texts of this form sort like the times.
"""


class _Experiment(NamedTuple):
    """What the newest readable state file tells of an experiment.

    Args:
        states: Each trial's state by the name of its folder.
        began: When the search began or was last resumed, as `DATE` has it; empty if unknown.
        began_s: The same in seconds since 1970; None if unknown.
        resumed: Whether it was resumed.
    """

    states: Mapping[str, Mapping[str, Any]] = {}
    began: str = ""
    began_s: float | None = None
    resumed: bool = False

    @property
    def numbers(self) -> set[float]:
        """The numbers that Tune gave to the trials."""
        return {_order(place)[0] for place in self.states} - {math.inf}

    def is_later_than(self, trial: TrialHistory, place: str) -> bool:
        """Return whether the search began after a trial, as far as any clock tells."""
        known = []
        if self.began and (date := DATE.findall(place)):
            known.append(date[-1] < self.began)
        time: Any = trial.reports[0].get("timestamp") if trial.reports else None
        if self.began_s is not None and is_finite_number(time):
            known.append(float(time) < int(self.began_s))  # Tune's timestamps are whole seconds
        return bool(known) and all(known)


class Folder(NamedTuple):
    """A folder on any file system of Arrow: local, S3, Google Cloud or Hadoop.

    Args:
        system: The file system.
        path: The folder's path there.

    Example:
        >>> open_folder("/").path
        '/'
    """

    system: filesystems.FileSystem
    path: str

    def children(self) -> list[filesystems.FileInfo]:
        """Return the files and folders in this folder, in the order of their names."""
        found = self.system.get_file_info(filesystems.FileSelector(self.path))
        return sorted(found, key=lambda info: str(info.base_name))

    def text(self, name: str) -> str | None:
        """Return the text of a file in this folder; None if there is no such file."""
        try:
            with self.system.open_input_stream(f"{self.path}/{name}") as stream:
                return str(stream.readall().decode("utf-8", errors="replace"))
        except (FileNotFoundError, NotADirectoryError):
            return None


def open_folder(source: str | os.PathLike[str]) -> Folder:
    """Return the folder with a given path or URI.

    Args:
        source: A path, or a URI such as ``s3://bucket/experiment``. If it names a file that Tune
            writes there, such as ``result.json``, the file's folder is meant.

    Raises:
        ValueError: If there is no such folder, it cannot be reached, or it is another file.

    Example:
        >>> open_folder("no/such/folder")
        Traceback (most recent call last):
            ...
        ValueError: there is no folder 'no/such/folder': give the folder of a Ray Tune experiment, \
which is RunConfig(storage_path=...) joined with its name
    """
    text = os.fspath(source)
    try:
        if "://" in text:
            system, path = filesystems.FileSystem.from_uri(text)
        else:
            system = filesystems.LocalFileSystem()
            path = Path(text).expanduser().absolute().as_posix()
        info = system.get_file_info(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"the folder {text!r} cannot be opened: {error_line(error)}") from None
    if info.type == filesystems.FileType.NotFound:
        raise ValueError(
            f"there is no folder {text!r}: give the folder of a Ray Tune experiment, which is "
            "RunConfig(storage_path=...) joined with its name"
        )
    if info.type != filesystems.FileType.File:
        return Folder(system, path)
    place = PurePosixPath(path)
    if place.name not in TRIAL_FILES and not place.name.startswith(STATE):
        raise ValueError(
            f"{text!r} is a file, not the folder of a Ray Tune experiment: read a table with pandas"
            ", for example pandas.read_csv, and give the DataFrame"
        )
    return Folder(system, place.parent.as_posix())


def read_folder(source: str | os.PathLike[str]) -> list[TrialHistory]:
    """Return the trials of an experiment folder, in the order in which they were made.

    A trial that has not reported yet has no reports. Tune copies the reports of a running
    experiment into its folder from time to time, so the newest reports may be missing.

    If several searches used the folder, only the newest one counts, as in Tune's own objects; a
    warning tells how many trials of older ones are left out. A trial that the search's state file
    does not name belongs to it if the trial began after the search, or after it was last resumed:
    the state file of a running search is older than its newest trials.

    Args:
        source: The path or URI of an experiment's folder, of its state file, or of one trial.

    Raises:
        ValueError: If the folder does not exist or holds no trial.

    Example:
        >>> import json, pathlib, tempfile
        >>> experiment = pathlib.Path(tempfile.mkdtemp())
        >>> (experiment / "train_1f46a_00000").mkdir()
        >>> report = {"val": {"loss": 0.5}, "trial_id": "1f46a_00000", "config": {"lr": 0.1}}
        >>> line = json.dumps(report)
        >>> _ = (experiment / "train_1f46a_00000" / "result.json").write_text(line)
        >>> (trial,) = read_folder(experiment)
        >>> trial.trial_id, trial.config, trial.reports[0]["val/loss"]
        ('1f46a_00000', {'lr': 0.1}, 0.5)
    """
    folder = open_folder(source)
    children = folder.children()
    names = {str(child.base_name) for child in children}
    if names & set(TRIAL_FILES):
        return [_read_trial(folder, {})]
    experiment = _experiment(folder, sorted(name for name in names if name.startswith(STATE)))
    places = [str(child.base_name) for child in children if _is_folder(child)]
    found = {
        place: trial
        for place in sorted({*places, *experiment.states}, key=_order)
        if (trial := _trial_at(folder, place, experiment.states.get(place, {}), place in places))
    }
    trials = _of_experiment(experiment, found, folder.path)
    if not trials:
        raise ValueError(_nothing_found(folder, places))
    return trials


def _of_experiment(
    experiment: _Experiment, found: Mapping[str, TrialHistory], path: str
) -> list[TrialHistory]:
    """Return the trials of the experiment among those that are in its folder."""
    trials, older = [], 0
    numbers = experiment.numbers
    for place, trial in found.items():
        # A trial that Tune restarts under another id keeps its number.
        is_replaced = _order(place)[0] in numbers
        if place in experiment.states:
            trials.append(trial)
        elif experiment.is_later_than(trial, place):
            older += not (is_replaced and experiment.resumed)
        elif not is_replaced:
            trials.append(trial)
    if older:
        warnings.warn(
            f"{older} trials in {path} are left out, because they are not of its newest search, "
            f"which began or was resumed at {experiment.began or experiment.began_s}: give each "
            "search a name of its own, or resume it with restore_tuner",
            stacklevel=2,
        )
    return trials


def _order(place: str) -> tuple[float, str]:
    """Return the key that sorts trials' folders by the number that Tune gave to the trial."""
    found = NAME.search(place)
    return float(found["number"] if found and found["number"] else math.inf), place


def _is_folder(child: filesystems.FileInfo) -> bool:
    return bool(child.type == filesystems.FileType.Directory)


def _experiment(folder: Folder, names: list[str]) -> _Experiment:
    """Return what the newest readable state file tells."""
    for name in reversed(names):
        try:
            whole = json.loads(folder.text(name) or "")
            found = [{**json.loads(more), **json.loads(s)} for s, more in whole["trial_data"]]
            states = {str(s.get("relative_logdir") or s["trial_id"]): s for s in found}
            of_runner = dict(whole.get("runner_data") or {})
        except (ValueError, KeyError, TypeError):
            continue  # the file is being written, or was when the driver was killed
        date = DATE.search(str(of_runner.get("_session_str", name)))
        time: Any = of_runner.get("_start_time")
        return _Experiment(
            states=states,
            began=date[0] if date else "",
            began_s=float(time) if is_finite_number(time) else None,
            resumed=bool(of_runner.get("_resumed")),
        )
    return _Experiment()


def _trial_at(
    folder: Folder, place: str, state: Mapping[str, Any], exists: bool
) -> TrialHistory | None:
    """Return the trial in a subfolder; None if the subfolder belongs to no trial."""
    if not exists:  # a trial that has not started
        return _read_trial(Folder(folder.system, f"{folder.path}/{place}"), state)
    subfolder = Folder(folder.system, f"{folder.path}/{place}")
    if not state and all(subfolder.text(name) is None for name in TRIAL_FILES):
        return None
    return _read_trial(subfolder, state)


def _read_trial(folder: Folder, state: Mapping[str, Any]) -> TrialHistory:
    reports, config = _read_reports(folder, state)
    if (params := folder.text("params.json")) is not None:
        config = _as_dict(params) or config
    name = PurePosixPath(folder.path).name
    in_name = NAME.search(name)
    reported = next((str(r["trial_id"]) for r in reversed(reports) if r.get("trial_id")), None)
    status = state.get("status")
    error = None
    # A trial that failed and was retried keeps the file of its error.
    if status in (None, "ERROR") and (text := folder.text("error.txt")) is not None:
        error = error_line(text)
    return TrialHistory(
        trial_id=str(state.get("trial_id") or reported or (in_name["id"] if in_name else name)),
        config=config,
        reports=tuple(reports),
        status=status,
        error=error,
        path=folder.path,
        filesystem=folder.system,
    )


def _read_reports(folder: Folder, state: Mapping[str, Any]) -> tuple[list[Report], dict[str, Any]]:
    """Return a trial's reports and the configuration that stands in the last of them."""
    rows: list[dict[str, Any]] = []
    if (text := folder.text("result.json")) is not None:
        rows = _json_rows(text, f"{folder.path}/result.json")
    elif (text := folder.text("progress.csv")) is not None:
        rows = _csv_rows(text)
    elif isinstance(last := state.get("last_result"), dict) and "training_iteration" in last:
        rows = [last]  # the experiment had no loggers
    pairs = [split_config(row) for row in rows]
    config: dict[str, Any] = next((found for _, found in reversed(pairs) if found), {})
    if not config and isinstance(known := state.get("config"), dict):
        config = known
    return [report for report, _ in pairs], config


def _as_dict(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json_rows(text: str, path: str) -> list[dict[str, Any]]:
    *lines, unfinished = text.split("\n")
    rows = [_as_dict(line) for line in lines if line.strip()]
    if broken := rows.count({}):
        warnings.warn(
            f"{broken} of {len(rows)} lines of {path} are not reports and were left out",
            stacklevel=2,
        )
    # The last line has no end while it is being written.
    return [row for row in [*rows, _as_dict(unfinished)] if row]


def _csv_rows(text: str) -> list[dict[str, Any]]:
    whole = text[: text.rfind("\n") + 1]  # the last line has no end while it is being written
    return [
        {key: _csv_value(cell) for key, cell in row.items() if key is not None and cell}
        for row in csv.DictReader(io.StringIO(whole))
    ]


def _csv_value(cell: str) -> Any:
    if cell in ("True", "False"):
        return cell == "True"
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    if cell.startswith("["):  # a list, or an array with one element
        with suppress(ValueError):
            return json.loads(cell)
    return cell


def _nothing_found(folder: Folder, places: list[str]) -> str:
    """Return the message for a folder without trials."""
    holding = [
        place
        for place in places
        if any(
            str(child.base_name).startswith(STATE)
            for child in Folder(folder.system, f"{folder.path}/{place}").children()
        )
    ]
    if holding:
        return (
            f"{folder.path} is not an experiment but holds {len(holding)}: give the folder of one "
            f"of them, for example {folder.path}/{holding[-1]}"
        )
    return (
        f"no trial of Ray Tune was found in {folder.path}: an experiment's folder has one folder "
        "for each trial, with result.json or progress.csv in it"
    )
