"""Files by their address, on this machine or in a store of objects: found, read, and written whole.

A store renames nothing half: a file is uploaded under a name that readers pass over, and moved when it is
whole.
"""

from __future__ import annotations

import glob as globs  # an address may be a pattern
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ncenet import web_files
from ncenet.errors import DataError, UsageError
from ncenet.files import whole
from ncenet.stores import WEB, by_fsspec, is_remote, opened, reasons
from ncenet.tables import pyarrow
from ncenet.text_files import read_whole

PARTIAL = ".partial"
"""How the name of a file ends that is being uploaded."""
FROM_ANYBODY = (*WEB, "hf")
"""Schemes under which others keep what they offer to everybody."""
_GLOB = re.compile(r"[*?\[]")


def below(address: str, name: str) -> str:
    """The address of a file in a folder."""
    return f"{address.rstrip('/')}/{name}" if is_remote(address) else str(Path(address) / name)


def last_part(address: str) -> str:
    """The last part of an address.

    >>> last_part("s3://bucket/day/a.parquet"), last_part("day/a.parquet")
    ('a.parquet', 'a.parquet')
    """
    return address.rstrip("/").rpartition("/")[2] if is_remote(address) else Path(address).name


def names_below(source: str, files: Sequence[str]) -> list[str]:
    """What tells the files of one pool apart: their paths below its folder, without the ending.

    >>> names_below("s3://b/", ["s3://b/day/1.parquet", "s3://b/night/1.parquet"])
    ['day/1', 'night/1']
    >>> names_below("x/*.parquet", ["x/a.parquet"]), names_below("x/a.tar", ["x/a.tar"])
    (['a'], ['a'])
    """
    base = source.rstrip("/")
    pattern = _GLOB.search(base)
    if pattern or base in files:
        base = base[: pattern.start() if pattern else None].rpartition("/")[0]
    return [re.sub(r"\.(parquet|arrow|tar)$", "", file.removeprefix(base).lstrip("/")) for file in files]


def beside(address: str, name: str) -> str:
    """The address of a file that another one names: its own, or relative to the folder of the other.

    What comes over the web names files of its own server, and none of this machine.

    >>> beside("s3://b/list.parquet", "day/a.jpg"), beside("x/list.parquet", "https://h/a.jpg")
    ('s3://b/day/a.jpg', 'https://h/a.jpg')
    >>> beside("https://h/x/list.parquet", "/etc/passwd")
    'https://h/etc/passwd'
    """
    if is_remote(name):
        return name
    if Path(name).is_absolute():
        there = urlsplit(address) if is_remote(address) else None
        return name if there is None or there.scheme not in FROM_ANYBODY else _at_the_top(there, name)
    folder = address.rpartition("/")[0] if is_remote(address) else str(Path(address).parent)
    return below(folder, name)


def _at_the_top(there: SplitResult, name: str) -> str:
    return f"{there.scheme}://{there.netloc}{name}"


def files_at(address: str, endings: Sequence[str]) -> list[str]:
    """Addresses of the files that an address names, sorted: itself, those of a glob, or those of a folder.

    Files whose names begin with a dot or an underscore, and those that are being uploaded, are passed over.

    Args:
        address: a file, a pattern with ``*`` or ``?``, or a folder, which is looked through with all below.
        endings: which files of a folder, such as ``(".parquet",)``, in small or large letters; an exact
            address may end in anything.

    Raises:
        UsageError: there is nothing.
        DataError: the store refuses, or does not answer.
    """
    found = _remote(address, endings) if is_remote(address) else _local(address, endings)
    if not found:
        exists = _GLOB.search(address) is None and _is_there(address)
        what = f"holds no file that ends in {' or '.join(endings)}" if exists else "there is no such file"
        raise UsageError(f"{address}: {what}")
    return found


def exists(address: str) -> bool:
    """Whether there is a file of this address.

    Raises:
        DataError: the store refuses, or does not answer.
    """
    if not is_remote(address):
        return Path(address).is_file()
    store, path = opened(address)
    with reasons(address):
        return bool(store.get_file_info(path).is_file)


def bytes_of(address: str) -> int:
    """Bytes of a file.

    Raises:
        DataError: it cannot be read.
    """
    with reasons(address):
        if not is_remote(address):
            return Path(address).stat().st_size
        store, path = opened(address)
        info = store.get_file_info(path)
        if not info.is_file:
            raise FileNotFoundError("No such file")
        return int(info.size)


def version_of(address: str) -> str:
    """What stays the same as long as a file does: its bytes and when they were written.

    Raises:
        DataError: it cannot be read.
    """
    with reasons(address):
        if not is_remote(address):
            found = Path(address).stat()
            return f"{found.st_size} {found.st_mtime_ns}"
        store, path = opened(address)
        info = store.get_file_info(path)
        return f"{info.size} {info.mtime_ns}"


@contextmanager
def reading(address: str, *, handle: bool = False) -> Iterator[Any]:
    """A file, open for reading at any place: a path of this machine, or a file of pyarrow's.

    Args:
        address: where it is.
        handle: an open file in any case.

    Raises:
        DataError: it cannot be read.
    """
    with reasons(address):
        if not is_remote(address) and handle:
            with Path(address).open("rb") as here:
                yield here
            return
        if not is_remote(address):
            yield address
            return
        store, path = opened(address)
        with store.open_input_file(path) as file:
            yield file


def read_bytes(address: str, *, most: int | None = None) -> bytes:
    """All of a file.

    Args:
        address: where it is.
        most: bytes that it may have.

    Raises:
        DataError: it cannot be read, or has more.
    """
    scheme = urlsplit(address).scheme if is_remote(address) else ""
    with reasons(address):
        if scheme in WEB:  # by itself: through pyarrow, a host that does not answer is a missing file
            return web_files.read(by_fsspec(scheme), address, most)
        if not is_remote(address):
            return read_whole(Path(address), most=most)  # and no device or pipe
        with reading(address, handle=True) as file:
            data = bytes(file.read() if most is None else file.read(most + 1))
    if most is not None and len(data) > most:
        raise DataError(f"{address}: more than {most:,} bytes")
    return data


@contextmanager
def whole_at(address: str) -> Iterator[Path]:
    """Have the block write a file of this machine that is at an address, whole, when the block ends well.

    Raises:
        DataError: the store refuses, or does not answer; then there is nothing.
    """
    if not is_remote(address):
        with whole(Path(address)) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory(prefix="ncenet-") as folder:
        written = Path(folder) / "file"
        yield written
        store, path = opened(address)
        partial_path = f"{path}.{secrets.token_hex(4)}{PARTIAL}"
        with reasons(address):
            with written.open("rb") as source, store.open_output_stream(partial_path) as target:
                shutil.copyfileobj(source, target, 8 * 2**20)
            store.move(partial_path, path)


def _local(address: str, endings: Sequence[str]) -> list[str]:
    path = Path(address).expanduser()
    if path.is_file():
        return [str(path)]
    if path.is_dir():
        found = (each for each in path.rglob("*") if each.is_file() and _counts(each.relative_to(path).parts))
        return sorted(str(each) for each in found if each.name.lower().endswith(tuple(endings)))
    if not _GLOB.search(address):
        return []
    matching = globs.glob(str(path), recursive=True)  # noqa: PTH207 - of pathlib's, none takes an absolute one
    return sorted(file for file in matching if Path(file).is_file() and _counts([file]))


def _remote(address: str, endings: Sequence[str]) -> list[str]:
    fs = pyarrow("files of a store").fs
    pattern = _GLOB.search(address)
    base = address[: address.rindex("/", 0, pattern.start())] if pattern else address
    store, path = opened(base)
    scheme = f"{urlsplit(address).scheme}://"
    with reasons(address):
        if not pattern and store.get_file_info(path).is_file:
            return [address]
        selector = fs.FileSelector(path, recursive=True, allow_not_found=True)
        files = [info.path for info in store.get_file_info(selector) if info.is_file]
    inside = [file for file in files if _counts(file.removeprefix(path).strip("/").split("/"))]
    if pattern:
        _, wanted = opened(address)
        depth = wanted.count("/")
        return sorted(
            scheme + file.lstrip("/")
            for file in inside
            if fnmatch(file, wanted) and ("**" in wanted or file.count("/") == depth)
        )
    return sorted(scheme + file.lstrip("/") for file in inside if file.lower().endswith(tuple(endings)))


def _counts(parts: Sequence[str]) -> bool:
    """Whether a file below a folder is one of its data: nothing hidden, and whole."""
    names = [part.rpartition("/")[2] for part in parts]
    return not any(name.startswith((".", "_")) or name.endswith(PARTIAL) for name in names)


def _is_there(address: str) -> bool:
    if not is_remote(address):
        return Path(address).exists()
    fs = pyarrow("files of a store").fs
    store, path = opened(address)
    with reasons(address):
        return bool(store.get_file_info(path).type != fs.FileType.NotFound)
