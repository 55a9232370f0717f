"""Arrays of people as tensors, each of the shape that its name says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncenet.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

SHAPES = {"probs": "NC NAC", "features": "ND", "samples": "MNC MNAC", "boxes": "NA4"}
"""What an array may be of: a letter for each dimension."""
EXACT = 2
"""Bytes of a whole number that single precision always holds."""


def tensor_of(values: Any, name: str) -> Tensor:
    """An array of any library, or lists, as a tensor of floats on the processor.

    Args:
        values: the array.
        name: what it is, a key of ``SHAPES`` or another name, also after ``labeled_``.

    Raises:
        UsageError: no array of numbers, one of another shape, or likelihoods that are none.
    """
    import numpy as np
    import torch

    from ncenet.learners.predictions import ABOVE_ONE

    if hasattr(values, "to_numpy"):  # a frame of pandas or polars
        values = values.to_numpy()
    if isinstance(values, np.ma.MaskedArray):
        raise UsageError(
            f"{name}: a masked array, and what is masked is not known: fill it, or leave the rows out"
        )
    try:
        if isinstance(values, np.ndarray):
            values = _readable(values)
        if isinstance(values, list | tuple) and any(hasattr(row, "__array__") for row in values):
            values = torch.stack([torch.as_tensor(row) for row in values])
        exact = torch.float64 if isinstance(values, list | tuple) else None  # as Python's numbers are
        tensor = values if isinstance(values, torch.Tensor) else torch.as_tensor(values, dtype=exact)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"{name}: no array of numbers: {error}") from error
    if tensor.is_complex():
        raise UsageError(f"{name}: complex numbers, and real ones are read")
    shapes = SHAPES.get(name.removeprefix("labeled_"), "").split()
    if tensor.dim() < (2 if shapes else 1):  # what else a learner says of an image may be one number
        raise UsageError(
            f"{name}: expected a row for each image, got an array of shape {tuple(tensor.shape)}"
        )
    if shapes and tensor.dim() not in map(len, shapes):
        wanted = " or ".join(f"({', '.join(shape)})" for shape in shapes)
        raise UsageError(f"{name}: expected an array {wanted}, got one of shape {tuple(tensor.shape)}")
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():  # single precision would round off what sets large numbers apart
        tensor = tensor.float() if tensor.element_size() <= EXACT else tensor.double()
    if (name.endswith("probs") or name == "samples") and tensor.numel():
        finite = tensor.nan_to_num(0.5, posinf=0.5)  # the others are told with their ids
        low, high = float(finite.min()), float(finite.max())
        if low < 0 or high > 1 + ABOVE_ONE:
            raise UsageError(
                f"{name}: likelihoods are in [0, 1], as softmax makes logits; these are from {low:.3g} to "
                f"{high:.3g}"
            )
    return tensor


def _readable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array if torch can take it as it lies, else a copy: of one that is turned round, or read-only.

    Raises:
        TypeError, ValueError: objects that are no numbers.
    """
    import numpy as np

    kind = array.dtype.newbyteorder("=")
    if kind.type in (np.object_, np.longdouble):
        kind = np.dtype(np.float64)
    plain = kind == array.dtype and array.flags.writeable and min(array.strides, default=0) >= 0
    return array if plain else np.array(array, dtype=kind, order="C")
