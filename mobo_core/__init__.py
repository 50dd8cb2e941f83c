"""Multi-objective schedulers, searchers and indicators for Ray Tune.

Two classes can be imported from here: `Objective` and `ObjectiveSet`. The other packages are:

* `mobo_core.pareto`: points, dominance, quality indicators, rankings and scalarisation.
* `mobo_core.rules`: decisions about trials, made from their reports.
* `mobo_core.problems`: what is optimised, each problem with its search space and its training.
* `mobo_core.tune`: the schedulers and searchers for Ray Tune.
* `mobo_core.virtual`: a simulator that runs Tune's schedulers and searchers in virtual time.

The packages `mobo_core.pareto` and `mobo_core.rules` need neither Ray nor Ax.

Example:
    >>> import mobo_core
    >>> accuracy = mobo_core.Objective("val_accuracy", "max", reference=0.90)
    >>> parameters = mobo_core.Objective("model_params", "min", reference=80_000, exact=True)
    >>> mobo_core.ObjectiveSet([accuracy, parameters]).names
    ('val_accuracy', 'model_params')
"""

from importlib import metadata

from mobo_core.objectives import Objective, ObjectiveSet

try:
    __version__ = metadata.version("mobo-bench")
    """The version of the installed distribution ``mobo-bench``, for example ``"0.1.0"``."""
except metadata.PackageNotFoundError:  # the folder was copied and imported without installing it
    __version__ = "0+unknown"

__all__ = ["Objective", "ObjectiveSet", "__version__"]
