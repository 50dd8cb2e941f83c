"""The names that people use for objectives and data sets, in every figure, heading and report."""

from __future__ import annotations

from collections.abc import Sequence

from mobo_core.objectives import Objective

NAMES = {
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "val_error": "validation error",
    "params": "parameters",
    "log10_params": "log₁₀ parameters",
    "flops": "FLOPs",
    "train_gflops": "training FLOPs",
    "max_nodes": "tree nodes",
    "max_steps": "comparisons",
    "nonzero": "non-zero weights",
    "full_time": "training time at the full budget",
}

OPENML_TASKS = {
    "3945": "KDDCup09_appetency",
    "7593": "covertype",
    "34539": "Amazon_employee_access",
    "126025": "adult",
    "126026": "nomao",
    "126029": "bank-marketing",
    "146212": "shuttle",
    "167104": "Australian",
    "167149": "kr-vs-kp",
    "167152": "mfeat-factors",
    "167161": "credit-g",
    "167168": "vehicle",
    "167181": "kc1",
    "167184": "blood-transfusion-service-center",
    "167185": "cnae-9",
    "167190": "phoneme",
    "167200": "higgs",
    "167201": "connect-4",
    "168329": "helena",
    "168330": "jannis",
    "168331": "volkert",
    "168335": "MiniBooNE",
    "168868": "APSFailure",
    "168908": "christine",
    "168910": "fabert",
    "189354": "airlines",
    "189862": "jasmine",
    "189865": "sylvine",
    "189866": "albert",
    "189873": "dionis",
    "189905": "car",
    "189906": "segment",
    "189908": "Fashion-MNIST",
    "189909": "jungle_chess_2pcs_raw_endgame_complete",
}
"""The names of LCBench's data sets, which its surrogates call by the number of an OpenML task."""


DATASET_TITLES = {"mnist": "MNIST", "digits": "scikit-learn's digits"}
"""Data set → its title, where that is not its name and it does not come from OpenML."""


def dataset_name(dataset: str) -> str:
    """Return the name that people use for a data set, e.g. ``volkert`` for ``168331``."""
    return OPENML_TASKS.get(dataset, dataset)


def dataset_title(dataset: str) -> str:
    """Return the name of a data set and, where it comes from OpenML, the number of its task."""
    name = OPENML_TASKS.get(dataset)
    return f"{name} (OpenML task {dataset})" if name else dataset


def axis_label(objective: Objective) -> str:
    """Return the axis label of an objective: name, unit, and an arrow in the better direction."""
    arrow = "↑" if objective.goal == "max" else "↓"
    unit = f" / {objective.unit}" if objective.unit else ""
    return f"{name_of(objective)}{unit} {arrow}"


def name_of(objective: Objective) -> str:
    """Return the name that people use for an objective."""
    return NAMES.get(objective.name, objective.name)


def volume_label(objectives: Sequence[Objective]) -> str:
    """Return the axis label of a hypervolume, whose unit is the product of the objectives'."""
    names = [name_of(objective).split(" ")[-1] for objective in objectives]
    return f"hypervolume / ({' · '.join(names)})"
