"""The results of a search: its trials, read from anywhere, and the front that they found.

`read_trials` reads trials from Ray Tune's objects, from tables or from an experiment's folder, and
`pareto_front` returns the best of them. Ray need not be started, and the code of the experiment is
not needed.
"""

from mobo_core.results.front import FrontMember, ParetoFront, pareto_front
from mobo_core.results.history import TrialHistory
from mobo_core.results.reading import metric_names, read_trials

__all__ = [
    "FrontMember",
    "ParetoFront",
    "TrialHistory",
    "metric_names",
    "pareto_front",
    "read_trials",
]
