"""Forms of data in shards: files of many images, here or in a store, that are read block by block."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet import addresses
from ncenet.data.dataset import Dataset, Split
from ncenet.data.folders import SUFFIXES, files_below
from ncenet.data.pools import Channels
from ncenet.data.readers import Reader, readers
from ncenet.data.set_apart import Columns, split_of, splits_among
from ncenet.data.shard_files import ShardFile, check_alike, check_image_column
from ncenet.errors import DataError, UsageError

if TYPE_CHECKING:
    from ncenet.data.shards import ShardedPool

LOOKED_AT = 1000
"""Entries of a folder among which a shard is looked for (ours)."""
OPENED_AT_ONCE = 16
"""Files whose ends are read at the same time (ours): a store takes a tenth of a second for each."""


class ShardReader(Reader):
    """A form of such files; it reads them at any address.

    Attributes:
        ending: how their names end.
    """

    ending: str

    @abstractmethod
    def file(self, address: str) -> ShardFile:
        """One file; looks at its beginning and end.

        Raises:
            DataError: it is none of this form.
        """

    def reads(self, path: Path) -> bool:
        """Files of that ending, and folders that hold such and no images."""
        if path.is_file():
            return path.name.lower().endswith(self.ending)
        return self.first_in(path) is not None

    def first_in(self, folder: Path) -> Path | None:
        """A shard in a folder or below, as :meth:`reads` looks for one."""
        beside = (file for file in islice(folder.rglob("*"), LOOKED_AT) if file.name[0] not in "._")
        shards = [file for file in beside if file.name.lower().endswith(self.ending) and file.is_file()]
        return min(shards) if shards and not files_below(folder, SUFFIXES) else None

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return open_shards(str(path), channels=channels)

    def place(self, source: str, split: Split) -> str:
        """Where the shards of a split are; another address only for forms that have splits."""
        return source


def open_shards(
    source: str, *, split: Split = "train", channels: Channels = "auto", id: str | None = None
) -> Dataset:
    """The data set in the shards at an address, with its labels where they have a column ``label``.

    Args:
        source: a file, a folder or a glob, on this machine or in a store.
        split: of a form that has several.
        channels: decode to 1 (gray) or 3 (RGB) channels.
        id: column of the ids.

    Raises:
        MissingExtra: pyarrow is not installed.
        UsageError: there is no such file.
        DataError: a file is broken, or has no such column; or some rows are set apart for testing.
    """
    from ncenet.data.shards import ShardedPool, labelled

    pool = ShardedPool(source, split=split, channels=channels, id=id)
    _refuse_splits(source, pool)
    return labelled(addresses.last_part(source), pool)


def _refuse_splits(source: str, pool: ShardedPool) -> None:
    """Refuse shards of which some are for testing what is learned in others."""
    if splits := splits_among(pool.names):
        one, other = splits[0], next(name for name in splits if split_of(name) != split_of(splits[0]))
        pattern = re.sub(r"\d.*", "*", other) + Path(pool.files[0].address).suffix
        raise DataError(
            f"{source} holds shards of several splits, such as {one} and {other}: name those of each by "
            f"themselves, as in {source.rstrip('/')}/{pattern}; if they are all for training, rename them"
        )
    columns = Columns()
    for file in pool.files:
        for values in file.some_values():
            columns.see(values)
    columns.refuse_splits(source)


def shard_reader_of(source: str) -> ShardReader | None:
    """The form of the shards at an address; None when there are none of any form.

    Raises:
        UsageError: there are files of several forms.
        DataError: the store refuses, or does not answer.
    """
    forms = {form.ending: form for form in _forms()}
    try:
        files = addresses.files_at(source, tuple(forms))
    except UsageError:
        return None
    found = {ending for file in files for ending in forms if file.lower().endswith(ending)}
    if len(found) > 1:
        both = " and ".join(sorted(found))
        raise UsageError(
            f"{source}: holds {both} files; name those that are meant, as in {source}/*{min(found)}"
        )
    return forms[found.pop()] if found else None


def shard_file(address: str) -> ShardFile:
    """One shard, of the form that its ending says.

    Raises:
        UsageError: it is of no form.
        DataError: it is broken.
    """
    for form in _forms():
        if address.lower().endswith(form.ending):
            return form.file(address)
    raise UsageError(f"{address}: shards end in {', '.join(form.ending for form in _forms())}")


def shard_files(
    source: str, *, split: Split = "train", image: str | None = None, columns: Sequence[str] = ()
) -> tuple[list[ShardFile], list[str], str]:
    """The shards at an address, their names in the pool, and their column of images.

    Args:
        source: a file, a folder or a glob, on this machine or in a store.
        split: of a form that has several.
        image: column of the images. Default: what the form has for one.
        columns: others that have to be there.

    Raises:
        UsageError: there is no such file.
        DataError: one is broken, or has no such column; or a column is not alike in all.
    """
    reader = shard_reader_of(source)
    if reader is None:
        endings = [form.ending for form in _forms()]
        addresses.files_at(source, endings)  # says that there is nothing
        raise UsageError(f"{source}: shards end in {', '.join(endings)}")
    source = reader.place(source, split)
    addressed = addresses.files_at(source, (reader.ending,))
    with ThreadPoolExecutor(OPENED_AT_ONCE) as threads:
        files = list(threads.map(reader.file, addressed))
    column = files[0].image_column() if image is None else image
    for file in files:
        check_image_column(file, column)
    check_alike(files, [column, *columns])
    names = addresses.names_below(source, addressed)
    if len(set(names)) < len(names):
        raise DataError(f"{source}: two shards are called {next(n for n in names if names.count(n) > 1)!r}")
    return files, names, column


def _forms() -> list[ShardReader]:
    return [made for _, made in readers.each(lambda make: make()) if isinstance(made, ShardReader)]
