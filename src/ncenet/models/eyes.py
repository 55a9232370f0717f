"""The eyes of a model that learned on features: the extractor that turns images into what it reads.

A model within a run names its extractor; an exported one carries it, weights and all, so nothing has to be
installed or downloaded again but the program that builds the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError
from ncenet.features.embed import Embedder
from ncenet.features.extractor import Extractor, Wanted, open_extractor
from ncenet.features.framing import square_of
from ncenet.features.vectors import is_vectors
from ncenet.learners.model_file import CARRIED, read_tensors, write_model
from ncenet.nn.weights import fill
from ncenet.recipe import OWN, ModelRecipe
from ncenet.types import Pool


def eyes_of(about: Mapping[str, Any], recipe: ModelRecipe, file: Path) -> Embedder | None:
    """What makes vectors of images for a model.

    Args:
        about: what the model's file says of itself.
        recipe: by which the model was made.
        file: that file.

    Returns:
        None for a model of images, or of vectors that somebody brought.

    Raises:
        DataError: the extractor is another one by now than the model learned with.
        MissingExtra: a package that it needs is not installed.
    """
    if recipe.features in (None, OWN) or is_vectors(recipe.features):
        return None
    carried = "eyes" in about
    weights = None if recipe.weights is None or carried else Path(recipe.weights).expanduser()
    extractor = open_extractor(Wanted(recipe.features, weights, recipe.framing, empty=carried))
    if carried:
        fill(extractor.network, read_tensors(file, CARRIED), what=recipe.features, source=file)
    embedder = Embedder(extractor)
    if about.get("fingerprint") not in (None, embedder.fingerprint):
        raise DataError(
            f"{file}: learned on vectors of {recipe.features} with the fingerprint {about['fingerprint']}, "
            f"and the one here has {embedder.fingerprint}: other weights or another version"
        )
    return embedder


def about_eyes(extractor: Extractor) -> dict[str, Any]:
    """What the file of a model says of the extractor that it carries: how images become squares."""
    return {"eyes": extractor.preprocessing.about()}


def write_with_eyes(model: Path, about: Mapping[str, Any], extractor: Extractor, file: Path) -> None:
    """Write a model and its extractor into one file.

    Args:
        model: file of the model.
        about: what the new file says of itself.
        extractor: what makes its vectors.
        file: where to.
    """
    with safe_open(model, "pt") as stored:
        weights = {
            name: stored.get_tensor(name)
            for name in stored.keys()  # noqa: SIM118 - the file is no mapping
            if not name.startswith(CARRIED)
        }
    own = extractor.network.state_dict()
    write_model(file, about, weights | {CARRIED + name: tensor.contiguous() for name, tensor in own.items()})


def seen_by(embedder: Embedder, pool: Pool) -> ArrayPool:
    """A few images as vectors, past the store: images that somebody hands over are seen once.

    Raises:
        UnreadableImage: an image cannot be decoded.
    """
    how, ids = embedder.extractor.preprocessing, list(pool.ids())
    squares = [square_of(pool, id, how, wanted=lambda _: True)[1] for id in ids]
    return ArrayPool(embedder.vectors(np.stack([s for s in squares if s is not None])), ids)
