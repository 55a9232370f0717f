"""Networks that make vectors, and where their weights come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ncenet.errors import DataError, MissingExtra, UsageError
from ncenet.features.extractor import Extractor, Wanted, extractors, open_extractor
from ncenet.features.framing import Preprocessing
from ncenet.nn import packaged
from ncenet.nn.weights import fill, read_weights
from tests.features.conftest import grid_network


def tiny(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def squares(count, side=16):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_the_fingerprint_tells_name_weights_and_preprocessing():
    how = Preprocessing(16)
    same = [Extractor("a", tiny(), how), Extractor("a", tiny(), Preprocessing(16))]
    other = [
        Extractor("b", tiny(), how),
        Extractor("a", tiny(1), how),
        Extractor("a", tiny(), Preprocessing(16, "pad")),
        Extractor("a", tiny(), Preprocessing(16, mean=(0.4,) * 3)),
    ]
    assert same[0].fingerprint == same[1].fingerprint
    assert len({each.fingerprint for each in (*same, *other)}) == 5


def test_the_network_is_in_eval_mode_and_learns_nothing():
    extractor = Extractor("a", tiny(), Preprocessing(16))
    assert not any(module.training for module in extractor.modules())
    assert not any(p.requires_grad for p in extractor.parameters())


def test_weights_of_any_file_fill_a_network(tmp_path):
    weights = tiny(3).state_dict()
    save_file(weights, tmp_path / "w.safetensors")
    torch.save({"state_dict": {f"module.{k}": v for k, v in weights.items()}, "epoch": 3}, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        network = tiny(0)
        fill(network, read_weights(tmp_path / name), what="tiny", source=tmp_path / name)
        assert torch.equal(network[0].weight, weights["0.weight"])


class Evil:
    def __reduce__(self):
        return print, ("code of a stranger runs",)


def test_no_code_of_a_weights_file_is_run(tmp_path, capsys):
    torch.save({"w": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(DataError, match=r"evil\.pth: no file of weights"):
        read_weights(tmp_path / "evil.pth")
    assert "stranger" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("w.pth", b"no weights at all", "no file of weights"),
        ("w.safetensors", b"no weights at all", "no file of weights"),
        ("w.pth", b"", "no file of weights"),
        ("there/is/none.pth", None, "no such file"),
    ],
)
def test_a_file_that_holds_no_weights(tmp_path, name, content, why):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=why) as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_file_of_something_else(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(DataError, match="something else than tensors by name"):
        read_weights(tmp_path / "list.pth")


def test_weights_of_another_network_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no weights of tiny: 1 of 2 tensors are .* as '0\.bias'"):
        fill(tiny(), {"0.weight": torch.zeros(4, 3, 3, 3)}, what="tiny", source=tmp_path)
    with pytest.raises(DataError, match=r"0\.weight is \(5, 3, 3, 3\), expected \(4, 3, 3, 3\)"):
        wrong = {"0.weight": torch.zeros(5, 3, 3, 3), "0.bias": torch.zeros(4)}
        fill(tiny(), wrong, what="tiny", source=tmp_path)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda own: own.mul(9).to(torch.int8), "0.weight holds int8, expected numbers such as float32"),
        (lambda own: own > 0, "0.weight holds bool, expected"),
        (lambda own: own.to(torch.complex64), "0.weight holds complex64, expected"),
        (lambda own: own.index_fill(0, torch.tensor(1), torch.nan), "0.weight holds nan or inf"),
        (lambda own: own.half() * 1e9, "0.weight holds nan or inf"),
        (lambda own: own.to("meta"), "0.weight holds no numbers, but a sketch of them"),
        (lambda own: own.to_sparse(), "0.weight is a sparse tensor"),
    ],
)
def test_numbers_that_no_network_computes_with_are_named(tmp_path, wrong, why):
    own = tiny().state_dict()
    with pytest.raises(DataError, match=f"no weights of tiny: {why}"):
        fill(tiny(), own | {"0.weight": wrong(own["0.weight"])}, what="tiny", source=tmp_path)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_precision_are_taken(tmp_path, kind):
    network, own = tiny(), tiny(3).state_dict()
    fill(network, {name: tensor.to(kind) for name, tensor in own.items()}, what="tiny", source=tmp_path)
    torch.testing.assert_close(network[0].weight.data, own["0.weight"], atol=2e-3, rtol=0)


def test_without_its_package_lite0_says_what_installs_it(monkeypatch):
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[features\]'"):
        open_extractor(Wanted("lite0"))
    assert not packaged.installed("lite0")


def test_timm_needs_a_name():
    with pytest.raises(UsageError, match="name a model of timm"):
        open_extractor(Wanted("timm:"))


@pytest.mark.skipif(not packaged.installed("lite0"), reason="the extra 'features' is not installed")
class TestLite0:
    def test_its_weights_fill_it(self, tmp_path):
        extractor = open_extractor(Wanted("lite0"))
        assert extractor.dim == 1280 and extractor.preprocessing.side == 224
        import timm

        trained = timm.get_pretrained_cfg("tf_efficientnet_lite0")
        assert extractor.preprocessing.kept == trained.crop_pct == 0.875, "as much as in training"
        empty = open_extractor(Wanted("lite0", empty=True))
        assert empty.fingerprint != extractor.fingerprint
        save_file(extractor.network.state_dict(), tmp_path / "own.safetensors")
        again = open_extractor(Wanted("lite0", tmp_path / "own.safetensors"))
        assert again.fingerprint == extractor.fingerprint
        of_timm = open_extractor(Wanted("timm:tf_efficientnet_lite0", tmp_path / "own.safetensors"))
        assert of_timm.preprocessing == extractor.preprocessing

    def test_weights_of_lite2_are_none_of_lite0(self, tmp_path):
        weights = read_weights(packaged.packaged("lite0"))
        fewer = dict(list(weights.items())[:-20])
        torch.save(fewer, tmp_path / "fewer.pth")
        with pytest.raises(DataError, match=r"fewer\.pth: no weights of lite0: 276 tensors, expected 294"):
            open_extractor(Wanted("lite0", tmp_path / "fewer.pth"))
        torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
        with pytest.raises(DataError, match=r"other\.pth: no weights of lite0: \d+ of 294 tensors are"):
            open_extractor(Wanted("lite0", tmp_path / "other.pth"))


def test_extractors_are_listed():
    assert {"lite0", "lite2", "timm"} <= set(extractors.names())
    assert Extractor("grid", grid_network(), Preprocessing(8)).dim == 12


def test_gist_tells_directions_and_places_apart_and_needs_nothing():
    extractor = open_extractor(Wanted("gist"))
    x = torch.arange(64).float()
    stripes = (127.5 + 127 * torch.sin(2 * torch.pi * x / 5)).expand(64, 64)
    flat = torch.full((64, 64), 127.5)
    corner = flat.clone()
    corner[:16, :16] = stripes[:16, :16]
    images = torch.stack([stripes, stripes.T, corner, flat])[:, None].expand(-1, 3, -1, -1).to(torch.uint8)
    vectors = extractor(images)
    assert vectors.shape == (4, extractor.dim) == (4, (8 * 3 + 3) * 16)
    energy = vectors[:, 3 * 16 :].reshape(4, 3, 8, 16)  # octaves, directions, cells
    assert int(energy[0, 0].sum(-1).argmax()) == 0 and int(energy[1, 0].sum(-1).argmax()) == 4
    there = energy[2, 0, 0]  # what stands beside the corner sees its edge
    assert int(there.argmax()) == 0 and there[5:].max() < 0.01 * there[0]
    assert energy[3].max() < 1e-2, "flat images have no edges"
    assert open_extractor(Wanted("gist")).fingerprint == extractor.fingerprint


def test_gist_takes_no_weights(tmp_path):
    with pytest.raises(UsageError, match="gist has no weights"):
        open_extractor(Wanted("gist", tmp_path / "w.pth"))
