"""The VAE of VAAL and SRAAL, and their discriminator."""

import pytest
import torch

from ncenet.functional.adversarial import negative_elbo
from ncenet.nn.vae import LATENT, VAE, Discriminator

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 4, 4), (1, 5, 7), (6,), (200,)]


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_adapts_to_the_input(shape):
    vae, inputs = VAE(shape), torch.randn(3, *shape)
    mean, log_variance = vae.encode(inputs)
    assert mean.shape == log_variance.shape == (3, LATENT)
    assert vae.decode(mean).shape == inputs.shape
    assert Discriminator()(mean).shape == (3,)


@pytest.mark.parametrize(
    ("shape", "convolutions"), [((1, 4, 4), 1), ((1, 8, 8), 1), ((1, 28, 28), 3), ((3, 64, 64), 4)]
)
def test_sides_are_halved_until_four(shape, convolutions):
    convs = [m for m in VAE(shape).encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convs) == convolutions


def test_every_pixel_is_encoded_and_reconstructed():
    vae = VAE((1, 13, 13))
    inputs = torch.randn(2, 1, 13, 13, requires_grad=True)
    mean, _ = vae.encode(inputs)
    mean.square().sum().backward()
    assert (inputs.grad != 0).all()
    assert (vae.decode(torch.randn(50, LATENT)).std(0) > 0).all()


@pytest.mark.parametrize(
    "inputs",
    [torch.arange(240, dtype=torch.uint8).reshape(5, 3, 4, 4), torch.linspace(-3, 90, 40).reshape(8, 5)],
    ids=["images", "vectors"],
)
def test_inputs_are_standardised_per_channel(inputs):
    vae = VAE(tuple(inputs.shape[1:]))
    vae.set_normalization([inputs])
    by_channel = vae.standardize(inputs).movedim(1, 0).flatten(1)
    assert by_channel.dtype == torch.float32
    torch.testing.assert_close(by_channel.mean(1), torch.zeros(len(by_channel)), atol=1e-5, rtol=0)
    torch.testing.assert_close(by_channel.std(1, correction=0), torch.ones(len(by_channel)))


def test_constants_and_outliers_stay_in_range():
    vae, inputs = VAE((2,)), torch.tensor([[7.0, 0.0]] * 999 + [[7.0, 1e6]])
    vae.set_normalization([inputs])
    assert vae.standardize(inputs).abs().max(0).values.tolist() == [0.0, 5.0]


@pytest.mark.parametrize("shape", [(1, 8, 8), (40,)], ids=str)
def test_the_latent_does_not_collapse(shape):
    """Images that differ in one direction: after some steps the latent tells it, and pictures follow."""
    strength, direction = torch.randn(256, 1), torch.randn(1, *shape)
    inputs = strength.view(-1, *(1 for _ in shape)) * direction
    vae = VAE(shape)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for _ in range(150):
        mean, log_variance = vae.encode(inputs)
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        optimizer.zero_grad()
        negative_elbo(vae.decode(latent), inputs, mean, log_variance).mean().backward()
        optimizer.step()
    with torch.no_grad():
        mean, log_variance = vae.encode(inputs)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        left = (vae.decode(mean) - inputs).square().mean() / inputs.square().mean()
    assert kl > 0.5
    assert left < 0.3
