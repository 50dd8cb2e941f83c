"""Deprecated import path: this module has moved to `mobo_core.pareto.indicators`."""

from mobo_core._moved import forward

__getattr__ = forward(__name__, "mobo_core.pareto.indicators")
