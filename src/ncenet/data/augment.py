"""The train transform: random crop and random mirroring, drawn for each image. Never used when predicting."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def augment(images: Tensor, *, crop_padding: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Shift each image by up to ``crop_padding`` pixels either way, and mirror half of them.

    As in the usual CIFAR recipe: pad with black on all sides, cut out the original size at a random place,
    mirror with probability 1/2. All draws come from ``generator``; how many depends on B alone.

    Args:
        images: (B, C, H, W), any dtype, before they are normalised: 0 is black.
        crop_padding: pixels added on each side, at least 0; 0 means no shift.
        flip: whether to mirror horizontally.
        generator: on the CPU.

    Returns:
        (B, C, H, W), contiguous; the input is not changed.
    """
    B, C, H, W = images.shape
    device = images.device
    top, left = torch.randint(0, 2 * crop_padding + 1, (2, B, 1), generator=generator).to(device)
    mirrored = torch.randint(0, 2, (B, 1), generator=generator).to(device) == 1
    rows = top + torch.arange(H, device=device)
    columns = torch.arange(W, device=device)
    if flip:
        columns = torch.where(mirrored, columns.flip(0), columns)
    columns = left + columns
    # One gather on flattened padded images does both, for the whole batch: entry (b, h, w) says which pixel
    # of image b comes to (h, w).
    source = rows[:, :, None] * (W + 2 * crop_padding) + columns[:, None, :]
    padded = pad(images, (crop_padding,) * 4)
    return padded.flatten(2).gather(2, source.view(B, 1, H * W).expand(B, C, H * W)).view(B, C, H, W)
