"""Pretrained networks under a detector: whose maps they are, what never learns, and what is refused."""

from __future__ import annotations

import pytest
import timm
import torch

from ncenet.errors import RecipeError, UsageError
from ncenet.nn.detection_backbones import build_detection_backbone
from ncenet.nn.lite import lite_network
from ncenet.nn.packaged import installed
from ncenet.nn.pretrained_maps import STRIDES, PretrainedMaps, of_timm
from ncenet.recipe import ModelRecipe, Recipe

needs_lite0 = pytest.mark.skipif(not installed("lite0"), reason="the extra 'features' is not installed")


def images(channels=3, side=64):
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def rows(maps):
    return torch.cat([map.flatten(1) for map in maps], 1)


def theirs(name, weights, channels=3):
    """The maps as timm's own wrapper takes them out of the same network."""
    net = timm.create_model(name, features_only=True, in_chans=channels)
    net.load_state_dict({key: weights[key] for key in net.state_dict()})
    with torch.no_grad():
        maps = net.eval()(images(channels))
    return [map for map, step in zip(maps, net.feature_info.reduction(), strict=True) if step in STRIDES]


@needs_lite0
def test_the_maps_of_lite0_are_those_of_the_packaged_network():
    backbone = build_detection_backbone(ModelRecipe(backbone="lite0"), 3, 64)
    assert isinstance(backbone, PretrainedMaps) and backbone.widths == (40, 112, 320)
    expected = theirs("tf_efficientnet_lite0", lite_network("lite0").state_dict())
    torch.testing.assert_close(backbone.look(images()), rows(expected))
    assert [map.shape for map in backbone(images())] == [(2, 64, cells, cells) for cells in (8, 4, 2)]


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050", "convnext_atto", "regnetx_002"])
def test_the_maps_of_timm_are_those_of_its_own_wrapper(name):
    made = []
    create = timm.create_model

    def kept(*args, **options):
        made.append(create(*args, **options))
        return made[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timm, "create_model", kept)
        backbone = of_timm(f"timm:{name}", 3, 64, pretrained=False)
    net = create(name, features_only=True)
    weights = {key.replace(".", "_"): value for key, value in made[0].state_dict().items()}
    flat = {key: weights[key.replace(".", "_")] for key in net.state_dict()}
    net.load_state_dict(flat)
    with torch.no_grad():
        expected = [
            map
            for map, step in zip(net.eval()(images()), net.feature_info.reduction(), strict=True)
            if step in STRIDES
        ]
    torch.testing.assert_close(backbone.look(images()), rows(expected))


def test_gray_images():
    backbone = of_timm("timm:resnet10t", 1, 64, pretrained=False)
    assert backbone.normalization is not None and backbone.normalization[0].shape == (1,)
    assert [map.shape[1] for map in backbone(images(1))] == [64] * 3


@needs_lite0
def test_what_is_pretrained_never_learns():
    backbone = build_detection_backbone(ModelRecipe(backbone="lite0"), 3, 64)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    backbone.train()
    seen = backbone.look(images())
    assert not seen.requires_grad
    sum(map.square().mean() for map in backbone.read(seen)).backward()
    after = backbone.state_dict()
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"scalings", "necks"}, "statistics of the pyramid alone"
    learning = {name.partition(".")[0] for name, value in backbone.named_parameters() if value.requires_grad}
    assert learning == {"laterals", "necks"}
    assert all(value.grad is None for value in backbone.stages.parameters())


@needs_lite0
def test_coarse_maps_tell_the_finer_ones():
    backbone = build_detection_backbone(ModelRecipe(backbone="lite0"), 3, 64).eval()
    seen = backbone.look(images())
    other = seen.clone()
    other[:, -320 * 4 :] += 1  # of the coarsest map
    one, two = backbone.read(seen), backbone.read(other)
    assert not any(torch.allclose(a, b) for a, b in zip(one, two, strict=True))
    other = seen.clone()
    other[:, : 40 * 64] += 1  # of the finest
    two = backbone.read(other)
    assert not torch.allclose(one[0], two[0])
    assert torch.equal(one[1], two[1]) and torch.equal(one[2], two[2])


class TestRefused:
    def test_a_network_without_such_maps(self):
        with pytest.raises(UsageError, match="timm:vit_tiny_patch16_224 shows no maps at strides of 8"):
            of_timm("timm:vit_tiny_patch16_224", 3, 64, pretrained=False)

    def test_a_network_that_is_more_than_its_modules_in_a_row(self, monkeypatch):
        monkeypatch.setattr("torch.Tensor.allclose", lambda *args, **options: False)
        with pytest.raises(UsageError, match="timm:resnet10t shows no maps"):
            of_timm("timm:resnet10t", 3, 64, pretrained=False)

    @pytest.mark.parametrize("side", [32, 100, 1024])
    def test_a_side_that_the_strides_do_not_divide(self, side):
        with pytest.raises(UsageError, match=f"data.image_size is {side}"):
            of_timm("timm:resnet10t", 3, side, pretrained=False)

    def test_gray_images_for_lite0(self):
        with pytest.raises(UsageError, match="lite0 takes images in colour"):
            build_detection_backbone(ModelRecipe(backbone="lite0"), 1, 64)

    def test_timm_without_its_weights(self):
        changes = {"task": "detection", "model.backbone": "timm:resnet18"}
        with pytest.raises(RecipeError, match=r"add `model.pretrained`"):
            Recipe().with_changes(changes)
        assert Recipe().with_changes(changes | {"model.pretrained": True}).model.pretrained
