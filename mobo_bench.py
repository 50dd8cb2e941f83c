"""The start of the command ``mobo-bench``; also ``python -m mobo_bench``.

The benchmark is installed as the top-level package ``bench``, a name that others use too. This
module checks that the package of that name is the right one before anything is imported from it.
"""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the command line, or end with status 2 if ``bench`` is another package."""
    try:
        if problem := wrong_bench():
            print(f"error: {problem}", file=sys.stderr)
            sys.exit(2)
        from bench.instructions import pin

        pin()  # before anything imports NumPy or PyTorch
        from bench.commands.main import main as command_line
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # the command handles it only once it is imported
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "bench", "mobo_core"):
            raise
        print(
            f"error: the package {package!r} is not installed, which mobo-bench needs: "
            "pip install 'mobo-bench[bench]'",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        command_line()
    finally:
        # The process only has to end: Ctrl-C would show how Python tidies up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def wrong_bench() -> str | None:
    """Return what is wrong with the package ``bench`` that Python would import, or None."""
    spec = find_spec("bench")
    if spec is None:
        return "the package 'bench' of mobo-bench is missing: install mobo-bench again"
    folders = list(spec.submodule_search_locations or ())
    if any((Path(folder) / "matrices" / "paper.toml").is_file() for folder in folders):
        return None
    return (
        "the package 'bench' that Python finds first is not mobo-bench's but "
        f"{spec.origin or ', '.join(folders)}; run mobo-bench from another folder, unset "
        "PYTHONPATH, or install mobo-bench in an environment of its own"
    )


if __name__ == "__main__":
    main()
