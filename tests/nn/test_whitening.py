"""The stem that whitens: what comes out is uncorrelated and equally strong, and it never learns."""

import pytest
import torch
from torch.nn.functional import unfold

from ncenet.nn.backbones import MediumWhitenedNet, SmallWhitenedNet, backbones
from ncenet.nn.whitening import COLORS, EPS, NEAR, Whitening, inverse_root, natural_covariance


def test_covariance_by_formula_is_that_of_a_loop():
    side, channels = 3, 3
    places = [(c, y, x) for c in range(channels) for y in range(side) for x in range(side)]
    expected = [
        [
            (1 if a == b else COLORS) * NEAR ** (((ay - by) ** 2 + (ax - bx) ** 2) ** 0.5)
            for b, by, bx in places
        ]
        for a, ay, ax in places
    ]
    torch.testing.assert_close(
        natural_covariance(channels, side), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_patches_of_this_covariance_come_out_uncorrelated_and_of_one_strength(channels):
    covariance = natural_covariance(channels, 3)
    noise = EPS * torch.eye(9 * channels, dtype=torch.float64)
    root = torch.linalg.cholesky(covariance + noise)
    patches = torch.randn(200_000, 9 * channels, generator=torch.Generator().manual_seed(0)) @ root.float().T
    images = patches.view(-1, channels, 3, 3)
    out = Whitening(channels)(images)[:, :, 1, 1]  # the middle sees the whole patch
    torch.testing.assert_close(torch.cov(out.T), torch.eye(9 * channels), atol=0.02, rtol=0)
    assert torch.corrcoef(patches.T)[0, 1] > 0.9, "and they were correlated"


def test_an_image_is_whitened_patch_by_patch():
    images = torch.randn(2, 3, 5, 6)
    rows = inverse_root(natural_covariance(3, 3)).float()
    expected = (rows @ unfold(images, 3, padding=1)).view(2, 27, 5, 6)
    torch.testing.assert_close(Whitening(3)(images), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["small-whitened", "medium-whitened"])
def test_the_stem_never_learns_and_the_rest_does(name, channels):
    network = backbones.get(name)((channels, 16, 16))
    assert isinstance(network, SmallWhitenedNet | MediumWhitenedNet)
    stem = network.stem.weight.clone()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=0.1)
    network(torch.randn(4, channels, 16, 16)).square().sum().backward()
    optimizer.step()
    assert torch.equal(network.stem.weight, stem)
    assert all(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert "stem.weight" in network.state_dict(), "so that a stored network keeps its stem"
