"""A search that figures show, and its objectives."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobo_core import Objective

LOSS = Objective("val/loss", "min", reference=1.2)
PARAMS = Objective("params", "min", reference=80_000, exact=True)
ACCURACY = Objective("acc", "max", reference=0.7)
LATENCY = Objective("latency", "min", reference=16.5, unit="ms")
BOTH = [LOSS, PARAMS]
SETS = [[LOSS], BOTH, [ACCURACY, PARAMS, LATENCY], [LOSS, PARAMS, LATENCY, ACCURACY]]


def a_search(trials: int = 40, epochs: int = 3) -> list[dict[str, Any]]:
    """Return reports in long format: nested, categorical, None, conditional and log parameters."""
    rng, rows = np.random.default_rng(3), []
    for number in range(trials):
        lr, width = 10 ** rng.uniform(-4, -1), int(rng.choice([16, 32, 64, 128]))
        act = [None, "relu", "tanh"][number % 3]
        net = {"width": width, "act": act, "layers": [1, 2][: 1 + number % 2]}
        config = {"lr": lr, "net": net, "seed": 1}
        if act:
            config["dropout"] = float(rng.uniform(0, 0.5))
        for epoch in range(1, epochs + 1):
            loss = (0.2 + 0.3 * (np.log10(lr) + 2.3) ** 2 + 8 / width) / epoch**0.4
            if number % 17 == 5:
                loss = float("nan")
            rows.append(
                {
                    "trial_id": f"t{number:03d}",
                    "val": {"loss": loss},
                    "acc": 1 - loss / 4,
                    "params": 794 * width,
                    "latency": width / 8 + rng.random(),
                    "timestamp": 1.79e9 + 7 * number + 3 * epoch,
                    "training_iteration": epoch,
                    "config": config,
                }
            )
    return rows


SEARCH = a_search()
