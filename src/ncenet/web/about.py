"""What is known of an image beside its label, for whoever asks on the page."""

from __future__ import annotations

from typing import Any

from ncenet.data.exif import Taken, taken
from ncenet.data.images import Undecodable
from ncenet.data.pools import EncodedPool, Subset, size_of
from ncenet.errors import UnreadableImage
from ncenet.ledger.ledger import Ledger
from ncenet.types import Pool


def about(ledger: Ledger, pool: Pool, id: str) -> dict[str, Any]:
    """Size, note, and what a camera wrote into the file, as JSON.

    Args:
        ledger: where notes are.
        pool: where the image is.
        id: the image.

    Raises:
        DataError: there is no such image.
        UnreadableImage: it can't be read.
    """
    whole = pool.pool if isinstance(pool, Subset) else pool
    data = whole.read(id) if isinstance(whole, EncodedPool) else None
    try:
        found = Taken() if data is None else taken(data)
    except Undecodable as error:
        raise UnreadableImage(id, str(error)) from error
    note = ledger.notes.of([id]).get(id)
    return {
        "size": size_of(pool, id),
        "bytes": None if data is None else len(data),
        "taken": found._asdict(),
        "note": None if note is None else note._asdict(),
    }
