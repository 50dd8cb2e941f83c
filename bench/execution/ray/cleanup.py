"""Remove what a run or a killed command leaves behind.

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
"""How often in a row no writer must be found: one that opens and closes files can be missed."""


class Scratch:
    """A new folder for short-lived files.

    Making one also removes the folders of processes that were killed.

    Raises:
        UserError: If the folder cannot be made.
    """

    def __init__(self) -> None:
        # Ray's sockets lie in this folder, and the path of a socket has at most 107 bytes.
        self._base = Path(os.environ.get("RAY_TMPDIR", "/tmp"))  # noqa: S108
        self._remove_abandoned()
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._base))
            self._lock = _make_lock(self.path)
        except OSError as error:
            raise UserError(
                f"cannot make a folder for short-lived files in {self._base} ({error}); make room "
                "there, or set RAY_TMPDIR to another short path"
            ) from error

    def remove(self) -> None:
        """Remove this folder, and abandoned folders that were still in use when it was made.

        Processes that still write in the folder are ended first. There are some if Ray was not
        shut down properly, for example after Ctrl-C during its start.
        """
        end_writers(self.path)
        _remove(self.path)
        os.close(self._lock)
        self._remove_abandoned()

    def _remove_abandoned(self) -> None:
        """Remove folders whose lock no process holds any more.

        A folder without a lock file was not made here and stays. Processes that the killed
        command's Ray left running are ended first, because some would make the folders again.
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


def _make_lock(folder: Path) -> int:
    """Make the folder's lock file, lock it and return its descriptor.

    If that fails, the folder is removed: without a lock file no later command would remove it.
    """
    try:
        # The file is locked before it gets its name: unlocked, the folder would look abandoned.
        unnamed = folder / f"{LOCK_FILE}.new"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(folder / LOCK_FILE)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return descriptor


def _remove(folder: Path) -> None:
    """Remove a folder, and its lock file last.

    If a process goes on writing there, the lock file stays. By it the next command recognises the
    folder and removes it.
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
    """Kill this user's processes that write in a folder's subfolders, and wait until they end.

    Ray's servers end with their driver, but its agents stay for a minute or more. A worker that
    was about to start waits 10 s for them, and then makes the folders of its session again.

    Args:
        folder: A folder that no command uses any more. Writers of files directly in it are
            spared, because other commands open its lock file to see whether it is in use.
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
    """Kill a process, unless it has ended meanwhile and another process has its id."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process)
        try:
            if _writes_below(folder, process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _writes_below(folder: Path, process: int) -> bool:
    """Return whether another process of this user writes in a subfolder of the folder."""
    if process == os.getpid():
        return False
    entry = Path("/proc") / str(process)
    try:
        if entry.stat().st_uid != os.geteuid():
            return False
        descriptors = list((entry / "fd").iterdir())
    except OSError:  # the process has ended
        return False
    return any(folder in path.parent.parents for path in map(_written_file, descriptors) if path)


def _written_file(descriptor: Path) -> Path | None:
    """Return the file that a descriptor writes, or None if it does not write.

    Linux shows a descriptor's mode as the permissions of its link. The link of a removed file
    still has the file's path, followed by a remark.
    """
    try:
        if descriptor.lstat().st_mode & stat.S_IWUSR:
            return Path(os.readlink(descriptor))
    except OSError:  # the descriptor was closed meanwhile
        pass
    return None


def free_placement_groups() -> None:
    """Remove all placement groups of this Ray, which also ends the processes in them.

    When an experiment raises, Tune keeps its placement groups and their resources, and the next
    run would wait without end. Call this only on a local Ray: a cluster has other users' groups.
    """
    for identity, group in placement_group_table().items():
        if group["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(identity))))
