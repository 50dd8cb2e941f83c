"""A Ray of our own is nobody else's business: its servers listen on the loopback alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ray._private import ray_constants

GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"
"""Where PyTorch's Gloo looks for the network interface to listen on."""


@contextmanager
def on_loopback() -> Iterator[None]:
    """While this lasts, `ray.init` starts servers that other machines cannot reach.

    Ray 2.60 turns ``_node_ip_address="127.0.0.1"`` into an address that they can. Told that this
    machine cannot be part of a cluster, it takes the loopback; it was so told on import, or not.
    The workers of a trial, who talk through Gloo, would listen where this machine's name leads to:
    they inherit the loopback's name.
    """
    told = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0", GLOO_INTERFACE: _loopback()}
    before = {name: os.environ.get(name) for name in told}
    was = ray_constants.ENABLE_RAY_CLUSTER
    os.environ.update(told)
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = was
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _loopback() -> str:
    """Name of the loopback: ``lo`` on Linux, ``lo0`` on macOS."""
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
