"""The words that every layer shares: what a pool, a prediction, a query and a learner are.

Shape letters throughout the project: N images, C classes, D features, K prototypes per class,
M stochastic passes, A anchors, L labelled, B images in a batch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from ncenet.errors import DataError, UnknownName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Generator, Tensor

    Image: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    """Pixels as uint8 (H, W, channels) with 1 or 3 channels, or a float32 feature vector (D,)."""

Label: TypeAlias = str
"""The name of a class. Names, not indices, go into the ledger: they survive a reordering.

In detection it is the text of all boxes of an image: see :meth:`Boxes.to_label`.
"""

Box: TypeAlias = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels of the original image, upright: left, top, right and bottom edge.

Edges, not pixel numbers: a box around the whole of a 640 x 480 image is (0, 0, 640, 480).
"""


def box_problem(values: object) -> str | None:
    """Why these are not the four edges of a box; None when they are.

    >>> box_problem([10, 20, 10, 40]), box_problem((1.5, 2, 3, 4))
    ('has no area: x1 10 is not below x2 10', None)
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 4:
        return f"is not four numbers x1, y1, x2, y2: {values!r}"
    for name, value in zip(("x1", "y1", "x2", "y2"), values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"has {name} {value!r}, which is not a finite number"
    x1, y1, x2, y2 = values
    for axis, low, high in (("x", x1, x2), ("y", y1, y2)):
        if low >= high:
            return f"has no area: {axis}1 {low:g} is not below {axis}2 {high:g}"
    return None


@dataclass(frozen=True)
class Boxes:
    """The objects of one image: the ground truth of detection. An image without objects has no boxes.

    Attributes:
        boxes: of each object.
        labels: class names, parallel to ``boxes``.
        difficult: whether an object is so hard to recognise that finding it earns nothing and missing it
            costs nothing, parallel to ``boxes``. Default: none is.

    Raises:
        DataError: a box is not four finite numbers or has no area, a label is empty, or lengths differ.

    >>> seen = Boxes(((10, 20, 110.5, 220),), ("cat",))
    >>> seen.to_label()
    '[{"box":[10,20,110.5,220],"label":"cat"}]'
    >>> Boxes.from_label(seen.to_label()) == seen, Boxes.from_label("[]") == Boxes()
    (True, True)
    """

    boxes: tuple[Box, ...] = ()
    labels: tuple[Label, ...] = ()
    difficult: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        difficult = self.difficult or (False,) * len(self.boxes)
        if not len(self.boxes) == len(self.labels) == len(difficult):
            raise DataError(
                f"{len(self.boxes)} boxes, {len(self.labels)} labels and {len(difficult)} marks of difficulty"
            )
        for n, (box, label) in enumerate(zip(self.boxes, self.labels, strict=True), start=1):
            problem = box_problem(box)
            if problem is not None:
                raise DataError(f"object {n}: the box {problem}")
            if not isinstance(label, str) or not label:
                raise DataError(f"object {n}: the label is {label!r}, not the name of a class")
        boxes = tuple((float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in self.boxes)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "difficult", tuple(map(bool, difficult)))

    def __len__(self) -> int:
        return len(self.boxes)

    def to_label(self) -> Label:
        """The boxes as the answer that goes into the ledger: JSON, the same text for the same boxes."""
        objects = []
        for box, label, difficult in zip(self.boxes, self.labels, self.difficult, strict=True):
            edges = [int(edge) if edge.is_integer() else edge for edge in box]
            objects.append({"box": edges, "label": label} | ({"difficult": True} if difficult else {}))
        return json.dumps(objects, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_label(cls, text: Label, *, classes: Collection[str] | None = None) -> Boxes:
        """Read what :meth:`to_label` wrote, or what somebody wrote in that form.

        Args:
            text: a JSON list of objects ``{"box": [x1, y1, x2, y2], "label": NAME, "difficult": false}``; the
                last may be left out.
            classes: the class names that are allowed; None allows any.

        Raises:
            DataError: not of that form; says at which object, counted from 1.
            UnknownName: a label is not among ``classes``.
        """
        try:
            objects: Any = json.loads(text)
        except (ValueError, TypeError) as error:
            raise DataError(f"not boxes in JSON: {error}") from error
        if not isinstance(objects, list):
            raise DataError(f"boxes are a JSON list of objects, got {text[:60]!r}")
        for n, each in enumerate(objects, start=1):
            keys = set(each) if isinstance(each, dict) else set()
            if not {"box", "label"} <= keys <= {"box", "label", "difficult"}:
                raise DataError(
                    f"object {n}: expected the keys box, label and perhaps difficult, got {each!r}"
                )
            if not isinstance(each.get("difficult", False), bool):
                raise DataError(f"object {n}: difficult is {each['difficult']!r}, not true or false")
        boxes = cls(
            tuple(each["box"] for each in objects),
            tuple(each["label"] for each in objects),
            tuple(each.get("difficult", False) for each in objects),
        )
        for n, label in enumerate(boxes.labels, start=1):
            if classes is not None and label not in classes:
                raise UnknownName("class", label, classes, where=f"object {n}")
        return boxes


@dataclass(frozen=True)
class Detections:
    """The objects that a detector finds in one image, likeliest first.

    Attributes:
        id: of the image.
        boxes: of each object, in pixels of the original image.
        labels: class names, parallel to ``boxes``.
        scores: in [0, 1], parallel to ``boxes``; higher is likelier.
    """

    id: str
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    scores: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.boxes)


@runtime_checkable
class Pool(Protocol):
    """Images under ids that never change: a relative path, ``"test/00012"``, a row key.

    A pool knows no labels.
    """

    def ids(self) -> Sequence[str]:
        """All ids, in a stable order."""

    def load(self, id: str) -> Image:
        """The decoded image.

        Raises:
            UnreadableImage: the bytes behind the id are not an image that can be decoded.
        """

    def content_hash(self, id: str) -> str:
        """A hash of the bytes behind the id, as hexadecimal digits."""


@dataclass(frozen=True)
class LabeledSet:
    """The images with labels, in the order in which the labels arrived.

    Attributes:
        ids: L ids.
        labels: L class names, parallel to ``ids``; in detection the text of their boxes.
        class_names: the C classes; a label's index in it is its target.
    """

    ids: Sequence[str]
    labels: Sequence[Label]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def targets(self) -> list[int]:
        """Class indices in [0, C), parallel to ``ids``."""
        index = {name: c for c, name in enumerate(self.class_names)}
        return [index[label] for label in self.labels]

    def boxes(self) -> list[Boxes]:
        """The objects of each image, parallel to ``ids``, when the task is detection."""
        return [Boxes.from_label(label, classes=self.class_names) for label in self.labels]


@dataclass(frozen=True)
class Prediction:
    """What a learner says of one chunk of images; N rows in the order of ``ids``.

    Attributes:
        ids: N ids.
        probs: (N, C) in [0, 1]. Rows of a softmax head sum to one; rows of an NCE head are likelihoods
            per class and need not. Detection: (N, A, C + 1) for A anchors, the background last.
        features: (N, D), the output of the backbone, when it was wanted. An NCE head with a projection, the
            default, maps it once more before it meets the prototypes. Detection: averaged over the image.
        extras: further tensors of N rows (or M x N) by name, such as ``samples`` (M, N, C), or in detection
            ``boxes`` (N, A, 4).
    """

    ids: Sequence[str]
    probs: Tensor
    features: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """The images that a strategy wants labelled, most informative first.

    Attributes:
        ids: distinct ids of the pool.
        scores: parallel to ``ids``; higher is more informative.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class FitReport:
    """What one fit did.

    Attributes:
        labeled: size L of the labelled set.
        steps: optimizer steps taken.
        seconds: wall time of the fit.
        loss: mean training loss of the last epoch.
        accuracy: training accuracy of the last epoch, in [0, 1].
        details: what the parts of the model report, such as the radius per class.
    """

    labeled: int
    steps: int
    seconds: float
    loss: float
    accuracy: float
    details: Mapping[str, Any] = field(default_factory=dict)


class PoolView(Protocol):
    """All that a query strategy sees: predictions on the pool, never a hidden label."""

    @property
    def ids(self) -> Sequence[str]:
        """Ids that may be queried."""

    @property
    def labeled_ids(self) -> Sequence[str]:
        """Ids that have a label."""

    @property
    def labels(self) -> Sequence[int]:
        """Class indices in [0, C), parallel to ``labeled_ids``; for classification alone."""

    def inputs(self, ids: Sequence[str]) -> Tensor:
        """What the network would read of images of the pool or the labelled set, under the test transform.

        For strategies that train a model of their own. It comes on the device that the learner uses.

        Returns:
            uint8 (B, channels, H, W) in 0..255, or float (B, D0) for vectors, in the order of ``ids``.
        """

    def predictions(self) -> Iterator[Prediction]:
        """Predictions on the pool in the order of ``ids``, in chunks."""

    def labeled_predictions(self) -> Iterator[Prediction]:
        """Predictions on the labelled set in the order of ``labeled_ids``, in chunks."""


class QueryStrategy(Protocol):
    """The rule that picks the batch.

    A strategy that needs something trained beside the network has an attribute ``auxiliary``, a
    :data:`ncenet.nn.auxiliary.AuxiliaryFactory`; the learner is given it. One that works with some recipes
    alone has an attribute ``requires``, see :func:`ncenet.strategies.check_fits`.
    """

    @property
    def needs(self) -> frozenset[str]:
        """What predictions must carry; empty for none.

        ``"probs"``, ``"features"``, ``"samples"``, or the name of what the strategy's auxiliary says.
        ``"inputs"`` is no part of a prediction: it says that the strategy reads :meth:`PoolView.inputs`.
        """

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """At most ``query_size`` distinct ids of the pool (all of them when the pool is smaller)."""


class Learner(Protocol):
    """A model that learns from a labelled set and predicts on a pool."""

    def fit(
        self,
        labeled: LabeledSet,
        pool: Pool,
        *,
        cycle: int,
        before: Path | None = None,
        resume: Path | None = None,
    ) -> FitReport:
        """Train on the labelled set.

        Args:
            labeled: what to learn.
            pool: where its images are.
            cycle: number of the cycle; keys the learner's random streams.
            before: model of the cycle before, read by a warm start.
            resume: file of the training checkpoint, written now and then, continued from when it exists.
        """

    def predict(self, pool: Pool, ids: Sequence[str], *, want: frozenset[str]) -> Iterator[Prediction]:
        """Predict under the test transform and in eval mode, chunk by chunk, in the order of ``ids``."""

    def inputs(self, pool: Pool, ids: Sequence[str]) -> Tensor:
        """What the network reads of these images, see :meth:`PoolView.inputs`."""

    def save(self, file: Path) -> None:
        """Write the model as safetensors, whole or not at all."""

    def load(self, file: Path) -> None:
        """Read what :meth:`save` wrote."""
