"""The old name of `mobo_core.pareto.ranking`."""

from mobo_core._moved import forward

__getattr__ = forward(__name__, "mobo_core.pareto.ranking")
