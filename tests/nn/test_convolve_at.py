"""A convolution at some places equals the same convolution of the whole map, read there."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ncenet.nn.convolve_at import convolve_at


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("kernel", [1, 3, (3, 5)])
@pytest.mark.parametrize("places", [[], [0], [11, 3, 3, 29, 18], list(range(40))])
def test_values_and_gradients_equal_those_of_the_whole_map(kernel, places, layout):
    rng = torch.Generator().manual_seed(0)
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    conv = nn.Conv2d(3, 6, kernel, padding=tuple(side // 2 for side in sides)).double()
    for parameter in conv.parameters():
        nn.init.normal_(parameter, generator=rng)
    conv = conv.to(memory_format=layout)
    map = torch.randn(2, 3, 4, 5, generator=rng, dtype=torch.float64).requires_grad_()
    weight = torch.randn(len(places), 6, generator=rng, dtype=torch.float64)
    wanted = [map, *conv.parameters()]
    said = convolve_at(conv, map, torch.tensor(places, dtype=torch.int64))
    expected = conv(map).permute(0, 2, 3, 1).flatten(0, 2)[places]
    torch.testing.assert_close(said, expected)
    for got, there in zip(
        torch.autograd.grad((said * weight).sum(), wanted),
        torch.autograd.grad((expected * weight).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(got, there)
