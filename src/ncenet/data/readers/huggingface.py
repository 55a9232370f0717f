"""A data set as Hugging Face's ``datasets`` keeps it on disk, read without that package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from ncenet import addresses, stores
from ncenet.arrow_batches import BATCH, DICTIONARY, message_at, messages
from ncenet.data.class_labels import class_names_in
from ncenet.data.dataset import Dataset, Split
from ncenet.data.pools import Channels
from ncenet.data.readers import readers
from ncenet.data.shard_files import ShardFile
from ncenet.data.shard_reader import ShardReader, open_shards
from ncenet.errors import DataError, UsageError
from ncenet.tables import pyarrow, type_word
from ncenet.text_files import load_json, parse_json

STATE, SPLITS = "state.json", "dataset_dict.json"


class _Block(NamedTuple):
    """A record batch of a file: its rows, and where it begins and the dictionaries of its columns do."""

    rows: int
    at: int
    dictionaries: tuple[int, ...]


class ArrowShard(ShardFile):
    """A file of Arrow's stream format; its blocks are its record batches."""

    def __init__(self, address: str) -> None:
        pa, self.address = pyarrow("reading data sets"), address
        with self._opened() as file:
            self._schema = pa.ipc.open_stream(file).schema
            self._head = message_at(file, 0, address).serialize().to_pybytes()
        self.types = {field.name: type_word(field.type) for field in self._schema}
        self.class_names = class_names_in(self._schema, address)

    @cached_property
    def _blocks(self) -> list[_Block]:
        found, dictionaries = list[_Block](), tuple[int, ...]()
        with self._opened() as file:
            for each in messages(file, self.address):
                if each.message.type == DICTIONARY:
                    dictionaries = (*dictionaries, each.at)
                elif each.message.type == BATCH:
                    found.append(_Block(each.rows, each.at, dictionaries))
            self._check_end(file)
        return found

    @property
    def ends(self) -> Sequence[int]:
        """See :class:`ShardFile`; reads the file through once."""
        return self._ends

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(block.rows for block in self._blocks))

    def read(self, block: int, columns: Sequence[str]) -> Any:
        """See :class:`ShardFile`."""
        _, at, dictionaries = self._blocks[block]
        with self._opened() as file:
            wanted = [message_at(file, each, self.address) for each in (*dictionaries, at)]
            return self._table(wanted, columns)

    def stream(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """See :class:`ShardFile`."""
        with self._opened() as file:
            dictionaries = []
            for each in messages(file, self.address):
                if each.message.type == DICTIONARY:
                    dictionaries.append(each.message)
                elif each.message.type == BATCH:
                    table = self._table([*dictionaries, each.message], columns)
                    for start in range(0, len(table), rows):
                        yield table.slice(start, rows)
            self._check_end(file)

    def _table(self, messages: Sequence[Any], columns: Sequence[str]) -> Any:
        """Columns of the batch that is the last of some messages; those before are its dictionaries."""
        pa = pyarrow("reading data sets")
        if len(messages) == 1:
            batch = pa.ipc.read_record_batch(messages[0], self._schema)
        else:
            parts = (self._head, *(message.serialize() for message in messages))
            batch = pa.ipc.open_stream(b"".join(parts)).read_next_batch()
        return pa.Table.from_batches([batch]).select(list(columns))

    def image_column(self) -> str:
        """``image``, or the one that the features of the set call an image."""
        try:
            told = load_json((self._schema.metadata or {}).get(b"huggingface", b"{}").decode())
            features = dict(told.get("info", {}).get("features", {}))
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{self.address}: what it says of its columns cannot be read: {error}") from error
        kinds = {name: kind.get("_type") for name, kind in features.items() if isinstance(kind, dict)}
        images = [str(name) for name, kind in kinds.items() if kind == "Image"]
        if len(images) == 1:
            return images[0]
        return super().image_column()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        pa = pyarrow("reading data sets")
        with addresses.reading(self.address) as source, stores.reasons(self.address):
            try:
                if isinstance(source, str):
                    with pa.memory_map(source) as file:
                        yield file
                else:
                    yield source
            except (pa.ArrowInvalid, EOFError) as error:
                raise DataError(f"{self.address}: cut short, or no Arrow stream: {error}") from error

    def _check_end(self, file: Any) -> None:
        """Refuse a stream that ends without saying so: it was cut short between two batches."""
        at = file.tell()
        file.seek(max(0, at - 8))
        if file.read(8) != b"\xff\xff\xff\xff\x00\x00\x00\x00":
            raise DataError(f"{self.address}: ends without the mark of an end: cut short?")


@readers.register("huggingface", order=640)
class SavedDataset(ShardReader):
    """Arrow files, with or without splits beside one another."""

    form = "a folder that Hugging Face's datasets saved to disk"
    ending = ".arrow"

    def reads(self, path: Path) -> bool:
        """Folders of one set, or of its splits; and its files."""
        return (path / SPLITS).is_file() or super().reads(path)

    def file(self, address: str) -> ShardFile:
        """See :class:`ShardReader`."""
        return ArrowShard(address)

    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """See :class:`~ncenet.data.readers.Reader`."""
        return open_shards(str(path), split=split, channels=channels)

    def has_test(self, path: Path) -> bool:
        """Where one of the splits is called so."""
        return "test" in (_told(str(path), SPLITS) or {}).get("splits", ())

    def place(self, source: str, split: Split) -> str:
        """See :class:`ShardReader`."""
        splits = _told(source, SPLITS)
        if splits is not None:
            there = splits.get("splits", ())
            if split not in there:
                named = ", ".join(map(str, there)) or "none"
                raise UsageError(f"{source}: has no split {split!r}, only {named}: name the folder of one")
            source = addresses.below(source, split)
        state = _told(source, STATE) or {}
        if state.get("_indices_data_files") or state.get("_indices_files"):
            raise DataError(
                f"{source}: its rows stand in another order than its files: save it again with "
                "dataset.flatten_indices().save_to_disk(...)"
            )
        return source


def _told(source: str, name: str) -> dict[str, Any] | None:
    """What a JSON file of the folder says; None when there is none."""
    file = addresses.below(source, name)
    if source.endswith(".arrow") or not addresses.exists(file):
        return None
    try:
        told = parse_json(addresses.read_bytes(file).decode(), file)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not text in UTF-8") from error
    if not isinstance(told, dict):
        raise DataError(f"{file}: not what datasets writes there")
    return told
