"""State that survives when the driver is killed: the scheduler's, and the whole experiment's.

Tune saves an experiment as several files, which it writes in place and copies in the background.
If the driver is killed meanwhile, a file may be truncated or the files may come from different
moments. A restore then fails, or silently loses trials. Here all files are also packed into one
archive, which replaces the previous archive in one step.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Protocol

import pyarrow.fs
from ray.tune import Callback, Tuner
from ray.tune.experiment import Trial

ARCHIVE = "experiment-state.zip"
"""The archive's name in the experiment's folder."""
STATE_FILES = ("callback-states", "experiment_state", "search_gen_state", "searcher-state")
"""The prefixes of the names of Tune's state files."""


class Stateful(Protocol):
    """A scheduler whose state can be saved."""

    def get_state(self) -> dict[str, Any]:
        """Return everything the scheduler has learned, as picklable values."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        ...


class SchedulerState(Callback):
    """A callback that saves a scheduler, so that `restore_tuner` continues with its rungs.

    Without it Tune restores a scheduler as it was before the first trial. Put it into
    ``RunConfig(callbacks=[SchedulerState(scheduler)])``. The environment variable
    ``TUNE_GLOBAL_CHECKPOINT_S`` sets how often Tune saves.

    A trial is saved when it pauses. Epochs since its last pause are trained again after a crash,
    unless ``CheckpointConfig(checkpoint_frequency=...)`` saves the trial in between. Leave
    ``CheckpointConfig(num_to_keep=...)`` unset: it deletes checkpoints that the last saved state
    needs.

    Args:
        scheduler: The scheduler that is given to the same Tuner.

    Raises:
        ValueError: If the scheduler's state cannot be saved.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import HypervolumePromotion, SchedulerState
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> scheduler = HypervolumePromotion(objectives, max_t=8, time_attr="epoch")
        >>> config = tune.RunConfig(name="search", callbacks=[SchedulerState(scheduler)])
    """

    def __init__(self, scheduler: Stateful) -> None:
        scheduler.get_state()  # fails now rather than at the first save
        self._scheduler = scheduler
        self._saved = False

    def get_state(self) -> dict[str, Any]:
        """Return the scheduler's state; Tune calls this when it saves the experiment."""
        self._saved = True
        return self._scheduler.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Set the scheduler's state; Tune calls this when it restores the experiment."""
        self._scheduler.set_state(state)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Pack the files that Tune has just saved into the archive."""
        self._archive(trials)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Pack the files of the last save into the archive."""
        self._archive(trials)

    def _archive(self, trials: list[Trial]) -> None:
        if self._saved and trials:
            self._saved = False
            _archive(trials[0])


def restore_tuner(
    path: str,
    trainable: Any,
    *,
    storage_filesystem: pyarrow.fs.FileSystem | None = None,
    **options: Any,
) -> Tuner:
    """Return the Tuner of an experiment that ran with `SchedulerState`, ready to continue.

    It works like `Tuner.restore`, at whatever moment the driver was killed.

    Args:
        path: The experiment's folder: a local path (``~`` is the home folder) or a URI.
        trainable: The trainable that the experiment was started with.
        storage_filesystem: The file system that holds `path`; None finds it from the path.
        options: Further keyword arguments of `Tuner.restore`, for example ``resume_errored``.

    Raises:
        ValueError: If there is no such folder, or it holds no state that `SchedulerState` saved.

    Example:
        >>> from mobo_core.tune import restore_tuner
        >>> def train(config):
        ...     ...
        >>> try:
        ...     results = restore_tuner("/absent/search", train, resume_errored=True).fit()
        ... except ValueError as error:
        ...     print(error)
        /absent/search is no folder: give that of the experiment, its name included
    """
    filesystem, folder = storage_filesystem, path
    if filesystem is None:
        if "://" not in path:
            path = str(Path(path).expanduser().resolve())
        filesystem, folder = pyarrow.fs.FileSystem.from_uri(path)
    if filesystem.get_file_info(folder).type is not pyarrow.fs.FileType.Directory:
        raise ValueError(f"{path} is no folder: give that of the experiment, its name included")
    archive = f"{folder}/{ARCHIVE}"
    if filesystem.get_file_info(archive).type is not pyarrow.fs.FileType.File:
        raise ValueError(
            f"{path} has no {ARCHIVE}: the experiment ran without SchedulerState in its "
            "callbacks, or ended before its first save; start the experiment again"
        )
    for entry in filesystem.get_file_info(pyarrow.fs.FileSelector(folder)):
        if entry.base_name.startswith(STATE_FILES):
            filesystem.delete_file(entry.path)
    with filesystem.open_input_file(archive) as stream, zipfile.ZipFile(stream) as files:
        for name in files.namelist():
            with filesystem.open_output_stream(f"{folder}/{name}") as target:
                target.write(files.read(name))
    return Tuner.restore(path, trainable, storage_filesystem=storage_filesystem, **options)


def _archive(trial: Trial) -> None:
    """Pack the files that Tune saved last on the driver, and replace the archive."""
    storage = trial.storage
    assert storage is not None, "Tune sets it with the trial"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        for file in sorted(Path(storage.experiment_driver_staging_path).iterdir()):
            if file.name.startswith(STATE_FILES):
                files.write(file, file.name)
    final = f"{storage.experiment_fs_path}/{ARCHIVE}"
    with storage.storage_filesystem.open_output_stream(f"{final}.new") as stream:
        stream.write(packed.getvalue())
    storage.storage_filesystem.move(f"{final}.new", final)
