"""A folder in /tmp that ends with its process, at the latest when the next one begins."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX, LOCK_FILE = "mobo-", ".lock"


class Scratch:
    """A new folder for short-lived files; those of processes that were killed are removed."""

    def __init__(self) -> None:
        # Ray's sockets lie in this folder, and their paths may have 107 bytes at most.
        base = os.environ.get("RAY_TMPDIR", "/tmp")  # noqa: S108
        for folder in Path(base).glob(f"{PREFIX}*"):
            _remove_abandoned(folder)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        # Locked before it has its name: without the lock it would look abandoned.
        unnamed = self.path / f"{LOCK_FILE}.new"
        self._lock = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / LOCK_FILE)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(folder: Path) -> None:
    """Remove a folder if nobody holds its lock any more; one without a lock is not ours."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # in use
    finally:
        os.close(descriptor)
