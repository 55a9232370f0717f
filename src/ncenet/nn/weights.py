"""Weights from files, without running any code that a file may bring."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ncenet.errors import DataError
from ncenet.text_files import check_regular

_WITHIN = ("state_dict", "model", "model_state_dict", "model_ema")
"""Under these names training programs keep the weights in a checkpoint."""


def read_weights(file: Path) -> dict[str, Tensor]:
    """Tensors by name, from safetensors or from what ``torch.save`` wrote; nothing else is unpickled.

    Raises:
        DataError: there is no such file, or it holds something else than tensors by name.
    """
    try:
        check_regular(file)
        if file.suffix == ".safetensors":
            found: Any = load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(
            f"{file}: weights cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error
    except Exception as error:  # whatever a stranger's bytes make of the two readers
        raise DataError(
            f"{file}: no file of weights: neither safetensors nor tensors by name as torch.save writes them"
        ) from error
    for name in _WITHIN:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise DataError(f"{file}: no file of weights: it holds something else than tensors by name")
    return {str(name).removeprefix("module."): value for name, value in found.items()}


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, what: str, source: Path) -> None:
    """Put weights into a network that knows all of them by their names; others are left out.

    Args:
        network: what is filled.
        weights: tensors by name; those of a classifier, which the network does not have, may be among them.
        what: name of the network, for the message.
        source: where the weights are from, for the message.

    Raises:
        DataError: some are missing, have another shape, or hold something else than the network computes
            with.
    """
    expected = network.state_dict()
    missing = [name for name in expected if name not in weights and not name.endswith("num_batches_tracked")]
    if missing:
        raise DataError(
            f"{source}: no weights of {what}: {len(missing)} of {len(expected)} tensors are not there, such "
            f"as {missing[0]!r}"
        )
    for name, tensor in expected.items():
        if name in weights and weights[name].shape != tensor.shape:
            raise DataError(
                f"{source}: no weights of {what}: {name} is {tuple(weights[name].shape)}, expected "
                f"{tuple(tensor.shape)}"
            )
        if name in weights and (problem := _problem(weights[name], tensor)):
            raise DataError(f"{source}: no weights of {what}: {name} {problem}")
    network.load_state_dict({name: weights.get(name, tensor) for name, tensor in expected.items()})


def _problem(found: Tensor, expected: Tensor) -> str:
    """What keeps a tensor from taking the place of another; nothing for one that may.

    >>> own = torch.zeros(2)
    >>> _problem(own.to(torch.int8), own)
    'holds int8, expected numbers such as float32'
    >>> _problem(own / 0, own), _problem(own.half(), own)
    ('holds nan or inf', '')
    """
    if found.is_meta or found.layout is not torch.strided:
        return "holds no numbers, but a sketch of them" if found.is_meta else "is a sparse tensor"
    if expected.is_floating_point() != found.is_floating_point():
        kinds = (str(tensor.dtype).removeprefix("torch.") for tensor in (found, expected))
        return "holds {}, expected numbers such as {}".format(*kinds)
    return "" if found.float().isfinite().all() else "holds nan or inf"


def fingerprint(about: Any, weights: Mapping[str, Tensor]) -> str:
    """32 hexadecimal digits that stand for weights, and for what else decides what they say.

    Args:
        about: anything that can be written as JSON.
        weights: tensors by name.

    >>> fingerprint("a", {}) == fingerprint("b", {})
    False
    """
    digest = hashlib.blake2b(json.dumps(about).encode(), digest_size=16)
    for name, tensor in weights.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
