"""Start a local Ray that other machines cannot reach: it listens on the loopback interface only."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bench.execution.ray.private_names import CLUSTERS, clusters_variable, ray_constants

GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"
"""The environment variable that names the network interface for PyTorch's Gloo."""


@contextmanager
def on_loopback() -> Iterator[None]:
    """Make `ray.init` start servers that other machines cannot reach, inside a ``with`` block.

    Ray 2.60 replaces ``_node_ip_address="127.0.0.1"`` by an address that other machines can reach.
    It keeps the loopback address only if Ray clusters are disabled. Ray reads that setting from
    the environment on import, so its constant must be changed too.

    The workers of one trial communicate through Gloo, which would listen on the address of this
    machine's host name. They inherit the name of the loopback interface instead.
    """
    constants = ray_constants()
    variables = {clusters_variable(): "0", GLOO_INTERFACE: _loopback()}
    before = {name: os.environ.get(name) for name in variables}
    enabled_before = CLUSTERS.of(constants)
    os.environ.update(variables)
    setattr(constants, CLUSTERS.name, False)
    try:
        yield
    finally:
        setattr(constants, CLUSTERS.name, enabled_before)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _loopback() -> str:
    """Return the name of the loopback interface: ``lo`` on Linux, ``lo0`` on macOS."""
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
