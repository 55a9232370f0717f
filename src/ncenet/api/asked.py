"""A query that shows its images in a notebook."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from os import PathLike
from pathlib import Path

from ncenet.errors import NcenetError
from ncenet.types import Pool, Query

SHOWN = 24
"""As many images are shown; more would make a notebook slow to open (ours)."""
SIDE = 96


class ShownQuery(Query):
    """The images to label next; in a notebook, a strip of them with their scores.

    Args:
        query: ids and scores.
        pool: where the images are.
        folder: of the run that asks.
    """

    _pool: Pool
    _folder: Path

    def __init__(self, query: Query, pool: Pool, folder: Path) -> None:
        super().__init__(query.ids, query.scores)
        object.__setattr__(self, "_pool", pool)
        object.__setattr__(self, "_folder", folder)

    def __eq__(self, other: object) -> bool:
        """Whether another query asks for the same with the same scores."""
        return isinstance(other, Query) and (self.ids, self.scores) == (other.ids, other.scores)

    __hash__ = Query.__hash__

    def write(self, out: str | PathLike[str], *, raw: bool = False) -> None:
        """Write a table to be filled in, which :meth:`ncenet.Run.tell` reads.

        Args:
            out: CSV file. An earlier query there is replaced once its labels were told, and nothing else is.
            raw: leave ids as they are that a spreadsheet would take for formulas.

        Raises:
            UsageError: the file holds something that would be lost.
        """
        from ncenet.labels.query_file import write_query_file
        from ncenet.ledger import Ledger
        from ncenet.run.folder import RunFolder

        with Ledger(RunFolder(self._folder).ledger, read_only=True) as ledger:
            write_query_file(Path(out), self, ledger, raw=raw)

    def __repr__(self) -> str:
        return f"Query(ids={self.ids!r}, scores={self.scores!r})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        cells = [self._cell(id, score) for id, score in zip(self.ids[:SHOWN], self.scores, strict=False)]
        more = len(self) - len(cells)
        tail = f"<p>and {more:,} more</p>" if more > 0 else ""
        return f'<div style="display:flex;flex-wrap:wrap;gap:6px">{"".join(cells)}</div>{tail}'

    def _cell(self, id: str, score: float) -> str:
        from ncenet.data.thumbnails import preview

        try:
            data, kind = preview(self._pool, id, SIDE)
            image = (
                f'<img alt="" src="data:{kind};base64,{b64encode(data).decode()}" style="max-width:{SIDE}px">'
            )
        except NcenetError as error:  # a vector, or a file that is broken: its id and score are enough
            image = f"<small>{escape(str(error))}</small>"
        caption = f"{escape(id)}<br>{score:.3g}"
        return (
            f'<figure style="margin:0;max-width:{SIDE}px">{image}<figcaption>{caption}</figcaption></figure>'
        )
