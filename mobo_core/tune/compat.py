"""The uses of undocumented names of Ray and Ax, all of them in this one module.

Such a name may move in any release. `mobo_core.tune.private_names` lists each of them with its use
and with what to do when it has moved. A test asks for every name in turn, so a release that moves
one fails there with that text. Other modules call the functions below. They work with the simulated
controller of `mobo_core.virtual` too, which has the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from ray.tune import Callback
from ray.tune.callback import CallbackList
from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController
from ray.tune.experiment import Trial
from ray.tune.search import Searcher, SearchGenerator

from mobo_core.tune import private_names as names

# Tune's controller


def tune_controller(controller: Any) -> TuneController | None:
    """Return Tune's own controller, or None in virtual time.

    Tune passes it to schedulers in a wrapper, which logs a warning when an undocumented name is
    read through it. Uses ``TrialRunnerWrapper._tune_controller``.
    """
    if isinstance(controller, TrialRunnerWrapper):
        controller = names.WRAPPED.of(controller)
    return controller if isinstance(controller, TuneController) else None


def end_pause(controller: Any, trial: Trial) -> None:
    """Let a paused trial wait for a process instead, because something is about to end it.

    Call it when Tune has called `on_trial_remove`. The trial is ended next, by the searcher and by
    callbacks too, which may raise. Tune then lets the trial fail, as it should, if it waits for a
    process; a paused one would stay paused for ever. Its end is also saved. Nothing is done in
    virtual time. Uses ``TuneController._set_trial_status`` and ``_mark_trial_to_checkpoint``.
    """
    real = tune_controller(controller)
    if real is not None:
        if trial.status == Trial.PAUSED:
            names.SET_STATUS.of(real)(trial, Trial.PENDING)
        mark_to_save(real, trial)


def callbacks_of(controller: Any) -> list[Callback]:
    """Return the callbacks of a running experiment, Tune's own included.

    Uses ``TuneController._callbacks`` and ``CallbackList._callbacks``.
    """
    found = names.CALLBACKS.of(controller)
    return list(names.CALLBACK_LIST.of(found) if isinstance(found, CallbackList) else found)


def add_callback(controller: Any, callback: Callback) -> None:
    """Add a callback to a running experiment, after those that it has.

    The callback's ``setup`` is not called. Uses ``TuneController._callbacks`` and
    ``CallbackList._callbacks``.
    """
    names.CALLBACK_LIST.of(names.CALLBACKS.of(controller)).append(callback)


def reuses_actors(controller: Any) -> bool:
    """Return whether a trial may get the process of another one, by ``reset_config``.

    Uses ``TuneController._reuse_actors``.
    """
    return bool(names.REUSE_ACTORS.of(controller))


def fail_trial(controller: Any, trial: Trial, error: Exception) -> None:
    """Treat a running or waiting trial as if its task had raised an error.

    Tune retries it if ``FailureConfig.max_failures`` allows; otherwise it tells the scheduler, the
    searcher and the callbacks. Of a paused trial Tune only writes the error file; see `end_pause`.
    Uses ``TuneController._process_trial_failure``.
    """
    names.PROCESS_FAILURE.of(controller)(trial, exception=error)


def mark_to_save(controller: Any, trial: Trial) -> None:
    """Make Tune write the trial's status when it saves the experiment next.

    Tune itself forgets this for a paused trial that ends. Uses
    ``TuneController._mark_trial_to_checkpoint``.
    """
    names.MARK_TO_SAVE.of(controller)(trial)


# Files


class Storage(NamedTuple):
    """Where an experiment is saved."""

    filesystem: Any
    """The `pyarrow.fs.FileSystem` that holds it."""
    folder: str
    """The experiment's folder in that file system."""
    staging: str
    """The folder on the driver's disk where Tune writes its state files first."""


def storage_of(trial: Trial) -> Storage:
    """Return where the experiment of a trial is saved.

    Uses three properties of ``StorageContext``: ``storage_filesystem``, ``experiment_fs_path`` and
    ``experiment_driver_staging_path``.
    """
    context = trial.storage
    assert context is not None, "Tune sets it with the trial"
    return Storage(
        names.FILE_SYSTEM.of(context),
        str(names.EXPERIMENT_FOLDER.of(context)),
        str(names.STAGING.of(context)),
    )


def state_file_prefixes() -> tuple[str, ...]:
    """Return how the names of the files begin that Tune saves of an experiment.

    Uses ``CKPT_FILE_TMPL`` of ``CallbackList``, ``TuneController``, ``SearchGenerator`` and
    ``Searcher``.
    """
    templates = (
        names.CALLBACK_FILE.of(CallbackList),
        names.EXPERIMENT_FILE.of(TuneController),
        names.GENERATOR_FILE.of(SearchGenerator),
        names.SEARCHER_FILE.of(Searcher),
    )
    return tuple(template.partition("-{}")[0] for template in templates)


# Ray's schedulers


def time_attr_of(scheduler: Any) -> str | None:
    """Return the key in a report that holds the budget, or None if the scheduler has none.

    Uses ``_time_attr``, which all of Ray's schedulers that read a budget have.
    """
    return getattr(scheduler, names.TIME_ATTR.name, None)


def brackets_of(scheduler: Any) -> Iterator[Any]:
    """Yield the brackets of a ``HyperBandScheduler``.

    Uses ``HyperBandScheduler._hyperbands``. Its lists hold None where a bracket is still missing.
    """
    return (bracket for band in names.BRACKETS.of(scheduler) for bracket in band if bracket)


def bracket_of(scheduler: Any, trial: Trial) -> Any:
    """Return the bracket of a trial in a ``HyperBandScheduler``.

    Uses ``HyperBandScheduler._trial_info``, which maps a trial to its bracket and its number.
    """
    bracket, _ = names.TRIAL_INFO.of(scheduler)[trial]
    return bracket


def halvings_left(bracket: Any) -> int:
    """Return how often a bracket of a ``HyperBandScheduler`` will still be halved.

    Uses ``_Bracket._halves``.
    """
    return int(names.HALVES.of(bracket))


# Ax


def experiment_of(client: Any) -> Any:
    """Return the ``Experiment`` of an Ax client. Uses ``Client._experiment``."""
    return names.AX_EXPERIMENT.of(client)


def has_strategy(client: Any) -> bool:
    """Return whether an Ax client has a generation strategy already.

    Uses ``Client._maybe_generation_strategy``.
    """
    return names.AX_STRATEGY.of(client) is not None


def node_of(generator_run: Any) -> str | None:
    """Return the name of the generation node that made a generator run, or None.

    Uses ``GeneratorRun._generation_node_name``.
    """
    name: str | None = names.AX_NODE.of(generator_run)
    return name


def data_loader_config(
    *, only_completed_curves: bool = False, latest_rows_per_group: int | None = 1
) -> Any:
    """Return Ax's ``DataLoaderConfig``, which says what a model is fitted to.

    Ax 1.3 has moved the class from ``ax.adapter.data_utils`` to ``ax.core.data_utils``; this uses
    ``ax.adapter.base``, which imports it in all versions.

    Args:
        only_completed_curves: Whether learning curves count only of trials that are complete.
        latest_rows_per_group: How many of a trial's last reports count; None for all of them.
    """
    return names.AX_DATA_LOADER.of(import_module("ax.adapter.base"))(
        fit_only_completed_map_metrics=only_completed_curves,
        latest_rows_per_group=latest_rows_per_group,
    )
