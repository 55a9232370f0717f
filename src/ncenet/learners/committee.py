"""A committee: several networks that learn the same labels from other weights, and vote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.errors import UsageError
from ncenet.learners.classifier import PREDICT_BATCH, Classifier
from ncenet.learners.model_file import write_model
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.nn.network import Network
from ncenet.progress import Notify
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import FitReport, LabeledSet, Pool, Prediction


class Committee:
    """M classifiers, trained one after the other and asked together.

    Args:
        members: all with a number (``member``), and with random streams of their own.
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        self.members = tuple(members)
        for member in self.members[1:]:
            member.share_inputs(self.members[0])

    @property
    def network(self) -> Network:
        """Nothing: for those who need the network of a classifier.

        Raises:
            UsageError: always; a committee has several.
        """
        raise UsageError(
            f"one network is needed here, and this model is a committee of {len(self.members)}: "
            "train one with model.members 1"
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes."""
        return self.members[0].class_names

    def __repr__(self) -> str:
        """How many there are, and the first."""
        return f"Committee({len(self.members)} of {self.members[0]!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (channels, H, W) or (D,)."""
        return self.members[0].shape

    @property
    def data(self) -> DataRecipe:
        """How images become tensors, for all members."""
        return self.members[0].data

    @data.setter
    def data(self, data: DataRecipe) -> None:
        for member in self.members:
            member.data = data

    def forget(self, pool: Pool) -> None:
        """Let go of a pool and its decoded images."""
        self.members[0].forget(pool)  # all read from the same

    def fit(
        self,
        labeled: LabeledSet,
        pool: Pool,
        *,
        cycle: int,
        before: Path | None = None,
        resume: Path | None = None,
    ) -> FitReport:
        """Train all members; see :class:`ncenet.types.Learner`.

        Each member has a checkpoint of its own, named after ``resume``, and the one of a finished member
        stays: resumed, the fit goes on with the member it was at.

        Returns:
            Steps and seconds of all, their mean loss and accuracy, and under ``details["members"]`` what each
            reports.
        """
        reports = []
        for number, member in enumerate(self.members):
            checkpoint = None if resume is None else resume.with_stem(f"{resume.stem}-{number}")
            reports.append(member.fit(labeled, pool, cycle=cycle, before=before, resume=checkpoint))
        return FitReport(
            labeled=len(labeled),
            steps=sum(report.steps for report in reports),
            seconds=sum(report.seconds for report in reports),
            loss=fmean(report.loss for report in reports),
            accuracy=fmean(report.accuracy for report in reports),
            details={"members": [dict(report.details) for report in reports]},
        )

    def predict(
        self, pool: Pool, ids: Sequence[str], *, want: frozenset[str], chunk: int = PREDICT_BATCH
    ) -> Iterator[Prediction]:
        """Predict chunk by chunk; see :class:`ncenet.types.Learner`.

        ``probs`` and what auxiliaries say are means over the members. ``"features"`` are those of all members
        side by side, (N, M D); ``"samples"`` (M, N, C) are the likelihoods that each member gives.
        """
        members = (member.predict(pool, ids, want=want - {"samples"}, chunk=chunk) for member in self.members)
        for said in zip(*members, strict=True):
            samples = torch.stack([prediction.probs for prediction in said])
            features = [prediction.features for prediction in said if prediction.features is not None]
            extras = {
                name: torch.stack([prediction.extras[name] for prediction in said]).mean(0)
                for name in said[0].extras
            }
            if "samples" in want:
                extras["samples"] = samples
            yield Prediction(
                said[0].ids, samples.mean(0), torch.cat(features, 1) if features else None, extras
            )

    def inputs(self, pool: Pool, ids: Sequence[str]) -> Tensor:
        """What all members read of these images."""
        return self.members[0].inputs(pool, ids)

    def save(self, file: str | PathLike[str]) -> None:
        """Write all members into one file, as safetensors, whole or not at all."""
        weights = {name: tensor for member in self.members for name, tensor in member.weights().items()}
        write_model(Path(file), self.members[0].about(), weights)

    def load(self, file: str | PathLike[str]) -> None:
        """Read what :meth:`save` wrote.

        Raises:
            DataError: the file is not such a committee.
        """
        for member in self.members:
            member.load(file)


def build_learner(
    model: ModelRecipe,
    train: TrainRecipe,
    data: DataRecipe,
    streams: Streams,
    *,
    flip_safe: bool = True,
    auxiliary: AuxiliaryFactory | None = None,
    backbone: Callable[[], nn.Module] | None = None,
    notify: Notify | None = None,
) -> Classifier | Committee:
    """The classifier of a recipe, or its committee when ``model.members`` says so.

    The first member draws from the run's own streams: it is the classifier that would have been alone.
    Arguments are those of :class:`ncenet.learners.classifier.Classifier`.
    """
    count = model.members
    members = [
        Classifier(
            model,
            train,
            data,
            Streams(streams.seed("member", number)) if number else streams,
            flip_safe=flip_safe,
            backbone=backbone,
            auxiliary=auxiliary,
            member=None if count == 1 else number,
            notify=_one_bar(notify, number, count),
        )
        for number in range(count)
    ]
    return members[0] if count == 1 else Committee(members)


def _one_bar(notify: Notify | None, number: int, count: int) -> Notify | None:
    """Tell of a member's steps as a part of the committee's."""
    if notify is None:
        return None

    def tell(event: Mapping[str, Any]) -> None:
        if event["event"] == "fit":
            steps = event["steps"]
            event = {**event, "step": number * steps + event["step"], "steps": count * steps}
        notify(event)

    return tell
