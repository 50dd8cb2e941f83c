"""Learning curves of a search, to be written in the format of every tool."""

from __future__ import annotations

import numpy as np
import pandas as pd

EPOCHS = 6


def long_table(trials: int = 14, epochs: int = EPOCHS, seed: int = 0) -> pd.DataFrame:
    """Return a row per trial and epoch: power laws whose quality trades off against their size."""
    rng = np.random.default_rng(seed)
    rows = []
    for trial in range(trials):
        rate, width = float(10 ** rng.uniform(-4, -1)), int(rng.choice([16, 32, 64, 128]))
        start = 0.05 + 0.1 * abs(np.log10(rate) + 2.5) + 0.6 / np.sqrt(width)
        exponent = 0.2 + 0.4 * rng.random()
        for epoch in range(1, epochs + 1):
            error = float(start * epoch**-exponent)
            rows.append(
                {
                    "trial": f"t{trial:02d}",
                    "epoch": epoch,
                    "accuracy": 1 - error,
                    "loss": 3 * error,
                    "params": 100 * width,
                    "config/rate": rate,
                    "config/width": width,
                    "seconds": 1 + width / 100,
                }
            )
    return pd.DataFrame(rows)
