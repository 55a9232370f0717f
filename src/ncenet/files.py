"""Files that are there whole or not at all, and folders: where cycles lie, who works in one at a time."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ncenet.errors import UsageError

LEDGER_FILE = "ledger.sqlite"
COMPARISON_FILE = "comparison.yaml"
"""Files by which the folder of a run, or of a comparison, is known."""
ANALYSIS = "analysis"
"""Folder of a comparison, beside those of the arms, of what figures are drawn from."""
LOCK = ".lock"
"""File by which processes know of each other; it stays, and holds nothing."""
AT_WORK = "another ncenet is at work in this folder; wait until it has ended, or name another"
_PARTIAL = re.compile(r"\.ncenet-[0-9a-f]{12}-(\d+)-[0-9a-f]{8}\.partial\Z")
"""How a temporary name ends: whose machine and target, which process, which of its files."""
_SQLITE = b"SQLite format 3\0"
"""How a ledger begins."""
PATIENCE = 5.0
"""Seconds within which what a killed process has started should be gone too."""


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Have the block write a file or folder that takes its name only when the block ends well.

    It is written under a name that nobody else has, forced to the disk, and renamed: after a power cut too it
    is there whole or not at all.

    Args:
        target: the name in the end. A file of that name is replaced; a folder must not be there. Folders
            above it are made.

    Yields:
        Where to write; removed when the block raises. Nothing is there yet.

    Raises:
        OSError: the disk is full, say; names the file.
        UsageError: the target is a ledger.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "a.txt") as partial:
    ...         _ = partial.write_text("done")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['a.txt']
    """
    if _PARTIAL.search(target.name):  # what somebody writes whole already: one temporary name is enough
        yield target
        return
    _refuse_a_ledger(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    partial = target.with_name(f"{_begin_of_name(target)}{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        yield partial
        _force_to_disk(partial)
        partial.replace(target)
    except BaseException as error:
        with suppress(OSError):  # of a file system that is only read nothing is removed, be it there or not
            _remove(partial)
        # A write says that there is no space left, and not where; what can't be made has a name of ours, and
        # a copy that can't be names what it is of.
        if isinstance(error, OSError):
            copied = str(error.filename2 or "").startswith(str(partial))
            if copied or error.filename is None or str(error.filename).startswith(str(partial)):
                error.filename = str(target)
            if copied:
                del error.filename2
        raise
    _force(target.parent)


@contextmanager
def alone(
    folder: Path,
    *,
    wait: bool = False,
    patience: float | None = None,
    lock: str = LOCK,
    otherwise: str = AT_WORK,
) -> Iterator[None]:
    """Have the block be the only one, of all processes, that works in a folder.

    The operating system lets go of the folder when the process ends, however it ends.

    Args:
        folder: made when missing.
        wait: until the others have done, instead of raising after a while.
        patience: how long that while is, in seconds. Default: :data:`PATIENCE`.
        lock: name of the file by which those know of each other who do the same work.
        otherwise: what to say when another process is at it.

    Raises:
        UsageError: another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        seconds = -1 if wait else PATIENCE if patience is None else patience
        held = FileLock(folder / lock).acquire(timeout=seconds)
    except Timeout:
        raise UsageError(f"{folder}: {otherwise}") from None
    with held:
        yield


def is_temporary(name: str) -> bool:
    """Whether this is the name under which something is written that isn't whole yet, or was left so."""
    return _PARTIAL.search(name) is not None


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all; lines end as they do in ``text``."""
    with whole(file) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as indented JSON, whole or not at all."""
    write_text(file, json.dumps(record, indent=1) + "\n")


def _refuse_a_ledger(target: Path) -> None:
    """Answers are in it alone; whoever names it as the place for something else has mistyped."""
    if target.is_file():
        with target.open("rb") as there:
            if there.read(len(_SQLITE)) == _SQLITE:
                raise UsageError(
                    f"{target}: is a database there already, such as a ledger; name another file"
                )


def _begin_of_name(target: Path) -> str:
    """What the temporary names of a target begin with on this machine; then the process's number follows."""
    # A digest tells long names apart; of the name itself a part is enough for people, and never too long.
    digest = hashlib.blake2b(
        f"{platform.node()}\0{target.name}".encode("utf-8", "surrogateescape"), digest_size=6
    )
    return f".{target.name[:20]}.ncenet-{digest.hexdigest()}-"


def _sweep(target: Path) -> None:
    """Remove what processes of this machine that were killed left of a target; never anything else."""
    begin = _begin_of_name(target)
    for path in target.parent.iterdir():
        found = _PARTIAL.search(path.name) if path.name.startswith(begin) else None
        if found and not lives(int(found[1])):
            _remove(path)


def lives(process: int) -> bool:
    """Whether a process of this machine has not ended; True where that can't be told."""
    if os.name == "nt":  # where asking a process with a signal ends it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    try:  # where /proc tells: who died and was not collected yet writes no more
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        return True


def _force_to_disk(path: Path) -> None:
    """Have a file, or a folder and all in it, on the disk before this returns."""
    if path.is_symlink() or not path.is_dir():
        _force(path)
        return
    inside = [Path(folder) / name for folder, folders, files in os.walk(path) for name in [*files, *folders]]
    with ThreadPoolExecutor(8) as together:  # one after the other takes ten times as long (ours, ext4)
        list(together.map(_force, inside))
    _force(path)


def _force(path: Path) -> None:
    if path.is_symlink() or (os.name == "nt" and path.is_dir()):  # a link is its folder's; Windows opens none
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that can't force a folder
            raise
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
