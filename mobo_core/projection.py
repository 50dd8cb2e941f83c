"""The old name of `mobo_core.rules.projection`."""

from mobo_core._moved import forward

__getattr__ = forward(__name__, "mobo_core.rules.projection")
