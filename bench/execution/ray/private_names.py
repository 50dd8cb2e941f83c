"""The undocumented names of Ray that the benchmark uses, and what to do when one moves.

Those of the library are in `mobo_core.tune.private_names`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from mobo_core.tune.private_names import PrivateName

_CONSTANTS = "ray._private.ray_constants"
_PLACE = "bench/execution/ray/private_names.py"

CLUSTERS = PrivateName(
    _CONSTANTS,
    "ENABLE_RAY_CLUSTER",
    "start a Ray that other machines cannot reach",
    "find the constant that makes Ray keep the loopback address, for `on_loopback`,",
    _PLACE,
)
CLUSTERS_VARIABLE = PrivateName(
    _CONSTANTS,
    "ENABLE_RAY_CLUSTERS_ENV_VAR",
    "start a Ray that other machines cannot reach",
    "find the name of the environment variable of `CLUSTERS`",
    _PLACE,
)
ACTOR_CLASSES = PrivateName(
    "ray.tune.execution.class_cache",
    "_ActorClassCache",
    "start processes that trials can take over",
    "find what makes actor classes with the runtime environment of trials, for `tune_actor`,",
    _PLACE,
)

NAMES = (CLUSTERS, CLUSTERS_VARIABLE, ACTOR_CLASSES)
"""All undocumented names of Ray that the benchmark uses."""


def owner(name: PrivateName) -> ModuleType:
    """Return the module that has a name.

    Raises:
        RuntimeError: If Ray has no such module any more.
    """
    try:
        return import_module(name.owner)
    except ModuleNotFoundError:
        raise RuntimeError(name.moved()) from None


def ray_constants() -> ModuleType:
    """Return the module of Ray's constants, ``ray._private.ray_constants``."""
    return owner(CLUSTERS)


def clusters_variable() -> str:
    """Return the environment variable that allows clusters of several machines.

    Uses ``ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR``.
    """
    return str(CLUSTERS_VARIABLE.of(ray_constants()))


def tune_actor(described: type) -> Any:
    """Return an actor class with the runtime environment that Tune gives to trials.

    Uses ``ray.tune.execution.class_cache._ActorClassCache``.
    """
    return ACTOR_CLASSES.of(owner(ACTOR_CLASSES))().get(described)
