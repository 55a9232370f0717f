"""Networks of other people: plain names, what the user typed, and a server that isn't there."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import torch
from safetensors.torch import save_file

from ncenet.errors import DataError, UsageError
from ncenet.features.extractor import Wanted, open_extractor
from ncenet.nn import backbones, sources
from ncenet.nn.backbones import build_backbone
from ncenet.nn.detection_backbones import build_detection_backbone
from ncenet.recipe import ModelRecipe
from tests.commands import run_command

timm = pytest.importorskip("timm")
FOREIGN = [
    "hf-hub:somebody/model",
    "hf_hub:somebody/model",
    "local-dir:/etc",
    "local-dir:.",
    "a/b",
    "..",
    "",
    "a b",
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whatever asks for it is a failure of the test."""

    def refuse(*address, **_):
        raise AssertionError(f"reached for the network: {address}")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("NCENET_TRUSTED_BACKBONES", raising=False)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("pretrained", [False, True])
def test_what_a_recipe_or_a_model_file_names_is_a_plain_name(name, pretrained):
    recipe = ModelRecipe(backbone=f"timm:{name}", pretrained=pretrained)
    with pytest.raises(UsageError, match=r"no plain name of a timm model|timm has no model"):
        build_backbone(recipe, (3, 32, 32))


def test_a_name_that_timm_does_not_know_suggests_the_nearest():
    with pytest.raises(
        UsageError, match=r"model\.backbone: timm has no model 'resnet8': did you mean 'resnet"
    ):
        build_backbone(ModelRecipe(backbone="timm:resnet8"), (3, 32, 32))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resnet18.a1_in1", "timm has no weights 'resnet18.a1_in1': did you mean 'resnet18.a1_in1k'"),
        ("resnet18.A1_IN1K", "timm has no weights 'resnet18.A1_IN1K': did you mean 'resnet18.a1_in1k'"),
        ("ResNet50", "timm has no model 'ResNet50': did you mean 'resnet50'"),
        ("efficientnet_b8", "timm has no pretrained weights for 'efficientnet_b8'"),
        ("resnet18", "are not on this machine, .* or name a file of them in `model.weights`"),
    ],
)
def test_what_is_wrong_with_features_of_timm_is_told_of_features(name, why, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match=why) as caught:
        open_extractor(Wanted(f"timm:{name}"))
    assert "model.backbone" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["hf-hub", "hf_hub"])
def test_an_address_of_the_hub_is_not_waited_for_where_there_is_no_network(scheme, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    sources.trust(f"timm:{scheme}:me/mine@main")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("asks again and again"))
    with pytest.raises(UsageError, match=f"weights of timm:{scheme}:me/mine@main are not on this machine"):
        build_backbone(ModelRecipe(backbone=f"timm:{scheme}:me/mine@main", pretrained=True), (3, 32, 32))


def test_what_the_user_typed_is_passed_on(monkeypatch):
    asked = []

    def create(name, **_):
        asked.append(name)
        raise OSError("no such model there")

    monkeypatch.setattr(timm, "create_model", create)
    sources.trust("timm:hf-hub:me/mine")
    with pytest.raises(UsageError, match="timm can't build 'hf-hub:me/mine': no such model there"):
        build_backbone(ModelRecipe(backbone="timm:hf-hub:me/mine"), (3, 32, 32))
    assert asked == ["hf-hub:me/mine"]
    with pytest.raises(UsageError, match="no plain name"):
        build_backbone(ModelRecipe(backbone="timm:hf-hub:me/other"), (3, 32, 32))


def test_the_command_line_is_trusted_and_the_recipe_of_a_folder_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_command(capsys, ["simulate", "digits", "--backbone", "timm:local-dir:mine", "--dry-run"])
    sources.check_source("timm:local-dir:mine")
    monkeypatch.delenv("NCENET_TRUSTED_BACKBONES")
    (tmp_path / "theirs.yaml").write_text(
        "data: {train: digits}\nmodel: {backbone: 'timm:local-dir:theirs'}\n"
    )
    done = run_command(capsys, ["run", "theirs.yaml", "--dry-run"])
    assert done.code == 2 and "timm:local-dir:theirs is no plain name of a timm model" in done.said


@pytest.mark.parametrize("why", [socket.gaierror(-2, "Name or service not known"), TimeoutError("timed out")])
def test_weights_that_cannot_be_fetched_are_told_at_once(monkeypatch, why):
    def away(*_, **__):
        raise why

    monkeypatch.setattr(sources.socket, "create_connection", away)
    monkeypatch.setattr(backbones, "cached_weights", lambda about: None)
    start = time.monotonic()
    with pytest.raises(
        UsageError, match=r"pretrained weights of timm:resnet18 .* can't be reached: .*(known|timed)"
    ):
        build_backbone(ModelRecipe(backbone="timm:resnet18", pretrained=True), (3, 32, 32))
    assert time.monotonic() - start < 10


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub in which the weights of timm:test_vit are, or what a test makes of them."""
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    about = timm.get_pretrained_cfg("test_vit")
    kept = cache / f"models--{about.hf_hub_id.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc")
    file = kept / "snapshots" / "abc" / "model.safetensors"
    file.parent.mkdir(parents=True)
    model = timm.create_model("test_vit", pretrained=False)
    save_file({name: torch.full_like(tensor, 0.5) for name, tensor in model.state_dict().items()}, file)
    return file


def test_cached_weights_are_taken_without_a_word_to_the_network(hub, monkeypatch):
    """``away`` would raise: the fixture of this file has no network."""
    start = time.monotonic()
    network = build_backbone(ModelRecipe(backbone="timm:test_vit", pretrained=True), (3, 160, 160))
    assert all((tensor == 0.5).all() for tensor in network.state_dict().values())
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("size", [0, 5, 100, 5000])
def test_weights_that_are_cached_in_part_are_named_at_once(hub, size):
    hub.write_bytes(hub.read_bytes()[:size])
    with pytest.raises(DataError, match=r"model\.safetensors: not whole \(.*\): remove it"):
        build_backbone(ModelRecipe(backbone="timm:test_vit", pretrained=True), (3, 160, 160))


def test_a_link_to_weights_that_never_came_is_no_cache(hub, monkeypatch):
    hub.unlink()
    hub.symlink_to("../../blobs/none")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match=r"are not on this machine.*HF_HUB_OFFLINE is set"):
        build_backbone(ModelRecipe(backbone="timm:test_vit", pretrained=True), (3, 160, 160))


def test_a_name_that_is_looked_up_for_ever_is_waited_for_a_while(monkeypatch):
    released = threading.Event()

    def slow(*_, **__):
        released.wait(60)
        raise OSError("too late")

    monkeypatch.setattr(sources.socket, "create_connection", slow)
    monkeypatch.setattr(sources, "SECONDS", -0.9)
    with pytest.raises(UsageError, match=r"example\.org can't be reached: timed out"):
        sources.check_reachable("the weights", "https://example.org")
    released.set()


def test_the_weights_of_vgg_are_not_waited_for_either(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recipe = ModelRecipe(backbone="ssd300-vgg16", pretrained=True)
    with pytest.raises(UsageError, match="weights of ssd300-vgg16 are not on this machine"):
        build_detection_backbone(recipe, 3, None)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg16_features-amdegroot-88682ab5.pth").write_bytes(b"half")
    with pytest.raises(DataError, match=r"88682ab5\.pth: no weights of VGG-16 .*: remove it"):
        build_detection_backbone(recipe, 3, None)
