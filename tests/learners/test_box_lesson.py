"""How a detector's output is judged, against the same done anchor by anchor."""

from __future__ import annotations

import pytest
import torch

from ncenet.boxes import Boxes
from ncenet.data.augment_boxes import BoxAugment
from ncenet.functional.boxes import anchor_targets
from ncenet.learners import box_lesson
from ncenet.learners.box_lesson import Augmented, BoxLesson, Objects
from ncenet.nn.detection_backbones import build_detection_backbone
from ncenet.nn.ssd import SSD, build_detection_head
from ncenet.recipe import HeadRecipe, ModelRecipe
from tests.learners.make_scenes import CLASSES, scenes
from tests.reference import detection as reference

HEADS = {
    "softmax": HeadRecipe(name="softmax"),
    "cosine": HeadRecipe(kernel="cosine"),
    "gaussian": HeadRecipe(kernel="gaussian", prototypes_per_class=2),
    "mean": HeadRecipe(kernel="cosine", reduction="mean"),
    "with cross entropy": HeadRecipe(kernel="cosine", cross_entropy=0.5),
}


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def lesson(head: HeadRecipe) -> BoxLesson:
    """Six small scenes, the last without objects, in double precision so that ranks have no ties."""
    pool, truth = scenes(6)
    recipe = ModelRecipe(backbone="small", head=head, anchor_features=32)
    network = SSD(
        build_detection_backbone(recipe, 3, 64),
        build_detection_head(recipe, len(CLASSES)),
        channels=3,
    ).double()
    images = torch.tensor(pool.array).permute(0, 3, 1, 2)[..., :64, :64]
    network.set_normalization([images])
    objects = [Objects.of(boxes, (96, 80), CLASSES) for boxes in truth]
    rows = {id: n for n, id in enumerate(pool.ids())}
    return BoxLesson(
        network,
        list(pool.ids()),
        objects,
        Augmented(
            lambda ids: images[[rows[id] for id in ids]],
            BoxAugment(64, fill=[0.0] * 3, flip=False, distort=False),
        ),
    )


def test_objects_lie_in_parts_of_the_width_and_the_height():
    boxes = Boxes(((24.0, 20.0, 96.0, 60.0),), ("blue",), (True,))
    there = Objects.of(boxes, (96, 80), CLASSES)
    assert there.boxes.tolist() == [[0.25, 0.25, 1, 0.75]]
    assert (there.classes.tolist(), there.difficult.tolist()) == ([1], [True])


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_background_is_ranked_without_gradient(head, monkeypatch):
    task = lesson(head)
    ranked, rank = [], task.network.head.rank_loss

    def watched(output, target):
        ranked.append(rank(output, target))
        return ranked[-1]

    monkeypatch.setattr(task.network.head, "rank_loss", watched)
    images, wanted, codes = task.batch(range(6), torch.Generator())
    assert task.judge(task.network(images), wanted, codes.double()).loss.requires_grad
    assert [each.requires_grad for each in ranked] == [False]


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_loss_and_gradients_equal_those_of_all_anchors(head):
    task = lesson(head)
    network, background = task.network, task.network.background
    images, wanted, codes = task.batch(range(6), torch.Generator())
    codes = codes.double()
    outcome = task.judge(network(images), wanted, codes)
    gradients = torch.autograd.grad(outcome.loss, list(network.parameters()))

    said = network(images)
    output = network.head(network.vectors(said.maps))  # of every anchor, with its gradient
    as_background = network.head.loss(output, torch.full_like(wanted, background))
    learned = torch.tensor(
        [
            reference.learned(row, classes, background)
            for row, classes in zip(as_background.tolist(), wanted.tolist(), strict=True)
        ]
    )
    positive = (wanted >= 0) & (wanted != background)
    of_classes = network.head.loss(output, wanted.clamp_min(0)) * learned
    of_boxes = torch.nn.functional.smooth_l1_loss(said.codes, codes, reduction="none").sum(-1) * positive
    by_image = (of_classes + of_boxes).sum(1)
    loss = by_image.sum() / positive.sum()
    right = ((output.argmax(-1) == wanted) & learned).sum(1) / learned.sum(1)

    torch.testing.assert_close(outcome.loss, loss)
    torch.testing.assert_close(outcome.losses, by_image / positive.sum(1).clamp_min(1))
    torch.testing.assert_close(outcome.right, right.double())
    assert not positive[5].any() and outcome.losses[5] > 0, "an image without objects counts"
    for got, expected in zip(gradients, torch.autograd.grad(loss, list(network.parameters())), strict=True):
        torch.testing.assert_close(got, expected)


def test_targets_are_reckoned_once_and_are_the_same_again(monkeypatch):
    anchors = lesson(HEADS["softmax"]).anchors
    inside = anchors[(anchors.amin(1) >= 0) & (anchors.amax(1) <= 1)]
    there = Objects(inside[[0, -1]], torch.tensor([1, 0]), torch.tensor([False, True]))
    counted = []

    def counting(*given, **named):
        counted.append(given)
        return anchor_targets(*given, **named)

    monkeypatch.setattr(box_lesson, "anchor_targets", counting)
    for objects in (there, there.mirrored, Objects.of(Boxes(), (96, 80), CLASSES)):
        first, again = (objects.targets(anchors, background=2) for _ in range(2))
        expected = anchor_targets(anchors, objects.boxes, objects.classes, objects.difficult, background=2)
        for said in (first, again):
            assert all(a.equal(b) and a.dtype == b.dtype for a, b in zip(said, expected, strict=True))
        again[0].zero_(), again[1].zero_()
        assert objects.targets(anchors, background=2)[1].equal(expected[1]), "nobody else's to write to"
    assert len(counted) == 3 and there.mirrored is there.mirrored
    assert (there.targets(anchors, background=2)[0] == -1).any(), "a difficult one is there"
    there.targets(anchors.clone(), background=2), there.targets(anchors, background=3)
    assert len(counted) == 5
