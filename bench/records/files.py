"""Write files so that each is complete or absent, and on disk when the call returns."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import UserError

STAGING = ".writing-"
"""The name prefix of a folder whose content is being written."""


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, in the same safe way as `write_text`."""
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; see `staged`."""
    with staged(path) as staging:
        staging.write_text(text, "utf-8")


def check_writable(path: Path) -> None:
    """Make the folder of a file, if it is missing, and check that the file could be written.

    Raises:
        OSError: If it could not.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def check_folder(folder: Path) -> None:
    """Check that files could be written into a folder, or that it could be made; it leaves nothing.

    Raises:
        UserError: If they could not.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        reason = f"{place} is a file" if not place.is_dir() else os.strerror(error.errno or 0)
        raise UserError(f"cannot write to {folder}: {reason}; choose another folder") from error


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which gets the name `path` when the block has ended.

    The file is flushed to disk first. After an error or Ctrl-C, `path` is what it was before, and
    the temporary file is gone. Its name ends as that of `path`, since some libraries choose the
    format by it.
    """
    staging = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield staging
        with uninterrupted():
            flush(staging)
            staging.replace(path)
    except BaseException:
        with uninterrupted():
            staging.unlink(missing_ok=True)
        raise
    flush(path.parent)


@contextlib.contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder, whose entries move into `folder` when the block has ended.

    They replace entries of the same name; others are left alone. After an error or Ctrl-C,
    `folder` is what it was before, and missing if it was missing.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
    try:
        yield staging
        with uninterrupted():
            for entry in sorted(staging.iterdir()):
                target = folder / entry.name
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                entry.replace(target)
            staging.rmdir()
    except BaseException:
        with uninterrupted():
            shutil.rmtree(staging, ignore_errors=True)
            with contextlib.suppress(OSError):  # something is in it, so it is kept
                for path in made:
                    path.rmdir()
        raise


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM to the end of the block.

    Only the main thread can set signal handlers, so other threads are not protected.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    handlers = {
        kind: signal.signal(kind, lambda received, frame: held.append(received))
        for kind in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
        for received in held:
            signal.raise_signal(received)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents, and flush them to disk."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        flush(folder.parent)


def flush(path: Path) -> None:
    """Flush a file or folder to disk. Some file systems cannot flush folders; that is ignored."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        if path.is_dir():  # a folder can be writable without being readable
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
