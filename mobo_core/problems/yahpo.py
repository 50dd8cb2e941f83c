"""Surrogate benchmarks of YAHPO Gym: a network predicts learning curves for many data sets.

Source: Pfisterer et al., 'YAHPO Gym' (AutoML 2022). Models and encodings come from the repository
slds-lmu/yahpo_data. Put its scenario folders into ``DATA_DIR/yahpo``. The models are evaluated with
onnxruntime (``pip install 'mobo-bench[yahpo]'``).

The scenarios, with their spaces and metrics, are in `mobo_core.problems.yahpo_scenarios`.

Two objectives are times: `full_time` (to train) and `predict_time`. From the first report on they
have their value at the problem's full budget. Their reference values come from the whole curve.
The time *so far* would reward stopping early and would not be an objective of the configuration.

A curve is always evaluated in one batch of its whole length, because single rows differ by 1e-3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from mobo_core.objectives import Objective
from mobo_core.problems.curve import CurveTraining
from mobo_core.problems.yahpo_scenarios import SCENARIOS, Columns, Scenario
from mobo_core.space import SearchSpace


@lru_cache(maxsize=1)
def _points() -> Mapping[str, Any]:
    path = resources.files("mobo_core.problems") / "yahpo_points.json"
    points: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return points


def instances(scenario: str) -> tuple[str, ...]:
    """Return the data sets of a scenario that have a reference point."""
    return tuple(_points()["instances"][scenario])


@dataclass(frozen=True)
class YAHPOProblem:
    """The problem of one data set of a scenario.

    Args:
        scenario: The scenario's name, a key of `SCENARIOS`.
        instance: The data set's OpenML id; `instances` returns all of them.
        data_dir: The folder that holds ``yahpo/SCENARIO/model.onnx`` and ``encoding.json``.
        epochs: The full budget of a trial; None takes the length of the scenario's curves.

    Raises:
        ValueError: If there is no such scenario or instance, or it has fewer epochs. On first use,
            if the surrogate or onnxruntime is missing.

    Example:
        >>> from mobo_core.problems.yahpo import YAHPOProblem
        >>> problem = YAHPOProblem("lcbench", "167152", data_dir="data")
        >>> problem.max_epochs, list(problem.objectives)
        (50, ['error', 'loss', 'params', 'time'])
    """

    scenario: str
    instance: str
    data_dir: str
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise ValueError(f"unknown scenario {self.scenario!r}: choose from {list(SCENARIOS)}")
        if self.instance not in _points()["instances"][self.scenario]:
            raise ValueError(
                f"unknown instance {self.instance!r} of {self.scenario}: choose from "
                f"{', '.join(instances(self.scenario))}"
            )
        if self.epochs is not None and not 1 <= self.epochs <= self._parts.epochs:
            raise ValueError(
                f"{self.scenario} has {self._parts.epochs} epochs a curve, not {self.epochs}"
            )

    @property
    def _parts(self) -> Scenario:
        return SCENARIOS[self.scenario]

    @property
    def _folder(self) -> Path:
        return Path(self.data_dir, "yahpo", self.scenario)

    @property
    def max_epochs(self) -> int:
        """The full budget of a trial, in epochs."""
        return self.epochs or self._parts.epochs

    @property
    def name(self) -> str:
        """The problem's name, e.g. ``lcbench-167152``."""
        return f"{self.scenario}-{self.instance}"

    @property
    def space(self) -> SearchSpace:
        """The scenario's search space."""
        return self._parts.space

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """Short name → objective, with the instance's fixed reference value; see `yahpo_points`."""
        reference = _points()["instances"][self.scenario][self.instance]
        return {
            short: Objective(metric, "min", reference[metric], unit, exact=exact, ideal=ideal)
            for short, (metric, unit, exact, ideal) in self._parts.goals.items()
        }

    def data_checksum(self) -> str:
        """Return the SHA-256 of the surrogate."""
        return _checksum(_existing(self._folder / "model.onnx"))

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return a training along a configuration's predicted curve. The seed changes nothing."""
        columns = {name: values[: self.max_epochs] for name, values in self.curve(config).items()}
        for metric, _, exact, _ in self._parts.goals.values():
            if exact:  # each report has the value at the full budget
                columns[metric] = np.full(self.max_epochs, columns[metric][-1])
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        return CurveTraining(
            [
                {"epoch": t, **dict(zip(columns, row, strict=True))}
                for t, row in enumerate(rows, start=1)
            ]
        )

    def curve(self, config: Mapping[str, Any]) -> Columns:
        """Return metric → (epochs,) values over the whole length of the scenario's curves.

        Here the times are those of the training so far.
        """
        return _curve(self.scenario, self.instance, str(self._folder), tuple(config.items()))


@lru_cache(maxsize=4096)
def _curve(
    scenario: str, instance: str, folder: str, config_items: tuple[tuple[str, Any], ...]
) -> Columns:
    config, parts = dict(config_items), SCENARIOS[scenario]
    model, encoding = _surrogate(folder)
    categorical, continuous = parts.inputs(config, instance, encoding)
    (output,) = model.run(None, {"x_cat": categorical, "x_cont": continuous})
    return parts.columns(config, output.astype(float))


@lru_cache(maxsize=4)
def _surrogate(folder: str) -> tuple[Any, Mapping[str, Any]]:
    try:
        import onnxruntime  # an optional dependency, and slow to import
    except ImportError as error:
        raise ValueError(
            "YAHPO surrogates need onnxruntime: install 'mobo-bench[yahpo]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = _existing(Path(folder, "model.onnx"))
    encoding = Path(_existing(Path(folder, "encoding.json")))
    try:
        model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return model, json.loads(encoding.read_text("utf-8"))
    except Exception as error:  # onnxruntime's errors have no common class
        raise ValueError(f"the surrogate in {folder} cannot be read: {error}") from error


def _existing(path: Path) -> str:
    if not path.is_file():
        raise ValueError(
            f"there is no surrogate {path}: put the folder {path.parent.name} of the repository "
            "slds-lmu/yahpo_data into DATA_DIR/yahpo"
        )
    return str(path)


@lru_cache(maxsize=4)
def _checksum(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
