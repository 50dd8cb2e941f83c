"""The rooms of the source tree and the imports between them.

A room is a folder in ``bench/`` or ``mobo_core/`` with all that lies below it; a module that lies
beside these folders is a room of its own. Run this file to see the graph of this tree, or of
another checkout:

    python -m tests.rooms
    python -m tests.rooms /path/to/another/checkout
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "mobo_core")

Graph = Mapping[str, set[str]]


def modules(package: str, root: Path = ROOT) -> Iterator[tuple[str, set[str]]]:
    """Yield each module of a package with everything it imports, at any depth of the file."""
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        yield name, imports(path)


@cache
def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports: modules, and the names taken from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(name: str) -> str:
    """Return the room of a dotted name: ``bench.report`` for ``bench.report.page.curves``."""
    return ".".join(name.split(".")[:2])


def room_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Return for each room of ``bench`` and ``mobo_core`` the other rooms that it imports."""
    graph: dict[str, set[str]] = {}
    for package in PACKAGES:
        for name, found in modules(package, root):
            here = room_of(name.removesuffix(".__init__"))
            own = {entry for entry in found if entry.split(".")[0] in PACKAGES}
            graph.setdefault(here, set()).update(room_of(entry) for entry in own)
    return {room: targets - {room, *PACKAGES} for room, targets in graph.items()}


def floors(graph: Graph) -> list[list[str]]:
    """Return the rooms floor by floor, from those that import nothing upwards.

    Raises:
        graphlib.CycleError: If two rooms import each other, directly or through others.
    """
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found.append(ready)
        sorter.done(*ready)
    return found


def main() -> None:
    """Print the graph of a checkout."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    graph = room_graph(root)
    for room in sorted(graph):
        print(f"{room:24} {', '.join(sorted(graph[room])) or '-'}")
    for package in PACKAGES:
        inside = {
            r: {t for t in ts if t.startswith(package)}
            for r, ts in graph.items()
            if r.startswith(package + ".")
        }
        count = sum(len(targets) for targets in inside.values())
        try:
            height = f"{len(floors(inside))} floors, no circle"
        except CycleError as error:
            height = f"a circle: {' -> '.join(error.args[1])}"
        print(f"{package}: {len(inside)} rooms, {count} imports between them, {height}")


if __name__ == "__main__":
    main()
