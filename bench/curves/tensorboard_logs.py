"""Curves from TensorBoard's event files: each folder that has some is a trial.

Scalars of every writer are read (PyTorch, TensorFlow 1 and 2, tensorboardX, Lightning), and the
hyper-parameters of the plugin of that name. What a restarted process wrote again replaces what the
first one had written from that step on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from bench.curves.curve import Curve, End, Found, Series, series
from bench.curves.options import SourceOptions
from bench.errors import UserError

PATTERN = "*tfevents*"
SCALARS, HPARAMS = "scalars", "hparams"
"""The names of the plugins whose data is read."""
PARTS = frozenset(("train", "training", "validation", "valid", "val", "eval", "test"))
"""Names of folders that are parts of one trial, the one of the folder that they are in."""


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
    curves, notes = [], list[str]()
    for folder in found:
        events = accumulator.EventAccumulator(str(folder), tensor_size_guidance=whole)
        events.Reload()
        curves.append(_curve(str(folder.relative_to(root)), events, options))
    trials = tuple(_joined(curves, notes))
    return Found("TensorBoard logs", root.resolve().name, trials, "step", notes=tuple(notes))


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


def _joined(curves: list[Curve], notes: list[str]) -> Iterator[Curve]:
    """Yield the trials: each is a folder with the parts that belong to it.

    A tag that several of a trial's folders have begins with the name of the part in all trials.
    """
    with_metrics = {curve.name for curve in curves if curve.metrics}
    trials: dict[str, list[Curve]] = {}
    for curve in curves:
        trials.setdefault(_trial_of(curve, with_metrics), []).append(curve)
    used = {PurePath(name).name for name in with_metrics} & PARTS
    if used:
        notes.append(f"folders called {', '.join(sorted(used))} are parts of a trial")
    shared: set[str] = set()
    for parts in trials.values():
        counts = Counter(tag for part in parts for tag in part.metrics)
        shared |= {tag for tag, times in counts.items() if times > 1}
    for name, parts in trials.items():
        if any(part.metrics for part in parts):
            yield _whole(name, parts, shared)


def _whole(name: str, parts: Sequence[Curve], shared: Collection[str]) -> Curve:
    """Return a trial of the curves of its folders; what its own folder says comes first.

    Args:
        name: The trial's folder.
        parts: The curves of its folder and of the folders in it.
        shared: The tags that tell apart which part they are of.
    """
    whole = Curve(name, {})
    for part in parts:
        inside = PurePath(part.name).relative_to(name).as_posix()
        metrics = {
            f"{inside}/{tag}" if tag in shared and inside != "." else tag: values
            for tag, values in part.metrics.items()
        }
        whole = replace(
            whole,
            metrics={**metrics, **whole.metrics},
            config={**part.config, **whole.config},
            constants={**part.constants, **whole.constants},
            end=part.end if whole.end == "unknown" else whole.end,
            repeated=max(part.repeated, whole.repeated),
        )
    return whole


def _trial_of(curve: Curve, with_metrics: Collection[str]) -> str:
    """Return the folder of the trial that a folder belongs to.

    It is the outermost folder around it that has metrics: ``SummaryWriter.add_hparams`` of PyTorch
    makes one in it for the hyper-parameters, ``add_scalars`` one for each of its curves. Folders
    with one of the usual names of `PARTS` belong to the folder that they are in, as Keras does it.
    The folder of all logs may have metrics of its own without being a trial of everything.
    """
    place = PurePath(curve.name)
    outside = [str(p) for p in place.parents if str(p) != "." and str(p) in with_metrics]
    if not outside and "." in with_metrics and _is_of_the_root(curve):
        return "."
    trial = PurePath(outside[-1]) if outside else place
    return str(trial.parent if trial.name in PARTS else trial)


def _is_of_the_root(curve: Curve) -> bool:
    """Return whether a folder was made by ``add_hparams`` or ``add_scalars`` for the root's run."""
    tags = [tag.replace("/", "_") for tag in curve.metrics]
    return not tags or (len(tags) == 1 and curve.name.startswith(f"{tags[0]}_"))
