"""A trained model without the run that it comes from: load it, ask it about images, hand it on.

::

    exported/
    ├── config.json          classes, size and channels of the images, the network's recipe
    └── model.safetensors    the weights, normalisation included, and once more what rebuilds the network
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from ncenet.counts import count_of
from ncenet.data.pools import ArrayPool, FolderPool, channels_of
from ncenet.errors import DataError, UsageError
from ncenet.features.embed import Embedder
from ncenet.features.pool import VectorPool
from ncenet.files import whole, write_json
from ncenet.functional.aggregate import aggregate
from ncenet.functional.calibration import as_shares
from ncenet.functional.scores import confusion, consensus_entropy, rejection, vote_entropy
from ncenet.learners import classifier, detector
from ncenet.learners.classifier import Classifier
from ncenet.learners.committee import Committee, build_learner
from ncenet.learners.detector import Detector
from ncenet.learners.model_file import check_members, read_about, rebuilding, recipe_of
from ncenet.models.eyes import about_eyes, eyes_of, seen_by, write_with_eyes
from ncenet.models.given import GivenPool, ImageLike
from ncenet.models.places import (
    CONFIG,
    WEIGHTS,
    model_file,
    read_config,
    recipe_beside,
    temperature_beside,
)
from ncenet.models.scores import BoxScores, Scores
from ncenet.recipe import Aggregate, DataRecipe, ModelRecipe, Recipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.strategies.options import ScoreOptions, score_options
from ncenet.strategies.score import normalized

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from ncenet.types import Pool

Said = TypeVar("Said", Scores, BoxScores)


class Pretrained(ABC, Generic[Said]):
    """A trained model, in a file.

    Attributes:
        format: the kind of model that the file holds.
        file: the safetensors file that it was read from.
    """

    format: ClassVar[str]
    learner: Classifier | Committee | Detector

    def __init__(self, file: Path) -> None:
        self.file = file

    @classmethod
    def from_pretrained(cls, source: str | Path, *, revision: str | None = None) -> Self:
        """Read a model.

        Args:
            source: an exported folder, a run folder (its last model), a safetensors file, or
                ``hub:OWNER/NAME`` for one on the Hugging Face Hub, which alone uses the network.
            revision: branch, tag or commit on the Hub.

        Raises:
            UsageError: there is no such file or folder.
            MissingExtra: a model of the Hub without ``huggingface_hub``.
            DataError: what is there is no such model.
        """
        file = model_file(source, revision)
        about = read_about(file)
        found = about.get("format")
        if found != cls.format:
            if found is None:
                raise DataError(
                    f"{file}: no model that ncenet can read by itself; one of your own learner is read by "
                    "ncenet.open(folder, learner=...).model"
                )
            known = {kind.format: kind for kind in (Model, DetectionModel)}
            hint = f": {known[found].__name__}.from_pretrained reads it" if found in known else ""
            raise DataError(f"{file}: holds {found!r:.60}, expected {cls.format!r}{hint}")
        recipe = recipe_of(about, file)
        check_members(file, recipe)
        with rebuilding(file):
            return cls._read(file, about, recipe)

    @classmethod
    @abstractmethod
    def _read(cls, file: Path, about: dict[str, Any], recipe: ModelRecipe) -> Self:
        """The model of a file of its kind."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes."""
        return self.learner.class_names

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (channels, H, W) or (D,)."""

    @property
    def config(self) -> dict[str, Any]:
        """What ``config.json`` says of the model."""
        return read_about(self.file)

    def save_pretrained(self, folder: Path | str) -> None:
        """Write ``model.safetensors`` and ``config.json``, which :meth:`from_pretrained` reads.

        Raises:
            UsageError: the folder is there already.
        """
        target = Path(folder)
        if target.exists():
            raise UsageError(f"{target}: is there already; remove it or name another")
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole(target) as partial:
            partial.mkdir()
            self._write(partial / WEIGHTS)
            write_json(partial / CONFIG, self.config)

    def _write(self, file: Path) -> None:
        shutil.copyfile(self.file, file)

    def _forget(self, pool: Pool) -> None:
        self.learner.forget(pool)

    def __repr__(self) -> str:
        """What it tells apart, what it reads, and where it is."""
        names = ", ".join(self.class_names[:5]) + (", ..." if len(self.class_names) > 5 else "")
        kind, count = type(self).__name__, len(self.class_names)
        return f"{kind}({count_of(count, 'class', 'classes')}: {names}; inputs {self.shape}; {self.file})"

    def predict(self, images: ImageLike | Sequence[ImageLike]) -> Said:
        """Look at images; any size, any colour space.

        Args:
            images: one image or several: paths, encoded bytes, Pillow images, arrays uint8 (H, W) or
                (H, W, channels); a folder, whose images are all looked at; for a model of feature vectors
                one array of numbers (N, D), which are read as float32.

        Returns:
            One row an image. Ids are the paths, or the numbers from 0.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: an array has another shape or type, or there is no image in the folder.
        """
        if len(self.shape) == 1:
            vectors = np.atleast_2d(np.asarray(images))
            if vectors.dtype.kind in "fiu":
                with np.errstate(over="ignore"):  # what is too large is inf, and refused as that
                    vectors = vectors.astype(np.float32, copy=False)
            pool: Pool = ArrayPool(vectors, [str(row) for row in range(len(vectors))])
        elif isinstance(images, str | PathLike) and Path(images).is_dir():
            pool = FolderPool(Path(images), channels=self.shape[0])
        else:
            pool = GivenPool(images, channels=self.shape[0])
        chunks = list(self.score(pool, pool.ids()))
        self._forget(pool)
        return type(chunks[0]).joined(chunks)

    @abstractmethod
    def score(self, pool: Pool, ids: Sequence[str]) -> Iterator[Said]:
        """Look at images of a pool, chunk by chunk; memory does not grow with their number.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: the images have other channels than those that the model learned from.
        """


class Model(Pretrained[Scores]):
    """A trained classifier, or a committee of them; :func:`ncenet.load` reads one.

    Args:
        learner: what predicts.
        file: the safetensors file that it was read from.
        eyes: what makes vectors of images, for a model that learned on features.

    Attributes:
        temperature: what makes shares of its likelihoods, which mean how often a class is right; None where
            nobody has found one. The labels that an NCE head learned on stored features tell it.

    >>> import ncenet
    >>> ncenet.Model.from_pretrained("nowhere")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no such file or folder; a model of the Hub is written hub:OWNER/NAME
    """

    format = classifier.FORMAT

    def __init__(self, learner: Classifier | Committee, file: Path, eyes: Embedder | None = None) -> None:
        super().__init__(file)
        self.learner: Classifier | Committee = learner
        self.eyes = eyes
        self.temperature: float | None = None
        self._vectors: tuple[Pool, Pool] | None = None

    @classmethod
    def _read(cls, file: Path, about: dict[str, Any], recipe: ModelRecipe) -> Self:
        config, shape = read_config(file, about), about["shape"]
        data = DataRecipe(image_size=shape[-1] if len(shape) == 3 else None, cache_gb=0)
        learner = build_learner(recipe, TrainRecipe(), data, Streams(0))
        learner.load(file)
        model = cls(learner, file, eyes_of(about, recipe, file))
        model.temperature = temperature_beside(file, config)
        return model

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (channels, H, W) or (D,)."""
        if self.eyes is not None:
            side = self.eyes.extractor.preprocessing.side
            return (3, side, side)
        return self.learner.shape

    @property
    def config(self) -> dict[str, Any]:
        """What ``config.json`` says of the model, its temperature with it."""
        own = {} if self.temperature is None else {"temperature": self.temperature}
        eyes = {} if self.eyes is None else about_eyes(self.eyes.extractor)
        return super().config | own | eyes

    @property
    def votes(self) -> bool:
        """Whether it is a committee."""
        return isinstance(self.learner, Committee)

    def score(self, pool: Pool, ids: Sequence[str]) -> Iterator[Scores]:
        """See :meth:`Pretrained.score`."""
        pool = self._seen(pool)
        want = frozenset({"samples"} if self.votes else ())
        for chunk in self.learner.predict(pool, ids, want=want):
            samples = normalized(chunk.extras["samples"]) if self.votes else None
            yield Scores(
                chunk.ids,
                self.class_names,
                chunk.probs.numpy(),
                rejection(chunk.probs).numpy(),
                confusion(chunk.probs).numpy(),
                None if samples is None else vote_entropy(samples).numpy(),
                None if samples is None else consensus_entropy(samples).numpy(),
                self.shares(chunk.probs),
            )

    def shares(self, probs: Tensor) -> npt.NDArray[np.float32] | None:
        """Likelihoods (N, C) as shares (N, C), which sum to one; None without a temperature."""
        return None if self.temperature is None else as_shares(probs.float(), self.temperature).numpy()

    def _write(self, file: Path) -> None:
        if self.eyes is None:
            super()._write(file)
        else:
            write_with_eyes(self.file, self.config, self.eyes.extractor, file)

    def _forget(self, pool: Pool) -> None:
        super()._forget(self._seen(pool))
        self._vectors = None

    def _seen(self, pool: Pool) -> Pool:
        """What the learner reads of a pool: vectors, if it learned on those."""
        if self.eyes is None or channels_of(pool) == 0:
            return pool
        if self._vectors is None or self._vectors[0] is not pool:
            given = isinstance(pool, GivenPool)
            self._vectors = pool, seen_by(self.eyes, pool) if given else VectorPool(pool, self.eyes)
        return self._vectors[1]


class DetectionModel(Pretrained[BoxScores]):
    """A trained detector.

    Args:
        learner: what predicts.
        file: the safetensors file that it was read from.

    Attributes:
        aggregate: how the scores of an image's anchors become one: as in the run that it comes from, else
            the mean.
        aggregate_k: number of anchors of ``"top-k"``.

    >>> import ncenet
    >>> ncenet.DetectionModel.from_pretrained("nowhere")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no such file or folder; a model of the Hub is written hub:OWNER/NAME
    """

    format = detector.FORMAT

    def __init__(self, learner: Detector, file: Path) -> None:
        super().__init__(file)
        self.learner: Detector = learner
        self.aggregate_by(ScoreOptions().aggregate)

    @classmethod
    def _read(cls, file: Path, about: dict[str, Any], recipe: ModelRecipe) -> Self:
        learner = Detector(recipe, TrainRecipe(), DataRecipe(cache_gb=0), Streams(0))
        learner.load(file)
        model, config, run = cls(learner, file), read_config(file, about), recipe_beside(file)
        if config.get("aggregate") is not None:
            model.aggregate_by(config["aggregate"], config["aggregate_k"])
        elif run is not None:
            said = score_options(Recipe.load(run).loop)
            model.aggregate_by(said.aggregate, said.aggregate_k)
        return model

    def aggregate_by(self, how: Aggregate, k: int = ScoreOptions().aggregate_k) -> None:
        """Say how the scores of an image's anchors become one; see :mod:`ncenet.functional.aggregate`.

        Args:
            how: the way.
            k: number of anchors of ``"top-k"``.
        """
        self.aggregate, self.aggregate_k = how, k

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (channels, S, S)."""
        side = self.learner.network.backbone.side
        return (self.learner.channels, side, side)

    @property
    def config(self) -> dict[str, Any]:
        """What ``config.json`` says of the model; the way of aggregating with it."""
        return super().config | {"aggregate": self.aggregate, "aggregate_k": self.aggregate_k}

    def score(self, pool: Pool, ids: Sequence[str]) -> Iterator[BoxScores]:
        """See :meth:`Pretrained.score`."""
        for chunk in self.learner.predict(pool, ids, want=frozenset({"boxes"})):
            probs, boxes = chunk.probs, chunk.extras["boxes"]
            of_images = [
                aggregate(score(probs), self.aggregate, k=self.aggregate_k, probs=probs, boxes=boxes)
                for score in (rejection, confusion)
            ]
            found = tuple(self.learner.objects(pool, chunk))
            yield BoxScores(found, self.class_names, *(each.numpy() for each in of_images))


def load(source: str | Path, *, revision: str | None = None) -> Model | DetectionModel:
    """Read a model, of classes or of boxes.

    Args:
        source: an exported folder, a run folder (its last model), a safetensors file, or ``hub:OWNER/NAME``
            for one on the Hugging Face Hub, which alone uses the network.
        revision: branch, tag or commit on the Hub.

    Raises:
        UsageError: there is no such file or folder.
        MissingExtra: a model of the Hub without ``huggingface_hub``.
        DataError: what is there is no such model.

    >>> import ncenet
    >>> ncenet.load("nowhere")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no such file or folder; a model of the Hub is written hub:OWNER/NAME
    """
    file = model_file(source, revision)
    kind = DetectionModel if read_about(file).get("format") == DetectionModel.format else Model
    return kind.from_pretrained(file)
