"""Problems: each has a search space, and a training or a table that reports metrics per epoch.

`Problem` says what a problem needs. The modules of this package contain the problems themselves:
`mobo_core.problems.mlp`, `mobo_core.problems.tabular`, `mobo_core.problems.synthetic` and
`mobo_core.problems.yahpo`.
"""

from mobo_core.problems.protocol import Problem, Training, TrainingSource

__all__ = ["Problem", "Training", "TrainingSource"]
