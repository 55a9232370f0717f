"""The pool in a grid: lists of images that nobody has answered, made once and then read part by part.

A list stays as it is while somebody looks at it, so that nothing moves below their hands: what is answered
meanwhile says so. A million images are a list of four megabytes.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet.data.pools import FolderPool, Subset
from ncenet.features.pool import images_of
from ncenet.ledger.ledger import Ledger
from ncenet.run.opinions import Opinions
from ncenet.types import Pool
from ncenet.web.messages import AskForPool, WantedImages

if TYPE_CHECKING:
    import numpy.typing as npt

KEPT = 8
"""Lists that are kept (ours); who comes back to an older one gets it anew."""


class Lists:
    """Makes lists of the pool. Any thread may ask.

    Args:
        ledger: where images and answers are.
        pool: of files, or not: only files have dates.
        opinions: what the last model says; None before there is one.
        apart: held-out images and their copies, which are in no list.
    """

    def __init__(
        self, ledger: Ledger, pool: Pool, opinions: Callable[[], Opinions | None], apart: frozenset[str]
    ) -> None:
        self._ledger, self._opinions, self._apart = ledger, opinions, apart
        self._root = _root(pool)
        self._kept: OrderedDict[str, npt.NDArray[np.int64]] = OrderedDict()

    def read(self, message: AskForPool) -> dict[str, Any]:
        """A part of a list, as JSON.

        Returns:
            Its name, how long it is, and images with what the model takes them for and how sure it is; with
            a new list, also which folders there are and whether images have dates.
        """
        name, more = message.name, {}
        numbers = None if name is None else self._kept.get(name)
        if name is None or numbers is None:
            numbers = self._make(message.wanted)
            name = name or secrets.token_hex(8)
            self._kept[name] = numbers
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            more = {"folders": self._ledger.review.browse.folders(), "dated": self._root is not None}
        part = numbers[message.start : message.start + message.count]
        said, now = self._opinions(), self._ledger.classes.renamed()
        images = []
        for one in self._ledger.review.browse.listed(part.tolist()):
            known = said is not None and one.id in said.row
            [(guess, share)] = said.likeliest(one.id, 1) if said is not None and known else [(None, None)]
            images.append(
                {
                    "id": one.id,
                    "hash": one.hash,
                    "guess": guess if guess is None else now.get(guess, guess),
                    "share": share,
                    "kind": one.kind,
                    "label": one.label,
                }
            )
        return {"name": name, "total": len(numbers), "start": message.start, "images": images, **more}

    def _make(self, wanted: WantedImages) -> npt.NDArray[np.int64]:
        """Numbers of the images that are wanted, in their order."""
        numbers = np.array(self._ledger.review.browse.unanswered(wanted.folder.strip("/")), np.int64)
        numbers = numbers[~np.isin(numbers, list(self._ledger.review.browse.numbers(self._apart).values()))]
        if wanted.by_opinion:
            numbers = self._by_opinion(numbers, wanted)
        return self._by_date(numbers, wanted) if wanted.by_date else numbers

    def _by_opinion(self, numbers: npt.NDArray[np.int64], wanted: WantedImages) -> npt.NDArray[np.int64]:
        said, now = self._opinions(), self._ledger.classes.renamed()
        if said is None:
            return numbers[:0]
        number_of = self._ledger.review.browse.numbers(said.ids)
        of = np.array([number_of.get(id, 0) for id in said.ids], np.int64)
        top, best = said.shares.max(1), said.shares.argmax(1)
        fits = (top >= wanted.low) & (top <= wanted.high) & np.isin(of, numbers)
        if wanted.guess is not None:
            names = [now.get(name, name) == wanted.guess for name in said.class_names]
            fits &= np.array(names, bool)[best]
        rows = np.flatnonzero(fits)
        by = {"sure": -top[rows], "unsure": top[rows]}.get(wanted.order, of[rows])
        return np.asarray(of[rows[np.argsort(by, kind="stable")]])

    def _by_date(self, numbers: npt.NDArray[np.int64], wanted: WantedImages) -> npt.NDArray[np.int64]:
        if self._root is None:
            return numbers[:0]
        listed = self._ledger.review.browse.listed(numbers.tolist())
        dates = np.array([_changed(self._root / one.id) for one in listed])
        fits = np.ones(len(numbers), bool)
        if wanted.since is not None:
            fits &= dates >= datetime.combine(wanted.since, time()).timestamp()
        if wanted.until is not None:
            fits &= dates < datetime.combine(wanted.until + timedelta(days=1), time()).timestamp()
        rows = np.flatnonzero(fits)
        if wanted.order in ("new", "old"):
            rows = rows[np.argsort(dates[rows] * (-1 if wanted.order == "new" else 1), kind="stable")]
        return np.asarray(numbers[rows])


def _root(pool: Pool) -> Path | None:
    """The folder that the files of a pool lie in; None when it has none."""
    found = images_of(pool)
    while isinstance(found, Subset):
        found = found.pool
    return found.root if isinstance(found, FolderPool) else None


def _changed(file: Path) -> float:
    """When a file was written; NaN, which no range holds, when it is gone."""
    try:
        return file.stat().st_mtime
    except OSError:
        return float("nan")
