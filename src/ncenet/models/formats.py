"""The forms in which a model leaves."""

from __future__ import annotations

from pathlib import Path

from ncenet.errors import UsageError
from ncenet.models.graph import write_onnx, write_torch
from ncenet.models.model import DetectionModel, Model, load
from ncenet.registry import Registry
from ncenet.run.folder import RunFolder, refuse_own

model_formats: Registry[None] = Registry("model format", package=None, group="ncenet.model_formats")
"""Functions that write a model to a path; of plug-ins too."""

model_formats.register("torch")(write_torch)
model_formats.register("onnx")(write_onnx)


@model_formats.register("safetensors")
def _write_folder(model: Model | DetectionModel, out: Path) -> None:
    model.save_pretrained(out)


def export_model(run: Path, out: Path, format: str, *, cycle: int | None = None) -> Path:
    """Write a model of a run.

    Args:
        run: the run folder.
        out: a folder for safetensors, else a file.
        format: ``"safetensors"`` (a folder with weights and config), ``"torch"`` (a ``torch.export`` file),
            ``"onnx"``, or that of a plug-in.
        cycle: whose model. Default: the last that was trained.

    Returns:
        The file in the run that was exported.

    Raises:
        UnknownName: there is no such format.
        UsageError: there is no such model, the folder is there already, or a graph can't hold the scores.
        MissingExtra: ONNX without its libraries.
    """
    refuse_own(out)
    write = model_formats.get(format)
    source = run if cycle is None else RunFolder(run).cycle(cycle).model
    if cycle is not None and not source.exists():
        raise UsageError(f"{run}: cycle {cycle} has no model")
    model = load(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    model_formats.use(format, lambda _: write(model, out))
    return model.file
