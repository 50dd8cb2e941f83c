"""Statistics of paired runs: pure functions on arrays, one idea a module.

`intervals` estimates with bootstrap intervals, `wilcoxon` tests pairs and says what cannot be
concluded, `ranks` compares many methods on many problems, `improvement` and `profiles` describe
distributions, `attainment` fronts, `running_time` the cost of reaching a target, `protocols`
what two runs may be compared at.
"""

from bench.analysis.statistics.intervals import (
    ENOUGH_SEEDS,
    RESAMPLES,
    Estimate,
    iqm,
    mean_interval,
    paired_ratio,
    stratified_interval,
)

__all__ = [
    "ENOUGH_SEEDS",
    "RESAMPLES",
    "Estimate",
    "iqm",
    "mean_interval",
    "paired_ratio",
    "stratified_interval",
]
