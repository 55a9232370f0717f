"""The detector: a network trained on images with boxes, predicting on the pool what each anchor sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ncenet.boxes import Detections
from ncenet.data.pools import channels_of, size_of
from ncenet.data.tensors import ImageTensors
from ncenet.errors import UsageError
from ncenet.functional.boxes import anchor_targets, decode_boxes
from ncenet.functional.suppression import find_objects
from ncenet.learners.box_lesson import Augmented, BoxLesson, Objects, Show
from ncenet.learners.network_learner import NetworkLearner
from ncenet.learners.processes import processes
from ncenet.learners.seen import SeenMaps, SeenWithMirrors
from ncenet.nn.detection_backbones import build_detection_backbone
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.ssd import SSD, build_detection_head
from ncenet.types import FitReport, LabeledSet, Pool, Prediction

PREDICT_BATCH = 16
"""Images per chunk of predictions: with 8,732 anchors and 21 classes their probabilities take 12 MB."""
FORMAT = "ncenet-detector-1"


class Detector(NetworkLearner[SSD]):
    """A single-shot detector on images that are resized to squares.

    Labels are the texts of :meth:`ncenet.boxes.Boxes.to_label`. Predictions hold C + 1 columns: the classes
    in their order, then the background.

    Args:
        data: how images become tensors; its ``image_size`` is the side of the squares, None for the
            backbone's own.
        model, train, streams, flip_safe, auxiliary, notify: see
            :class:`~ncenet.learners.network_learner.NetworkLearner`.
    """

    format = FORMAT
    channels = 0

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

        The report's accuracy is the part of the learned anchors whose likeliest class was theirs.

        Raises:
            UsageError: the labelled set is empty, or the backbone does not take these images.
            DataError: a label is not the text of boxes.
            UnknownName: a box is of none of the classes.
        """
        if len(labeled) == 0:
            raise UsageError("nothing to learn from: the labelled set is empty")
        objects = [
            Objects.of(boxes, size_of(pool, id), labeled.class_names)
            for id, boxes in zip(labeled.ids, labeled.boxes(), strict=True)
        ]
        warm = self._warm(before, labeled.class_names)
        if not warm:
            with self.streams.scope("weights", cycle):
                network = self._build(channels_of(pool), labeled.class_names)
                self._network = network.to(processes().device)
        tensors = self.tensors_of(pool)
        if not warm:
            self.network.set_normalization(tensors.chunks(labeled.ids))
            if self._looks_first:
                self.network.head.initialize(*self._anchor_vectors(labeled.ids, objects, pool, cycle))
        report = self._run(
            BoxLesson(self.network, labeled.ids, objects, self._show(pool, labeled.ids)), cycle, resume
        )
        return replace(report, details=self._details(labeled, objects, pool))

    def _show(self, pool: Pool, ids: Sequence[str]) -> Show:
        """How these images of a pool are shown in training."""
        from ncenet.data.augment_boxes import BoxAugment  # whoever learns no boxes waits for no torchvision

        backbone, train, seen = self.network.backbone, self.train, self.seen_of(pool)
        flip = self.flip_safe if train.flip is None else train.flip
        distort = backbone.augment if train.box_augment is None else train.box_augment
        if isinstance(seen, SeenMaps) and not distort:
            seen.prepare(ids, mirrored=flip, tell=self._tell_of_maps)
            return SeenWithMirrors(seen, flip=flip)
        fill = self.network.mean.tolist()
        augment = BoxAugment(backbone.side, fill=fill, flip=flip, distort=distort)
        return Augmented(self.tensors_of(pool).batch, augment)

    def seen_of(self, pool: Pool) -> ImageTensors | SeenMaps:
        """What the network reads of a pool: images, or what its frozen part made of them before."""
        tensors = self.tensors_of(pool)
        if self.network.backbone.frozen is None:
            return tensors
        return SeenMaps(self.model.backbone, self.network, pool, tensors, most_gb=self.data.cache_gb)

    def _tell_of_maps(self, done: int, total: int) -> None:
        if self.notify is not None:
            self.notify({"event": "maps", "done": done, "total": total})

    def predict(
        self, pool: Pool, ids: Sequence[str], *, want: frozenset[str], chunk: int = PREDICT_BATCH
    ) -> Iterator[Prediction]:
        """Predict chunk by chunk; see :class:`ncenet.types.Learner`.

        Args:
            pool: where the images are.
            ids: which of them, in the order of the answer.
            want: beside ``probs`` (N, A, C + 1) come, when named here, ``"features"`` (N, D), ``"samples"``
                (M, N, A, C + 1), ``"boxes"`` (N, A, 4) in parts of the image's sides, and what the auxiliary
                says (N,).
            chunk: images at a time.
        """
        network, seen = self.network, self.seen_of(pool)
        if isinstance(seen, SeenMaps):
            seen.prepare(ids, tell=self._tell_of_maps)
        device = network.mean.device
        for start in range(0, len(ids), chunk):
            some = ids[start : start + chunk]
            # Not inference mode: whoever reads may learn from what is said.
            with torch.no_grad():
                images = self._to(device, seen.batch(some))
                said = network(images)
                extras = {}
                if network.auxiliary is not None and network.auxiliary.extra in want:
                    extras[network.auxiliary.extra] = said.auxiliary.cpu()
                if "boxes" in want:
                    extras["boxes"] = decode_boxes(said.codes, network.anchors).cpu()
                if "samples" in want:
                    with self.streams.scope("dropout", self.cycle, -1, start):
                        extras["samples"] = network.samples(images, self.model.passes).cpu()
                prediction = Prediction(
                    some,
                    network.head.probs(network.head(said.vectors)).cpu(),
                    said.features.float().cpu() if "features" in want else None,
                    extras,
                )
            yield prediction  # outside: the mode is no concern of whoever reads

    def detect(self, pool: Pool, ids: Sequence[str]) -> Iterator[Detections]:
        """The objects of each image, after suppression, in the order of ``ids``.

        Boxes are in pixels of the original image and cut off at its edge.
        """
        for chunk in self.predict(pool, ids, want=frozenset({"boxes"})):
            yield from self.objects(pool, chunk)

    def objects(self, pool: Pool, said: Prediction) -> Iterator[Detections]:
        """What :meth:`detect` finds in images on which a prediction with boxes has been made."""
        for id, probs, boxes in zip(said.ids, said.probs, said.extras["boxes"], strict=True):
            width, height = size_of(pool, id)
            found = find_objects(probs[:, :-1], boxes.clamp(0, 1))
            pixels = found.boxes * torch.tensor([width, height, width, height])
            yield Detections(
                id,
                tuple((x1, y1, x2, y2) for x1, y1, x2, y2 in pixels.tolist()),
                tuple(self.class_names[c] for c in found.classes.tolist()),
                tuple(found.scores.tolist()),
            )

    def anchors(self, pool: Pool, id: str) -> Tensor:
        """The anchors (A, 4) on one image, in its pixels; they may reach beyond it."""
        width, height = size_of(pool, id)
        return self.network.anchors.cpu() * torch.tensor([width, height, width, height])

    @property
    def input_about(self) -> dict[str, Any]:
        """Channels and side of one image."""
        return {"channels": self.channels, "side": self.network.backbone.side}

    def rebuilt(self, about: Mapping[str, Any]) -> SSD:
        """The network that a file tells of."""
        return self._build(about["channels"], tuple(about["class_names"]), about["side"], empty=True)

    def _build(
        self, channels: int, class_names: tuple[str, ...], side: int | None = None, *, empty: bool = False
    ) -> SSD:
        if channels == 0:
            raise UsageError("detection needs images, and these are feature vectors")
        self.channels, self.class_names = channels, class_names
        backbone = build_detection_backbone(self.model, channels, side or self.data.image_size, empty=empty)
        head = build_detection_head(self.model, len(class_names))
        network = SSD(backbone, head, channels=channels, dropout=self.model.dropout)
        if self.auxiliary is not None:
            # Built last: what is drawn for the network is the same with and without it.
            network.auxiliary = self.auxiliary(backbone.channels)
        if self.train.channels_last:
            network = network.to(memory_format=torch.channels_last)
        return network

    def _anchor_vectors(
        self, ids: Sequence[str], objects: Sequence[Objects], pool: Pool, cycle: int
    ) -> tuple[Tensor, Tensor]:
        """What the head reads of the anchors on objects, and of as many on the background, with classes.

        Under the test transform, (n, d) and (n,).
        """
        network, inputs = self.network.eval(), self.seen_of(pool)
        device, anchors = network.mean.device, network.anchors.cpu()
        noise = self.streams.torch("weights", cycle, 1)
        vectors, classes = [], []
        for start in range(0, len(ids), PREDICT_BATCH):
            rows = range(start, min(start + PREDICT_BATCH, len(ids)))
            with torch.no_grad():
                images = self._to(device, inputs.batch([ids[row] for row in rows]))
                seen = network.vectors(network.maps(images)).float()
            for row, of_image in zip(rows, seen, strict=True):
                there = objects[row]
                wanted, _ = anchor_targets(
                    anchors, there.boxes, there.classes, there.difficult, background=network.background
                )
                positive = ((wanted >= 0) & (wanted != network.background)).nonzero().flatten()
                negative = (wanted == network.background).nonzero().flatten()
                some = negative[torch.randperm(len(negative), generator=noise)[: max(1, len(positive))]]
                chosen = torch.cat([positive, some])
                vectors.append(of_image[chosen.to(device)])
                classes.append(wanted[chosen])
        return torch.cat(vectors), torch.cat(classes).to(device)

    def _details(self, labeled: LabeledSet, objects: Sequence[Objects], pool: Pool) -> dict[str, Any]:
        head, names = self.network.head, (*labeled.class_names, "background")
        details = head.report(names)
        if isinstance(head, PrototypeClassifier) and head.prototypes.shape[1] > 1:
            live = head.live_prototypes(*self._anchor_vectors(labeled.ids, objects, pool, self.cycle))
            details["live_prototypes"] = dict(zip(names, live.tolist(), strict=True))
        return details

    def _opened(self, pool: Pool) -> ImageTensors:
        return ImageTensors(
            pool,
            pool.ids(),
            size=self.network.backbone.side,
            channels=self.channels,
            cache_gb=self.data.cache_gb,
            workers=self.data.workers,
        )
