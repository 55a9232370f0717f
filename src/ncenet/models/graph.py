"""The network as one graph for other runtimes: torch.export and ONNX.

The graph reads raw pixels, uint8 (batch, channels, H, W) in 0..255, of images resized to H x W; or feature
vectors, float32 (batch, D). The normalisation is part of it. Its outputs are named. Of a classifier:

=====================  ==========  ==============================================================
``likelihood``         (batch, C)  in [0, 1]; rows of an NCE head need not sum to one
``rejection``          (batch,)    in [0, C], Eq. 8
``confusion``          (batch,)    in [1, C], Eq. 9
=====================  ==========  ==============================================================

A committee is one graph of all members: these three are those of the mean likelihoods, and beside them stand

=====================  ==========  ==============================================================
``vote_entropy``       (batch,)    in nats, how the members' votes are divided
``consensus_entropy``  (batch,)    in nats, how unsure they are on average
=====================  ==========  ==============================================================

Where the model has shares, ``share`` (batch, C) follows: likelihoods as numbers that mean how often a class
is right, rows of which sum to one.

A model that learned on features is one graph with the network that makes them. It reads images of that
network's size, and ``embedding`` (batch, D) comes last: the vectors.

Of a detector:

=====================  ==================  ======================================================
``boxes``              (batch, A, 4)       x1, y1, x2, y2 in parts of the image's sides, cut off at its edge
``likelihood``         (batch, A, C + 1)   of each anchor, the background last
``rejection``          (batch,)            Eq. 8, over the anchors as :class:`DetectionModel` aggregates them
``confusion``          (batch,)            Eq. 9, likewise
=====================  ==================  ======================================================

Non-maximum suppression is left to the runtime: how many objects there are depends on the image, and every
runtime has an operator of its own for it.

``batch`` is free; everything else is fixed.
"""

from __future__ import annotations

import copy
import io
import json
import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.errors import MissingExtra, UsageError
from ncenet.features.extractor import Extractor
from ncenet.files import whole
from ncenet.functional.aggregate import aggregate
from ncenet.functional.boxes import decode_boxes
from ncenet.functional.calibration import as_shares
from ncenet.functional.scores import confusion, consensus_entropy, rejection, vote_entropy
from ncenet.learners.committee import Committee
from ncenet.learners.model_file import AnyNetwork
from ncenet.models.model import DetectionModel, Model
from ncenet.nn.network import Network
from ncenet.nn.ssd import SSD
from ncenet.recipe import Aggregate
from ncenet.score_columns import EMBEDDING, SHARE
from ncenet.strategies.options import needs_boxes
from ncenet.strategies.score import normalized

OUTPUTS = ("likelihood", "rejection", "confusion")
VOTES = (*OUTPUTS, "vote_entropy", "consensus_entropy")
BOXES = ("boxes", *OUTPUTS)


class Graph(nn.Module):
    """What is exported of a classifier: networks, and the scores of their mean likelihoods.

    Args:
        networks: one, or the members of a committee; in eval mode, on the CPU.
        extractor: makes the vectors that they read, if they learned on features.
        temperature: makes shares of the likelihoods, if one is known.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        extractor: Extractor | None = None,
        temperature: float | None = None,
    ) -> None:
        super().__init__()
        self.networks: Any = nn.ModuleList(networks)
        self.extractor, self.temperature = extractor, temperature
        self.outputs = OUTPUTS if len(networks) == 1 else VOTES
        if temperature is not None:
            self.outputs = (*self.outputs, SHARE)
        if extractor is not None:
            self.outputs = (*self.outputs, EMBEDDING)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Likelihood (B, C), scores (B,), share (B, C) of inputs (B, channels, H, W) or (B, D)."""
        if self.extractor is None:
            return self._scores(inputs)
        vectors = self.extractor(inputs)
        return (*self._scores(vectors), vectors)

    def _scores(self, inputs: Tensor) -> tuple[Tensor, ...]:
        samples = torch.stack([each.head.probs(each(inputs).output) for each in self.networks])
        likelihood = samples.mean(0)
        scores = (likelihood, rejection(likelihood), confusion(likelihood))
        votes: tuple[Tensor, ...] = ()
        if len(self.networks) > 1:
            votes = (vote_entropy(samples), consensus_entropy(normalized(samples)))
        share = () if self.temperature is None else (as_shares(likelihood, self.temperature),)
        return (*scores, *votes, *share)


class BoxGraph(nn.Module):
    """What is exported of a detector: what each anchor says, and the scores of the image.

    Args:
        network: in eval mode, on the CPU.
        how: how the scores of anchors become one.
        k: number of anchors of ``"top-k"``.

    Raises:
        UsageError: the scores would depend on non-maximum suppression.
    """

    def __init__(self, network: SSD, how: Aggregate, k: int) -> None:
        super().__init__()
        if needs_boxes(how):
            raise UsageError(
                f"scores are aggregated by {how}, and a graph can't hold non-maximum suppression: export as "
                'safetensors, or in Python say aggregate_by("mean"), "top-k" or "max" first'
            )
        self.network, self.how, self.k = network, how, k
        self.outputs = BOXES

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Boxes (B, A, 4), likelihood (B, A, C + 1) and scores (B,) of images (B, channels, S, S)."""
        said = self.network(inputs)
        likelihood = self.network.head.probs(self.network.head(said.vectors))
        scores = [aggregate(score(likelihood), self.how, k=self.k) for score in (rejection, confusion)]
        return (decode_boxes(said.codes, self.network.anchors).clamp(0, 1), likelihood, *scores)


def graph_of(model: Model | DetectionModel) -> Graph | BoxGraph:
    """What is exported of a model.

    Raises:
        UsageError: a detector whose scores a graph can't hold.
    """
    if isinstance(model, DetectionModel):
        return BoxGraph(portable(model.learner.network), model.aggregate, model.aggregate_k)
    learner = model.learner
    members = learner.members if isinstance(learner, Committee) else (learner,)
    return Graph(
        [portable(member.network) for member in members],
        None if model.eyes is None else copy.deepcopy(model.eyes.extractor).to("cpu"),
        model.temperature,
    )


def traced(model: Model | DetectionModel) -> torch.export.ExportedProgram:
    """The graph of a model, for batches of any size.

    Raises:
        UsageError: as :func:`graph_of`.
    """
    return _traced(graph_of(model), model.shape)


def write_torch(model: Model | DetectionModel, file: Path) -> None:
    """Write a ``.pt2`` file, which ``torch.export.load`` reads; ``about.json`` in it names the classes.

    Raises:
        UsageError: as :func:`graph_of`.
    """
    about = {"about.json": json.dumps(model.config)}
    # By way of memory: torch insists on the suffix, which a temporary name doesn't have.
    buffer = io.BytesIO()
    torch.export.save(traced(model), buffer, extra_files=about)
    with whole(file) as partial:
        partial.write_bytes(buffer.getvalue())


def write_onnx(model: Model | DetectionModel, file: Path) -> None:
    """Write an ONNX file; the metadata ``class_names`` (JSON) and ``ncenet`` say what it is.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
        UsageError: as :func:`graph_of`.
    """
    try:
        for needed in ("onnx", "onnxscript"):  # by torch.onnx
            import_module(needed)
    except ImportError:
        raise MissingExtra("writing ONNX files", "onnx", "40 MB") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    graph = graph_of(model)
    program: Any = torch.onnx.export(
        _traced(graph, model.shape),
        input_names=["pixels" if len(model.shape) == 3 else "features"],
        output_names=list(graph.outputs),
        dynamo=True,
        verbose=False,
    )
    program.model.metadata_props["class_names"] = json.dumps(model.config["class_names"])
    program.model.metadata_props["ncenet"] = json.dumps(model.config)
    with whole(file) as partial:
        program.save(partial, external_data=False)


def _traced(graph: Graph | BoxGraph, shape: tuple[int, ...]) -> torch.export.ExportedProgram:
    # Two rows: a batch of one would be taken for a constant. Contiguous: in another layout the file warns.
    example = torch.zeros((2, *shape), dtype=torch.uint8 if len(shape) == 3 else torch.float32)
    with torch.no_grad():
        return torch.export.export(
            graph.eval(), (example,), dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}}
        )


def portable(network: AnyNetwork) -> AnyNetwork:
    """A copy on the CPU, without what stands beside it for a query strategy: no output reads that."""
    portable = copy.deepcopy(network).to("cpu").to(memory_format=torch.contiguous_format)
    portable.auxiliary = None
    return portable
