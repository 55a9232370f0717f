"""What a model is worth on held-out images, read once, after training; the files of its cycle take it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, cast

from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.errors import UnreadableImage
from ncenet.functional.average_precision import (
    judge_all,
    mean_average_precision,
    mean_average_precision_interval,
)
from ncenet.functional.calibration import as_shares, calibration_error, reliability
from ncenet.learners.box_counts import LEAST_SCORE
from ncenet.learners.folds import FOLDS, left_out, temperature_of, wants_temperature
from ncenet.learners.predictions import predictions_of
from ncenet.loop.pictures import draw_tested
from ncenet.rng import Streams
from ncenet.run.folder import CycleFolder
from ncenet.run.record_files import listed, write_found, write_left_out, write_predicted, write_test
from ncenet.run.records import BoxTest, Calibration, ClassTest, LeftOut, PredictedImage, Test
from ncenet.types import BoxLearner, LabeledSet, Learner, Pool

if TYPE_CHECKING:
    from torch import Tensor

MOST_LISTED = 100
"""Detections of one image that are listed, the likeliest first (ours)."""


def evaluate(
    learner: Learner,
    test: TestSet | BoxTestSet,
    files: CycleFolder,
    *,
    labeled: int,
    later: Sequence[str] = (),
    learned: tuple[LabeledSet, Pool] | None = None,
) -> Test:
    """Predict the held-out images, and write what became of them and what the model is worth.

    Of a detector a few images are drawn as well.

    Args:
        learner: a fitted learner; one of boxes where the images have boxes.
        test: the held-out images with their labels.
        files: of its cycle.
        labeled: L, how many images it learned from.
        later: held-out images of the same pool whose label comes later. What the model says of them is kept,
            so that all models can be held against the same images once it is there.
        learned: labels that the model learned and their pool, where they are to tell a temperature too
            (:func:`ncenet.learners.folds.temperature_of`): five fits.
    """
    if isinstance(test, BoxTestSet):
        record: Test = _boxes(cast(BoxLearner, learner), test, files, labeled)
    else:
        temperature = temperature_of(learner, *learned) if learned else None
        record = _classes(learner, test, files, labeled, later, temperature)
    write_test(files, record)
    return record


def evaluate_left_out(learner: Learner, labeled: LabeledSet, pool: Pool, files: CycleFolder) -> None:
    """Write what models say of labelled images that they did not learn, where that takes a second.

    Args:
        learner: holds the model of the cycle.
        labeled: what it learned.
        pool: where the images are.
        files: of the cycle.
    """
    said = left_out(learner, labeled, pool)
    if said is None:
        return
    targets, guesses = labeled.targets(), said.guesses
    total, right = Counter(targets), Counter[int]()
    right.update(target for target, guess in zip(targets, guesses, strict=True) if target == guess)
    balanced = fmean(right[target] / total[target] for target in total)
    temperature = said.temperature if wants_temperature(learner) else None
    write_left_out(files, LeftOut(files.number, len(targets), right.total(), balanced, FOLDS, temperature))


def _classes(
    learner: Learner,
    test: TestSet,
    files: CycleFolder,
    labeled: int,
    later: Sequence[str],
    temperature: float | None,
) -> ClassTest:
    import torch

    start = time.perf_counter()
    known = len(test.class_names)
    said = predictions_of(learner, test.pool, test.ids, want=frozenset(), classes=known)
    probs = torch.cat([chunk.probs.float() for chunk in said])
    predicted = probs.argmax(-1).tolist()
    seconds = time.perf_counter() - start
    names, total, right = test.class_names, [0] * len(test.class_names), [0] * len(test.class_names)
    for target, guess in zip(test.targets, predicted, strict=True):
        total[target] += 1
        right[target] += target == guess
    per_class = {name: r / n for name, r, n in zip(names, right, total, strict=True) if n}
    pairs = zip(test.ids, test.targets, predicted, strict=True)
    rows = [PredictedImage(id, names[target], names[guess]) for id, target, guess in pairs]
    unsaid = _of_those_there(learner, test.pool, later).items()
    write_predicted(files, [*rows, *(PredictedImage(id, None, names[guess]) for id, guess in unsaid)])
    return ClassTest(
        cycle=files.number,
        labeled=labeled,
        images=len(test.ids),
        accuracy=sum(right) / len(test.ids),
        balanced_accuracy=sum(per_class.values()) / len(per_class),
        per_class=per_class,
        seconds=seconds,
        calibration=_calibration(probs, torch.tensor(test.targets), temperature),
    )


def _calibration(probs_NC: Tensor, targets_N: Tensor, temperature: float | None) -> Calibration:
    error = calibration_error(probs_NC.clamp(0, 1), targets_N)
    shares = probs_NC if temperature is None else as_shares(probs_NC, temperature)
    bins = reliability(shares.clamp(0, 1), targets_N)
    return Calibration(
        error,
        temperature,
        None if temperature is None else calibration_error(shares, targets_N),
        tuple((each.images, min(each.confidence, 1.0), min(each.accuracy, 1.0)) for each in bins),
    )


def _likeliest(learner: Learner, pool: Pool, ids: Sequence[str]) -> list[int]:
    return [
        best
        for chunk in learner.predict(pool, ids, want=frozenset())
        for best in chunk.probs.argmax(-1).tolist()
    ]


def _of_those_there(learner: Learner, pool: Pool, ids: Sequence[str]) -> dict[str, int]:
    """The likeliest class of each image; one that is gone by now is left out: nobody will label it."""
    left = list(ids)
    while left:
        try:
            return dict(zip(left, _likeliest(learner, pool, left), strict=True))
        except UnreadableImage as problem:
            if problem.id not in left:
                raise
            left.remove(problem.id)
    return {}


def _boxes(learner: BoxLearner, test: BoxTestSet, files: CycleFolder, labeled: int) -> BoxTest:
    start = time.perf_counter()
    found = list(learner.detect(test.pool, test.ids))
    judged = judge_all(found, test.boxes, test.class_names)
    points, area = mean_average_precision(judged), mean_average_precision(judged, method="area")
    seconds = time.perf_counter() - start
    random = Streams(0).numpy("bootstrap", len(test))
    interval = mean_average_precision_interval(judged, rng=random)
    write_found(files, listed(found, most=MOST_LISTED, least_score=LEAST_SCORE))
    draw_tested(files.path, test, found)
    return BoxTest(
        cycle=files.number,
        labeled=labeled,
        images=len(test),
        mAP=points.mean,
        per_class=dict(points.per_class),
        seconds=seconds,
        objects=test.objects,
        mAP_interval=interval,
        mAP_area=area.mean,
        per_class_area=dict(area.per_class),
    )
