"""Multi-objective schedulers, searchers and indicators for Ray Tune.

These names can be imported from here: the classes `Objective` and `ObjectiveSet`, and the function
`pareto_front`, which returns the best trials of a search as a `ParetoFront`. The packages are:

* `mobo_core.pareto`: points, dominance, quality indicators, rankings and scalarisation.
* `mobo_core.rules`: decisions about trials, made from their reports.
* `mobo_core.problems`: what is optimised, each problem with its search space and its training.
* `mobo_core.tune`: the schedulers and searchers for Ray Tune.
* `mobo_core.results`: reading of results, and the front of a search.
* `mobo_core.plot`: figures of results (needs the extra ``plot``).
* `mobo_core.virtual`: a simulator that runs Tune's schedulers and searchers in virtual time.

The packages `mobo_core.pareto`, `mobo_core.rules` and `mobo_core.results` need neither Ray nor Ax.

Example:
    >>> import mobo_core
    >>> accuracy = mobo_core.Objective("val_accuracy", "max", reference=0.90)
    >>> parameters = mobo_core.Objective("model_params", "min", reference=80_000, exact=True)
    >>> mobo_core.ObjectiveSet([accuracy, parameters]).names
    ('val_accuracy', 'model_params')
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from mobo_core.objectives import Objective, ObjectiveSet

if TYPE_CHECKING:
    from mobo_core import plot
    from mobo_core.results import ParetoFront, pareto_front

try:
    __version__ = metadata.version("mobo-bench")
    """The version of the installed distribution ``mobo-bench``, for example ``"0.1.0"``."""
except metadata.PackageNotFoundError:  # the folder was copied and imported without installing it
    __version__ = "0+unknown"

__all__ = ["Objective", "ObjectiveSet", "ParetoFront", "__version__", "pareto_front", "plot"]


def __getattr__(name: str) -> Any:
    # Imported on first use: reading results needs PyArrow, which a training process does not.
    if name in ("ParetoFront", "pareto_front"):
        return getattr(import_module("mobo_core.results"), name)
    if name == "plot":
        return import_module("mobo_core.plot")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # With the names that are not imported yet, so that editors and notebooks complete them.
    return sorted({*globals(), *__all__})
