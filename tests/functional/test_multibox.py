import pytest
import torch

from ncenet.functional.multibox import learned_anchors, multibox_loss
from tests.reference import detection as reference

BACKGROUND = 3


def case(seed=0, B=4, A=30):
    """Losses, codes and targets; the last image has no object, the one before none that counts."""
    rng = torch.Generator().manual_seed(seed)
    losses = torch.rand(B, A, generator=rng)
    wanted = torch.full((B, A), BACKGROUND)
    for image in range(B - 2):
        wanted[image, torch.randperm(A, generator=rng)[: 2 + image]] = image % BACKGROUND
        wanted[image, 7] = -1
    wanted[B - 2, :5] = -1
    codes, wanted_codes = 2 * torch.randn(2, B, A, 4, generator=rng)
    return losses, codes, wanted, wanted_codes


@pytest.mark.parametrize("seed", range(4))
def test_learned_anchors_equal_the_reference(seed):
    losses, _, wanted, _ = case(seed)
    expected = [
        reference.learned(row, classes, BACKGROUND)
        for row, classes in zip(losses.tolist(), wanted.tolist(), strict=True)
    ]
    assert learned_anchors(losses, wanted, background=BACKGROUND).tolist() == expected


def test_three_of_the_background_for_each_object_per_image():
    losses, _, wanted, _ = case()
    learned = learned_anchors(losses, wanted, background=BACKGROUND)
    positive = (wanted >= 0) & (wanted != BACKGROUND)
    assert (learned & positive).sum(1).tolist() == positive.sum(1).tolist()
    assert (learned & ~positive).sum(1).tolist() == [6, 9, 3, 3], "three also where there is no object"
    assert not learned[wanted == -1].any(), "anchors of difficult objects are left alone"


def test_more_objects_than_background():
    wanted = torch.tensor([[0, 1, 2, BACKGROUND]])
    assert learned_anchors(torch.rand(1, 4), wanted, background=BACKGROUND).all()


def loss_of(losses, codes, wanted, wanted_codes):
    learned = learned_anchors(losses.detach(), wanted, background=BACKGROUND)
    return learned, multibox_loss(
        losses[learned], codes, learned, wanted, wanted_codes, background=BACKGROUND
    )


@pytest.mark.parametrize("seed", range(4))
def test_loss_equals_the_reference(seed):
    losses, codes, wanted, wanted_codes = case(seed)
    learned, (loss, of_images) = loss_of(losses, codes, wanted, wanted_codes)
    sums, positives = [], []
    for b in range(len(wanted)):
        objects = [a for a, c in enumerate(wanted[b].tolist()) if c not in (-1, BACKGROUND)]
        total = float(losses[b][learned[b]].sum())
        for a in objects:
            total += sum(reference.smooth_l1(x) for x in (codes[b, a] - wanted_codes[b, a]).tolist())
        sums.append(total)
        positives.append(len(objects))
    assert float(loss) == pytest.approx(sum(sums) / sum(positives), rel=1e-5)
    expected = [total / max(1, count) for total, count in zip(sums, positives, strict=True)]
    assert of_images.tolist() == pytest.approx(expected, rel=1e-5)


def test_loss_equals_torchvisions_where_every_image_has_objects():
    """Its SSD counts difficult objects, and lets images without objects learn nothing."""
    from torchvision.models.detection.ssd import SSD

    _, codes, wanted, wanted_codes = case()
    logits = torch.randn(2, 30, 4, generator=torch.Generator().manual_seed(9))
    # torchvision counts the background first.
    swapped = logits[..., [3, 0, 1, 2]]
    wanted, codes = wanted[:2].where(wanted[:2] != -1, BACKGROUND), codes[:2]
    log_p = logits.log_softmax(-1)
    learned = learned_anchors(-log_p[..., BACKGROUND], wanted, background=BACKGROUND)
    of_classes = -log_p.gather(-1, wanted[..., None])[..., 0][learned]
    ours = multibox_loss(of_classes, codes, learned, wanted, wanted_codes[:2], background=BACKGROUND).loss

    class Coder:
        def encode_single(self, boxes, anchors):
            return boxes

    class Theirs:
        box_coder, neg_to_pos_ratio = Coder(), 3.0

    targets, matched = [], []
    for b in range(2):
        objects = (wanted[b] != BACKGROUND).nonzero().flatten()
        targets.append({"boxes": wanted_codes[b, objects], "labels": wanted[b, objects] + 1})
        matches = torch.full((30,), -1)
        matches[objects] = torch.arange(len(objects))
        matched.append(matches)
    said = {"bbox_regression": codes, "cls_logits": swapped}
    anchors = [torch.rand(30, 4)] * 2
    theirs = SSD.compute_loss(Theirs(), targets, said, anchors, matched)
    assert float(ours) == pytest.approx(float(sum(theirs.values())), rel=1e-5)


def test_images_without_objects_count():
    losses, codes, wanted, wanted_codes = case()
    losses = losses.requires_grad_()
    learned, (loss, of_images) = loss_of(losses[2:], codes[2:], wanted[2:], wanted_codes[2:])
    assert loss.isfinite() and (of_images > 0).all()
    loss.backward()
    assert losses.grad[2:].count_nonzero(1).tolist() == [3, 3]
    assert learned.sum() == 6


def test_boxes_are_learned_on_objects_alone():
    losses, codes, wanted, wanted_codes = case()
    codes.requires_grad_()
    _, (loss, _) = loss_of(losses, codes, wanted, wanted_codes)
    loss.backward()
    moved = codes.grad.abs().sum(-1) > 0
    assert torch.equal(moved, (wanted >= 0) & (wanted != BACKGROUND))
