"""Deprecated import path: this module has moved to `mobo_core.rules.halving`."""

from mobo_core._moved import forward

__getattr__ = forward(__name__, "mobo_core.rules.halving")
