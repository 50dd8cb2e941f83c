"""Surrogate benchmarks of YAHPO Gym: a network predicts learning curves for many data sets.

Source: Pfisterer et al., 'YAHPO Gym' (AutoML 2022). Models and encodings come from the repository
slds-lmu/yahpo_data. Put its scenario folders into ``DATA_DIR/yahpo``. The models are evaluated with
onnxruntime (``pip install 'mobo-bench[yahpo]'``).

*lcbench* (Zimmer et al., LCBench): an MLP on a tabular data set, 50 epochs. The surrogate has 52
epochs. The first one, the untrained network, and the last one, an outlier, are left out. The
predicted time is not monotone, so its running maximum is used. `log10_params` is a nominal size,
because the surrogate does not include the data sets' own widths. It is the size of a funnel of
`num_layers` hidden layers, narrowing evenly from `max_units`, between 100 inputs and 10 outputs.

*rbv2_xgboost* (Binder et al.): gradient boosting on a growing share of the training data, ten
repetitions. Epoch t of 20 uses the share t/20. Its seconds are the extra training time over the
epoch before. Parameters that the booster does not have are 0, as in YAHPO Gym.

Two objectives are times: `full_time` (to train) and `predict_time`. From the first report on they
have their value at the problem's full budget. Their reference values come from the whole curve.
The time *so far* would reward stopping early and would not be an objective of the configuration.

A curve is always evaluated in one batch of its whole length, because single rows differ by 1e-3.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import Objective
from mobo_core.problems.curve import CurveTraining
from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace

Columns = dict[str, NDArray[np.float64]]
NOMINAL_INPUTS, NOMINAL_OUTPUTS = 100, 10

LCBENCH_SPACE = SearchSpace(
    (
        RangeParameter("batch_size", 16, 512, integer=True, log=True),
        RangeParameter("learning_rate", 1e-4, 0.1, log=True),
        RangeParameter("momentum", 0.1, 0.99),
        RangeParameter("weight_decay", 1e-5, 0.1),
        RangeParameter("num_layers", 1, 4, integer=True),  # 5 is legal, but not in the model's data
        RangeParameter("max_units", 64, 1024, integer=True, log=True),
        RangeParameter("max_dropout", 0.0, 1.0),
    )
)
XGBOOST_SPACE = SearchSpace(
    (
        ChoiceParameter("booster", ("gblinear", "gbtree", "dart")),
        ChoiceParameter("imputation", ("impute.mean", "impute.median", "impute.hist")),
        RangeParameter("nrounds", 7, 2981, integer=True, log=True),
        RangeParameter("eta", np.exp(-7).item(), 1.0, log=True),
        RangeParameter("gamma", np.exp(-10).item(), np.exp(2).item(), log=True),
        RangeParameter("lambda", np.exp(-7).item(), np.exp(7).item(), log=True),
        RangeParameter("alpha", np.exp(-7).item(), np.exp(7).item(), log=True),
        RangeParameter("subsample", 0.1, 1.0),
        RangeParameter("max_depth", 1, 15, integer=True),
        RangeParameter("min_child_weight", np.e, np.exp(5).item(), log=True),
        RangeParameter("colsample_bytree", 0.01, 1.0),
        RangeParameter("colsample_bylevel", 0.01, 1.0),
        RangeParameter("rate_drop", 0.0, 1.0),
        RangeParameter("skip_drop", 0.0, 1.0),
    )
)
OF_TREES = (
    "eta", "gamma", "max_depth", "min_child_weight", "colsample_bytree", "colsample_bylevel",
)  # fmt: skip
OF_DART = ("rate_drop", "skip_drop")


@dataclass(frozen=True)
class Scenario:
    """The inputs and outputs of a surrogate.

    Args:
        space: The search space.
        epochs: The number of epochs of a curve.
        goals: Short name → (metric, unit, exact, ideal). All metrics are minimised.
        inputs: A function from (configuration, instance, encoding) to categorical (rows, k) and
            continuous (rows, l) inputs, with one row per epoch of the surrogate.
        columns: A function from (configuration, output of shape (rows, j)) to the metrics, each of
            shape (epochs,).
    """

    space: SearchSpace
    epochs: int
    goals: Mapping[str, tuple[str, str, bool, float]]
    inputs: Callable[[Mapping[str, Any], str, Mapping[str, Any]], tuple[Any, Any]]
    columns: Callable[[Mapping[str, Any], NDArray[np.float64]], Columns]


def nominal_size(max_units: int, num_layers: int) -> int:
    """Return the number of parameters of a funnel-shaped MLP of nominal inputs and outputs.

    Args:
        max_units: The number of units of the first hidden layer.
        num_layers: The number of hidden layers, ≥ 1.
    """
    step = (max_units - NOMINAL_OUTPUTS) / num_layers
    hidden = [round(max_units - layer * step) for layer in range(num_layers)]
    widths = [NOMINAL_INPUTS, *hidden, NOMINAL_OUTPUTS]
    return sum((below + 1) * above for below, above in itertools.pairwise(widths))


def _lcbench_inputs(
    config: Mapping[str, Any], instance: str, encoding: Mapping[str, Any]
) -> tuple[Any, Any]:
    epochs = np.arange(1, 53)
    names = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers")
    values = [config[name] for name in (*names, "max_units", "max_dropout")]
    continuous = np.column_stack([epochs, np.tile(values, (len(epochs), 1))])
    code = encoding["OpenML_task_id"][instance]
    return np.full((len(epochs), 1), code, np.int32), continuous.astype(np.float32)


def _lcbench_columns(config: Mapping[str, Any], output: NDArray[np.float64]) -> Columns:
    time_s, accuracy, loss, balanced, test_loss, test_balanced = output[1:51].T
    elapsed = np.maximum.accumulate(np.maximum(time_s, 0.0))
    size = nominal_size(config["max_units"], config["num_layers"])
    return {
        "val_error": 100 - np.clip(accuracy, 0, 100),
        "val_loss": loss,
        "val_balanced_error": 100 * (1 - np.clip(balanced, 0, 1)),
        "log10_params": np.full(len(elapsed), np.log10(size)),
        "full_time": elapsed,
        "test_loss": test_loss,
        "test_balanced_error": 100 * (1 - np.clip(test_balanced, 0, 1)),
        "seconds": np.diff(elapsed, prepend=0.0),
    }


def _xgboost_inputs(
    config: Mapping[str, Any], instance: str, encoding: Mapping[str, Any]
) -> tuple[Any, Any]:
    inactive = {
        "gblinear": (*OF_TREES, *OF_DART),
        "gbtree": OF_DART,
        "dart": (),
    }[config["booster"]]
    shares = np.arange(1, 21) / 20
    numeric = [p.name for p in XGBOOST_SPACE.parameters if isinstance(p, RangeParameter)]
    values = [0.0 if name in inactive else config[name] for name in numeric]
    codes = [
        encoding["task_id"][instance],
        encoding["booster"][config["booster"]],
        encoding["num.impute.selected.cpo"][config["imputation"]],
    ]
    repetitions = np.full(len(shares), 10)
    continuous = np.column_stack([np.tile(values, (len(shares), 1)), shares, repetitions])
    return np.tile(np.array(codes, np.int32), (len(shares), 1)), continuous.astype(np.float32)


def _xgboost_columns(config: Mapping[str, Any], output: NDArray[np.float64]) -> Columns:
    accuracy, balanced, _auc, _brier, _f1, loss, train_s, predict_s, _memory = output.T
    elapsed = np.maximum.accumulate(np.maximum(train_s, 0.0))
    return {
        "val_error": 100 * (1 - np.clip(accuracy, 0, 1)),
        "val_loss": np.maximum(loss, 0.0),
        "val_balanced_error": 100 * (1 - np.clip(balanced, 0, 1)),
        "full_time": elapsed,
        "predict_time": np.maximum(predict_s, 0.0),
        "seconds": np.diff(elapsed, prepend=0.0),
    }


SCENARIOS: Mapping[str, Scenario] = {
    "lcbench": Scenario(
        LCBENCH_SPACE,
        50,
        {
            "error": ("val_error", "%", False, 0.0),
            "loss": ("val_loss", "nats", False, 0.0),
            "params": ("log10_params", "", True, math.log10(nominal_size(64, 1))),
            "time": ("full_time", "s", True, 0.0),
        },
        _lcbench_inputs,
        _lcbench_columns,
    ),
    "rbv2_xgboost": Scenario(
        XGBOOST_SPACE,
        20,
        {
            "error": ("val_error", "%", False, 0.0),
            "loss": ("val_loss", "nats", False, 0.0),
            "time": ("full_time", "s", True, 0.0),
            "predict": ("predict_time", "s", True, 0.0),
        },
        _xgboost_inputs,
        _xgboost_columns,
    ),
}


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
