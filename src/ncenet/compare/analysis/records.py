"""The files of the analysis: what they hold, where they are, how they are read and written.

::

    comparison/analysis/
    ├── information-seed-0.json  one for each seed
    ├── embedding.json
    └── regions.json

Each holds either what was found, or why nothing could be found, and a fingerprint of what it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ncenet.errors import DataError
from ncenet.files import ANALYSIS
from ncenet.section import Section
from ncenet.text_files import read_json

EMBEDDING, REGIONS = "embedding", "regions"
"""Names of files that there is one of."""


class InformationCurve(Section):
    """How one network spreads information over unlabelled images (Fig. 3).

    Attributes:
        arm: whose network.
        head: ``"nce"`` or ``"softmax"``.
        images: N, how many unlabelled images.
        labeled: how many labels the network has learned.
        ranks: places in the order of falling information, from 1 to N.
        relative: information of the image at each rank, in units of the mean (Eq. 11, times N).
        subset: information of all images up to each rank, in [0, 1] (Eq. 12).
        top_tenth: that of the N / 10 most informative images, in [0, 1].
    """

    arm: str
    head: str
    images: int
    labeled: int
    ranks: tuple[int, ...]
    relative: tuple[float, ...]
    subset: tuple[float, ...]
    top_tenth: float


class Information(Section):
    """The networks of the first cycle of one seed.

    Attributes:
        seed: their seed.
        curves: one for each arm of the figures, NCE first.
    """

    seed: int
    curves: tuple[InformationCurve, ...]


class Panel(Section):
    """One arm at one cycle, over the images of the embedding.

    Attributes:
        arm: whose network.
        cycle: number of the cycle.
        labeled: how many labels the network has learned, in the picture or not.
        x: first coordinates.
        y: second coordinates.
        status: of each image, one letter: ``p`` in the pool, ``l`` labelled, ``q`` queried in this cycle.
        farther: how likely a queried image is farther from its nearest labelled image than one that stays in
            the pool, in [0, 1]; .5 when they are alike. None without a query.
    """

    arm: str
    cycle: int
    labeled: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    status: str
    farther: float | None


class Embedding(Section):
    """Features of the same images in a frame that all panels share (Fig. 4).

    Attributes:
        seed: of the trials.
        pool: how many images the trials had to choose from.
        panels: by arm, NCE first, then by cycle.
    """

    seed: int
    pool: int
    panels: tuple[Panel, ...]


class Regions(Section):
    """Two heads on a plane, and what they make of it (Fig. 1 and 2).

    Attributes:
        arm: whose network the features come from.
        seed: its seed.
        cycle: its cycle.
        class_names: the classes that the heads have learned.
        x: first coordinates of their labelled images.
        y: second coordinates.
        targets: their classes.
        pool_x: first coordinates of unlabelled images.
        pool_y: second coordinates.
        window: left, right, bottom and top of the grid.
        side: points in each row of the grid, and rows.
        softmax_class: class that softmax predicts, row by row from the bottom.
        nce_class: class that the prototypes predict.
        entropy: of the softmax, in percent of the largest there can be.
        rejection: Eq. 8, likewise, from 0 where the likelihoods sum to 1 or more to 100 where all are 0.
        confusion: Eq. 9, likewise, from 0 where one class alone is likely to 100 where all are equally.
        radius: of each class.
        prototypes: their coordinates, one of each class.
    """

    arm: str
    seed: int
    cycle: int
    class_names: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    targets: tuple[int, ...]
    pool_x: tuple[float, ...]
    pool_y: tuple[float, ...]
    window: tuple[float, float, float, float]
    side: int
    softmax_class: tuple[int, ...]
    nce_class: tuple[int, ...]
    entropy: tuple[int, ...]
    rejection: tuple[int, ...]
    confusion: tuple[int, ...]
    radius: tuple[float, ...]
    prototypes: tuple[tuple[float, float], ...]


Finding = TypeVar("Finding", bound=Section)


@dataclass(frozen=True)
class Analysis:
    """What the folder of a comparison holds of it.

    Attributes:
        information: by seed, of those that were measured.
        embedding: None when there is none.
        regions: None when there is none.
        problems: why a figure could not be made, by the name of its file.
    """

    information: Mapping[int, Information]
    embedding: Embedding | None
    regions: Regions | None
    problems: Mapping[str, str]


def read_analysis(folder: Path, seeds: tuple[int, ...]) -> Analysis:
    """Read what there is.

    Args:
        folder: of the comparison.
        seeds: of the comparison; files of other seeds are passed over.
    """
    problems: dict[str, str] = {}

    def finding(name: str, kind: type[Finding]) -> Finding | None:
        record = read_record(folder, name)
        if record is None:
            return None
        if record["problem"] is not None:
            problems[name] = record["problem"]
            return None
        try:
            return kind.model_validate(record["finding"])
        except ValidationError:
            problems[name] = f"{record_file(folder, name)} was written by another version of ncenet"
            return None

    by_seed = {seed: finding(information_name(seed), Information) for seed in seeds}
    return Analysis(
        {seed: found for seed, found in by_seed.items() if found is not None},
        finding(EMBEDDING, Embedding),
        finding(REGIONS, Regions),
        problems,
    )


def information_name(seed: int) -> str:
    """Name of the file of a seed's information."""
    return f"information-seed-{seed}"


def record_file(folder: Path, name: str) -> Path:
    """The file of that name."""
    return folder / ANALYSIS / f"{name}.json"


def read_record(folder: Path, name: str) -> dict[str, str | None] | None:
    """Fingerprint, problem and finding of a file; None when it is not there or not whole."""
    try:
        record = read_json(record_file(folder, name))
    except DataError:
        return None
    whole = isinstance(record, dict) and {"fingerprint", "problem", "finding"} <= record.keys()
    return record if whole else None


def record_text(fingerprint: str, finding: Section | None, problem: str | None) -> str:
    """Text of a file."""
    found = None if finding is None else finding.model_dump(mode="json")
    record = {"fingerprint": fingerprint, "problem": problem, "finding": found}
    return json.dumps(record, separators=(",", ":")) + "\n"
