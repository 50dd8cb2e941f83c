"""Processes that outlive the command that started them, known by the files they write."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from pathlib import Path

PATIENCE_S = 10.0
POLL_S = 0.05
QUIET_LOOKS = 2
"""A process that opens and closes files all the time may be missed once."""


def end_writers(folder: Path) -> None:
    """Kill our other processes that write below a folder's subfolders, and wait for their end.

    Ray's servers end with their driver, but its agents stay for a minute or more, and a worker that
    was about to start waits 10 s for them and then makes the folders of its session anew.

    Args:
        folder: That no command uses any more. Files in the folder itself do not count: commands
            that only look whether it is in use open its lock.
    """
    deadline = time.monotonic() + PATIENCE_S
    quiet = 0
    while quiet < QUIET_LOOKS and time.monotonic() < deadline:
        processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
        writers = [process for process in processes if _writes_below(folder.resolve(), process)]
        quiet = 0 if writers else quiet + 1
        for process in writers:
            _kill_writer(folder.resolve(), process)
        time.sleep(POLL_S)


def _kill_writer(folder: Path, process: int) -> None:
    """Kill it, unless it has ended meanwhile and its number is another's."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process)
        try:
            if _writes_below(folder, process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _writes_below(folder: Path, process: int) -> bool:
    """Whether a process of ours, but not this one, writes below a subfolder of the folder."""
    if process == os.getpid():
        return False
    entry = Path("/proc") / str(process)
    try:
        if entry.stat().st_uid != os.geteuid():
            return False
        descriptors = list((entry / "fd").iterdir())
    except OSError:  # it has ended
        return False
    return any(folder in path.parent.parents for path in map(_written, descriptors) if path)


def _written(descriptor: Path) -> Path | None:
    """The file that a descriptor writes; Linux shows its mode as the permissions of its link.

    A file that was removed meanwhile keeps its path there, with a remark at its end.
    """
    try:
        if descriptor.lstat().st_mode & stat.S_IWUSR:
            return Path(os.readlink(descriptor))
    except OSError:  # closed meanwhile
        pass
    return None
