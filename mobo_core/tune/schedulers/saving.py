"""State that survives when the driver is killed: the scheduler's, and the whole experiment's.

Tune saves an experiment as several files, which it writes in place and copies in the background.
If the driver is killed meanwhile, a file may be truncated or the files may come from different
moments. A restore then fails, or silently loses trials. Here all files are also packed into one
archive, which replaces the previous archive in one step.
"""

from __future__ import annotations

import io
import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow.fs
from ray import cloudpickle
from ray.tune import Callback, Tuner
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial

from mobo_core.tune import compat

logger = logging.getLogger(__name__)

ARCHIVE = "experiment-state.zip"
"""The archive's name in the experiment's folder."""
SCHEDULER = "mobo_core_scheduler"
"""The key of the scheduler's class in the state of a `SchedulerState`."""
LEARNED = "learned"
"""The key of what the scheduler has learned."""


@runtime_checkable
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

    Without it Tune restores a scheduler as it was before the first trial. The schedulers of this
    package add it to their experiment themselves. You need it only to have its place among the
    callbacks of your own: ``RunConfig(callbacks=[SchedulerState(scheduler)])``. The environment
    variable ``TUNE_GLOBAL_CHECKPOINT_S`` sets how often Tune saves.

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
        name = type(scheduler).__name__
        if not isinstance(scheduler, Stateful):
            raise ValueError(
                f"SchedulerState saves schedulers of mobo_core.tune, got {name}: leave it out, or "
                "give it the scheduler inside if this one wraps a scheduler of mobo_core.tune. A "
                "single-objective ASHA can be saved inside mobo_core.tune.ScalarizedScheduler"
            )
        # It fails now rather than at the first save, and also says why it cannot be saved at all.
        state = scheduler.get_state()
        try:
            cloudpickle.dumps(state)
        except Exception as error:
            raise ValueError(
                f"the state of {name} cannot be pickled ({error}): its rule must hold plain values "
                "if the experiment is to be saved"
            ) from error
        self._scheduler = scheduler
        self._saved = False
        self._controller: TuneController | None = None
        self._ended = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what belongs to the running experiment, for Tune to pickle."""
        return {**self.__dict__, "_controller": None}

    @property
    def scheduler(self) -> Stateful:
        """The scheduler that is saved."""
        return self._scheduler

    def connect(self, controller: TuneController) -> None:
        """Note the controller of the running experiment; the scheduler calls this method."""
        self._controller = controller

    def get_state(self) -> dict[str, Any]:
        """Return the scheduler's state; Tune calls this when it saves the experiment."""
        self._saved = True
        return {SCHEDULER: type(self._scheduler).__name__, LEARNED: self._scheduler.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Set the scheduler's state; Tune calls this when it restores the experiment.

        A state of another callback or scheduler is left out. An error would be worse: Tune would
        start the experiment again from nothing.
        """
        name = type(self._scheduler).__name__
        if (saved := state.get(SCHEDULER)) != name:
            logger.error(
                "the experiment is restored with %s, but the state at its place is that of %s: the "
                "scheduler continues without what it had learned",
                name,
                saved or "another callback",
            )
            return
        self._scheduler.set_state(state[LEARNED])

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Pack the files that Tune has just saved into the archive."""
        self._note_ends(trials)
        self._archive(trials)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Pack the files of the last save into the archive."""
        self._archive(trials)

    def _note_ends(self, trials: list[Trial]) -> None:
        """Let Tune save that trials have ended, once all of them have.

        Tune forgets it where a stopper or a time limit ends all trials, those that are paused or
        wait for a process among them. They would train on after a restore.
        """
        if self._controller is None or self._ended == len(trials):
            return
        if all(trial.is_finished() for trial in reversed(trials)):
            self._ended = len(trials)
            for trial in trials:
                compat.mark_to_save(self._controller, trial)

    def _archive(self, trials: list[Trial]) -> None:
        if self._saved and trials:
            self._saved = False
            _archive(trials[0])


def attach_state(scheduler: Any, controller: TuneController, trial: Trial) -> None:
    """Add a `SchedulerState` to a running experiment, unless its callbacks have one.

    If the experiment is being restored, also set the scheduler's saved state. A scheduler that
    cannot be saved is left alone, as are those of Ray.

    Args:
        scheduler: The scheduler of the experiment.
        controller: Tune's controller.
        trial: Any trial of the experiment.

    Raises:
        ValueError: If the callbacks have the `SchedulerState` of another scheduler.
    """
    present = [one for one in compat.callbacks_of(controller) if isinstance(one, SchedulerState)]
    for state in present:
        if state.scheduler is scheduler:
            state.connect(controller)
            return
    if present:
        raise ValueError(
            "the SchedulerState in the callbacks has another scheduler than the Tuner: give both "
            "the same object, or leave SchedulerState out, which the scheduler then adds itself"
        )
    try:
        state = SchedulerState(scheduler)
    except ValueError as error:
        logger.info("a restore of this experiment will not know the scheduler's state: %s", error)
        return
    compat.add_callback(controller, state)
    state.connect(controller)
    saved = _saved_state(trial)
    if saved is not None:
        state.set_state(saved)


def _saved_state(trial: Trial) -> dict[str, Any] | None:
    """Return the state of a `SchedulerState` in the files from which Tune has just restored."""
    callbacks, *_ = compat.state_file_prefixes()
    folder = Path(compat.storage_of(trial).staging)
    if not (files := sorted(folder.glob(f"{callbacks}*"))):
        return None
    states = pickle.loads(files[-1].read_bytes())  # noqa: S301 - Tune itself loads this file
    found = (one for one in states.values() if isinstance(one, dict) and SCHEDULER in one)
    return next(found, None)


def restore_tuner(
    path: str,
    trainable: Any,
    *,
    storage_filesystem: pyarrow.fs.FileSystem | None = None,
    **options: Any,
) -> Tuner:
    """Return the Tuner of an experiment with a scheduler of this package, ready to continue.

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
            f"{path} has no {ARCHIVE}: the experiment had no scheduler of mobo_core.tune that can "
            "be saved, or ended before its first save; use tune.Tuner.restore, or start it again"
        )
    for entry in filesystem.get_file_info(pyarrow.fs.FileSelector(folder)):
        if entry.base_name.startswith(compat.state_file_prefixes()):
            filesystem.delete_file(entry.path)
    with filesystem.open_input_file(archive) as stream, zipfile.ZipFile(stream) as files:
        for name in files.namelist():
            with filesystem.open_output_stream(f"{folder}/{name}") as target:
                target.write(files.read(name))
    return Tuner.restore(path, trainable, storage_filesystem=storage_filesystem, **options)


def _archive(trial: Trial) -> None:
    """Pack the files that Tune saved last on the driver, and replace the archive."""
    storage = compat.storage_of(trial)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as files:
        for file in sorted(Path(storage.staging).iterdir()):
            if file.name.startswith(compat.state_file_prefixes()):
                files.write(file, file.name)
    final = f"{storage.folder}/{ARCHIVE}"
    with storage.filesystem.open_output_stream(f"{final}.new") as stream:
        stream.write(packed.getvalue())
    storage.filesystem.move(f"{final}.new", final)
