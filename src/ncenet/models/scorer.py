"""One callable from a batch of images to a batch of scores, for whatever maps batches.

Ray Data, Hugging Face ``datasets``, Spark, Daft and a plain loop all hand over a dictionary of columns and
take one back; docs/scale.md has a sample of each.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ncenet.cores import available_cores
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError, UnknownName, UsageError
from ncenet.models.decoding import Decoded, decode_one
from ncenet.models.model import DetectionModel, Model, load
from ncenet.models.places import model_file
from ncenet.score_columns import BOXES, EMBEDDING, LIKELIHOOD, PREDICTED, REASON, SHARE
from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, ranking_names, ranks_alone

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.types import Prediction

    Column = npt.NDArray[Any]

LEAST = 0.05
"""Likelihood from which on a detector's objects are told: the doubtful ones tell where to look (ours)."""


class Scorer:
    """Scores of a batch of images: a dictionary of columns in, one out.

    It can be pickled, and holds no model itself: each process reads the model once, with its first batch. An
    image that cannot be decoded is a row with a reason, whose scores are nan.

    Args:
        model: run folder (its last model), exported folder, safetensors file, ``hub:OWNER/NAME``, or a model
            that was loaded from one of these.
        outputs: which columns. Of a classifier ``"likelihood"``, with ``"predicted"``, and ``"share"`` where
            the model has one; of a detector ``"boxes"``; of both ``"embedding"`` and any strategy that ranks
            images by their likelihoods: ``"rejection"``, ``"confusion"``, ``"margin"``, ``"entropy"``, and of
            a committee ``"vote-entropy"``. Default: likelihood and share, or boxes; rejection and confusion.
        id: column of the ids. Without one the rows are numbered.
        image: column of the images: encoded bytes, arrays uint8 (H, W) or (H, W, channels), Pillow images,
            dictionaries with ``bytes`` as Hugging Face keeps them, or addresses of files; vectors for a model
            of those.
        keep: columns that come along as they are, such as the camera.
        workers: threads that decode. Default: the cores, eight at most.
        least: of a detector, the likelihood from which on an object is told.

    Raises:
        UsageError: there is no such model, or it has no such output.

    >>> import ncenet
    >>> ncenet.Scorer("nowhere")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no such file or folder; a model of the Hub is written hub:OWNER/NAME
    """

    special: ClassVar[frozenset[str]] = frozenset({LIKELIHOOD, SHARE, BOXES, EMBEDDING})

    def __init__(
        self,
        model: str | Path | Model | DetectionModel,
        outputs: Sequence[str] | None = None,
        *,
        id: str = "id",
        image: str = "image",
        keep: Sequence[str] = (),
        workers: int | None = None,
        least: float = LEAST,
    ) -> None:
        given = model.file if isinstance(model, Model | DetectionModel) else model
        self.model = str(model_file(given).absolute())
        self.id, self.image, self.keep, self.least = id, image, tuple(keep), least
        self.workers = workers or min(8, available_cores())
        if isinstance(outputs, str):
            raise UsageError(f"outputs are several names: write ({outputs!r},)")
        self.outputs = self._checked(outputs)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Column]:
        """Score a batch.

        Args:
            batch: columns by name, arrays or lists of N rows.

        Returns:
            ``id`` and ``reason`` (N,), the latter ``""`` of images that were read, and the outputs:
            ``predicted`` (N,), ``likelihood`` and ``share`` (N, C) float32, ``embedding`` (N, D) float16,
            ``boxes`` (N,) of lists of ``box``, ``label`` and ``likelihood``, scores (N,) float32, higher is
            more informative.

        Raises:
            DataError: there is no column of images, columns differ in length, or the model says nan.
        """
        images, ids = self._columns(batch)
        model = self._loaded()
        decoded = self._decode(model, images)
        good = np.array([one.reason == "" for one in decoded], bool)
        said = self._said(model, [one for one in decoded if one.reason == ""])
        table: dict[str, Column] = {self.id: ids}
        table |= {name: np.asarray(batch[name]) for name in self.keep if name != self.id}
        for name, rows in said.items():
            table[name] = rows if good.all() else _spread(rows, good)
        table[REASON] = np.array([one.reason for one in decoded], dtype=object)
        return table

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes of the model."""
        return self._loaded().class_names

    @property
    def temperature(self) -> float | None:
        """What makes shares of the model's likelihoods; None where nobody has found one."""
        model = self._loaded()
        return model.temperature if isinstance(model, Model) else None

    def _loaded(self) -> Model | DetectionModel:
        with _LOADING:
            return model_of(self.model, Path(self.model).stat().st_mtime_ns)

    def _checked(self, outputs: Sequence[str] | None) -> tuple[str, ...]:
        model = self._loaded()
        boxes = isinstance(model, DetectionModel)
        share = () if self.temperature is None else (SHARE,)
        has = (BOXES,) if boxes else (LIKELIHOOD, *share)
        if outputs is None:
            return (*has, "rejection", "confusion")
        for name in outputs:
            if name == SHARE and name not in has and not boxes:
                raise UsageError(
                    f"outputs: {self.model} has no share: nothing says how often its likelihoods are right"
                )
            if name in self.special - {EMBEDDING, *has}:
                raise UsageError(f"outputs: {self.model} is no model of {name}; it has {has[0]!r}")
            if name not in self.special:
                self._strategy(name, model)
        return tuple(dict.fromkeys(outputs))

    def _strategy(self, name: str, model: Model | DetectionModel) -> ScoreStrategy:
        known = [name.replace("_", "-"), name]
        found = next((each for each in known if each in strategies.names()), None)
        if found is None:
            raise UnknownName("output", name, [*self.special, *ranking_names()])
        options = _options(model) if isinstance(model, DetectionModel) else {}
        strategy = strategies.use(found, lambda factory: factory(**options))
        can = {"probs", "samples"} | ({"boxes"} if isinstance(model, DetectionModel) else set())
        if not ranks_alone(strategy) or not strategy.needs <= can:
            raise UsageError(f"outputs: {name} looks at more than the likelihoods of one image")
        return strategy

    def _columns(self, batch: Mapping[str, Any]) -> tuple[Sequence[Any], Column]:
        for name in (self.image, *self.keep):
            if name not in batch:
                raise DataError(f"the batch has no column {name!r}, only {', '.join(batch) or 'none'}")
        images = batch[self.image]
        ids = batch.get(self.id)
        named = np.array([f"{row:05}" for row in range(len(images))] if ids is None else ids)
        if len(named) != len(images):
            raise DataError(f"{len(images)} images and {len(named)} ids in one batch")
        return images, named.astype(object) if named.dtype.kind == "U" or not len(named) else named

    def _decode(self, model: Model | DetectionModel, images: Sequence[Any]) -> list[Decoded]:
        decode = partial(decode_one, model)
        if self.workers == 1 or len(images) < 2:
            return [decode(image) for image in images]
        return list(_threads(self.workers).map(decode, images))

    def _said(self, model: Model | DetectionModel, decoded: Sequence[Decoded]) -> dict[str, Column]:
        """The outputs of the images that were read; columns of no rows when there are none."""
        if not decoded:
            decoded = [Decoded(np.zeros(_shape(model), np.uint8), (1, 1))]
            return {name: rows[:0] for name, rows in self._said(model, decoded).items()}
        squares = np.stack([one.pixels for one in decoded])
        eyes = model.eyes if isinstance(model, Model) else None
        pool = ArrayPool(squares if eyes is None else eyes.vectors(squares))
        want = {"boxes"} if isinstance(model, DetectionModel) else set()
        want |= {"features"} if EMBEDDING in self.outputs else set()
        for name in self.outputs:
            want |= set() if name in self.special else self._strategy(name, model).needs - {"probs"}
        with _precision():
            chunks = list(model.learner.predict(pool, pool.ids(), want=frozenset(want)))
        model.learner.forget(pool)
        columns: dict[str, list[Column]] = {}
        start = 0
        for chunk in chunks:
            sizes = [one.size for one in decoded[start : start + len(chunk.ids)]]
            start += len(chunk.ids)
            for name, rows in self._of_chunk(model, pool, chunk, sizes).items():
                columns.setdefault(name, []).append(rows)
        return {name: np.concatenate(parts) for name, parts in columns.items()}

    def _of_chunk(
        self,
        model: Model | DetectionModel,
        pool: ArrayPool,
        chunk: Prediction,
        sizes: Sequence[tuple[int, int]],
    ) -> dict[str, Column]:
        table: dict[str, Column] = {}
        for name in self.outputs:
            if name == LIKELIHOOD:
                best = chunk.probs.argmax(-1).tolist()
                table[PREDICTED] = np.array([model.class_names[c] for c in best], dtype=object)
                table[name] = chunk.probs.float().numpy()
            elif name == SHARE and isinstance(model, Model):
                shares = model.shares(chunk.probs)
                assert shares is not None, "a model without them was refused"
                table[name] = shares
            elif name == EMBEDDING:
                assert chunk.features is not None, "it was wanted"
                table[name] = chunk.features.numpy().astype(np.float16)
            elif name == BOXES and isinstance(model, DetectionModel):
                table[name] = _boxes(model, pool, chunk, sizes, self.least)
            else:
                table[name] = self._strategy(name, model).image_scores(chunk).float().numpy()
        for name, rows in table.items():
            if rows.dtype.kind == "f" and not np.isfinite(rows).all():
                raise DataError(f"{self.model}: says nan or inf, or more than float16 holds, as {name}")
        return table


_LOADING = threading.Lock()


@lru_cache(maxsize=2)
def model_of(file: str, written: int) -> Model | DetectionModel:
    """The model of a file, read once in a process; again when the file has changed."""
    return load(file)


@lru_cache(maxsize=4)
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="decode")


def _precision() -> AbstractContextManager[Any]:
    """Half precision where there is a GPU."""
    import torch

    return torch.autocast("cuda", torch.float16) if torch.cuda.is_available() else nullcontext()


def _shape(model: Model | DetectionModel) -> tuple[int, ...]:
    channels, *sides = model.shape
    return (*sides, channels) if sides else model.shape


def _options(model: DetectionModel) -> dict[str, Any]:
    k = {"aggregate_k": model.aggregate_k} if model.aggregate == "top-k" else {}
    return {"aggregate": model.aggregate, **k}


def _boxes(
    model: DetectionModel,
    pool: ArrayPool,
    chunk: Prediction,
    sizes: Sequence[tuple[int, int]],
    least: float,
) -> Column:
    """The objects of each image in its own pixels, likeliest first."""
    _, side, _ = model.shape
    found = np.empty(len(chunk.ids), dtype=object)
    for row, (seen, (width, height)) in enumerate(
        zip(model.learner.objects(pool, chunk), sizes, strict=True)
    ):
        x, y = width / side, height / side
        found[row] = [
            {"box": [x1 * x, y1 * y, x2 * x, y2 * y], "label": label, "likelihood": score}
            for (x1, y1, x2, y2), label, score in zip(seen.boxes, seen.labels, seen.scores, strict=True)
            if score >= least
        ]
    return found


def _spread(rows: Column, good: npt.NDArray[np.bool_]) -> Column:
    """Rows of the images that were read among those of all; nan, or nothing, elsewhere."""
    empty: Any = np.nan if rows.dtype.kind == "f" else None
    table = np.full((len(good), *rows.shape[1:]), empty, dtype=rows.dtype)
    table[good] = rows
    return table
