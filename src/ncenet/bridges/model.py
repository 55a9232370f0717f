"""A trained model without the run that it comes from: load it, ask it about images, hand it on.

::

    exported/
    ├── config.json          classes, size and channels of the images, the network's recipe
    └── model.safetensors    the weights, normalisation included, and once more what rebuilds the network
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from ncenet.bridges.given import GivenPool, ImageLike
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError, MissingExtra, UsageError
from ncenet.files import whole, write_json
from ncenet.functional.scores import confusion, rejection
from ncenet.learners.classifier import FORMAT, Classifier
from ncenet.learners.committee import Committee, build_learner
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.types import Pool

WEIGHTS, CONFIG = "model.safetensors", "config.json"
HUB = "hub:"
"""What a model on the Hugging Face Hub is written with: nothing uses the network unasked."""


@dataclass(frozen=True)
class Scores:
    """What a model says of N images.

    Attributes:
        ids: N ids.
        class_names: the C classes.
        likelihood: (N, C) in [0, 1]; rows of an NCE head need not sum to one.
        rejection: (N,) in [0, C], how far the image is from every class (Eq. 8).
        confusion: (N,) in [1, C], how close the classes are to the likeliest one (Eq. 9).
    """

    ids: Sequence[str]
    class_names: tuple[str, ...]
    likelihood: npt.NDArray[np.float32]
    rejection: npt.NDArray[np.float32]
    confusion: npt.NDArray[np.float32]

    @property
    def predicted(self) -> tuple[str, ...]:
        """The likeliest class of each image."""
        return tuple(self.class_names[c] for c in self.likelihood.argmax(-1))

    def __len__(self) -> int:
        return len(self.ids)


class Model:
    """A trained classifier, or a committee of them.

    Args:
        learner: what predicts.
        file: the safetensors file that it was read from.
    """

    def __init__(self, learner: Classifier | Committee, file: Path) -> None:
        self.learner, self.file = learner, file

    @classmethod
    def from_pretrained(cls, source: str | Path, *, revision: str | None = None) -> Model:
        """Read a model.

        Args:
            source: an exported folder, a run folder (its last model), a safetensors file, or
                ``hub:OWNER/NAME`` for one on the Hugging Face Hub, which alone uses the network.
            revision: branch, tag or commit on the Hub.

        Raises:
            UsageError: there is no such file or folder.
            MissingExtra: a model of the Hub without ``huggingface_hub``.
            DataError: what is there is no model.
        """
        file = _model_file(str(source), revision)
        about = read_about(file)
        if about.get("format") != FORMAT:
            raise DataError(f"{file}: holds {about.get('format')!r}, expected {FORMAT!r}")
        config = file.with_name(CONFIG)
        if config.exists() and json.loads(config.read_text(encoding="utf-8")) != about:
            raise DataError(f"{config} does not belong to {file.name} beside it")
        shape = about["shape"]
        learner = build_learner(
            ModelRecipe.model_validate(about["model"]),
            TrainRecipe(),
            DataRecipe(image_size=shape[-1] if len(shape) == 3 else None, cache_gb=0),
            Streams(0),
        )
        learner.load(file)
        return cls(learner, file)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes."""
        return self.learner.class_names

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (channels, H, W) or (D,)."""
        return self.learner.shape

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
            shutil.copyfile(self.file, partial / WEIGHTS)
            write_json(partial / CONFIG, read_about(self.file))

    def predict(self, images: ImageLike | Sequence[ImageLike]) -> Scores:
        """Look at images; any size, any colour space.

        Args:
            images: one image or several: paths, encoded bytes, Pillow images, arrays uint8 (H, W) or
                (H, W, channels); for a model of feature vectors one float32 array (N, D).

        Returns:
            One row an image. Ids are the paths, or the numbers from 0.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: an array has another shape or type.
        """
        if len(self.shape) == 1:
            vectors = np.atleast_2d(np.asarray(images))
            pool: Pool = ArrayPool(vectors, [str(row) for row in range(len(vectors))])
        else:
            pool = GivenPool(images, channels=self.shape[0])
        chunks = list(self.score(pool, pool.ids()))
        self.learner.forget(pool)
        return Scores(
            [id for chunk in chunks for id in chunk.ids],
            self.class_names,
            *(
                np.concatenate([getattr(chunk, name) for chunk in chunks])
                for name in ("likelihood", "rejection", "confusion")
            ),
        )

    def score(self, pool: Pool, ids: Sequence[str]) -> Iterator[Scores]:
        """Look at images of a pool, chunk by chunk; memory does not grow with their number.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: the images have other channels than those that the model learned from.
        """
        for chunk in self.learner.predict(pool, ids, want=frozenset()):
            yield Scores(
                chunk.ids,
                self.class_names,
                chunk.probs.numpy(),
                rejection(chunk.probs).numpy(),
                confusion(chunk.probs).numpy(),
            )


def load(source: str | Path, *, revision: str | None = None) -> Model:
    """Read a model; see :meth:`Model.from_pretrained`."""
    return Model.from_pretrained(source, revision=revision)


def read_about(file: Path) -> dict[str, Any]:
    """What a model file says of itself.

    Raises:
        DataError: it is no safetensors file.
    """
    try:
        with safe_open(file, "np") as stored:
            about: dict[str, Any] = json.loads((stored.metadata() or {}).get("ncenet", "{}"))
            return about
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file}: not a model file: {error}") from error


def _model_file(source: str, revision: str | None) -> Path:
    if source.startswith(HUB):
        return _from_hub(source.removeprefix(HUB), revision) / WEIGHTS
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if (path / WEIGHTS).exists():
        return path / WEIGHTS
    models = sorted(path.glob(f"cycles/*/{WEIGHTS}"))
    if models:
        return models[-1]
    if path.is_dir():
        raise UsageError(f"{path}: no model here: no {WEIGHTS}, and no cycle of a run has been trained yet")
    raise UsageError(f"{source}: no such file or folder; a model of the Hub is written hub:OWNER/NAME")


def _from_hub(repository: str, revision: str | None) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError:
        raise MissingExtra("a model of the Hugging Face Hub", "hub", "2 MB") from None
    try:
        return Path(
            huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=[WEIGHTS, CONFIG])
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise DataError(f"hub:{repository} cannot be fetched: {error}") from error
