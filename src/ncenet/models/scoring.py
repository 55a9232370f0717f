"""A model and a data set: what the one says of the other, image by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ncenet.data.builtin import datasets
from ncenet.data.open import open_dataset
from ncenet.data.pools import channels_of, probe
from ncenet.data.readers import reader_of
from ncenet.errors import DataError, UnreadableImage
from ncenet.models.model import DetectionModel, Model
from ncenet.models.scores import BoxScores, Scores
from ncenet.recipe import OnBadImage
from ncenet.types import Pool

CHUNK = 256
"""Images looked at before they are scored."""


def score_data(
    model: Model | DetectionModel,
    data: str,
    *,
    on_bad_image: OnBadImage = "stop",
    id_column: str | None = None,
    bad: Callable[[UnreadableImage], None] = lambda problem: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Scores | BoxScores]:
    """Score all images of a data set, chunk by chunk; labels are not looked at.

    Args:
        model: a trained model.
        data: whatever ``--data`` takes; of forms that have splits, the images for training.
        on_bad_image: an image that cannot be read stops everything, or is left out.
        id_column: of shards, the column of the ids.
        bad: told of each image that is left out.
        progress: told how many images are done, of how many.

    Raises:
        UnreadableImage: an image cannot be read, and that is to stop everything.
        DataError: the images are other than those that the model learned from.
    """
    channels = model.shape[0] if len(model.shape) == 3 else 0
    pool = _pool(data, channels, detection=isinstance(model, DetectionModel), id_column=id_column)
    held = channels_of(pool)
    by_features = (
        isinstance(model, Model) and model.eyes is not None
    )  # which makes squares of gray images too
    if held != channels and not (by_features and held == 1):
        what = {0: "feature vectors", 1: "gray images", 3: "RGB images"}
        raise DataError(f"{data} holds {what[held]}, and the model reads {what[channels]}")
    ids = pool.ids()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        if on_bad_image == "skip":
            chunk = [id for id in chunk if _readable(pool, id, bad)]
        try:
            yield from model.score(pool, chunk)
        except UnreadableImage as problem:
            if on_bad_image == "skip":  # it was read a moment ago
                raise
            why = f"{problem.why}; repair or remove it, or leave such images out with `on_bad_image=skip`"
            raise UnreadableImage(problem.id, why) from problem
        progress(min(start + CHUNK, len(ids)), len(ids))


def _pool(data: str, channels: int, *, detection: bool, id_column: str | None) -> Pool:
    """The images, under the ids that they have in a run of the model's task."""
    path = Path(data).expanduser()
    if detection and id_column is None and data not in datasets.names() and path.exists():
        reader = reader_of(path, "detection")
        if reader is not None:
            return reader.open(path, split="train", channels=3, classes=None).pool
    return open_dataset(data, channels=channels or "auto", task=None, id_column=id_column).pool


def _readable(pool: Pool, id: str, bad: Callable[[UnreadableImage], None]) -> bool:
    try:
        probe(pool, id)
    except UnreadableImage as problem:
        bad(problem)
        return False
    return True
