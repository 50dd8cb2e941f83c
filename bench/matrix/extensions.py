"""Parts that other installed packages add to the catalogue, by entry points.

A package names its parts in its own ``pyproject.toml``; nothing here has to be changed:

.. code-block:: toml

    [project.entry-points."mobo_bench.schedulers"]
    my-scheduler = "my_package.parts:my_scheduler"

The value is a factory for schedulers and searchers, as `bench.matrix.catalogue` describes it, and a
`bench.matrix.problems.ProblemEntry` for problems. A part of this suite hides one of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bench.errors import UserError

GROUPS = {
    "scheduler": "mobo_bench.schedulers",
    "searcher": "mobo_bench.searchers",
    "problem": "mobo_bench.problems",
}


@dataclass(frozen=True)
class Extension:
    """A part of another package.

    Args:
        name: The name that a matrix file uses.
        origin: The package, its version and the object, e.g. ``my-package 1.2 (my_parts:knee)``.
        entry: The entry point, not yet loaded.
    """

    name: str
    origin: str
    entry: EntryPoint


def found(kind: str) -> Sequence[Extension]:
    """Return the parts of a kind that other packages offer, sorted by name; none is loaded.

    Args:
        kind: A key of `GROUPS`.
    """
    return sorted(
        (
            Extension(entry.name, _origin(entry), entry)
            for entry in entry_points(group=GROUPS[kind])
        ),
        key=lambda part: (part.name, part.origin),
    )


def load(kind: str, name: str) -> Any:
    """Return the part of a name, or None if no package offers it.

    Args:
        kind: A key of `GROUPS`.
        name: The name that a matrix file uses.

    Raises:
        UserError: If two packages offer the name, or the part cannot be imported.
    """
    offers = [part for part in found(kind) if part.name == name]
    if not offers:
        return None
    if len(offers) > 1:
        raise UserError(
            f"{kind} {name!r} is offered by {len(offers)} packages: "
            f"{'; '.join(part.origin for part in offers)}; uninstall all but one"
        )
    try:
        return offers[0].entry.load()
    except Exception as error:  # whatever the import of another package raises
        raise UserError(
            f"{kind} {name!r} of {offers[0].origin} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def _origin(entry: EntryPoint) -> str:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
    return f"{package} ({entry.value})"
