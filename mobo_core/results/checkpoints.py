"""The checkpoints that Ray Tune saved with reports."""

from __future__ import annotations

from typing import Any

from mobo_core.results.history import Report


def kept_checkpoint(result: Any, report: Report) -> Any:
    """Return the checkpoint of a report that Tune keeps in memory; None if there is none.

    Args:
        result: A ``Result`` or a ``Trial`` of Tune. Anything else keeps none.
        report: The report.

    Example:
        >>> kept_checkpoint({"loss": 1.0}, {"training_iteration": 3}) is None
        True
    """
    saved = getattr(result, "best_checkpoints", None)
    if saved is None:
        manager = getattr(getattr(result, "run_metadata", None), "checkpoint_manager", None)
        found = getattr(manager, "best_checkpoint_results", [])
        saved = [(one.checkpoint, one.metrics) for one in found]
    iteration = report.get("training_iteration")
    matching = [
        checkpoint
        for checkpoint, metrics in saved
        if iteration is not None and metrics.get("training_iteration") == iteration
    ]
    return matching[-1] if matching else None


def stored_checkpoint(path: str | None, filesystem: Any, report: Report) -> Any:
    """Return the checkpoint that a report names, as a ``ray.tune.Checkpoint``; None without one.

    Reports of function trainables name it. Those of class trainables do not.

    Args:
        path: The trial's folder, or None.
        filesystem: The file system of Arrow on which it is; None for the local one.
        report: The report.

    Example:
        >>> stored_checkpoint("no/such/trial", None, {"checkpoint_dir_name": "a"}) is None
        True
    """
    name = report.get("checkpoint_dir_name")
    if path is None or not isinstance(name, str):
        return None
    # Imported here: whoever asks for no checkpoint needs neither of them.
    from pyarrow.fs import FileType, LocalFileSystem

    system = filesystem or LocalFileSystem()
    folder = f"{path}/{name}"
    if system.get_file_info(folder).type != FileType.Directory:
        return None
    from ray.tune import Checkpoint

    return Checkpoint(folder, filesystem=system)
