"""The network as one graph for other runtimes: torch.export and ONNX.

The graph reads raw pixels, uint8 (batch, channels, H, W) in 0..255, of images resized to H x W; or feature
vectors, float32 (batch, D). The normalisation is part of it. Its outputs are named:

==============  ==========  ==============================================================
``likelihood``  (batch, C)  in [0, 1]; rows of an NCE head need not sum to one
``rejection``   (batch,)    in [0, C], Eq. 8
``confusion``   (batch,)    in [1, C], Eq. 9
==============  ==========  ==============================================================

``batch`` is free; everything else is fixed.
"""

from __future__ import annotations

import copy
import io
import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.bridges.model import Model, read_about
from ncenet.errors import MissingExtra
from ncenet.files import whole
from ncenet.functional.scores import confusion, rejection
from ncenet.nn.network import Network

OUTPUTS = ("likelihood", "rejection", "confusion")


class Graph(nn.Module):
    """What is exported: a network and the scores of its likelihoods.

    Args:
        network: in eval mode, on the CPU.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Likelihood (B, C), rejection (B,) and confusion (B,) of inputs (B, channels, H, W) or (B, D)."""
        likelihood = self.network.head.probs(self.network(inputs).output)
        return likelihood, rejection(likelihood), confusion(likelihood)


def traced(model: Model) -> torch.export.ExportedProgram:
    """The graph of a model, for batches of any size."""
    network = copy.deepcopy(model.learner.network).to("cpu").to(memory_format=torch.contiguous_format)
    network.auxiliary = None  # beside the network, for a query strategy; no output reads it
    # Two rows: a batch of one would be taken for a constant. Contiguous: in another layout the file warns.
    kind = torch.uint8 if len(model.shape) == 3 else torch.float32
    example = torch.zeros((2, *model.shape), dtype=kind)
    with torch.no_grad():
        return torch.export.export(
            Graph(network).eval(), (example,), dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}}
        )


def write_torch(model: Model, file: Path) -> None:
    """Write a ``.pt2`` file, which ``torch.export.load`` reads; ``about.json`` in it names the classes."""
    about = {"about.json": json.dumps(read_about(model.file))}
    # By way of memory: torch insists on the suffix, which a temporary name doesn't have.
    buffer = io.BytesIO()
    torch.export.save(traced(model), buffer, extra_files=about)
    with whole(file) as partial:
        partial.write_bytes(buffer.getvalue())


def write_onnx(model: Model, file: Path) -> None:
    """Write an ONNX file; the metadata ``class_names`` (JSON) and ``ncenet`` say what it is.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
    """
    try:
        import onnx  # noqa: F401  (torch.onnx wants it)
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtra("writing ONNX files", "onnx", "40 MB") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program: Any = torch.onnx.export(
        traced(model),
        input_names=["pixels" if len(model.shape) == 3 else "features"],
        output_names=list(OUTPUTS),
        dynamo=True,
        verbose=False,
    )
    about = read_about(model.file)
    program.model.metadata_props["class_names"] = json.dumps(about["class_names"])
    program.model.metadata_props["ncenet"] = json.dumps(about)
    with whole(file) as partial:
        program.save(partial, external_data=False)
