"""The start of the command ``mobo-bench``; also ``python -m mobo_bench``.

The benchmark is installed as the top-level package ``bench``, a name that others use too. This
module checks that the package of that name is the right one before anything is imported from it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the command line, or end with status 2 if ``bench`` is another package."""
    if other := other_bench():
        print(
            f"error: the package 'bench' that Python finds first is not mobo-bench's but {other}; "
            "run mobo-bench from another folder, unset PYTHONPATH, or install mobo-bench in an "
            "environment of its own",
            file=sys.stderr,
        )
        sys.exit(2)
    from bench.commands.main import main as command_line

    command_line()


def other_bench() -> str | None:
    """Return where the package ``bench`` lies that would be imported, if it is not ours."""
    spec = find_spec("bench")
    if spec is None:
        return "missing"
    for folder in spec.submodule_search_locations or ():
        if (Path(folder) / "matrices" / "paper.toml").is_file():
            return None
    return spec.origin or ", ".join(spec.submodule_search_locations or ()) or "unknown"


if __name__ == "__main__":
    main()
