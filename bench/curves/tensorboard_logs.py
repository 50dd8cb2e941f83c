"""Curves from TensorBoard's event files: each folder that has some is a trial.

Scalars of every writer are read (PyTorch, TensorFlow 1 and 2, tensorboardX, Lightning), and the
hyper-parameters of the plugin of that name. What a restarted process wrote again replaces what the
first one had written from that step on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.curves.curve import Curve, End, Found, Series, series
from bench.curves.options import SourceOptions
from bench.errors import UserError

PATTERN = "*tfevents*"
SCALARS, HPARAMS = "scalars", "hparams"
"""The names of the plugins whose data is read."""


def folders(root: Path) -> list[Path]:
    """Return the folders at or below a folder that have event files, sorted."""
    return sorted({path.parent for path in root.rglob(PATTERN) if path.is_file()})


def read(root: Path, options: SourceOptions) -> Found:
    """Return the curves of all event files at or below a folder.

    Raises:
        UserError: If TensorBoard is not installed, or there is no event file.
    """
    found = folders(root)
    if not found:
        raise UserError(f"{root} holds no event files of TensorBoard (…tfevents…)")
    try:
        from tensorboard.backend.event_processing import plugin_event_accumulator as accumulator
    except ImportError as error:
        raise UserError(
            "reading TensorBoard's event files requires TensorBoard: "
            "pip install 'mobo-bench[tensorboard]'"
        ) from error
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of restarts
    # Without a guidance TensorBoard keeps a random sample of the values.
    whole = {SCALARS: 0, HPARAMS: 0}
    curves = []
    for folder in found:
        events = accumulator.EventAccumulator(str(folder), tensor_size_guidance=whole)
        events.Reload()
        curves.append(_curve(str(folder.relative_to(root)), events, options))
    return Found("TensorBoard logs", root.resolve().name, tuple(_joined(curves)), "step")


def _curve(name: str, events: Any, options: SourceOptions) -> Curve:
    metrics, repeated = {}, 0
    for tag in events.PluginTagToContent(SCALARS) if SCALARS in _plugins(events) else ():
        metrics[tag], again = _scalars(events.Tensors(tag))
        repeated = max(repeated, again)
    config, end = _hyper_parameters(events)
    constants = {}
    for parameter in options.config:
        if parameter in metrics:
            config[parameter] = float(metrics.pop(parameter).values[-1])
    for tag in [t for t, values in metrics.items() if t.startswith("hparam/")]:
        constants[tag] = float(metrics.pop(tag).values[-1])
    return Curve(name, metrics, config, constants, end=end, repeated=repeated)


def _plugins(events: Any) -> set[str]:
    return set(events.ActivePlugins())


def _scalars(reports: Any) -> tuple[Series, int]:
    """Return a tag's values, and how many reports of a step were replaced by later ones."""
    from tensorboard.util import tensor_util

    values = [float(tensor_util.make_ndarray(r.tensor_proto).item()) for r in reports]
    steps, clock = [float(r.step) for r in reports], [float(r.wall_time) for r in reports]
    return series(steps, values, clock), len(steps) - len(set(steps))


def _hyper_parameters(events: Any) -> tuple[dict[str, Any], End]:
    """Return what the plugin for hyper-parameters says of a run: its settings, and its end."""
    if HPARAMS not in _plugins(events):
        return {}, "unknown"
    from tensorboard.plugins.hparams import api_pb2, metadata

    ends: dict[int, End] = {
        api_pb2.Status.STATUS_SUCCESS: "complete",
        api_pb2.Status.STATUS_FAILURE: "failed",
    }
    config: dict[str, Any] = {}
    end: End = "unknown"
    for tag, content in events.PluginTagToContent(HPARAMS).items():
        if tag == metadata.SESSION_START_INFO_TAG:
            info = metadata.parse_session_start_info_plugin_data(content)
            for parameter, value in info.hparams.items():
                config[parameter] = getattr(value, value.WhichOneof("kind") or "", None)
        elif tag == metadata.SESSION_END_INFO_TAG:
            info = metadata.parse_session_end_info_plugin_data(content)
            end = ends.get(info.status, "unknown")
    return config, end


def _joined(curves: list[Curve]) -> Iterator[Curve]:
    """Yield the curves; a folder inside a trial's folder belongs to that trial.

    ``SummaryWriter.add_hparams`` of PyTorch makes one for the hyper-parameters, ``add_scalars`` one
    for each of its curves.
    """
    trials = [curve for curve in curves if curve.metrics and not _is_inside(curve, curves)]
    for trial in trials:
        joined = trial
        for part in curves:
            inside = part.name.startswith(f"{trial.name}/") or trial.name == "."
            if inside and part not in trials:
                joined = replace(
                    joined,
                    metrics={**part.metrics, **joined.metrics},
                    config={**part.config, **joined.config},
                    constants={**part.constants, **joined.constants},
                    end=part.end if joined.end == "unknown" else joined.end,
                )
        yield joined


def _is_inside(curve: Curve, curves: list[Curve]) -> bool:
    """Return whether a folder lies in the folder of another trial."""
    return any(curve.name.startswith(f"{other.name}/") and other.metrics for other in curves)
