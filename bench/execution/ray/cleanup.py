"""What a run or a killed command leaves behind, and how it is removed.

Three kinds of things are left behind: folders of short-lived files in ``/tmp`` (`Scratch`),
processes of Ray that outlive the command that started them (`end_writers`), and the placement
groups of an experiment that raised (`free_placement_groups`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from pathlib import Path

import ray
from ray.util.placement_group import (
    PlacementGroup,
    placement_group_table,
    remove_placement_group,
)

from bench.errors import UserError

PREFIX, LOCK_FILE = "mobo-", ".lock"
PATIENCE_S = 10.0
POLL_S = 0.05
QUIET_LOOKS = 2
"""A process that opens and closes files all the time may be missed once."""


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


def free_placement_groups() -> None:
    """Remove all placement groups of this Ray, and so end the processes in them.

    Tune leaves those of an experiment that raised, with their resources: the next run would wait
    for ever. Only for a Ray of our own, on which nobody else's groups can be.
    """
    for identity, group in placement_group_table().items():
        if group["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(identity))))
