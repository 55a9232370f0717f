"""A few small pictures of each cycle: what the detector sees, and what made it ask.

They are drawn when the model is there, into files that a report shows from then on::

    cycles/001/pictures/
    ├── pictures.csv     file, kind ("test" or "query"), id, caption
    ├── test-1.jpg       a held-out image with its true boxes, and with those that were found
    └── query-1.jpg      a queried image, and where in it the anchors score high
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import PIL.Image
import PIL.ImageColor
import PIL.ImageDraw
import PIL.ImageFont

from ncenet.boxes import Box, Detections
from ncenet.data.dataset import BoxTestSet
from ncenet.files import whole
from ncenet.functional.heat import heat_map
from ncenet.strategies.score import ScoreStrategy
from ncenet.tables import read_csv, write_csv
from ncenet.types import BoxLearner, Pool, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Tensor

MOST = 6
"""Pictures of a kind in a cycle."""
SIDE = 320
"""Longest side of an image in a picture, in pixels."""
BLUR = 17
"""Pixels over which a map is smeared: about two cells of the finest level of anchors at this size."""
COLUMNS = ("file", "kind", "id", "caption")
_QUALITY = 80
_GAP = 6
# Okabe and Ito's colours (2008), told apart by the colour-blind, on black and on white ground alike.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442")


def draw_tested(files: Path, test: BoxTestSet, found: Sequence[Detections]) -> None:
    """Draw some held-out images, the same in every cycle: true boxes on the left, found ones on the right.

    Args:
        files: folder of the cycle.
        test: held-out images with boxes.
        found: what was found in each, parallel to ``test.ids``.
    """
    colours = _colours(test.class_names)
    count = min(MOST, len(test))
    rows, pictures = [], []
    for n in range(count):
        row = n * len(test) // count
        id, true, said = test.ids[row], test.boxes[row], found[row]
        image = _small(test.pool, id)
        # As many as there are: a threshold would show nothing of one head and a clutter of another.
        likely = range(min(len(said), max(1, len(true))))
        left = [(box, label, "") for box, label in zip(true.boxes, true.labels, strict=True)]
        right = [(said.boxes[k], said.labels[k], f" {said.scores[k]:.2f}") for k in likely]
        pictures.append(_beside(_with_boxes(*image, left, colours), _with_boxes(*image, right, colours)))
        caption = f"{len(true)} true boxes on the left, the {len(likely)} likeliest found on the right"
        rows.append(("test", id, caption))
    _write(files, "test", pictures, rows)


def draw_queried(files: Path, query: Query, learner: BoxLearner, pool: Pool, strategy: QueryStrategy) -> None:
    """Draw the first images of a query: as they are on the left, with a map of anchor scores on the right.

    Nothing is drawn for a strategy that gives anchors no scores, such as random.

    Args:
        files: folder of the cycle.
        query: what is asked.
        learner: the detector that predicted for it.
        pool: where the images are.
        strategy: who asked.
    """
    rows: list[tuple[str, str, str]] = []
    pictures: list[PIL.Image.Image] = []
    ids = query.ids[:MOST]
    for id, prediction in _one_by_one(learner, pool, ids, strategy.needs):
        scores = _anchor_scores(strategy, prediction)
        if scores is None:
            break
        image, scale = _small(pool, id)
        heat = heat_map(
            scores, learner.anchors(pool, id) * scale, width=image.width, height=image.height, blur=BLUR
        )
        pictures.append(_beside(image, _glowing(image, heat)))
        low, high = float(heat.min()), float(heat.max())
        caption = f"rank {len(rows) + 1}; anchor scores on the right, dark {low:.3g} to bright {high:.3g}"
        rows.append(("query", id, caption))
    _write(files, "query", pictures, rows)


def _one_by_one(
    learner: BoxLearner, pool: Pool, ids: Sequence[str], needs: frozenset[str]
) -> Iterator[tuple[str, Prediction]]:
    for id in ids:
        (prediction,) = learner.predict(pool, [id], want=needs)
        yield id, prediction


def _anchor_scores(strategy: QueryStrategy, prediction: Prediction) -> Tensor | None:
    """(A,), as the strategy scores the anchors of one image; None when it scores none."""
    if not isinstance(strategy, ScoreStrategy):
        return None
    scores = strategy.checked_score(prediction)
    return scores[0] if scores.dim() == 2 else None


def _small(pool: Pool, id: str) -> tuple[PIL.Image.Image, float]:
    """The image at the size of a picture, in RGB, and by how much it was scaled."""
    pixels = pool.load(id)
    image = PIL.Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = min(1.0, SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, PIL.Image.Resampling.BILINEAR, reducing_gap=2.0), scale


def _with_boxes(
    image: PIL.Image.Image,
    scale: float,
    objects: Sequence[tuple[Box, str, str]],
    colours: dict[str, str],
) -> PIL.Image.Image:
    """A copy with boxes, each named in its upper left corner."""
    drawn = image.copy()
    pen = PIL.ImageDraw.Draw(drawn)
    font = PIL.ImageFont.load_default(size=10)
    for box, label, more in objects:
        edges = [edge * scale for edge in box]
        pen.rectangle(edges, outline=colours[label], width=2)
        text = f"{label}{more}"
        place = (edges[0] + 3, max(0.0, edges[1] + 1))
        pen.rectangle(pen.textbbox(place, text, font=font), fill=colours[label])
        dark = PIL.ImageColor.getcolor(colours[label], "L")
        pen.text(place, text, fill="white" if isinstance(dark, int) and dark < 128 else "black", font=font)
    return drawn


def _colours(class_names: Sequence[str]) -> dict[str, str]:
    return {name: _COLOURS[n % len(_COLOURS)] for n, name in enumerate(class_names)}


def _glowing(image: PIL.Image.Image, heat: Tensor) -> PIL.Image.Image:
    """The image in grey and dark, with a glow where the map is high: black, red, yellow, white."""
    spread = (heat - heat.min()) / (heat.max() - heat.min()).clamp_min(1e-12)
    grey = image.convert("L").convert("RGB")
    red, green, blue = ((spread * 3 - n).clamp(0, 1).mul(255).byte().numpy() for n in range(3))
    glow = PIL.Image.merge("RGB", [PIL.Image.fromarray(channel) for channel in (red, green, blue)])
    return PIL.Image.blend(grey, glow, 0.65)


def _beside(left: PIL.Image.Image, right: PIL.Image.Image) -> PIL.Image.Image:
    both = PIL.Image.new("RGB", (left.width + _GAP + right.width, left.height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + _GAP, 0))
    return both


def _write(
    files: Path, kind: str, pictures: Sequence[PIL.Image.Image], rows: Sequence[tuple[str, str, str]]
) -> None:
    """Write pictures of one kind and their lines of the table; those of the other kind stay."""
    folder = files / "pictures"
    folder.mkdir(exist_ok=True)
    for n, picture in enumerate(pictures, start=1):
        with whole(folder / f"{kind}-{n}.jpg") as partial:
            picture.save(partial, "JPEG", quality=_QUALITY)
    table = folder / "pictures.csv"
    others = [row for row in read_csv(table)[1] if row[1] != kind] if table.exists() else []
    mine = [(f"{kind}-{n}.jpg", *row) for n, row in enumerate(rows, start=1)]
    write_csv(table, COLUMNS, [*others, *mine])
