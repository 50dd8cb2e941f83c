"""What people call objectives, on every axis and in every heading."""

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
    "full_time": "training time at the full budget",
}


def axis_label(objective: Objective) -> str:
    """Name, unit and the better direction."""
    arrow = "↑" if objective.goal == "max" else "↓"
    unit = f" / {objective.unit}" if objective.unit else ""
    return f"{name_of(objective)}{unit} {arrow}"


def name_of(objective: Objective) -> str:
    """What people call it."""
    return NAMES.get(objective.name, objective.name)


def volume_label(objectives: Sequence[Objective]) -> str:
    """What a hypervolume is measured in."""
    names = [name_of(objective).split(" ")[-1] for objective in objectives]
    return f"hypervolume / ({' · '.join(names)})"
