"""Normalisation: the moments of chunks are those of the whole; constants stay constants."""

from __future__ import annotations

import pytest
import torch

from ncenet.nn.normalization import Normalizing, moments

INPUTS = {
    "images": torch.randint(0, 256, (50, 3, 7, 5), dtype=torch.uint8, generator=torch.Generator()),
    "vectors far from 0": torch.randn(50, 4, generator=torch.Generator()) * 0.01 + 1000,
}


@pytest.mark.parametrize("inputs", INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("size", [1, 7, 50])
def test_moments_of_chunks_are_those_of_the_whole(inputs, size):
    whole = inputs.double().movedim(1, 0).flatten(1)
    mean, std = moments(inputs.split(size))
    torch.testing.assert_close(mean, whole.mean(1), rtol=1e-14, atol=0)
    torch.testing.assert_close(std, whole.std(1, correction=0), rtol=1e-9, atol=0)


def test_a_constant_channel_deviates_by_exactly_nothing():
    vectors = torch.full((1000, 1), 0.1)
    assert float(moments(vectors.split(7))[1]) == 0
    network = Normalizing(1)
    network.set_normalization(vectors.split(7))
    assert (network.normalized(vectors) == 0).all(), "and is not divided by 0"
