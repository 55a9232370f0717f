"""The train transform of detection: what it does to boxes, and that its bounds hold."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from ncenet.data.augment_boxes import LEAST_SCALE, MOST_RATIO, OVERLAPS, BoxAugment, IoUCrop
from ncenet.functional.boxes import iou
from ncenet.rng import seeded

pytestmark = pytest.mark.usefixtures("global_generators_untouched")

SIDE = 100
BOXES = torch.tensor([[10.0, 10.0, 60.0, 50.0], [55.0, 60.0, 90.0, 95.0], [70.0, 5.0, 80.0, 15.0]])
CLASSES = torch.tensor([0, 1, 2])


def scene(boxes=BOXES, classes=CLASSES, *, channels=3):
    """Each object in a colour of its own, on gray."""
    image = torch.full((channels, SIDE, SIDE), 128, dtype=torch.uint8)
    for (x1, y1, x2, y2), label in zip(boxes.clamp(0, SIDE).long().tolist(), classes.tolist(), strict=True):
        image[:, y1:y2, x1:x2] = 0
        image[label % channels, y1:y2, x1:x2] = 255
    return image, boxes, classes, torch.zeros(len(boxes), dtype=torch.bool)


def augmented(*item, seed=0, flip=True, distort=True, side=SIDE):
    channels = len(item[0])
    with seeded(torch.Generator().manual_seed(seed)):
        return BoxAugment(side, fill=[128.0] * channels, flip=flip, distort=distort)(*item)


class TestCrop:
    def crop(self, bound, boxes, seed):
        """Window of the crop as (left, top, right, bottom), and which objects stay; None for no crop."""
        transform = IoUCrop(overlaps=() if bound is None else (bound,))
        marked = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(SIDE, SIDE))
        with seeded(torch.Generator().manual_seed(seed)):
            where = transform.make_params([marked])
        if not where:
            return None
        left, top = where["left"], where["top"]
        return torch.tensor([left, top, left + where["width"], top + where["height"]]), where["inside"]

    @pytest.mark.parametrize("bound", OVERLAPS)
    def test_the_bound_applies(self, monkeypatch, bound):
        """The choice among the bounds is the first number drawn; held at this one, no crop falls below it."""
        randint = torch.randint
        monkeypatch.setattr(
            torch, "randint", lambda high, size, **kw: torch.tensor(0) if size == () else randint(high, size)
        )
        large = torch.tensor([[2.0, 2.0, 98.0, 98.0], [40.0, 40.0, 60.0, 60.0]])
        for seed in range(30):
            window, inside = self.crop(bound, large, seed)
            assert float(iou(window[None], large)[0][inside].max()) >= bound

    def test_without_a_bound_crops_overlap_less(self):
        free = [found for seed in range(60) if (found := self.crop(None, BOXES, seed)) is not None]
        overlaps = [float(iou(window[None], BOXES)[0][inside].max()) for window, inside in free]
        assert 15 < len(free) < 45, "every other time there is no crop"
        assert min(overlaps) < 0.3

    def test_windows_lie_in_the_image_and_are_neither_small_nor_flat(self):
        windows = [found[0] for seed in range(200) if (found := self.crop(0.1, BOXES, seed)) is not None]
        assert len(windows) > 100
        for left, top, right, bottom in torch.stack(windows).tolist():
            assert 0 <= left < right <= SIDE and 0 <= top < bottom <= SIDE
            assert right - left >= int(LEAST_SCALE * SIDE) and bottom - top >= int(LEAST_SCALE * SIDE)
            assert 1 / MOST_RATIO <= (right - left) / (bottom - top) <= MOST_RATIO

    def test_objects_stay_by_their_centre(self):
        for seed in range(50):
            found = self.crop(0.1, BOXES, seed)
            if found is None:
                continue
            (left, top, right, bottom), inside = found[0].tolist(), found[1]
            centers = (BOXES[:, :2] + BOXES[:, 2:]) / 2
            expected = [left < x < right and top < y < bottom for x, y in centers.tolist()]
            assert inside.tolist() == expected
            assert any(expected)

    def test_the_crop_is_what_the_boxes_say(self):
        """Pixels and boxes move together: the colour of an object is at its new place."""
        for seed in range(40):
            image, boxes, classes, difficult = augmented(*scene(), seed=seed, distort=False)
            for (x1, y1, x2, y2), label in zip(boxes.tolist(), classes.tolist(), strict=True):
                assert int(image[label, int((y1 + y2) / 2), int((x1 + x2) / 2)]) == 255
            transform = IoUCrop()
            marked = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(SIDE, SIDE))
            with seeded(torch.Generator().manual_seed(seed)):
                cut, placed = transform(tv_tensors.Image(image), marked)
            assert placed.canvas_size == cut.shape[-2:]
            for (x1, y1, x2, y2), label in zip(placed.tolist(), classes.tolist(), strict=True):
                if x2 - x1 >= 2 and y2 - y1 >= 2:
                    middle = cut[label, int((y1 + y2) / 2), int((x1 + x2) / 2)]
                    # A later object may lie on top of this one.
                    assert int(middle) == 255 or len(placed) > 1
            assert len(difficult) == len(boxes)


class TestWhole:
    def test_the_size_stays_and_boxes_lie_inside(self):
        sizes = Counter()
        for seed in range(60):
            image, boxes, classes, difficult = augmented(*scene(), seed=seed)
            assert image.shape == (3, SIDE, SIDE) and image.dtype == torch.uint8
            assert len(boxes) == len(classes) == len(difficult) >= 1, "a crop keeps an object"
            assert (boxes >= 0).all() and (boxes <= SIDE).all()
            assert ((boxes[:, 2:] - boxes[:, :2]) >= 1).all()
            assert type(image) is type(boxes) is Tensor
            sizes[len(boxes)] += 1
        assert len(sizes) > 1, "some crops lose an object"

    def test_it_zooms_out_on_the_ground(self):
        """Somewhere objects come out smaller than they are, on an image of 300 pixels up to four times."""
        widths = []
        for seed in range(60):
            with seeded(torch.Generator().manual_seed(seed)):
                _, boxes, _, _ = BoxAugment(300, fill=[1.0, 2.0, 3.0], flip=False, distort=True)(
                    torch.zeros(3, 300, 300, dtype=torch.uint8),
                    torch.tensor([[0.0, 0.0, 300.0, 300.0]]),
                    torch.tensor([0]),
                    torch.tensor([False]),
                )
            widths.append(float(boxes[0, 2] - boxes[0, 0]))
        assert 300 / 4 - 2 <= min(widths) < 300 / 2
        assert max(widths) == 300

    def test_flips_alone(self):
        """Half of the images are mirrored, boxes with them; nothing else happens."""
        item = scene()
        mirrored = 0
        for seed in range(60):
            image, boxes, classes, _ = augmented(*item, seed=seed, distort=False)
            assert torch.equal(classes, item[2])
            if torch.equal(image, item[0]):
                assert torch.equal(boxes, item[1])
            else:
                mirrored += 1
                assert torch.equal(image, item[0].flip(2))
                assert torch.equal(boxes[:, [0, 2]], SIDE - item[1][:, [2, 0]])
        assert 15 < mirrored < 45

    def test_nothing_when_switched_off(self):
        item = scene()
        out = augmented(*item, flip=False, distort=False)
        assert all(torch.equal(now, then) for now, then in zip(out, item, strict=True))

    def test_it_repeats_by_seed(self):
        first, again, other = (augmented(*scene(), seed=seed) for seed in (3, 3, 4))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not torch.equal(first[0], other[0])

    @pytest.mark.parametrize("seed", range(8))
    def test_images_without_objects(self, seed):
        image, _, _, _ = scene()
        none = torch.empty(0, 4), torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.bool)
        out, boxes, classes, difficult = augmented(image, *none, seed=seed)
        assert out.shape == image.shape
        assert boxes.shape == (0, 4) and len(classes) == len(difficult) == 0

    def test_difficult_objects_stay_difficult(self):
        image, boxes, classes, _ = scene()
        for seed in range(20):
            _, _, labels, difficult = augmented(image, boxes, classes, classes == 1, seed=seed)
            assert torch.equal(difficult, labels == 1)
        _, left, _, difficult = augmented(image, boxes, classes, torch.ones(3, dtype=torch.bool), seed=1)
        assert difficult.all() and len(difficult) == len(left)

    def test_boxes_without_area_and_outside_the_image_go(self):
        bad = torch.tensor(
            [
                [20.0, 20.0, 20.0, 40.0],  # no width
                [20.0, 20.0, 20.5, 40.0],  # less than a pixel
                [-30.0, 10.0, -5.0, 40.0],  # beyond the left edge
                [120.0, 120.0, 150.0, 150.0],
                [-10.0, -10.0, 30.0, 30.0],  # reaches beyond: cut off
                [10.0, 10.0, 60.0, 50.0],
            ]
        )
        image = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
        _, boxes, classes, _ = augmented(
            image, bad, torch.arange(6), torch.zeros(6, dtype=torch.bool), flip=False, distort=False
        )
        assert classes.tolist() == [4, 5]
        assert boxes.tolist() == [[0, 0, 30, 30], [10, 10, 60, 50]]
        for seed in range(20):
            _, boxes, classes, _ = augmented(
                image, bad, torch.arange(6), torch.zeros(6, dtype=torch.bool), seed=seed
            )
            assert set(classes.tolist()) <= {4, 5}

    @pytest.mark.parametrize("seed", range(4))
    def test_gray_images(self, seed):
        image, boxes, _, _ = augmented(*scene(channels=1), seed=seed)
        assert image.shape == (1, SIDE, SIDE)
        assert len(boxes) >= 1
