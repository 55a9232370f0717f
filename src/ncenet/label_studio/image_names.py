"""Which image of the run a task of Label Studio is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ncenet.label_studio.annotations import NoAnswer
from ncenet.label_studio.tasks import ID
from ncenet.ledger import Item


class ImageNames:
    """Finds images by the id that a push wrote, or by the address that somebody else's task has for them.

    Args:
        items: the images of the run.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        ids = [item.id for item in items if item.problem is None]
        self._ids = frozenset(ids)
        self._by_name: dict[str, list[str]] = {}
        for id in ids:
            self._by_name.setdefault(PurePosixPath(id).name, []).append(id)

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def find(self, data: Mapping[str, Any], key: str) -> str:
        """The image of a task.

        Args:
            data: of the task.
            key: what the project calls its image.

        Raises:
            LeftOut: none of the run's is meant, or which one can't be told.
        """
        told = data.get(ID)
        if isinstance(told, str):
            if told not in self._ids and not told.isprintable() and _half(told):
                raise NoAnswer(f"{told!a} holds half a character")
            return told
        address = str(data.get(key) or "")
        path = path_of(address)
        for start in range(len(path.parts) - 1):  # more than a name: a folder makes it sure
            if (id := "/".join(path.parts[start:])) in self._ids:
                return id
        # Label Studio puts eight digits before the name of an upload.
        for name in (path.name, path.name.partition("-")[2]):
            found = self._by_name.get(name, [])
            if len(found) == 1:
                return found[0]
            if found:
                raise NoAnswer(
                    f"{address!r} may be {' or '.join(map(repr, found[:3]))}: push makes tasks that tell"
                )
        raise NoAnswer(f"{address!r} is no image of this run")


def _half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def path_of(address: str) -> PurePosixPath:
    """Path of an image from its address: of an upload, of a local file, of a bucket, signed or not.

    >>> path_of("https://bucket.example/pets/a%20b.jpg?X-Amz-Signature=12").as_posix()
    '/pets/a b.jpg'
    >>> path_of("/data/local-files/?d=pets/c.jpg").as_posix()
    'pets/c.jpg'
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return PurePosixPath(address)
    local = parse_qs(parts.query).get("d")
    return PurePosixPath(local[0] if local else unquote(parts.path))
