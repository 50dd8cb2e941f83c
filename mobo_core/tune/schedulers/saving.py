"""State that survives the driver: of the scheduler, and of the experiment in one piece.

Tune saves an experiment as several files, which it writes in place and copies in the background.
A driver that is killed meanwhile leaves a truncated file or files of different moments, from
which a restore fails, or silently forgets trials. Here all of them go into one archive as well,
which takes its place in one step.
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
"""Name of the archive in the folder of the experiment."""
STATE_FILES = ("callback-states", "experiment_state", "search_gen_state", "searcher-state")
"""How the names of Tune's files of state begin."""


class Stateful(Protocol):
    """A scheduler whose state can be saved."""

    def get_state(self) -> dict[str, Any]:
        """Everything it has learned, picklable."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from `get_state`."""
        ...


class SchedulerState(Callback):
    """Saves a scheduler with the experiment, so that `restore_tuner` goes on with its rungs.

    Tune itself brings a scheduler back as it was before the first trial. Put this into
    ``RunConfig(callbacks=[SchedulerState(scheduler)])``; how often Tune saves is set by the
    environment variable ``TUNE_GLOBAL_CHECKPOINT_S``. A trial is saved when it pauses; what a trial
    trains on without a pause is trained again after a crash, unless
    ``CheckpointConfig(checkpoint_frequency=...)`` saves it in between. Leave
    ``CheckpointConfig(num_to_keep=...)`` unset: it deletes checkpoints that the last saved state
    needs.

    Args:
        scheduler: The one given to the same Tuner.

    Raises:
        ValueError: If it is one whose state cannot be saved.
    """

    def __init__(self, scheduler: Stateful) -> None:
        scheduler.get_state()  # refused now rather than at the first save
        self._scheduler = scheduler
        self._saved = False

    def get_state(self) -> dict[str, Any]:
        """Called by Tune when it saves the experiment."""
        self._saved = True
        return self._scheduler.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Called by Tune when it restores the experiment."""
        self._scheduler.set_state(state)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Put what Tune has just saved into the archive."""
        self._archive(trials)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """The same for the last save."""
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
    """`Tuner.restore` of an experiment with `SchedulerState`, wherever its driver was killed.

    Args:
        path: Folder of the experiment, local (``~`` is the home folder) or a URI.
        trainable: As in `Tuner.restore`.
        storage_filesystem: As in `Tuner.restore`.
        options: The others of `Tuner.restore`.

    Raises:
        ValueError: If there is no such folder, or it holds no state that `SchedulerState` saved.
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
            "callbacks, or ended before its first save; start it anew"
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
    """Pack the files that Tune saved last, which lie on the driver, and put them into place."""
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
