"""The scenarios of YAHPO Gym that are problems here: their spaces, inputs and outputs.

*lcbench* (Zimmer et al., LCBench): an MLP on a tabular data set, 50 epochs. The surrogate has 52
epochs. The first one, the untrained network, and the last one, an outlier, are left out. The
predicted time is not monotone, so its running maximum is used. `log10_params` is a nominal size,
because the surrogate does not include the data sets' own widths. It is the size of a funnel of
`num_layers` hidden layers, narrowing evenly from `max_units`, between 100 inputs and 10 outputs.

*rbv2_xgboost* and *rbv2_rpart* (Binder et al.): gradient boosting, and a decision tree, on a
growing share of the training data, ten repetitions. Epoch t of 20 uses the share t/20. Its seconds
are the extra training time over the epoch before. Parameters that the booster does not have are 0,
as in YAHPO Gym.

Source: Pfisterer et al., 'YAHPO Gym' (AutoML 2022).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
IMPUTATIONS = ("impute.mean", "impute.median", "impute.hist")
XGBOOST_SPACE = SearchSpace(
    (
        ChoiceParameter("booster", ("gblinear", "gbtree", "dart")),
        ChoiceParameter("imputation", IMPUTATIONS),
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
RPART_SPACE = SearchSpace(
    (
        ChoiceParameter("imputation", IMPUTATIONS),
        RangeParameter("cp", 0.0009118819655545162, 1.0, log=True),
        RangeParameter("maxdepth", 1, 30, integer=True),
        RangeParameter("minbucket", 1, 100, integer=True),
        RangeParameter("minsplit", 1, 100, integer=True),
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
    codes = [encoding["task_id"][instance], encoding["booster"][config["booster"]]]
    return _rbv2_inputs(XGBOOST_SPACE, {**config, **dict.fromkeys(inactive, 0.0)}, codes, encoding)


def _rpart_inputs(
    config: Mapping[str, Any], instance: str, encoding: Mapping[str, Any]
) -> tuple[Any, Any]:
    return _rbv2_inputs(RPART_SPACE, config, [encoding["task_id"][instance]], encoding)


def _rbv2_inputs(
    space: SearchSpace, config: Mapping[str, Any], codes: list[int], encoding: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return the inputs for growing shares of the data, with ten repetitions."""
    shares = np.arange(1, 21) / 20
    codes = [*codes, encoding["num.impute.selected.cpo"][config["imputation"]]]
    values = [config[p.name] for p in space.parameters if isinstance(p, RangeParameter)]
    repetitions = np.full(len(shares), 10)
    continuous = np.column_stack([np.tile(values, (len(shares), 1)), shares, repetitions])
    return np.tile(np.array(codes, np.int32), (len(shares), 1)), continuous.astype(np.float32)


def _rbv2_columns(config: Mapping[str, Any], output: NDArray[np.float64]) -> Columns:
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


RBV2_GOALS: Mapping[str, tuple[str, str, bool, float]] = {
    "error": ("val_error", "%", False, 0.0),
    "loss": ("val_loss", "nats", False, 0.0),
    "time": ("full_time", "s", True, 0.0),
    "predict": ("predict_time", "s", True, 0.0),
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
    "rbv2_xgboost": Scenario(XGBOOST_SPACE, 20, RBV2_GOALS, _xgboost_inputs, _rbv2_columns),
    "rbv2_rpart": Scenario(RPART_SPACE, 20, RBV2_GOALS, _rpart_inputs, _rbv2_columns),
}
