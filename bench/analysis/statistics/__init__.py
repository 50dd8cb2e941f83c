"""Statistics of paired runs: pure functions on arrays, one idea per module.

`intervals` estimates values with bootstrap intervals. `wilcoxon` tests pairs and states what
cannot be concluded. `margins` says whether a loss is below a margin, and who wins against whom.
`ranks` compares many methods on many problems. `improvement` and `profiles` describe distributions.
`attainment` compares fronts. `running_time` measures the cost of reaching a target. `protocols`
defines when two runs may be compared.
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
