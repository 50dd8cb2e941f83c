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


def end_writers(folder: Path) -> None:
    """Kill the other processes that write below a folder's subfolders, and wait for their end.

    Ray's servers end with their driver, but its agents stay for a minute or more, and a worker that
    was about to start waits 10 s for them and then makes the folders of its session anew.

    Args:
        folder: That no command uses any more. Files in the folder itself do not count: commands
            that only look whether it is in use open its lock.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (writers := _writers(folder.resolve())) and time.monotonic() < deadline:
        for process in writers:
            with contextlib.suppress(OSError):  # it has just ended
                os.kill(process, signal.SIGKILL)
        time.sleep(POLL_S)


def _writers(folder: Path) -> list[int]:
    """Ids of the processes, without this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                if any(folder in path.parent.parents for path in _open_for_writing(entry / "fd")):
                    found.append(int(entry.name))
    return found


def _open_for_writing(descriptors: Path) -> list[Path]:
    """What a process writes; Linux shows the mode of a descriptor as the permissions of its link.

    A file that was removed meanwhile keeps its path there, with a remark at its end.
    """
    return [
        Path(os.readlink(entry))
        for entry in descriptors.iterdir()
        if entry.lstat().st_mode & stat.S_IWUSR
    ]
