"""Networks of other people: plain names, what the user typed, and a server that isn't there."""

from __future__ import annotations

import socket
import time

import pytest

from ncenet.errors import UsageError
from ncenet.nn import backbones, sources
from ncenet.nn.backbones import build_backbone
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
    monkeypatch.setattr(backbones, "_cached", lambda about: False)
    start = time.monotonic()
    with pytest.raises(
        UsageError, match=r"pretrained weights of timm:resnet18 .* can't be reached: .*(known|timed)"
    ):
        build_backbone(ModelRecipe(backbone="timm:resnet18", pretrained=True), (3, 32, 32))
    assert time.monotonic() - start < 10
