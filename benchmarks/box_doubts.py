"""Planted slips among boxes: how many of the first fifty doubts are right, and how many fifty images hold.

    python benchmarks/box_doubts.py LABELLED.parquet [SEED ...] [--shares 0.05 0.1 0.2] [--images N]

Of the boxes of all images 5, 10 or 20 % are spoilt, a third each: left out, moved and resized until they
overlap what they were by .3 to .55, or given another class. A detector on pretrained maps (lite0) learns what
is left, and says what it finds in the same images (`learned them`), or two learn a half each and say it of
the other half (`half and half`). cleanlab ranks images by the same finds. Boxes that were wrong before count
as right here, so the true share is a little higher. Each row is printed when it is there.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch
from cleanlab.object_detection.rank import get_label_quality_scores
from detectors import detector

from ncenet.boxes import Boxes
from ncenet.data.open import open_dataset
from ncenet.run.box_doubts import AGREES, box_doubts, overlaps
from ncenet.types import LabeledSet

FIRST = 50
SLIPS = ("missing", "loose", "swapped")
WAYS = {"learned them": 1, "half and half": 2}
"""In how many parts images are dealt, each of which is named by what learned the others, if there are any."""


def spoil(truth, names, share, random):
    """Boxes with slips, and what slipped: by id, of what kind, where."""
    places = [(id, n) for id, boxes in truth.items() for n in range(len(boxes))]
    chosen = [places[n] for n in random.permutation(len(places))[: round(share * len(places))]]
    slips = {place: SLIPS[k % 3] for k, place in enumerate(chosen)}
    told, where = {}, {}
    for id, boxes in truth.items():
        kept = []
        for n, (box, label) in enumerate(zip(boxes.boxes, boxes.labels, strict=True)):
            slip = slips.get((id, n))
            if slip is not None:
                where.setdefault(id, []).append((slip, box))
            if slip == "missing":
                continue
            if slip == "loose":
                box = loosened(box, random)
            if slip == "swapped":
                label = random.choice([name for name in names if name != label])
            kept.append((box, str(label)))
        told[id] = Boxes(tuple(box for box, _ in kept), tuple(label for _, label in kept))
    return told, where


def loosened(box, random):
    """The box, moved and resized until it overlaps itself by .3 to .55."""
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    while True:
        dx1, dy1, dx2, dy2 = random.uniform(-0.4, 0.4, 4)
        moved = (
            max(0.0, x1 + dx1 * wide), max(0.0, y1 + dy1 * high), x2 + dx2 * wide, y2 + dy2 * high
        )  # fmt: skip
        if moved[0] < moved[2] and moved[1] < moved[3] and 0.3 <= overlaps([box], [moved])[0, 0] <= 0.55:
            return tuple(float(edge) for edge in moved)


def finds(data, told, seed, parts):
    """What detectors find: one that learned all, or of each part one that learned the others."""
    ids = sorted(told)
    order = np.random.default_rng(seed).permutation(len(ids))
    found = {}
    for part in range(parts):
        asked = [ids[n] for n in order[part::parts]]
        learned = asked if parts == 1 else [id for id in ids if id not in set(asked)]
        learner = detector(seed)
        labels = LabeledSet(learned, [told[id].to_label() for id in learned], data.class_names)
        learner.fit(labels, data.pool, cycle=1)
        found |= {said.id: said for said in learner.detect(data.pool, asked)}
    return found


def is_right(doubt, where):
    """Whether a slip of this kind was planted there."""
    there = [box for slip, box in where.get(doubt.id, ()) if slip == doubt.slip]
    return bool(there) and float(overlaps([doubt.box], there).max()) >= (
        0.3 if doubt.slip == "loose" else AGREES
    )


def by_cleanlab(told, found, names):
    """Ids in cleanlab's order, the worst first."""
    index = {name: n for n, name in enumerate(names)}
    ids = [id for id in sorted(told) if len(told[id])]
    labels = [
        {"bboxes": np.array(told[id].boxes), "labels": np.array([index[name] for name in told[id].labels])}
        for id in ids
    ]
    said = []
    for id in ids:
        rows = [[*box, score] for box, score in zip(found[id].boxes, found[id].scores, strict=True)]
        of = np.array([index[name] for name in found[id].labels], int)
        every = np.array(rows, float).reshape(-1, 5)
        said.append(np.array([every[of == c] for c in range(len(names))] + [None], object)[:-1])
    scores = get_label_quality_scores(labels, said, verbose=False)
    return [ids[n] for n in np.argsort(scores, kind="stable")]


def main():
    """Print a row for each share, seed and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--images", type=int, help="so many of them, drawn by the seed")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    said = parser.parse_args()
    torch.set_num_threads(1)
    data = open_dataset(said.data, task="detection")
    answers = data.required_oracle().answer(data.pool.ids())
    truth = {id: Boxes.from_label(label) for id, label in answers.items()}
    print(
        "share, seed, way: right of the first 50; missing, loose, swapped; in 50 images: ours, theirs, of all"
    )
    for seed in said.seeds:
        for share in said.shares:
            order = np.random.default_rng(seed).permutation(sorted(truth)).tolist()
            some = {id: truth[id] for id in order[: said.images]}
            told, where = spoil(some, data.class_names, share, np.random.default_rng(seed))
            for way in said.ways:
                found = finds(data, told, seed, WAYS[way])
                doubts = box_doubts(told, found)
                right = [is_right(doubt, where) for doubt in doubts]
                each = []
                for slip in SLIPS:
                    of = [ok for ok, doubt in zip(right, doubts, strict=True) if doubt.slip == slip][:FIRST]
                    each.append(f"{np.mean(of):.2f}" if of else "none")
                ours = list(dict.fromkeys(doubt.id for doubt in doubts))[:FIRST]
                theirs = by_cleanlab(told, found, data.class_names)[:FIRST]
                held = [sum(len(where.get(id, ())) for id in ids) for ids in (ours, theirs)]
                total = sum(map(len, where.values()))
                print(
                    f"{share:.0%}, {seed}, {way}: {np.mean(right[:FIRST]):.2f}; {', '.join(each)}; "
                    f"{held[0]}, {held[1]}, {total}",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
