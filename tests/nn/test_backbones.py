import socket
import sys

import pytest
import torch
from torch import nn

from ncenet.errors import MissingExtra, UnknownName, UsageError
from ncenet.nn.backbones import MLP, ResNet18, SmallNet, TimmNet, backbones, build_backbone
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.recipe import ModelRecipe

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]
IMAGES = ("small", "small-whitened", "medium", "medium-whitened", "resnet18")


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def build(name, shape, **options):
    return build_backbone(ModelRecipe(backbone=name, **options), shape)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_resnet18_has_the_parameters_of_the_cifar_variant():
    backbone = ResNet18((3, 32, 32))
    assert parameters(backbone) == 11_168_832
    assert parameters(nn.Sequential(backbone, SoftmaxClassifier(512, 10))) == 11_173_962


def test_resnet18_keeps_the_resolution_of_small_images():
    seen = {}
    backbone = ResNet18((3, 32, 32))
    for name in ("layer1", "layer4"):
        getattr(backbone.net, name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: tuple(output.shape[1:])})
        )
    backbone(torch.randn(2, 3, 32, 32))
    assert seen == {"layer1": (64, 32, 32), "layer4": (512, 4, 4)}, "neither stem nor pool halves the side"


def test_small_net_is_small():
    widths = (32, 64, 128)
    channels, count = 3, 0
    for width in widths:
        count += 9 * channels * width + 9 * width * width  # two convolutions without bias
        count += 2 * 2 * width  # two batch normalisations
        channels = width
    assert parameters(SmallNet((3, 32, 32), widths)) == count


@pytest.mark.parametrize("name", [*IMAGES, "mlp"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_features_of_images(name, shape):
    backbone = build(name, shape)
    features = backbone(torch.randn(2, *shape))
    assert features.shape == (2, backbone.out_features)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("side", [1, 2, 3, 5, 7, 9, 13, 31])
def test_small_net_takes_odd_sides_and_loses_no_pixel(side):
    backbone = SmallNet((1, side, side)).eval()
    images = torch.randn(1, 1, side, side, requires_grad=True)
    features = backbone(images)
    assert features.shape == (1, backbone.out_features)
    features.square().sum().backward()
    assert (images.grad != 0).all(), "halving an odd side does not cut the last row or column off"


@pytest.mark.parametrize("name", ["mlp", "identity"])
def test_features_of_vectors(name):
    vectors = torch.randn(4, 7)
    backbone = build(name, (7,))
    assert backbone(vectors).shape == (4, backbone.out_features)
    if name == "identity":
        assert backbone(vectors) is vectors
        assert parameters(backbone) == 0


def test_mlp_has_two_layers():
    assert parameters(MLP((7,), width=16)) == (7 * 16 + 16) + (16 * 16 + 16)


@pytest.mark.parametrize("name", [*IMAGES, "timm:test_resnet"])
def test_vectors_are_no_images(name):
    with pytest.raises(UsageError, match=rf"{name} takes images, got vectors of shape \(7,\)"):
        build(name, (7,))


def test_identity_takes_no_images():
    with pytest.raises(UsageError, match=r"takes feature vectors, got images of shape \(3, 8, 8\)"):
        build("identity", (3, 8, 8))


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown backbone 'resnet81': did you mean 'resnet18'\?"):
        build("resnet81", (3, 32, 32))
    assert {*IMAGES, "mlp", "identity"} <= set(backbones.names())


@pytest.fixture
def _no_network(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# The second widens its features once more before the classifier: 288 to 1024.
@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", ["test_resnet", "mobilenetv3_small_050"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_timm_backbones(name, shape):
    pytest.importorskip("timm")
    backbone = build(f"timm:{name}", shape).eval()
    assert backbone(torch.randn(2, *shape)).shape == (2, backbone.out_features)


@pytest.mark.parametrize("name", [*IMAGES, "mlp"])
def test_features_come_from_the_stages(name):
    backbone, images = build(name, (3, 32, 32)).eval(), torch.randn(2, 3, 32, 32)
    features, stages = backbone.forward_stages(images)
    assert torch.equal(features, backbone(images))
    assert all(map(torch.equal, backbone.stages(images), stages))
    last = stages[-1].flatten(2).mean(2) if stages[-1].ndim > 2 else stages[-1]
    assert torch.allclose(last, features, atol=1e-6)
    sides = [tuple(stage.shape[2:]) for stage in stages]
    assert (
        sides
        == {
            "small": [(16, 16), (8, 8), (4, 4), (2, 2)],
            "medium": [(16, 16), (8, 8), (4, 4), (2, 2)],
            "small-whitened": [(16, 16), (8, 8), (4, 4), (2, 2)],
            "medium-whitened": [(16, 16), (8, 8), (4, 4), (2, 2)],
            "resnet18": [(32, 32), (16, 16), (8, 8), (4, 4)],
            "mlp": [(), ()],
        }[name]
    )


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "mobilenetv3_small_050"])
def test_stages_of_timm_backbones(name):
    pytest.importorskip("timm")
    side = 160 if name == "test_vit" else 32
    backbone, images = build(f"timm:{name}", (3, side, side)).eval(), torch.randn(2, 3, side, side)
    features, stages = backbone.forward_stages(images)
    assert torch.allclose(features, backbone(images), atol=1e-5)
    assert len(stages) > 1
    assert {(stage.shape[0], stage.ndim) for stage in stages} == {(2, 4)}


def test_a_timm_model_that_shows_no_stages_says_so():
    class Closed(nn.Linear):
        head_hidden_size = 2

    with pytest.raises(UsageError, match=r"model\.backbone: timm shows no stages of Closed"):
        TimmNet(Closed(3, 2)).stages(torch.randn(1, 3))


@pytest.mark.parametrize("name", [*IMAGES, "mlp", "identity"])
def test_weights_that_are_not_there_are_refused(name):
    with pytest.raises(UsageError, match=f"no weights for {name}; a backbone timm:NAME has some"):
        build_backbone(ModelRecipe(backbone=name, pretrained=True), (3, 32, 32))


def test_unknown_timm_model():
    pytest.importorskip("timm")
    with pytest.raises(UsageError, match="timm has no model 'resnet17'"):
        build("timm:resnet17", (3, 32, 32))


def test_without_timm_the_message_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[timm\]'"):
        build("timm:resnet10t", (3, 32, 32))
