"""A query from files of scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet import addresses
from ncenet.arrays import check_vectors
from ncenet.counts import count_of
from ncenet.errors import DataError, NonFiniteScore, UsageError
from ncenet.progress import Notify
from ncenet.rng import Lots
from ncenet.score_columns import LIKELY, PREDICTED, REASON
from ncenet.selection.best import Best, Row
from ncenet.selection.columns import Holding, coded, given, holding, matrix, texts
from ncenet.selection.excluded import Sightings
from ncenet.selection.files import ENDINGS, IDS, CsvFile, ParquetFile, ScoreFile, ScoreFiles, TableFile
from ncenet.selection.forms import forms
from ncenet.selection.quotas import Shared, check_quotas, share
from ncenet.selection.ranking import ByLikelihoods, open_ranking
from ncenet.selection.spread import spread, without_copies
from ncenet.selection.wish import ID, Wish
from ncenet.types import Query

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Chosen:
    """A query from files, and what was found on the way.

    Attributes:
        query: ids and scores, the highest first.
        places: file and row of each.
        rows: rows of the files in all.
        unread: rows of images that could not be read: those with a reason.
        copies: candidates that were near copies of better ones.
        short: values of a quota's column of which fewer than the least fit, with how many came.
        strategy: what ranked them.
        wanted: how many were asked for; None where boxes or minutes bound them.
        notes: how many of the ids to be passed over were found, a sentence for each list of them, and one of
            the images that could not be read.
    """

    query: Query
    places: tuple[tuple[str, int], ...]
    rows: int
    unread: int
    copies: int
    short: Mapping[tuple[str, str], int]
    strategy: str
    wanted: int | None = None
    notes: tuple[str, ...] = ()


def open_files(sources: Sequence[str], id: str = ID) -> ScoreFiles:
    """The files that addresses name: Parquet, CSV, and what other programs write of their predictions.

    Raises:
        UsageError: there is no such file.
        DataError: a file cannot be read, or does not go with the others.
    """
    found: list[ScoreFile] = []
    for source in sources:
        table = next((made for _, form in forms.ordered() if (made := form(source)) is not None), None)
        if table is not None:
            found.append(TableFile(source, table))
            continue
        if source.lower().endswith(".json"):
            raise DataError(
                f"{source}: not predictions that are known: a COCO list of results, or tasks of Label Studio "
                "with predictions; other scores are read from Parquet and CSV files"
            )
        for file in addresses.files_at(source, ENDINGS):
            found.append(CsvFile(file) if file.lower().endswith(".csv") else ParquetFile(file))
    return ScoreFiles(found, id)


def choose_from(sources: Sequence[str], wish: Wish, notify: Notify = lambda event: None) -> Chosen:
    """Choose images from the files that addresses name; see :func:`open_files` and :func:`choose`.

    Args:
        sources: files, folders, globs or addresses.
        wish: what is asked for.
        notify: told of the progress, ``{"event": "rows", "done": ..., "total": ...}``, and of what was passed
            over, ``{"event": "note", "text": ...}``.
    """
    files = open_files(sources, wish.id)
    total = files.count
    chosen = choose(
        files, wish, progress=lambda done: notify({"event": "rows", "done": done, "total": total or done})
    )
    for text in chosen.notes:
        notify({"event": "note", "text": text})
    return chosen


def choose(files: ScoreFiles, wish: Wish, *, progress: Callable[[int], None] = lambda rows: None) -> Chosen:
    """Choose images.

    Exact: what is chosen is what sorting all rows would give. Memory holds the candidates and one chunk.

    Args:
        files: see :func:`open_files`.
        wish: what is asked for.
        progress: told how many rows are done.

    Raises:
        UsageError: the files do not hold what it takes, or none of the ids of a list to be passed over.
        NonFiniteScore: a score is nan or missing, and no reason says why.
        DataError: an id stands there twice, or the files are not what they should be.
    """
    held = holding(files, probs=wish.probs, embedding=wish.embedding)
    chooser = _Chooser(files, held, wish, progress)
    return chooser.choose()


class _Chooser:
    def __init__(self, files: ScoreFiles, held: Holding, wish: Wish, progress: Callable[[int], None]) -> None:
        self.files, self.held, self.wish, self.progress = files, held, wish, progress
        self.ranking = open_ranking(
            held, files, strategy=wish.strategy, by=wish.by, options=wish.options, seed=wish.seed
        )
        from ncenet.selection.boxes import DIFFICULTY, ByBoxes

        self.boxes = self.ranking if isinstance(self.ranking, ByBoxes) else None
        self.difficulty = self.boxes if self.boxes and self.boxes.how == DIFFICULTY else None
        self.size = wish.budget.most
        self._check()
        self.total = self.unread = 0
        self.why = ""
        self.skip = wish.skip.union(*(each.ids for each in wish.excluded))
        self.sightings = Sightings(wish.excluded)
        self.notes: tuple[str, ...] | None = None
        self.counted: dict[tuple[int, int], float] = {}

    def choose(self) -> Chosen:
        wish = self.wish
        several = wish.diversify != "none" or wish.near > 0 or self.difficulty is not None
        factor = wish.factor if several else 1
        if self.boxes is not None:
            self.boxes.look(self.files)
        while True:
            best = self._scan(factor * self.size)
            rows = best.rows()
            values = list(best.cells)
            kept, copies = self._without_copies(rows)
            size = self._payable(kept)
            shared = share(kept, values, wish.quotas, size)
            # Where copies took the place of others, more candidates are looked at, until all were.
            if not copies or shared.counts.total() >= size or len(rows) >= self._there():
                break
            factor *= 4
        picked = self._picked(kept, shared)
        while (paid := self._paid(picked)) < len(picked):
            if not paid and len(picked) == 1:
                raise UsageError("the budget pays for none: the first image alone takes more than it has")
            shared = share(kept, values, wish.quotas, min(self._payable(picked), len(picked) - 1))
            picked = self._picked(kept, shared)
        return Chosen(
            Query(tuple(row.id for row in picked), tuple(0.0 - row.rank for row in picked)),
            tuple((self.files.names[row.place[0]], row.place[1]) for row in picked),
            self.total,
            self.unread,
            copies,
            shared.short,
            wish.by or wish.strategy or (self.boxes.how if self.boxes else "margin"),
            None if wish.budget.boxes or wish.budget.seconds else wish.budget.most,
            (*(self.notes or ()), *([self.why] if self.why else [])),
        )

    def _check(self) -> None:
        wish = self.wish
        needs = "diversify" if wish.diversify != "none" else "near" if wish.near > 0 else None
        if needs and not self.held.embedding:
            ours = "`ncenet score` writes them, in another folder, where its `outputs` name embedding"
            raise UsageError(
                f"`{needs}` compares images by their embeddings, and {self.held.sentence()}; "
                f"{ours if 'outputs' in self.files.about else 'name a column of them as `embedding`'}"
            )
        if wish.diversify == "badge" and not self.held.likelihoods:
            raise UsageError(f"`diversify=badge` needs class likelihoods, and {self.held.sentence()}")
        if wish.budget.by_boxes and self.held.boxes is None:
            raise UsageError(f"a budget of boxes needs to know them, and {self.held.sentence()}")
        check_quotas(wish.quotas)
        for quota in wish.quotas:
            computed = quota.column == PREDICTED and self.held.likelihoods
            if quota.column not in self.files.types and not computed:
                raise UsageError(
                    f"`quota` {quota.column}: there is no such column, only {', '.join(self.files.types)}"
                )

    def _scan(self, k: int) -> Best:
        files, wish = self.files, self.wish
        best = Best(k, files.names, Lots(self.wish.seed), self.skip)
        quotas = [quota.column for quota in wish.quotas]
        read = [name for name in quotas if name in files.types]
        read += self.held.likelihoods if len(read) < len(quotas) else ()
        reason = [REASON] if self.held.reason else []
        model = ["model"] if re.fullmatch(IDS, files.types.get("model", "")) else []
        seen_model: set[str] = set()
        self.total = self.unread = 0
        for file, start, table in files.chunks([files.id, *self.ranking.columns, *read, *reason, *model]):
            where = files.names[file]
            scores = self._of_read_images(self.ranking.scores(table, where), table, where)
            for name in model:
                seen_model |= set(texts(table, name).unique().to_pylist())
                if len(seen_model) > 1:
                    raise DataError(
                        f"{where}: the column 'model' names {' and '.join(sorted(map(str, seen_model)))}: "
                        "scores of two models do not compare; choose by one of them"
                    )
            column = table[files.id]
            if self.notes is None:
                self.sightings.see(column)

            def ids(rows: npt.NDArray[np.int64], column: Any = column) -> Sequence[str]:
                return files.named(column.take(rows))

            best.push(scores, ids, file, start, self._cells(table, quotas, best))
            self.total += len(table)
            self.progress(self.total)
        if isinstance(self.ranking, ByLikelihoods):
            self.ranking.check()
        if self.notes is None:
            self.notes = tuple(self.sightings.notes())
        return best

    def _of_read_images(self, scores: npt.NDArray[Any], table: Any, where: str) -> npt.NDArray[Any]:
        """Scores, nan where a reason says that the image could not be read."""
        bad = ~np.isfinite(scores)
        if self.held.reason and table[REASON].null_count < len(table):
            unread = given(table, REASON)
            self.unread += int(unread.sum())
            if unread.any():
                self._tell_why(table.slice(int(unread.argmax()), 1))
            scores, bad = np.where(unread, np.nan, scores), bad & ~unread
        if bad.any():
            first = self.files.named(table[self.files.id].slice(int(bad.argmax()), 1))[0]
            read = f", {', '.join(self.ranking.columns[:3])}" if self.ranking.columns else ""
            raise NonFiniteScore(int(bad.sum()), f"{first} ({where}{read})")
        return scores

    def _tell_why(self, row: Any) -> None:
        """Say of how many images it is that they could not be read, by the last of them."""
        (id,), (reason,) = self.files.named(row[self.files.id]), texts(row, REASON).to_pylist()
        self.why = (
            f"passed over {count_of(self.unread, 'image')} with a {REASON} why it could not be read, such as "
            f"{id!r}: {reason}"
        )

    def _cells(self, table: Any, columns: Sequence[str], best: Best) -> npt.NDArray[np.int64] | None:
        """The number of each row's cell; None without quotas."""
        if not columns:
            return None
        found = [self._coded(table, name) for name in columns]
        codes = np.zeros(len(table), np.int64)
        for names, each in found:
            codes = codes * max(1, len(names)) + each
        distinct_codes, first, back = np.unique(codes, return_index=True, return_inverse=True)
        numbers = [best.cell(tuple(names[each[row]] for names, each in found)) for row in first.tolist()]
        return np.asarray(numbers, np.int64)[back.reshape(-1)] if len(distinct_codes) else back

    def _coded(self, table: Any, column: str) -> tuple[Sequence[str], npt.NDArray[np.int64]]:
        """The values of a quota's column, and the number of each row's."""
        if column in self.files.types:
            return coded(table, column, self.files.names[0])
        probs = matrix(table, self.held.likelihoods, self.files.names[0])
        told = self.held.class_names
        names = told if len(told) == probs.shape[1] else [str(number) for number in range(probs.shape[1])]
        return names, np.nan_to_num(probs).argmax(1)

    def _there(self) -> int:
        """Rows that could be candidates."""
        return self.total - self.unread - len(self.skip) + len(self.sightings.missing)

    def _vectors(self, rows: Sequence[Row]) -> npt.NDArray[np.float32]:
        table = self.files.rows([row.place for row in rows], self.held.embedding)
        vectors, column = matrix(table, self.held.embedding, self.files.names[0]), self.held.embedding[0]
        if not vectors.shape[1]:
            raise DataError(f"{self._place(rows[0])}: nothing stands in {column} of {rows[0].id!r}")
        check_vectors(vectors, column, lambda row: f"{rows[row].id!r} ({self._place(rows[row])})")
        return vectors.astype(np.float32, copy=False)

    def _place(self, row: Row) -> str:
        return self.files.names[row.place[0]]

    def _without_copies(self, rows: list[Row]) -> tuple[list[Row], int]:
        if not self.wish.near or not rows:
            return rows, 0
        kept = [rows[row] for row in without_copies(self._vectors(rows), self.wish.near)]
        return kept, len(rows) - len(kept)

    def _spread(self, rows: Sequence[Row], cell: int, count: int) -> list[Row]:
        """The images of a cell: the best, or different ones among the best."""
        candidates = [row for row in rows if row.cell == cell][: self.wish.factor * count]
        if (self.difficulty is None and self.wish.diversify == "none") or len(candidates) <= count:
            return candidates[:count]
        if self.wish.diversify == "none":
            return self._by_difficulty(candidates, count)
        import torch

        probs = None
        if self.wish.diversify == "badge":
            table = self.files.rows([row.place for row in candidates], self.held.likelihoods)
            probs = matrix(table, self.held.likelihoods, self.files.names[0])
        chosen = spread(
            self.wish.diversify,
            self._vectors(candidates),
            [-row.rank for row in candidates],
            count,
            rng=torch.Generator().manual_seed(self.wish.seed),
            probs_MC=probs,
        )
        return [candidates[row] for row in chosen]

    def _by_difficulty(self, candidates: list[Row], count: int) -> list[Row]:
        from ncenet.selection.boxes import objects_in

        assert self.difficulty is not None and self.held.boxes is not None
        places = [row.place for row in candidates]
        found = objects_in(self.files.rows(places, [self.held.boxes]), self.held.boxes, self.files.names[0])
        vectors = self._vectors(candidates) if self.held.embedding else None
        return [candidates[row] for row in self.difficulty.pick(found, vectors, count)]

    def _picked(self, kept: Sequence[Row], shared: Shared) -> list[Row]:
        """The images of all cells, the best first."""
        return sorted(row for cell, count in shared.counts.items() for row in self._spread(kept, cell, count))

    def _payable(self, rows: Sequence[Row]) -> int:
        """How many images the budget may pay: so many of the best, or of such as are usual among them."""
        if not self.wish.budget.by_boxes:
            return self.size
        objects = self._objects(rows)
        usual = np.full(len(objects), objects.mean() if len(objects) else 0.0)
        fit = max(self.wish.budget.fits(each) for each in (objects, usual))
        return self.size if fit == len(rows) else min(self.size, max(1, fit))

    def _paid(self, rows: Sequence[Row]) -> int:
        """How many of them the budget pays for, the best first."""
        return self.wish.budget.fits(self._objects(rows))

    def _objects(self, rows: Sequence[Row]) -> npt.NDArray[np.float64]:
        """How many objects each image has, as far as the budget asks; read once."""
        if self.held.boxes is None or not self.wish.budget.by_boxes:
            return np.zeros(len(rows))
        from ncenet.selection.boxes import objects_in

        new = [row.place for row in rows if row.place not in self.counted]
        if new:
            found = objects_in(self.files.rows(new, [self.held.boxes]), self.held.boxes, self.files.names[0])
            counts = found.summed((found.confidences >= LIKELY).astype(float)).tolist()
            self.counted.update(zip(new, counts, strict=True))
        return np.array([self.counted[row.place] for row in rows], dtype=float)
