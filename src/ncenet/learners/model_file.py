"""Model files: weights and what is needed to rebuild the network around them, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ncenet.errors import DataError
from ncenet.files import whole
from ncenet.nn.network import Network
from ncenet.nn.ssd import SSD
from ncenet.recipe import ModelRecipe

CARRIED = "extractor."
"""Names of the weights that an exported model carries of its extractor begin so."""


class _About(BaseModel):
    """What is sure of a description before anything is rebuilt from it."""

    format: str
    class_names: list[Annotated[str, Field(min_length=1)]]
    cycle: int
    model: dict[str, Any]
    shape: list[PositiveInt] | None = None
    channels: PositiveInt | None = None
    side: PositiveInt | None = None

    @field_validator("class_names")
    @classmethod
    def _distinct(cls, names: list[str]) -> list[str]:
        twice = [name for n, name in enumerate(names) if name in names[:n]]
        if twice:
            raise ValueError(f"{twice[0]!r} stands there twice")
        return names


def write_model(file: Path, about: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write a model, whole or not at all; equal models are equal files.

    Args:
        file: where to.
        about: what is needed to rebuild it, as JSON: ``format`` names the kind of model, ``model`` is the
            section of the recipe that it was made by, ``auxiliary`` what :func:`auxiliary_name` says.
        weights: by name.
    """
    # One entry: safetensors writes several in any order, and equal models should be equal files.
    with whole(file) as partial:
        # Not save_file: it tells of a full disk by an error that is none of the operating system's.
        partial.write_bytes(save(dict(weights), metadata={"ncenet": json.dumps(about)}))


def read_about(file: Path) -> dict[str, Any]:
    """What :func:`write_model` was told about the model; nothing if the file is somebody else's.

    Raises:
        DataError: it is no safetensors file, or what it was told can't be: two classes of one name, say.
    """
    try:
        with safe_open(file, "np") as stored:
            text = (stored.metadata() or {}).get("ncenet")
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file}: not a model file: {error}") from error
    if text is None:
        return {}
    try:
        about: dict[str, Any] = json.loads(text)
        _About.model_validate(about)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all"
        why = f"{file}: what it says of its model is damaged: {place}: {first['msg']}"
        raise DataError(why) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: what it says of its model is no JSON: {error}") from error
    return about


def read_model(
    file: Path, format: str, model: ModelRecipe, *, prefix: str = ""
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What :func:`write_model` was told about the model, and the weights.

    Args:
        file: where from.
        format: the kind of model that is expected.
        model: the recipe that it must have been made by.
        prefix: read the weights whose names begin with it, and take it off.

    Raises:
        DataError: the file is no model, one of another kind or of another recipe, or holds weights that are
            no numbers.
    """
    about = read_about(file)
    if about.get("format") != format:
        raise DataError(f"{file}: holds {about.get('format')!r}, expected {format!r}")
    if recipe_of(about, file) != model:
        raise DataError(f"{file}: was trained with another model recipe: {about['model']}")
    weights = read_tensors(file, prefix)
    return about, {name: tensor for name, tensor in weights.items() if not name.startswith(CARRIED)}


def check_model(file: Path) -> None:
    """Read a model file from one end to the other.

    Raises:
        DataError: it is no whole model of ours.
    """
    if not read_about(file):
        raise DataError(f"{file}: holds no model of ncenet")
    read_tensors(file, "")


def read_tensors(file: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a model file whose names begin with a prefix, without it.

    Raises:
        DataError: some hold numbers that are none.
    """
    with safe_open(file, "pt") as stored:
        tensors = {
            name.removeprefix(prefix): stored.get_tensor(name)
            for name in stored.keys()  # noqa: SIM118 - the file is no mapping, and has no other way
            if name.startswith(prefix)
        }
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise DataError(
            f"{file}: {len(broken)} of {len(tensors)} weights hold nan or inf, the first {broken[0]}: the "
            "file is damaged, or its training diverged; take the model of another cycle"
        )
    return tensors


def fill(network: Network | SSD, about: Mapping[str, Any], weights: Mapping[str, Tensor], file: Path) -> None:
    """Put the weights of a file into a network; those of an auxiliary that it doesn't have are left out.

    Raises:
        DataError: they are those of another architecture, or without the network's auxiliary.
    """
    if network.auxiliary is None:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("auxiliary.")}
    elif about.get("auxiliary") != network.auxiliary.extra:
        raise DataError(f"{file}: was trained without the module that tells {network.auxiliary.extra}")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:  # a backbone of the caller's own, which the file does not name
        raise DataError(f"{file}: does not fit this backbone: {error}") from error


def auxiliary_name(network: Network | SSD) -> str | None:
    """What the network's auxiliary is called; None when it has none."""
    return None if network.auxiliary is None else network.auxiliary.extra


def recipe_of(about: Mapping[str, Any], file: Path) -> ModelRecipe:
    """The recipe that a saved model was made by.

    Options that it does not know stand at their defaults, which leave a model what it was.

    Args:
        about: what :func:`write_model` was told.
        file: where that was read, for the message.

    Raises:
        DataError: it knows options that we don't.
    """
    try:
        return ModelRecipe.model_validate(about["model"])
    except ValidationError as error:
        raise DataError(
            f"{file}: was trained with another model recipe than this version knows: {about['model']}"
        ) from error
