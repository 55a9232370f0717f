import pytest

from ncenet.errors import UnknownName
from ncenet.features.extractor import extractors
from ncenet.features.names import BUILT_IN, check_network_names
from ncenet.loop.simulate import simulate
from ncenet.nn import pretrained_maps  # noqa: F401 - enters its own
from ncenet.nn.backbones import backbones
from ncenet.nn.detection_backbones import detection_backbones
from ncenet.nn.heads import heads
from ncenet.recipe import Recipe


@pytest.mark.parametrize(
    "registry", [heads, backbones, detection_backbones, extractors], ids=lambda r: r.kind
)
def test_what_is_known_without_torch_is_what_is_registered(registry):
    ours = {name for name, make in registry if make.__module__.startswith("ncenet.")}
    assert BUILT_IN[registry.kind] == ours


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model.head.name": "nc"}, "unknown head 'nc': did you mean 'nce'"),
        ({"model.backbone": "smal"}, "unknown backbone 'smal': did you mean 'small'"),
        ({"model.backbone": "ssd300-vgg16"}, "unknown backbone 'ssd300-vgg16'"),
        ({"task": "detection", "model.backbone": "resnet18"}, "unknown detection backbone 'resnet18'"),
        ({"model.features": "lite9"}, "unknown extractor 'lite9': did you mean 'lite2'"),
        ({"model.features": "tim:resnet18"}, "unknown extractor 'tim': did you mean 'timm'"),
        ({"task": "detection", "model.features": "lite9"}, "unknown extractor 'lite9'"),
    ],
)
def test_a_misspelt_name_is_refused_before_anything_is_written(tmp_path, changes, why):
    with pytest.raises(UnknownName, match=f"^{why}"):
        simulate(Recipe().with_changes(changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"model.backbone": "given:Net"},
        {"model.backbone": "timm:whatever"},
        {"model.backbone": "lite0"},
        {"model.features": "own.npz"},
        {"model.features": "timm:whatever"},
        {"model.features": "grid:large"},
    ],
)
def test_what_only_opening_can_tell_passes(grid, changes):
    check_network_names(Recipe().with_changes(changes))
