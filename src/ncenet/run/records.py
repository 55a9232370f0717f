"""What the cycles of a run leave behind, as types; :mod:`ncenet.run.record_files` has them as files.

========================  ==========================================================================
``fit.json``              :class:`Fit`, how the network was trained
``test.json``             :class:`ClassTest` or :class:`BoxTest`, what it was worth on held-out images
``test.csv``              :class:`PredictedImage`, what became of each of them
``detections.csv``        :class:`FoundObject`, with boxes, what was found in them
``left_out.json``         :class:`LeftOut`, what others were worth on labels that they did not learn
``choosing.json``         :class:`Choosing`, what labels of chosen images taught, beside random ones
``query.json``            :class:`Asked`, who asked for what
``query.csv``             a :class:`~ncenet.types.Query`, the images in its order
``why.json``              :class:`Reason` by id, why each of them was asked for, for people
========================  ==========================================================================

What ``ncenet report --json`` prints are these records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from ncenet.types import FitReport

Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Fit:
    """How the network of a cycle was trained.

    Attributes:
        cycle: from 1.
        labeled: L, images that it learned.
        steps: of the optimizer.
        seconds: wall time.
        loss: mean of the last epoch; None when a learner of somebody's own says none.
        accuracy: training accuracy of the last epoch, in [0, 1]; None likewise.
        details: what parts of the model report, such as the radius of each class.
        boxes: on the images, where the budget counts those; else None.
    """

    cycle: Count
    labeled: Count
    steps: Count
    seconds: Seconds
    loss: float | None = None
    accuracy: Share | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    boxes: Count | None = None

    @classmethod
    def of(
        cls, cycle: int, report: FitReport | None, *, labeled: int, seconds: float, boxes: int | None = None
    ) -> Fit:
        """What a learner reports of a fit; when it says nothing, what was seen from outside."""
        if report is None:
            return cls(cycle, labeled, steps=0, seconds=seconds, boxes=boxes)
        return cls(cycle=cycle, boxes=boxes, **asdict(report))


@dataclass(frozen=True)
class Calibration:
    """Whether held-out images that are given 70 % are right seven times of ten.

    Errors are binned ones (ECE): the mean distance of confidence and accuracy over fifteen bins.

    Attributes:
        error: of the likelihood of the likeliest class, as the head says it, in [0, 1].
        temperature: what makes shares of likelihoods, found on labels that were left out in turn; None where
            they weren't.
        calibrated: error of these shares, in [0, 1]; None likewise.
        bins: of the shares, or of what the head says: images, mean confidence, part of them that is right.
    """

    error: Share
    temperature: float | None
    calibrated: Share | None
    bins: tuple[tuple[Count, Share, Share], ...]


@dataclass(frozen=True)
class ClassTest:
    """What a classifier is worth on held-out images.

    Attributes:
        cycle: whose network.
        labeled: L, images that it learned.
        images: N, held-out ones.
        accuracy: on them, in [0, 1].
        balanced_accuracy: mean over the classes that occur of their accuracy, in [0, 1].
        per_class: accuracy of each class that occurs, in [0, 1].
        seconds: wall time of the predictions.
        calibration: whether likelihoods can be taken at their word; None in records of older versions.
    """

    cycle: Count
    labeled: Count
    images: Count
    accuracy: Share
    balanced_accuracy: Share
    per_class: Mapping[str, Share]
    seconds: Seconds
    calibration: Calibration | None = None
    metric: Literal["accuracy"] = "accuracy"

    @property
    def headline(self) -> float:
        """The accuracy."""
        return self.accuracy


@dataclass(frozen=True)
class BoxTest:
    """What a detector is worth on held-out images; classes without an object are left out.

    Attributes:
        cycle: whose network.
        labeled: L, images that it learned.
        images: N, held-out ones.
        mAP: by 11 points, in [0, 1].
        per_class: average precision of each class by 11 points, in [0, 1].
        seconds: wall time of the predictions.
        objects: on the images, without difficult ones.
        mAP_interval: 95 % interval of the mAP over other images, in [0, 1].
        mAP_area: by the area under the curve, in [0, 1].
        per_class_area: likewise, of each class.
    """

    cycle: Count
    labeled: Count
    images: Count
    mAP: Share  # noqa: N815 - what everybody calls it
    per_class: Mapping[str, Share]
    seconds: Seconds
    objects: Count = 0
    mAP_interval: tuple[Share, Share] | None = None  # noqa: N815 - as mAP
    mAP_area: Share | None = None  # noqa: N815 - as mAP
    per_class_area: Mapping[str, Share] = field(default_factory=dict)
    metric: Literal["mAP"] = "mAP"

    @property
    def headline(self) -> float:
        """The mAP by 11 points."""
        return self.mAP

    @property
    def balanced_accuracy(self) -> None:
        """None: an mAP is a mean over classes already."""
        return None


Test: TypeAlias = ClassTest | BoxTest


@dataclass(frozen=True)
class LeftOut:
    """What a classifier is worth on labelled images that were left out in turn, a part at a time.

    That is no measure like held-out images: most of these were chosen, so they are not like the pool, and
    each was predicted by a model that learned fewer labels. How far it is off stands in
    benchmarks/results/left_out.md.

    Attributes:
        cycle: whose labels.
        labeled: L, how many images.
        right: how many of them were predicted right.
        balanced_accuracy: mean over the classes that occur of the part that was right, in [0, 1].
        folds: parts.
        temperature: what makes shares of likelihoods; None of softmax, and in records of older versions.
    """

    cycle: Count
    labeled: Count
    right: Count
    balanced_accuracy: Share
    folds: Count
    temperature: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the part that was right, over images like these."""
        from ncenet.run.advice import wilson

        return wilson(self.right, self.labeled)


WIDER = 1.3
"""The interval of what choosing gains is widened by this (ours): heads that share labels err together."""


@dataclass(frozen=True)
class Choosing:
    """How many random images a head names right that learned chosen ones, and one that learned random ones.

    Attributes:
        cycle: after which.
        labeled: how many labels each of the two learned.
        images: random images that both named; none that the head in question had learned.
        chosen: how many the head of chosen images named right.
        random: how many the other did.
        both: how many both did.
    """

    cycle: Count
    labeled: Count
    images: Count
    chosen: Count
    random: Count
    both: Count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of what choosing gains, in accuracy.

        Source: Agresti and Min, Simple improved confidence intervals for comparing matched proportions,
        Statistics in Medicine 2005: half an image is added to each of the four cells; then a third wider.

        >>> low, high = Choosing(3, 40, 50, 36, 30, 26).interval
        >>> round(low, 2), round(high, 2)
        (-0.07, 0.3)
        """
        wins, losses, n = self.chosen - self.both, self.random - self.both, self.images + 2
        gain = (wins - losses) / n
        half = WIDER * 1.959964 * (((wins + losses + 1) / n - gain**2) / n) ** 0.5
        return gain - half, gain + half


@dataclass(frozen=True)
class Asked:
    """Who asked for images, and how that went.

    Attributes:
        cycle: whose network chose; 0 before there was one.
        strategy: name of who asked.
        size: images in the query.
        score_seconds: wall time of the predictions on the pool.
        select_seconds: wall time of the choice among them.
        asked: how many were wanted, in the unit of the budget.
        pool: images that were there to choose from.
        scored: images that were scored.
    """

    cycle: Count
    strategy: str
    size: Count
    score_seconds: Seconds
    select_seconds: Seconds
    asked: Count | None = None
    pool: Count | None = None
    scored: Count | None = None


@dataclass(frozen=True)
class PredictedImage:
    """What became of one held-out image: its class, None while nobody has said it, and the predicted one."""

    id: str
    label: str | None
    predicted: str


@dataclass(frozen=True)
class FoundObject:
    """One object that was found: its image, its edges in pixels, its class and its score in [0, 1]."""

    id: str
    x1: float
    y1: float
    x2: float
    y2: float
    label: str
    score: float


@dataclass(frozen=True)
class Reason:
    """Why one image was asked for: what the model that asked says of it.

    Attributes:
        rejection: its score (Eq. 8).
        confusion: its score (Eq. 9).
        near: ids and labels of the labelled images whose features are nearest.
        likelihoods: of the likeliest classes, as shares of all, in [0, 1]; None of a detector.
        boxes: what a detector finds, each with ``box``, ``label`` and ``score``; None of a classifier.
    """

    rejection: float | None = None
    confusion: float | None = None
    near: tuple[tuple[str, str], ...] = ()
    likelihoods: Mapping[str, float] | None = None
    boxes: tuple[Mapping[str, Any], ...] | None = None


def as_json(record: Fit | Test | LeftOut | Choosing | Asked | Reason) -> dict[str, Any]:
    """A record as what JSON can hold, without what is not known."""
    return {key: value for key, value in asdict(record).items() if value is not None}
