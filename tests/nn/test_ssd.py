"""Detection networks: anchors, parameters, what the heads read, levels in the order of the anchors."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from ncenet.errors import UnknownName, UsageError
from ncenet.nn.anchors import Level, make_anchors
from ncenet.nn.detection_backbones import build_detection_backbone
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.nn.loss_prediction import LossPredictor
from ncenet.nn.ssd import SSD, Detection, build_detection_head
from ncenet.recipe import HeadRecipe, ModelRecipe


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def network(head="nce", backbone="small", classes=3, *, side=None, channels=3, auxiliary=None, **model):
    recipe = ModelRecipe(backbone=backbone, head=HeadRecipe(name=head), **model)
    body = build_detection_backbone(recipe, channels, side)
    return SSD(
        body,
        build_detection_head(recipe, classes),
        channels=channels,
        dropout=recipe.dropout,
        auxiliary=auxiliary and auxiliary(body.channels),
    )


def parameters(module):
    return sum(p.numel() for p in module.parameters())


class TestAnchors:
    def test_of_one_cell(self):
        boxes = make_anchors([Level(1, 1.0, 0.25, 0.64, (4.0,))])
        sides = (boxes[:, 2:] - boxes[:, :2]).tolist()
        expected = [[0.25, 0.25], [0.4, 0.4], [0.5, 0.125], [0.125, 0.5]]
        assert sides == [pytest.approx(pair) for pair in expected]
        assert ((boxes[:, :2] + boxes[:, 2:]) / 2).tolist() == [[0.5, 0.5]] * 4

    def test_rows_then_columns_then_the_anchors_of_a_cell(self):
        boxes = make_anchors([Level(2, 0.5, 0.1, 0.1, ()), Level(1, 1.0, 1.0, 1.0, ())])
        centers = ((boxes[:, :2] + boxes[:, 2:]) / 2).tolist()
        grid = [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75], [0.5, 0.5]]
        assert centers == [pytest.approx(place) for place in grid for _ in range(2)]


@cache
def large(head):
    """SSD300-VGG16 for 20 classes; slow to make, and whoever is first may be in inference mode."""
    with torch.inference_mode(False):
        return network(head, "ssd300-vgg16", classes=20).eval()


class TestVGG16:
    def test_anchors_are_those_of_ssd(self):
        anchors = large("nce").anchors
        assert anchors.shape == (8732, 4)
        sides = 300 * (anchors[:, 2:] - anchors[:, :2])
        # First anchor of each level: 30, 60, 111, 162, 213 and 264 pixels (Liu et al., for VOC).
        firsts = [0, 38**2 * 4, 38**2 * 4 + 19**2 * 6]
        assert sides[firsts, 0].tolist() == pytest.approx([30, 60, 111], abs=1e-3)
        assert (150 * (anchors[0, :2] + anchors[0, 2:])).tolist() == pytest.approx([4, 4]), (
            "half of a step of 8"
        )

    def test_anchors_equal_torchvisions_for_the_same_scales(self):
        from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
        from torchvision.models.detection.image_list import ImageList

        scales, steps = [0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05], [8, 16, 32, 64, 100, 300]
        theirs = DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales=scales, steps=steps)
        images = ImageList(torch.zeros(1, 3, 300, 300), [(300, 300)])
        maps = [torch.zeros(1, 1, side, side) for side in (38, 19, 10, 5, 3, 1)]
        torch.testing.assert_close(large("nce").anchors, theirs(images, maps)[0] / 300, atol=1e-6, rtol=0)

    def test_parameters(self):
        """SSD300 has 26.3 million with 20 classes, 24.0 with 3; vectors of 64 dimensions add 5.7."""
        assert parameters(large("softmax")) == 26_285_486
        body = parameters(large("softmax").backbone)
        convs = 133_632  # channels x anchors x 9, over the levels
        assert parameters(large("softmax")) == body + convs * (21 + 4) + 30 * (21 + 4)
        assert parameters(large("nce")) == body + convs * (64 + 4) + 30 * (64 + 4) + 21 * (64 + 1)
        assert round(parameters(large("nce")) / 1e6, 1) == 32.0
        with_three = body + convs * (4 + 4) + 30 * (4 + 4)
        assert 23e6 < with_three < 26e6

    def test_fresh_weights_leave_the_maps_of_comparable_size(self):
        """The rate that suits the lowest, which is normalised, has to suit those above it too."""
        with torch.inference_mode():
            maps = large("nce").backbone(torch.randn(1, 3, 300, 300))
        sizes = [float(each.square().mean().sqrt()) for each in maps]
        assert sizes[0] == pytest.approx(20 / 512**0.5, rel=1e-3), "normalised"
        assert sizes[1] > sizes[0] / 2 and sizes[2] > sizes[0] / 4

    @pytest.mark.parametrize("head", ["softmax", "nce"])
    def test_takes_images(self, head):
        net = large(head)
        with torch.inference_mode():
            said = net(torch.zeros(1, 3, 300, 300, dtype=torch.uint8))
            probs = net.head.probs(net.head(said.vectors))
        assert probs.shape == (1, 8732, 21)
        assert said.codes.shape == (1, 8732, 4)
        assert said.features.shape == (1, 1024)
        assert said.vectors.shape[-1] == (64 if head == "nce" else 21)

    def test_refuses(self):
        with pytest.raises(UsageError, match=r"300 pixels a side: data\.image_size is 320"):
            network(backbone="ssd300-vgg16", side=320)
        with pytest.raises(UsageError, match="these are gray"):
            network(backbone="ssd300-vgg16", channels=1)


class TestLight:
    @pytest.mark.parametrize("side", [64, 160, 288])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_sides(self, side, channels):
        net = network(side=side, channels=channels).eval()
        said = net(torch.zeros(2, channels, side, side, dtype=torch.uint8))
        cells = [(side // stride) ** 2 for stride in (8, 16, 32)]
        assert said.vectors.shape == (2, 4 * sum(cells), 64)
        assert len(net.anchors) == 4 * sum(cells)
        assert said.features.shape[1:] == (net.backbone.channels[1],)

    def test_small(self):
        assert parameters(network("softmax")) < 1e6
        assert len(network().anchors) == 2100

    def test_refuses(self):
        with pytest.raises(UsageError, match=r"sides that 32 divides.* data\.image_size is 100"):
            network(side=100)
        with pytest.raises(UsageError, match="there are no weights for small; lite0 brings some"):
            build_detection_backbone(ModelRecipe(backbone="small", pretrained=True), 3, None)
        with pytest.raises(UnknownName, match="unknown detection backbone 'resnet18'"):
            network(backbone="resnet18")


class TestVectorsOfSomeAnchors:
    """They equal those of all, read there, and send back the same gradients."""

    def check(self, net, maps, chosen):
        maps = [each.requires_grad_() for each in maps]
        wanted = [*maps, *net.class_convs.parameters()]
        vectors = net.vectors(maps)
        said = net.vectors_at(Detection(torch.empty(0), vectors, torch.empty(0), maps), chosen)
        expected = vectors[chosen]
        torch.testing.assert_close(said, expected, rtol=1e-4, atol=1e-4)
        weight = torch.randn_like(said)
        gradients = (
            torch.autograd.grad((each * weight).sum(), wanted, retain_graph=True) for each in (said, expected)
        )
        for got, there in zip(*gradients, strict=True):
            torch.testing.assert_close(got, there, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("head", ["nce", "softmax"])
    @pytest.mark.parametrize("part", [0.0, 0.05, 1.0])
    def test_light(self, head, part):
        net = network(head, side=64)
        maps = [torch.randn(3, 64, side, side) for side in (8, 4, 2)]
        self.check(net, maps, torch.rand(3, len(net.anchors)) < part)

    def test_vgg16(self):
        net = large("nce")
        sides = (38, 19, 10, 5, 3, 1)
        maps = [
            torch.randn(1, channels, side, side)
            for channels, side in zip(net.backbone.channels, sides, strict=True)
        ]
        chosen = torch.rand(1, 8732) < 0.01
        chosen[0, -1] = True
        self.check(net, maps, chosen)


@pytest.mark.parametrize("d", [16, 64])
def test_vectors_are_those_of_the_maps_handed_on_and_many_of_them_carry_no_gradient(d):
    net = network(side=64, dropout=0.5, anchor_features=d)
    said = net(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8))
    assert said.vectors.requires_grad == (d < 32) and said.codes.requires_grad
    torch.testing.assert_close(net.vectors_at(said, torch.ones(2, 336).bool()), said.vectors.flatten(0, 1))
    torch.testing.assert_close(net.vectors(said.maps), said.vectors)
    assert all((each == 0).float().mean() > 0.4 for each in said.maps), "the same values were dropped"


@pytest.mark.parametrize("head", ["nce", "softmax"])
def test_anchors_and_outputs_stand_in_the_same_order(head):
    """Light in one corner moves the outputs of the anchors of that corner."""
    net = network(head).eval()
    net.set_normalization([torch.randint(0, 256, (4, 3, 160, 160), dtype=torch.uint8)])
    dark = torch.zeros(1, 3, 160, 160, dtype=torch.uint8)
    lit = dark.clone()
    lit[..., 150:, :10] = 255  # bottom left
    with torch.no_grad():
        a, b = net(dark), net(lit)
    centers = (net.anchors[:, :2] + net.anchors[:, 2:]) / 2
    for now, then in ((a.vectors, b.vectors), (a.codes, b.codes)):
        moved = (now - then).abs().sum(-1)[0][:1600]  # the finest level
        x, y = centers[moved.argmax()].tolist()
        assert x < 0.2 and y > 0.8
        assert moved[0] == 0, "top left saw nothing of it"


def test_heads():
    nce, softmax = network("nce").head, network("softmax").head
    assert isinstance(nce, PrototypeClassifier) and isinstance(softmax, SoftmaxClassifier)
    assert nce.num_classes == softmax.num_classes == 4, "the background is a class"
    assert isinstance(nce.projection, nn.Identity), "the class convolution is a linear map already"
    assert parameters(softmax) == 0, "the class convolution emits the logits, as in SSD"
    assert network("nce", anchor_features=16).head.in_features == 16
    assert network("nce").background == 3


def test_prototypes_are_shared_by_the_levels():
    assert network("nce").head.prototypes.shape == (4, 1, 64)


def test_normalization():
    net = network()
    images = torch.randint(0, 200, (5, 3, 160, 160), dtype=torch.uint8)
    images[:, 2] = 7
    net.set_normalization([images])
    torch.testing.assert_close(net.mean, images.double().mean((0, 2, 3)).float())
    assert float(net.std[2]) == 1, "a channel without deviation is not divided by 0"
    net.backbone.normalization = (torch.tensor([1.0, 2.0, 3.0]), torch.ones(3))
    net.set_normalization(pytest.fail(reason) for reason in ["no image is to be read"])
    assert net.mean.tolist() == [1, 2, 3], "pretrained weights say what they expect"


def test_samples_scatter_and_leave_the_modes_alone():
    net = network(dropout=0.5).eval()
    images = torch.randint(0, 256, (2, 3, 160, 160), dtype=torch.uint8)
    with torch.inference_mode():
        samples = net.samples(images, 3)
    assert samples.shape == (3, 2, 2100, 4)
    assert not torch.equal(samples[0], samples[1])
    assert not any(module.training for module in net.modules())
    with pytest.raises(UsageError, match="need dropout"):
        network().samples(images, 2)


def test_an_auxiliary_reads_the_levels():
    net = network(auxiliary=LossPredictor)
    assert len(net.auxiliary.reduce) == 3
    said = net(torch.zeros(2, 3, 160, 160, dtype=torch.uint8))
    assert said.auxiliary.shape == (2,)
    features, stages = net.backbone.forward_stages(torch.zeros(1, 3, 160, 160))
    assert [stage.shape[1] for stage in stages] == list(net.backbone.channels)
    assert features.shape == (1, net.backbone.channels[1])
