"""The image classifier: a network trained on the labelled set, predicting on the pool."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.arrays import check_vectors
from ncenet.data.pools import VectorRows, channels_of
from ncenet.data.scan import DEFAULT_SIDE
from ncenet.data.tensors import ImageTensors
from ncenet.errors import DataError, UnreadableImage, UsageError
from ncenet.features.own import OwnVectors
from ncenet.learners.head_fit import STEPS, fit_head
from ncenet.learners.lesson import ClassLesson
from ncenet.learners.network_learner import NetworkLearner
from ncenet.learners.processes import processes
from ncenet.nn.auxiliary import AuxiliaryFactory, stage_channels
from ncenet.nn.backbones import build_backbone, width_of
from ncenet.nn.heads import build_head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.nn.network import Network
from ncenet.nn.pretrained import PretrainedBackbone, moments_of, pretrained_net, trained_side
from ncenet.nn.principal import PrincipalComponents, step_of
from ncenet.progress import Notify
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import FitReport, LabeledSet, Pool, Prediction

PREDICT_BATCH = 256
"""Images per chunk of predictions."""
GROWN = 1.25
"""Principal components are learned anew when so many times the vectors are there (ours)."""
FORMAT = "ncenet-classifier-1"


class Classifier(NetworkLearner[Network]):
    """A network on images of one size, or on feature vectors.

    Args:
        model, train, data, streams, flip_safe, auxiliary, notify: see
            :class:`~ncenet.learners.network_learner.NetworkLearner`.
        backbone: makes a module of your own instead of the one that ``model.backbone`` names. It maps (B,
            channels, H, W) to features (B, D); D is its attribute ``out_features``, or is found by asking.
        member: number of this network in a committee, which keeps the weights of all in one file.
    """

    format = FORMAT

    def __init__(
        self,
        model: ModelRecipe,
        train: TrainRecipe,
        data: DataRecipe,
        streams: Streams,
        *,
        flip_safe: bool = True,
        backbone: Callable[[], nn.Module] | None = None,
        auxiliary: AuxiliaryFactory | None = None,
        member: int | None = None,
        notify: Notify | None = None,
    ) -> None:
        super().__init__(model, train, data, streams, flip_safe=flip_safe, auxiliary=auxiliary, notify=notify)
        self.backbone, self.member = backbone, member
        self.fingerprint: str | None = None
        self._components: tuple[int, PrincipalComponents] | None = None
        self.shape: tuple[int, ...] = ()
        self._prefix = "" if member is None else f"members.{member}."

    def fit(
        self,
        labeled: LabeledSet,
        pool: Pool,
        *,
        cycle: int,
        before: Path | None = None,
        resume: Path | None = None,
    ) -> FitReport:
        """Train on the labelled set; see :class:`ncenet.types.Learner`.

        Raises:
            UsageError: the labelled set is empty, or the backbone does not take these images.
        """
        if len(labeled) == 0:
            raise UsageError("nothing to learn from: the labelled set is empty")
        tensors = self.tensors_of(pool)
        self.fingerprint = pool.fingerprint if isinstance(pool, VectorRows) else None
        targets = torch.tensor(labeled.targets())
        if self.fits_head:
            return self._fit_head(labeled, targets, pool, tensors, cycle)
        if not self._warm(before, labeled.class_names):
            with self.streams.scope("weights", cycle):
                if self._tunes:
                    self._begin_with_weights(labeled, targets, tensors)
                else:
                    # Of vectors the whole pool is at hand: a few tell little of how much each number varies.
                    seen = labeled.ids if len(tensors.shape) == 3 else _some_vectors(pool, tensors)[0]
                    network = self._build(tensors.shape, labeled.class_names, seen, tensors)
                    self._network = network.to(processes().device)
                    self._initialize_head(labeled.ids, targets, tensors)
        self.network.head.meet(targets)
        lesson = ClassLesson(
            head=self.network.head,
            inputs=tensors.batch,
            ids=labeled.ids,
            targets=targets,
            crop_padding=self._crop_padding(),
            flip=len(self.shape) == 3 and (self.flip_safe if self.train.flip is None else self.train.flip),
        )
        report = self._run(lesson, cycle, resume, keep_end=self.member is not None)
        return replace(report, details=self._details(labeled, targets, tensors))

    @property
    def fits_head(self) -> bool:
        """Whether the head learns alone, on vectors that are stored, in a second."""
        stored = self.model.features is not None and self.model.backbone == "identity"
        return stored and self.auxiliary is None and self.model.dropout == 0

    @property
    def _tunes(self) -> bool:
        """Whether the backbone brings weights, which learn on."""
        return self.model.brings_weights and self.backbone is None

    def _begin_with_weights(self, labeled: LabeledSet, targets: Tensor, tensors: ImageTensors) -> None:
        """A network that brings weights, and a head that is fitted to what it says: then both learn."""
        net = pretrained_net(self.model, tensors.shape)
        plain = Network(net, SoftmaxClassifier(net.out_features, 1), dropout=0, channels=tensors.shape[0])
        plain.set_moments(*moments_of(net, tensors.shape[0]))
        self._network = plain.to(processes().device)
        said = self._features_of(labeled.ids, tensors)
        backbone = PretrainedBackbone(net, PrincipalComponents.of(said.cpu()))
        network = self._build(tensors.shape, labeled.class_names, labeled.ids, tensors, backbone)
        network.set_moments(plain.mean, plain.std)
        self._network = network.to(processes().device)
        fit_head(network.head, backbone.reduce(said), targets.to(said.device))

    def features(self, ids: Sequence[str], pool: Pool) -> Tensor:
        """What meets the head (N, D), under the test transform."""
        return self._features_of(ids, self.tensors_of(pool)).cpu()

    def _fit_head(
        self, labeled: LabeledSet, targets: Tensor, pool: Pool, tensors: ImageTensors, cycle: int
    ) -> FitReport:
        """Fit the head to all vectors at once: in a second, and without a checkpoint."""
        ids = list(labeled.ids)
        with self.streams.scope("weights", cycle):
            reduced = self._reduced(pool)
            network = self._build(tensors.shape, labeled.class_names, ids, tensors, reduced)
            network = self._network = network.to(processes().device)
        rows = self.drawn(len(ids), cycle)
        ids, targets = [ids[row] for row in rows.tolist()], targets[rows]

        def tell(step: int, loss: float) -> None:
            if self.notify is not None:
                steps = max(step, STEPS)
                self.notify({"event": "fit", "cycle": cycle, "step": step, "steps": steps, "loss": loss})

        vectors = network.features(self._to(network.mean.device, tensors.batch(ids)))
        report = fit_head(network.head, vectors, targets.to(vectors.device), notify=tell)
        self.cycle = cycle
        network.eval()
        if self.model.head.unlabeled:
            known = set(labeled.ids)
            rest = [id for id in _ids_with_vectors(pool) if id not in known]
            some = rest[:: step_of(len(rest), tensors.shape[0])]
            network.head.settle(self._features_of(some, tensors), targets.to(vectors.device))
        return replace(report, labeled=len(labeled), details=self._details(labeled, targets, tensors, ids))

    def drawn(self, count: int, cycle: int) -> Tensor:
        """Rows of so many labels that this head learns alone from.

        All, of the first of a committee, who would have been alone; the others draw with replacement.
        """
        if not self.member:
            return torch.arange(count)
        return torch.randint(count, (count,), generator=self.streams.torch("order", cycle, self.member))

    def _reduced(self, pool: Pool) -> PrincipalComponents:
        """Principal components of the vectors that a pool has; learned anew when it has many more."""
        known = _ids_with_vectors(pool)
        if self._components is None or len(known) > GROWN * self._components[0]:
            tensors = self.tensors_of(pool)
            _, some = _some_vectors(pool, tensors)
            if len(some) > 1 and (some == some[:1]).all():
                raise DataError(f"{len(some)} vectors are all the same: nothing can be learned from them")
            self._components = len(known), PrincipalComponents.of(some)
        return copy.deepcopy(self._components[1])

    def predict(
        self, pool: Pool, ids: Sequence[str], *, want: frozenset[str], chunk: int = PREDICT_BATCH
    ) -> Iterator[Prediction]:
        """Predict chunk by chunk; see :class:`ncenet.types.Learner`.

        Args:
            pool: where the images are.
            ids: which of them, in the order of the answer.
            want: ``"features"``, ``"samples"`` (M, N, C), ``"in_radii"`` (N, D; see
                :meth:`ncenet.nn.heads.Head.in_radii`) and what the auxiliary says (N,) come beside ``probs``
                when named here.
            chunk: images at a time.
        """
        if isinstance(pool, VectorRows) and self.fingerprint not in (None, pool.fingerprint):
            raise DataError(
                f"the model learned on vectors of {self.model.features} ({self.fingerprint}), and these are "
                f"others ({pool.fingerprint}): other weights, another framing, or another file"
            )
        network, tensors = self.network, self.tensors_of(pool)
        if tensors.shape != self.shape:
            raise DataError(f"the model reads inputs of shape {self.shape}, got {tensors.shape}")
        device = network.mean.device
        for start in range(0, len(ids), chunk):
            some = ids[start : start + chunk]
            # Not inference mode: whoever reads may learn from what is said.
            with torch.no_grad():
                inputs = self._to(device, tensors.batch(some))
                features, output, auxiliary = network(inputs)
                extras = {}
                if network.auxiliary is not None and network.auxiliary.extra in want:
                    extras[network.auxiliary.extra] = auxiliary.cpu()
                if "in_radii" in want:
                    extras["in_radii"] = network.head.in_radii(features).cpu()
                if "samples" in want:
                    with self.streams.scope("dropout", self.cycle, -1, start):
                        extras["samples"] = network.samples(inputs, self.model.passes).cpu()
                prediction = Prediction(
                    some,
                    network.head.probs(output).cpu(),
                    features.float().cpu() if "features" in want else None,
                    extras,
                )
            yield prediction  # outside: the mode is no concern of whoever reads

    def share_inputs(self, other: Classifier) -> None:
        """Read pools from what another classifier has decoded; both must read images alike."""
        self._tensors = other._tensors

    @property
    def input_about(self) -> dict[str, Any]:
        """Shape of one input; of vectors, whose they are."""
        about: dict[str, Any] = {"shape": self.shape}
        if self.fingerprint is not None:
            about["fingerprint"] = self.fingerprint
        if isinstance(self.network.backbone, PrincipalComponents | PretrainedBackbone):
            about["components"] = self.network.backbone.out_features
        return about

    @property
    def _slow(self) -> nn.Module | None:
        backbone = self.network.backbone
        return backbone if isinstance(backbone, PretrainedBackbone) else None

    @property
    def _own_parts(self) -> bool:
        return self.backbone is not None

    def rebuilt(self, about: Mapping[str, Any]) -> Network:
        """The network that a file tells of; a backbone of the caller's own is made anew."""
        self.fingerprint = about.get("fingerprint")
        shape, components = tuple(about["shape"]), about.get("components")
        backbone: nn.Module | None = None
        if self._tunes and components is not None:
            net = pretrained_net(self.model, shape, empty=True)
            backbone = PretrainedBackbone(net, PrincipalComponents(net.out_features, components))
        elif components is not None:
            backbone = PrincipalComponents(shape[0], components)
        return self._build(shape, tuple(about["class_names"]), backbone=backbone)

    def _build(
        self,
        shape: tuple[int, ...],
        class_names: tuple[str, ...],
        ids: Sequence[str] = (),
        tensors: ImageTensors | None = None,
        backbone: nn.Module | None = None,
    ) -> Network:
        self.shape, self.class_names = shape, class_names
        recipe = self.model
        if tensors is None:  # weights come from a file next: none are to be downloaded
            recipe = recipe.model_copy(update={"pretrained": False})
        stored = backbone is not None
        if backbone is None:
            backbone = self.backbone() if self.backbone else build_backbone(recipe, shape)
        width = width_of(backbone, shape)
        head = build_head(self.model.head, width, len(class_names), stored=stored)
        # Built last: what is drawn for backbone and head is the same with and without it.
        auxiliary = self.auxiliary(stage_channels(backbone, shape)) if self.auxiliary else None
        if self.model.mirrored and len(shape) != 3:
            raise UsageError(
                "model.mirrored is for images, and these are vectors, which have no mirror image"
            )
        network = Network(
            backbone,
            head,
            dropout=self.model.dropout,
            channels=shape[0],
            mirrored=self.model.mirrored,
            auxiliary=auxiliary,
        )
        if tensors is not None and not stored:
            network.set_normalization(tensors.chunks(ids))
        if len(shape) == 3 and self.train.channels_last:
            network = network.to(memory_format=torch.channels_last)
        return network

    def _initialize_head(self, ids: Sequence[str], targets: Tensor, tensors: ImageTensors) -> None:
        if self._looks_first:
            features = self._features_of(ids, tensors)
            self.network.head.initialize(features, targets.to(features.device))

    def _features_of(self, ids: Sequence[str], tensors: ImageTensors) -> Tensor:
        """Features (N, D) under the test transform."""
        network = self.network.eval()
        device = network.mean.device
        with torch.no_grad():
            chunks = [
                network.features(self._to(device, tensors.batch(ids[i : i + PREDICT_BATCH]))).float()
                for i in range(0, len(ids), PREDICT_BATCH)
            ]
        return torch.cat(chunks)

    def _details(
        self,
        labeled: LabeledSet,
        targets: Tensor,
        tensors: ImageTensors,
        ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        head = self.network.head
        details = head.report(labeled.class_names)
        if isinstance(head, PrototypeClassifier) and head.prototypes.shape[1] > 1:
            features = self._features_of(labeled.ids if ids is None else ids, tensors)
            live = head.live_prototypes(features, targets.to(features.device))
            details["live_prototypes"] = dict(zip(labeled.class_names, live.tolist(), strict=True))
        return details

    def _crop_padding(self) -> int:
        if len(self.shape) != 3:
            return 0
        # An eighth of the side: the 4 pixels of the CIFAR recipe.
        return self.shape[-1] // 8 if self.train.crop_padding is None else self.train.crop_padding

    def _side(self) -> int:
        """Of the square images, where nobody says it."""
        return trained_side(self.model) if self._tunes else DEFAULT_SIDE

    def _opened(self, pool: Pool) -> ImageTensors:
        if isinstance(pool, OwnVectors):
            pool = pool.pool  # an array is read where it lies
        return ImageTensors(
            pool,
            pool.ids(),
            size=None if channels_of(pool) == 0 else self.data.image_size or self._side(),
            cache_gb=self.data.cache_gb,
            workers=self.data.workers,
        )


def _ids_with_vectors(pool: Pool) -> list[str]:
    """Of images whose vectors are there by now."""
    return pool.known() if isinstance(pool, VectorRows) else list(pool.ids())


def _some_vectors(pool: Pool, tensors: ImageTensors) -> tuple[list[str], Tensor]:
    """As many of them as tell how the vectors of a pool vary; without those that can't be read.

    Raises:
        DataError: one of them would spoil what is taken of all, a mean or a deviation.
    """
    known = _ids_with_vectors(pool)
    some = known[:: step_of(len(known), tensors.shape[0])]
    some = some if isinstance(pool, VectorRows) else [id for id in some if _can_be_read(pool, id)]
    vectors = tensors.batch(some)
    check_vectors(vectors.numpy(), "the vectors of the pool", lambda row: repr(some[row]))
    return some, vectors


def _can_be_read(pool: Pool, id: str) -> bool:
    try:
        pool.load(id)
    except UnreadableImage:
        return False
    return True
