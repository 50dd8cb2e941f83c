"""How a command ends: one line and an exit status, whatever goes wrong or whoever presses Ctrl-C.

Everything that can go wrong outside this program (files, disks, missing packages, memory) is told
apart here, in one place, so that no command has to.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from bench.errors import UserError

EXIT_USER_ERROR, EXIT_FAULT, EXIT_INTERRUPTED = 2, 70, 130
"""The exit status for a mistake of the user, for a fault of this program, and for Ctrl-C."""
PATIENCE_S = 5.0
"""The seconds after Ctrl-C in which another Ctrl-C is ignored, because files are being tidied."""
CONTINUES = ("run", "speed", "record")
"""The commands that continue where they were interrupted."""
REMEDIES = {
    errno.ENOSPC: "free some space and give the same command again",
    errno.EDQUOT: "free some space and give the same command again",
    errno.EACCES: "check its permissions, or choose another path",
    errno.EPERM: "check its permissions, or choose another path",
    errno.EROFS: "choose a path on a disk that can be written",
    errno.ENOENT: "check the path",
    errno.EISDIR: "it is a folder where a file is needed",
    errno.ENOTDIR: "a part of the path is a file where a folder is needed",
    errno.EEXIST: "it is in the way: choose another path",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""Kind of an error of the operating system → what to do."""
EXTRAS = {"onnxruntime": "yahpo"}
"""Package → the extra that installs it; all others come with the extra ``bench``."""
OURS = {"bench", "mobo_core", "mobo_bench"}


class Interruption:
    """A signal handler for Ctrl-C and SIGTERM.

    The first signal raises `KeyboardInterrupt`. Further ones are ignored for `PATIENCE_S`, so that
    an impatient second Ctrl-C does not interrupt the tidying that the first one began.
    """

    def __init__(self) -> None:
        self._first: float | None = None

    @property
    def asked_for(self) -> bool:
        """Whether there was a signal. Libraries may turn the first one into another error."""
        return self._first is not None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise `KeyboardInterrupt`, or ignore an impatient signal."""
        now = time.monotonic()
        if self._first is not None and now - self._first < PATIENCE_S:
            return
        self._first = now
        raise KeyboardInterrupt


@contextlib.contextmanager
def one_line(debug: bool) -> Iterator[None]:
    """End the process with one line and an exit status if the block raises anything.

    Args:
        debug: Whether errors are raised instead. Ctrl-C ends the process all the same.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack some of our characters
            stream.reconfigure(errors="backslashreplace")
    interruption = Interruption()
    handlers = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    for kind, before in handlers.items():
        if before is not signal.SIG_IGN:  # a shell's background job ignores Ctrl-C
            signal.signal(kind, interruption)
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, click.Abort | KeyboardInterrupt)
        if stopped or (interruption.asked_for and isinstance(error, Exception)):
            _ignore_ctrl_c(handlers)
            _say(_what_is_left())
            sys.exit(EXIT_INTERRUPTED)
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message())
            sys.exit(EXIT_USER_ERROR)
        if debug or not isinstance(error, Exception):
            raise
        line, status = explained(error)
        _say(line)
        sys.exit(status)
    finally:
        for kind, before in handlers.items():
            signal.signal(kind, before)


def _ignore_ctrl_c(handlers: dict[signal.Signals, Any]) -> None:
    """Ignore Ctrl-C for the rest of the process, which only has to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handlers[signal.SIGINT] = signal.SIG_IGN


def _what_is_left() -> str:
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command in CONTINUES:
        return (
            "stopped: what is finished is kept; the same command without --force goes on from here"
        )
    return "stopped: no file was left half-written"


def _say(line: str) -> None:
    """Print a line on stderr; without a reader nobody misses it."""
    with contextlib.suppress(OSError):
        click.echo(" ".join(line.split()), err=True)


def explained(error: Exception) -> tuple[str, int]:
    """Return the line for an error, with its remedy, and the exit status.

    Args:
        error: What a command has raised.
    """
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "mobo-bench"
        message = error.format_message().rstrip(".")
        return f"error: {message}; see '{path} --help'", EXIT_USER_ERROR
    if isinstance(error, click.ClickException):
        return f"error: {error.format_message()}", EXIT_USER_ERROR
    for kinds, explain in (
        (UserError, str),
        (BrokenPipeError, _unread),
        (OSError, _of_the_system),
        (ImportError, _missing_package),
        (MemoryError, _out_of_memory),
        (_of_a_library(error), _unreadable),
    ):
        if isinstance(error, kinds) and (line := explain(error)):
            return f"error: {line}", EXIT_USER_ERROR
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" ({os.path.basename(frame.filename)}, line {frame.lineno})" for frame in last)
    return (
        f"error: mobo-bench itself failed: {type(error).__name__}: {error}{place}; "
        "'mobo-bench --debug …' shows the traceback, please report it",
        EXIT_FAULT,
    )


def _unread(error: Exception) -> str:
    return "the program that read the output has ended"


def _of_the_system(error: Exception) -> str:
    assert isinstance(error, OSError), "the caller has checked it"
    what = error.strerror or str(error)
    where = " or ".join(str(n) for n in (error.filename, error.filename2) if n is not None)
    remedy = REMEDIES.get(error.errno or 0, "")
    return "; ".join(filter(None, (f"{where}: {what}" if where else what, remedy)))


def _missing_package(error: Exception) -> str:
    """Return which package is missing and what installs it; empty if it is a part of this one."""
    if not isinstance(error, ModuleNotFoundError):
        return str(error) if "pip install" in str(error) else ""
    package = (error.name or "").partition(".")[0]
    if not package or package in OURS:
        return ""
    extra = EXTRAS.get(package, "bench")
    return f"the package {package!r} is not installed: pip install 'mobo-bench[{extra}]'"


def _out_of_memory(error: Exception) -> str:
    return "memory ran out: use fewer processes or a smaller matrix"


def _of_a_library(error: Exception) -> tuple[type[Exception], ...]:
    """Return the errors of libraries that mean an unreadable file, of those that are imported."""
    kinds = []
    for module, names in (
        ("pyarrow", ("ArrowException",)),
        ("pandas.errors", ("ParserError", "EmptyDataError")),
    ):
        if module in sys.modules:
            kinds += [getattr(sys.modules[module], name) for name in names]
    return tuple(kinds)


def _unreadable(error: Exception) -> str:
    return f"a file cannot be read or written: {error}; check the files that the command names"
