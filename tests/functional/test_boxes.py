import pytest
import torch

from ncenet.functional.boxes import IGNORED, anchor_targets, decode_boxes, encode_boxes, iou, match
from tests.reference import detection as reference

BACKGROUND = 3


def boxes(count, seed=0, size=0.3):
    """Random boxes in the unit square, with area."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng, dtype=torch.float64)
    return torch.cat([corner, corner + 0.02 + size * torch.rand(count, 2, generator=rng)], 1)


def test_overlap_equals_the_reference_and_torchvision():
    from torchvision.ops import box_iou

    some, others = boxes(7), boxes(9, seed=1)
    expected = [[reference.iou(a, b) for b in others.tolist()] for a in some.tolist()]
    torch.testing.assert_close(iou(some, others), torch.tensor(expected).double())
    torch.testing.assert_close(iou(some, others), box_iou(some, others))


def test_boxes_without_area_overlap_nothing():
    point = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    line = torch.tensor([[0.0, 1.0, 2.0, 1.0]])
    assert iou(point, point).item() == iou(point, line).item() == iou(line, line).item() == 0


def test_code_equals_the_reference_and_torchvision():
    from torchvision.models.detection._utils import BoxCoder

    some, anchors = boxes(8), boxes(8, seed=1)
    code = encode_boxes(some, anchors)
    expected = [reference.encode(b, a) for b, a in zip(some.tolist(), anchors.tolist(), strict=True)]
    torch.testing.assert_close(code, torch.tensor(expected).double())
    torch.testing.assert_close(code, BoxCoder((10.0, 10.0, 5.0, 5.0)).encode_single(some, anchors))


def test_decoding_undoes_the_code():
    some, anchors = boxes(20), boxes(20, seed=1)
    torch.testing.assert_close(decode_boxes(encode_boxes(some, anchors), anchors), some)


def test_wild_codes_decode_to_finite_boxes():
    code = torch.tensor([[1e4, -1e4, 1e4, 1e4], [0.0, 0.0, -1e4, -1e4]])
    decoded = decode_boxes(code, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    assert decoded.isfinite().all()
    sides = decoded[:, 2:] - decoded[:, :2]
    assert (sides >= 0).all() and sides.max() < 60, "at most exp(4) times the anchor"


@pytest.mark.parametrize("seed", range(6))
def test_matching_equals_the_reference(seed):
    anchors, there = boxes(60, seed), boxes(6, seed + 100)
    assert match(anchors, there).tolist() == reference.match(anchors.tolist(), there.tolist())


def test_every_object_has_an_anchor_even_where_two_want_the_same():
    anchors = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.3, 0.0, 1.3, 1.0]])
    twins = torch.tensor([[0.0, 0.0, 0.9, 1.0], [0.0, 0.0, 1.0, 1.0]])
    matches = match(anchors, twins)
    assert matches.tolist() == [1, 0], "the better pair comes first, the other object takes what is left"


def test_an_object_beyond_all_anchors_is_left_out():
    anchors = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    assert match(anchors, torch.tensor([[5.0, 5.0, 6.0, 6.0]])).tolist() == [-1]
    assert match(anchors, torch.empty(0, 4)).tolist() == [-1]


class TestTargets:
    anchors = torch.tensor([[0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0], [4.0, 0.0, 5.0, 1.0]])
    there = torch.tensor([[0.1, 0.0, 1.1, 1.0], [2.0, 0.0, 3.0, 1.1]])

    def targets(self, there, classes, difficult):
        return anchor_targets(
            self.anchors, there, torch.tensor(classes), torch.tensor(difficult), background=BACKGROUND
        )

    def test_classes_and_codes(self):
        wanted, codes = self.targets(self.there, [2, 0], [False, False])
        assert wanted.tolist() == [2, 0, BACKGROUND]
        torch.testing.assert_close(decode_boxes(codes[:2], self.anchors[:2]), self.there)
        assert codes[2].tolist() == [0, 0, 0, 0]

    def test_difficult_objects_are_neither_learned_nor_punished(self):
        wanted, codes = self.targets(self.there, [2, 0], [False, True])
        assert wanted.tolist() == [2, IGNORED, BACKGROUND]
        assert codes[1].tolist() == [0, 0, 0, 0]

    def test_only_difficult_objects(self):
        wanted, _ = self.targets(self.there, [2, 0], [True, True])
        assert wanted.tolist() == [IGNORED, IGNORED, BACKGROUND]

    def test_an_easy_object_wins_over_a_difficult_one(self):
        twins = self.there[:1].repeat(2, 1)
        assert self.targets(twins, [2, 0], [False, True])[0].tolist() == [2, BACKGROUND, BACKGROUND]

    def test_no_objects(self):
        none = torch.empty(0, 4)
        wanted, codes = anchor_targets(
            self.anchors, none, torch.empty(0).long(), torch.empty(0).bool(), background=BACKGROUND
        )
        assert wanted.tolist() == [BACKGROUND] * 3
        assert codes.abs().sum() == 0
