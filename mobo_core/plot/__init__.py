"""Figures of a search's results: the front, its growth, and what the parameters do.

All functions take what `mobo_core.pareto_front` takes: Tune's results, tables or the path of an
experiment's folder. They return figures, which Jupyter shows and which can be saved. They need the
extra ``plot``: ``pip install 'mobo-bench[plot]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mobo_core.extras import is_installed, needs

if TYPE_CHECKING:
    from mobo_core.plot.importances import parameter_importance
    from mobo_core.plot.parallel import parallel_coordinates
    from mobo_core.plot.progress import hypervolume
    from mobo_core.plot.scatter import front

__all__ = ["front", "hypervolume", "parallel_coordinates", "parameter_importance"]

_HOMES = {
    "front": "scatter",
    "hypervolume": "progress",
    "parallel_coordinates": "parallel",
    "parameter_importance": "importances",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: Plotly, Matplotlib and scikit-learn take seconds and are optional.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs("plot", f"{__name__}.{name}"):
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    # With the names that are not imported yet, so that editors and notebooks complete them. `help`
    # imports every name that is here.
    return sorted({*globals(), *(__all__ if is_installed("plotly") else ())})
