"""The forms in which a model leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from ncenet.errors import UsageError
from ncenet.files import cycle_folder
from ncenet.models.graph import write_onnx, write_torch
from ncenet.models.model import DetectionModel, Model, load

ModelFormat: TypeAlias = Literal["safetensors", "torch", "onnx"]

_WRITERS: dict[ModelFormat, Callable[[Model | DetectionModel, Path], None]] = {
    "safetensors": lambda model, out: model.save_pretrained(out),
    "torch": write_torch,
    "onnx": write_onnx,
}


def export_model(run: Path, out: Path, format: ModelFormat, *, cycle: int | None = None) -> Path:
    """Write a model of a run.

    Args:
        run: the run folder.
        out: a folder for safetensors, else a file.
        format: a folder with weights and config, a ``torch.export`` file, or ONNX.
        cycle: whose model. Default: the last that was trained.

    Returns:
        The file in the run that was exported.

    Raises:
        UsageError: there is no such model, the folder is there already, or a graph can't hold the scores.
        MissingExtra: ONNX without its libraries.
    """
    source = run if cycle is None else cycle_folder(run, cycle) / "model.safetensors"
    if cycle is not None and not source.exists():
        raise UsageError(f"{run}: cycle {cycle} has no model")
    model = load(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[format](model, out)
    return model.file
