"""Optional packages: one line that says which extra installs what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def is_installed(package: str) -> bool:
    """Return whether a package can be found, without importing it.

    Args:
        package: The name of a top-level package.

    Example:
        >>> is_installed("numpy"), is_installed("absent_package")
        (True, False)
    """
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # an import hook refuses it
        return False


@contextmanager
def needs(extra: str, user: str) -> Iterator[None]:
    """Turn the absence of an optional package into one line that names the extra.

    Args:
        extra: The extra of ``mobo-bench`` that installs the packages which are imported inside.
        user: What needs them, as the beginning of the message.

    Raises:
        ImportError: If a package is missing that does not belong to this project.

    Example:
        >>> with needs("plot", "mobo_core.plot.front"):
        ...     import absent_package
        Traceback (most recent call last):
        ...
        ImportError: mobo_core.plot.front needs absent_package: pip install 'mobo-bench[plot]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "mobo_core"):
            raise
        raise ImportError(
            f"{user} needs {package}: pip install 'mobo-bench[{extra}]'", name=error.name
        ) from None
