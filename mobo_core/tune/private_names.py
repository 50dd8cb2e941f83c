"""The undocumented names of Ray and Ax that this library uses, and what to do when one moves."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

_DISTRIBUTIONS = {"ray": "ray", "ax": "ax-platform"}


@dataclass(frozen=True)
class PrivateName:
    """An undocumented name of another library.

    Args:
        owner: The class or module that has the name, with its module: ``"ray.tune.…"``.
        name: The attribute or method.
        use: What is done with it, as the end of "which is needed to …".
        remedy: What to do when a release has moved it, as the end of "install …, or …".
        place: The file where it is used.
    """

    owner: str
    name: str
    use: str
    remedy: str
    place: str = "mobo_core/tune/compat.py"

    def of(self, thing: Any) -> Any:
        """Return the attribute of an object.

        Raises:
            RuntimeError: If the object lacks it. The message says what to do.
        """
        try:
            return getattr(thing, self.name)
        except AttributeError:
            raise RuntimeError(self.moved()) from None

    def moved(self) -> str:
        """Return the message for the case that the installed release lacks the name."""
        distribution = _DISTRIBUTIONS[self.owner.partition(".")[0]]
        return (
            f"{distribution} {metadata.version(distribution)} has no "
            f"{self.owner.rpartition('.')[2]}.{self.name}, which is needed to {self.use}: "
            f"install a version that docs/versions.md lists, or {self.remedy} in {self.place}"
        )


_CONTROLLER = "ray.tune.execution.tune_controller.TuneController"
_HYPERBAND = "ray.tune.schedulers.hyperband.HyperBandScheduler"
_BRACKET = "ray.tune.schedulers.hyperband._Bracket"

CALLBACKS = PrivateName(
    _CONTROLLER,
    "_callbacks",
    "find or add callbacks of a running experiment",
    "find the list that `TuneController` calls, for `callbacks_of` and `add_callback`",
)
CALLBACK_LIST = PrivateName(
    "ray.tune.callback.CallbackList",
    "_callbacks",
    "find or add callbacks of a running experiment",
    "find the list that `CallbackList` wraps, for `callbacks_of` and `add_callback`",
)
REUSE_ACTORS = PrivateName(
    _CONTROLLER,
    "_reuse_actors",
    "refuse trainables that cannot be reused",
    "find the attribute that keeps `TuneConfig.reuse_actors`, for `reuses_actors`",
)
PROCESS_FAILURE = PrivateName(
    _CONTROLLER,
    "_process_trial_failure",
    "fail one trial and let the others continue",
    "find what `TuneController` calls when a trial's task fails, for `fail_trial`",
)
MARK_TO_SAVE = PrivateName(
    _CONTROLLER,
    "_mark_trial_to_checkpoint",
    "save the status of a paused trial that has ended",
    "find what makes Tune write a trial's state again, for `mark_to_save`",
)
WRAPPED = PrivateName(
    "ray.tune.execution.tune_controller.TrialRunnerWrapper",
    "_tune_controller",
    "reach Tune's controller from a scheduler",
    "find the attribute that holds the wrapped `TuneController`, for `tune_controller`",
)
SET_STATUS = PrivateName(
    _CONTROLLER,
    "_set_trial_status",
    "let a trial fail if an error occurs while it is ended in its pause",
    "find how `TuneController` changes a trial's status, for `end_pause`",
)
EXPERIMENT_FILE = PrivateName(
    _CONTROLLER,
    "CKPT_FILE_TMPL",
    "find the files that Tune saves",
    "find the name of the file with the trials, for `state_file_prefixes`",
)
CALLBACK_FILE = PrivateName(
    "ray.tune.callback.CallbackList",
    "CKPT_FILE_TMPL",
    "find the files that Tune saves",
    "find the name of the callbacks' file, for `state_file_prefixes`",
)
GENERATOR_FILE = PrivateName(
    "ray.tune.search.SearchGenerator",
    "CKPT_FILE_TMPL",
    "find the files that Tune saves",
    "find the name of the generator's file, for `state_file_prefixes`",
)
SEARCHER_FILE = PrivateName(
    "ray.tune.search.Searcher",
    "CKPT_FILE_TMPL",
    "find the files that Tune saves",
    "find the name of the searcher's file, for `state_file_prefixes`",
)
STAGING = PrivateName(
    "ray.train._internal.storage.StorageContext",
    "experiment_driver_staging_path",
    "pack the files that Tune saves",
    "find the folder on the driver where Tune writes them first, for `storage_of`",
)
EXPERIMENT_FOLDER = PrivateName(
    "ray.train._internal.storage.StorageContext",
    "experiment_fs_path",
    "pack the files that Tune saves",
    "find the experiment's folder in its file system, for `storage_of`",
)
FILE_SYSTEM = PrivateName(
    "ray.train._internal.storage.StorageContext",
    "storage_filesystem",
    "pack the files that Tune saves",
    "find the experiment's `pyarrow.fs.FileSystem`, for `storage_of`",
)
BRACKETS = PrivateName(
    _HYPERBAND,
    "_hyperbands",
    "free brackets whose trials ended without a call",
    "find the scheduler's lists of brackets, for `brackets_of`",
)
TRIAL_INFO = PrivateName(
    _HYPERBAND,
    "_trial_info",
    "free a bracket that waits for a trial",
    "find the scheduler's map from a trial to its bracket, for `bracket_of`",
)
TIME_ATTR = PrivateName(
    _HYPERBAND,
    "_time_attr",
    "check the budget in a report before a scheduler of Ray reads it",
    "find where Ray's schedulers keep their `time_attr`, for `time_attr_of`",
)
HALVES = PrivateName(
    _BRACKET,
    "_halves",
    "halve a bracket until a trial can continue",
    "find the bracket's count of further halvings, for `halvings_left`",
)
PROCESS_BRACKET = PrivateName(
    _HYPERBAND,
    "_process_bracket",
    "correct how Ray's HyperBand halves a bracket",
    "override what `on_trial_result` calls for a bracket, in `HyperBand`, and name it",
)
BUFFERED = PrivateName(
    "ray.tune.schedulers.TrialScheduler",
    "_supports_buffered_results",
    "decide about a report before the trial trains on",
    "find how a scheduler refuses buffered results, in `ObjectiveScheduler`, and name it",
)
SAVING_TO = PrivateName(
    "ray.tune.experiment.trial._TemporaryTrialState",
    "saving_to",
    "run population-based training in virtual time",
    "give `VirtualTrial` what `PopulationBasedTraining` reads, and name it",
)
LATEST_CHECKPOINT = PrivateName(
    "ray.train._internal.checkpoint_manager._CheckpointManager",
    "_latest_checkpoint_result",
    "run population-based training in virtual time",
    "give `VirtualTrial` what `PopulationBasedTraining` sets, and name it",
)
SCHEDULE_SAVE = PrivateName(
    _CONTROLLER,
    "_schedule_trial_save",
    "run population-based training in virtual time",
    "give `Simulator` what `PopulationBasedTraining` calls, and name it",
)
AX_EXPERIMENT = PrivateName(
    "ax.api.client.Client",
    "_experiment",
    "read the metrics and trials of Ax's experiment",
    "find the client's `Experiment`, for `experiment_of`",
)
AX_NODE = PrivateName(
    "ax.core.generator_run.GeneratorRun",
    "_generation_node_name",
    "say which model made a suggestion",
    "find the name of the generation node, for `node_of`",
)
AX_STRATEGY = PrivateName(
    "ax.api.client.Client",
    "_maybe_generation_strategy",
    "leave the generation strategy of a user's client as it is",
    "find out whether the client has a generation strategy, for `has_strategy`",
)
AX_DATA_LOADER = PrivateName(
    "ax.adapter.base",
    "DataLoaderConfig",
    "say what a model learns from trials that were stopped early",
    "find the module that imports `DataLoaderConfig`, for `data_loader_config`",
)


NAMES = tuple(name for name in list(globals().values()) if isinstance(name, PrivateName))
"""All undocumented names that this library uses."""
