"""Model files: weights and what is needed to rebuild the network around them, as safetensors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ncenet.errors import DataError, MissingExtra, NcenetError
from ncenet.files import whole
from ncenet.nn.network import Network
from ncenet.nn.ssd import SSD
from ncenet.recipe import ModelRecipe
from ncenet.section import explain
from ncenet.text_files import check_regular

AnyNetwork = TypeVar("AnyNetwork", Network, SSD)

_LED_TO = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    OSError,
    SafetensorError,
)
"""What making a network of a description that is somebody else's may end in."""
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
        if twice := [name for name, count in Counter(names).items() if count > 1]:
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
        check_regular(file)
        with safe_open(file, "np") as stored:
            text = (stored.metadata() or {}).get("ncenet")
    except (OSError, SafetensorError, MemoryError) as error:
        raise DataError(f"{file}: not a model file: {error}") from error
    if text is None:
        return {}
    try:
        about: dict[str, Any] = json.loads(text)
        _About.model_validate(about)
    except ValidationError as error:
        why = explain(error.errors()[0])[:200]
        raise DataError(f"{file}: what it says of its model is damaged: {why}") from error
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
        raise DataError(f"{file}: holds {about.get('format')!r:.60}, expected {format!r}")
    if recipe_of(about, file) != model:
        said, ours = recipe_of(about, file).model_dump(), model.model_dump()
        other = ", ".join(f"model.{name}" for name in ours if said[name] != ours[name])
        raise DataError(f"{file}: was trained with another model recipe, which differs in {other}")
    weights = read_tensors(file, prefix)
    return about, {name: tensor for name, tensor in weights.items() if not name.startswith(CARRIED)}


def check_model(file: Path) -> None:
    """Read a model file from one end to the other.

    Raises:
        DataError: it is no whole model of ours.
    """
    if not read_about(file):
        raise DataError(f"{file}: holds no model of ncenet")
    with rebuilding(file):
        read_tensors(file, "")


def check_members(file: Path, recipe: ModelRecipe) -> None:
    """Make sure that a file holds as many networks as it says, before so many are made.

    Raises:
        DataError: it doesn't.
    """
    with safe_open(file, "np") as stored:
        found = {name.split(".")[1] for name in stored.keys() if name.startswith("members.")}  # noqa: SIM118
    if recipe.members != max(1, len(found)):
        raise DataError(
            f"{file}: says that it holds {recipe.members} networks, and holds {max(1, len(found))}"
        )


@contextmanager
def rebuilding(file: Path) -> Iterator[None]:
    """Have the block make what a model file tells of; what goes wrong there is an error that names it."""
    try:
        yield
    except MissingExtra:
        raise
    except NcenetError as error:
        if str(file) in str(error):
            raise
        raise DataError(f"{file}: {error}") from error
    except _LED_TO as error:
        why = " ".join(str(error).split())[:200]
        raise DataError(
            f"{file}: what it says of its model cannot be: {type(error).__name__}: {why}; take another copy, "
            "or the model of another cycle"
        ) from error


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
    broken = [name for name, tensor in tensors.items() if not _finite(tensor)]
    if broken:
        raise DataError(
            f"{file}: {len(broken)} of {len(tensors)} weights hold nan or inf, the first {broken[0]}: the "
            "file is damaged, or its training diverged; take the model of another cycle"
        )
    return tensors


def _finite(tensor: Tensor) -> bool:
    if tensor.is_floating_point() and tensor.element_size() == 1:  # which can't be asked
        tensor = tensor.float()
    return bool(tensor.isfinite().all())


def filled(
    rebuilt: Callable[[], AnyNetwork],
    about: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    file: Path,
    *,
    own: bool = False,
) -> AnyNetwork:
    """A network with the weights of a file; those of an auxiliary that it doesn't have are left out.

    Args:
        rebuilt: makes the network that the file tells of.
        about: what the file says.
        weights: what it holds.
        file: where they are from.
        own: whether parts of the network are the caller's, which are made once.

    Raises:
        DataError: they are those of another architecture, or without the network's auxiliary. The network is
            not made before it is known to take no more memory than the file's weights.
    """
    with rebuilding(file):
        if not own:
            try:
                with torch.device("meta"):
                    sketch = rebuilt()
            except NcenetError:
                raise
            except Exception:  # noqa: BLE001 - parts that need numbers to be made: whether it fits is seen then
                pass
            else:
                _fitting(sketch, about, weights, file)
        network = rebuilt()
        network.load_state_dict(_fitting(network, about, weights, file))
    return network


def _fitting(
    network: Network | SSD, about: Mapping[str, Any], weights: Mapping[str, Tensor], file: Path
) -> dict[str, Tensor]:
    """The weights that a network has a place for."""
    if network.auxiliary is not None and about.get("auxiliary") != network.auxiliary.extra:
        raise DataError(f"{file}: was trained without the module that tells {network.auxiliary.extra}")
    places = network.state_dict()
    if network.auxiliary is None:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("auxiliary.")}
    for name in [*places, *weights]:
        if name not in weights or name not in places:
            why = f"{name} is missing" if name in places else f"there is no place for its {name}"
        elif weights[name].shape != places[name].shape:
            why = f"its {name} is {_shape(weights[name])}, and {_shape(places[name])} was expected"
        elif weights[name].is_floating_point() != places[name].is_floating_point():
            why = f"its {name} holds {weights[name].dtype}, and {places[name].dtype} was expected"
        else:
            continue
        raise DataError(f"{file}: does not fit this network: {why}")
    return dict(weights)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


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
        why = explain(error.errors()[0])[:200]
        raise DataError(
            f"{file}: was trained with another model recipe than this version knows: model.{why}; if a newer "
            "ncenet wrote it, upgrade with pip install -U ncenet"
        ) from error
