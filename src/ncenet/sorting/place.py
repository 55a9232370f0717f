"""One image to its place, or back: nothing is overwritten, and what was done is not done again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from ncenet.data.images import MAX_BYTES, Undecodable, content_hash, decode, stored_gray
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UnreadableImage, UsageError
from ncenet.labels.images import encoded
from ncenet.sorting.plan import PLACING, Placed
from ncenet.text_files import read_whole
from ncenet.types import Pool

How: TypeAlias = Literal["copy", "link", "move"]
"""A copy; a second name for the same file (a hard link), which takes no room; or the file itself."""


def _within(out: Path, to: str) -> Path:
    """The place of an image, made sure to lie in the sorted folder: a link in it may lead elsewhere.

    Raises:
        UsageError: it doesn't.
    """
    target = out / to
    if not target.parent.resolve().is_relative_to(out.resolve()):
        raise UsageError(
            f"{target}: a link leads out of the sorted folder: remove it, or name another folder"
        )
    return target


class Left(Exception):
    """Why an image stays where it is."""


def place(pool: Pool, row: Placed, out: Path, how: How) -> None:
    """Bring an image to its place, unless it is there already.

    A process that is killed leaves every image under its old name, its new one, or both.

    Args:
        pool: where it is.
        row: what it is, and where it goes.
        out: the sorted folder.
        how: the way.

    Raises:
        Left: it changed since it was looked at, is gone, or can't be moved.
        UsageError: its place is taken by something else; hard links lead to no other disk.
    """
    target = _within(out, row.to)
    if target.exists() or target.is_symlink():
        if not _same(target, row):
            raise UsageError(f"{target}: is there already, and is something else: nothing is overwritten")
        if how == "move" and isinstance(pool, FolderPool) and (pool.root / row.id).exists():
            _finish_move(pool.root / row.id, row)
        return
    if not isinstance(pool, FolderPool):
        _write(_encoded(pool, row), target, out, lasting=False)
        return
    source, data = pool.root / row.id, _read(pool, row)
    if how == "move" and source.is_symlink():
        raise Left("is a symbolic link, which would lead nowhere from another place")
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == "copy":
        _write(data, target, out, lasting=False)
        return
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        raise UsageError(f"{target}: is there already: nothing is overwritten") from None
    except OSError as error:
        if how == "link":
            if error.errno == errno.EXDEV:
                raise UsageError(f"{out}: is on another disk than the images: take `how=copy`") from None
            raise UsageError(
                f"{out}: {error.strerror}: this disk has no hard links; take `how=copy`"
            ) from None
        _write(data, target, out, lasting=True)
    if how == "move":
        _finish_move(source, row)


def undo_place(pool_root: Path | None, row: Placed, out: Path, how: How) -> None:
    """The reverse: a copy or link goes, a file that was moved goes back to its old name.

    Args:
        pool_root: folder of the images; None where they are no files of their own.
        row: what it is, and where it lies.
        out: the sorted folder.
        how: the way in which it came there.

    Raises:
        Left: what lies there is not what was put there, or the old name is taken.
    """
    target = _within(out, row.to)
    if not target.exists():
        return
    if not _same(target, row):
        raise Left("was changed since it was sorted")
    if how == "move" and pool_root is not None:
        source = pool_root / row.id
        source.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            try:
                os.link(target, source)
            except OSError:
                _write(read_whole(target, most=MAX_BYTES), source, source.parent, lasting=True)
        elif not _same(source, row):
            raise Left(f"{source} is something else by now")
    target.unlink()
    for folder in target.relative_to(out).parents:  # those that are empty now
        if folder == Path():
            break
        try:
            (out / folder).rmdir()
        except OSError:
            break


def _same(file: Path, row: Placed) -> bool:
    """Whether a file holds the bytes of an image; of arrays, that become files here, the name has to do."""
    try:
        data = read_whole(file, most=MAX_BYTES)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.strerror and error.errno is None:  # no regular file, or larger than any image
            return False
        raise
    return content_hash(data) == row.hash or (data[:4] == b"\x89PNG" and _of_array(row, data))


def _of_array(row: Placed, data: bytes) -> bool:
    from ncenet.data.pools import ArrayPool

    try:
        pixels = decode(data, 1 if stored_gray(data) else 3)
    except Undecodable:
        return False
    return ArrayPool(pixels[None], [row.id]).content_hash(row.id) == row.hash


def _read(pool: FolderPool, row: Placed) -> bytes:
    try:
        data = pool.read(row.id)
    except UnreadableImage as error:
        raise Left(error.why) from None
    if content_hash(data) != row.hash:
        raise Left("changed since it was looked at")
    return data


def _encoded(pool: Pool, row: Placed) -> bytes:
    """The bytes of a file for an image that is none of its own."""
    try:
        return encoded(pool, row.id, row.hash)
    except DataError as error:
        raise Left(str(error)) from None


def _write(data: bytes, target: Path, out: Path, *, lasting: bool) -> None:
    """Have a file there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = out / PLACING
    try:
        with partial.open("wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        _named(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.filename in (None, str(partial)):
            error.filename = str(target)
        raise
    partial.unlink(missing_ok=True)


def _named(partial: Path, target: Path) -> None:
    """Give a file its name, unless something has that: a link never overwrites, where a rename would."""
    link: Callable[[Path, Path], None] = os.link
    try:
        link(partial, target)
    except FileExistsError:
        raise UsageError(f"{target}: is there already: nothing is overwritten") from None
    except OSError:  # a disk without hard links
        if target.exists():
            raise UsageError(f"{target}: is there already: nothing is overwritten") from None
        partial.rename(target)


def _finish_move(source: Path, row: Placed) -> None:
    """Take the old name away from a file that has its new one."""
    if not _same(source, row):
        raise Left("changed since it was looked at; it lies in both places")
    source.unlink()
