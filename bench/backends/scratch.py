"""A folder in /tmp that ends with its process, at the latest when another one begins or ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from bench.backends.orphans import end_writers
from bench.errors import UserError

PREFIX, LOCK_FILE = "mobo-", ".lock"


class Scratch:
    """A new folder for short-lived files; those of processes that were killed are removed.

    Raises:
        UserError: If it cannot be made.
    """

    def __init__(self) -> None:
        # Ray's sockets lie in this folder, and their paths may have 107 bytes at most.
        self._base = Path(os.environ.get("RAY_TMPDIR", "/tmp"))  # noqa: S108
        self._remove_abandoned()
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._base))
            self._lock = _locked(self.path)
        except OSError as error:
            raise UserError(
                f"cannot make a folder for short-lived files in {self._base} ({error}); make room "
                "there, or set RAY_TMPDIR to another short path"
            ) from error

    def remove(self) -> None:
        """Remove the folder, and what was still in use when this one began.

        Where Ray was not shut down in good order, as on Ctrl-C while it starts, what writes in the
        folder is ended first.
        """
        end_writers(self.path)
        _remove(self.path)
        os.close(self._lock)
        self._remove_abandoned()

    def _remove_abandoned(self) -> None:
        """Remove folders whose lock nobody holds any more; one without a lock is not ours.

        What the killed command's Ray left running is ended first: some of it would make folders
        anew.
        """
        for folder in self._base.glob(f"{PREFIX}*"):
            try:
                if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                    continue
                descriptor = os.open(folder / LOCK_FILE, os.O_RDWR)
            except OSError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                end_writers(folder)
                _remove(folder)
            except BlockingIOError:
                pass  # in use
            finally:
                os.close(descriptor)


def _locked(folder: Path) -> int:
    """Make the folder's lock and hold it; the folder goes if that fails: nobody would know it."""
    try:
        # Locked before it has its name: without the lock it would look abandoned.
        unnamed = folder / f"{LOCK_FILE}.new"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(folder / LOCK_FILE)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return descriptor


def _remove(folder: Path) -> None:
    """Remove a folder, its lock last.

    Where a process goes on writing, what it leaves must still be known as ours when the next one
    looks.
    """
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != LOCK_FILE:
                entry.unlink()
        if [entry.name for entry in folder.iterdir()] == [LOCK_FILE]:
            shutil.rmtree(folder, ignore_errors=True)
