"""A Ray of our own is nobody else's business: its servers listen on the loopback alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ray._private import ray_constants


@contextmanager
def on_loopback() -> Iterator[None]:
    """While this lasts, `ray.init` starts servers that other machines cannot reach.

    Ray 2.60 turns ``_node_ip_address="127.0.0.1"`` into an address that they can. Told that this
    machine cannot be part of a cluster, it takes the loopback; it was so told on import, or not.
    """
    variable = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
    before = os.environ.get(variable), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[variable], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        os.environ.pop(variable)
        if before[0] is not None:
            os.environ[variable] = before[0]
        ray_constants.ENABLE_RAY_CLUSTER = before[1]
