"""Boxes, matching, mining and average precision, one at a time."""

import math
from collections.abc import Sequence

Box = Sequence[float]


def area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def iou(a: Box, b: Box) -> float:
    shared = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def encode(box: Box, anchor: Box) -> list[float]:
    width, height = anchor[2] - anchor[0], anchor[3] - anchor[1]
    return [
        ((box[0] + box[2]) / 2 - (anchor[0] + anchor[2]) / 2) / width / 0.1,
        ((box[1] + box[3]) / 2 - (anchor[1] + anchor[3]) / 2) / height / 0.1,
        math.log((box[2] - box[0]) / width) / 0.2,
        math.log((box[3] - box[1]) / height) / 0.2,
    ]


def match(anchors: Sequence[Box], boxes: Sequence[Box]) -> list[int]:
    matches = []
    for anchor in anchors:
        best = max(range(len(boxes)), key=lambda m: iou(boxes[m], anchor), default=-1)
        matches.append(best if best >= 0 and iou(boxes[best], anchor) >= 0.5 else -1)
    pairs = sorted(
        ((-iou(box, anchor), m, a) for m, box in enumerate(boxes) for a, anchor in enumerate(anchors))
    )
    objects, taken = set(), set()
    for overlap, m, a in pairs:
        if overlap < 0 and m not in objects and a not in taken:
            objects.add(m)
            taken.add(a)
            matches[a] = m
    return matches


def learned(losses: Sequence[float], wanted: Sequence[int], background: int) -> list[bool]:
    positives = sum(c not in (-1, background) for c in wanted)
    negatives = sorted((a for a, c in enumerate(wanted) if c == background), key=lambda a: -losses[a])
    chosen = set(negatives[: 3 * max(1, positives)])
    return [a in chosen or c not in (-1, background) for a, c in enumerate(wanted)]


def smooth_l1(x: float) -> float:
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


def average_precision(
    found: Sequence[Sequence[tuple[float, Box]]],
    there: Sequence[Sequence[tuple[Box, bool]]],
    method: str,
) -> float:
    """Of one class; by image, detections (score, box) and objects (box, difficult)."""
    total = sum(not difficult for objects in there for _, difficult in objects)
    ranked = sorted(
        ((score, image, box) for image, boxes in enumerate(found) for score, box in boxes), reverse=True
    )
    seen = set()
    right, wrong, curve = 0, 0, []
    for _, image, box in ranked:
        overlaps = [iou(box, other) for other, _ in there[image]]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=-1)
        if best >= 0 and overlaps[best] > 0.5:
            if there[image][best][1]:
                continue
            if (image, best) in seen:
                wrong += 1
            else:
                seen.add((image, best))
                right += 1
        else:
            wrong += 1
        curve.append((right / total, right / (right + wrong)))
    if method == "11-point":
        at = [max((p for r, p in curve if r >= n / 10 - 1e-9), default=0.0) for n in range(11)]
        return sum(at) / 11
    result, before = 0.0, 0.0
    for n, (recall, _) in enumerate(curve):
        result += (recall - before) * max(p for _, p in curve[n:])
        before = recall
    return result
