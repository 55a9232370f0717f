"""A detector for benchmarks, on frozen pretrained maps, as whoever labels boxes gets one."""

from __future__ import annotations

from ncenet.learners.detector import Detector
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.run.people import OF_A_DETECTOR


def detector(seed: int, *, backbone: str = "lite0", head: str = "nce", side: int | None = None) -> Detector:
    """One that has learned nothing yet.

    Args:
        seed: of its weights and of the order of images.
        backbone: what reads the images.
        head: nce or softmax.
        side: of its images. Default: the backbone's own.
    """
    steps = {name.removeprefix("train."): value for name, value in OF_A_DETECTOR.items()}
    return Detector(
        ModelRecipe(backbone=backbone, head=HeadRecipe(name=head)),
        TrainRecipe.model_validate(steps),
        DataRecipe(image_size=side),
        Streams(seed),
    )
