"""Small learners on small data sets, recorded in tables: training as noisy as it is.

`LearnerProblem` trains them. The tables that come with the package hold their curves over a grid;
`mobo_core.problems.tabular.embedded_table` finds them by the same names.
"""

from mobo_core.problems.learners.problem import LearnerProblem

__all__ = ["LearnerProblem"]
