"""Features that need no labels and no training: for choosing images before there is a model.

With a pretrained backbone in the recipe they are its features. Without one nothing may be downloaded, and
they are responses to patches that are taken from the images themselves;
``benchmarks/results/first_batch.md`` compares them with downsampled pixels and others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from ncenet.data.pools import VectorRows, channels_of
from ncenet.data.tensors import ImageTensors
from ncenet.nn.normalization import Normalizing
from ncenet.nn.pretrained import moments_of, pretrained_net, trained_side
from ncenet.recipe import ModelRecipe
from ncenet.types import Pool

SIDE = 32
"""Images are looked at in this size, in pixels (ours)."""
PATCH = 6
"""Side of a patch (Coates et al.: six pixels of 32 are best)."""
FILTERS = 256
"""Patches that images are compared with (ours)."""
WHITENING = 0.1
"""Added to the eigenvalues of the patches' covariance, in units of their mean (ours)."""
THRESHOLD = 0.5
"""A response below this many deviations counts as none (ours)."""
SAMPLED = 20_000
"""Patches that the whitening is learned from (ours)."""
COMPONENTS = 128
"""Principal components that are kept (ours)."""
BATCH = 64


def frozen_features(
    pool: Pool, ids: Sequence[str], model: ModelRecipe, *, rng: Generator, workers: int = 1
) -> Tensor:
    """Features of images under a model that never learns.

    Args:
        pool: where the images are; feature vectors are their own features, and vectors that a network learns
            on are seen as it sees them, each number less its mean and by its deviation.
        ids: N ids.
        model: section ``model`` of the recipe; a pretrained backbone is used, others are not.
        rng: draws the patches.
        workers: threads that decode.

    Returns:
        (N, D) float32.
    """
    if channels_of(pool) == 0:
        vectors = ImageTensors(pool, ids, size=None).batch(ids).float()
        if isinstance(pool, VectorRows) or not len(vectors):
            return vectors
        inputs = Normalizing(vectors.shape[1])
        inputs.set_normalization([vectors])
        return inputs.normalized(vectors)
    if model.brings_weights:
        return _pretrained(pool, ids, model, workers)
    tensors = ImageTensors(pool, ids, size=SIDE, workers=workers, cache_gb=0)
    return patch_features(_chunked(tensors, ids), len(ids), rng)


def patch_features(images: Callable[[range], Tensor], count: int, rng: Generator) -> Tensor:
    """How much of each of 256 patches there is in each quarter of an image.

    Patches of the images are normalised and whitened; 256 of them, drawn at random, are the filters of a
    convolution; responses above a threshold are averaged over the quarters; principal components of that are
    the features.

    Source: Coates, Lee and Ng, An Analysis of Single-Layer Networks in Unsupervised Feature Learning, AISTATS
    2011, with random patches in the place of k-means centres (Coates and Ng, ICML 2011).

    Args:
        images: gives rows as uint8 (B, channels, H, W).
        count: N.
        rng: draws the patches.

    Returns:
        (N, D) float32, D at most 128.
    """
    order = torch.randperm(count, generator=rng)[: SAMPLED // 20].tolist()
    patches = torch.cat([_patches(images(range(row, row + 1)), 20, rng) for row in order])
    mean, whiten = _whitening(patches)
    chosen = patches[torch.randperm(len(patches), generator=rng)[:FILTERS]]
    filters = nn.functional.normalize((chosen - mean) @ whiten, dim=1) @ whiten.T
    responses = []
    for start in range(0, count, BATCH):
        rows = range(start, min(start + BATCH, count))
        responses.append(_responses(images(rows).float(), mean, filters))
    table = torch.cat(responses)
    table = table - table.mean(0)
    _, _, directions = torch.linalg.svd(
        table[torch.randperm(count, generator=rng)[:2000]], full_matrices=False
    )
    projected: Tensor = table @ directions[:COMPONENTS].T
    return projected


def _patches(images: Tensor, each: int, rng: Generator) -> Tensor:
    """Random patches of one image, normalised, as rows."""
    columns = _normalized(nn.functional.unfold(images.float(), PATCH)[0].T)
    return columns[torch.randint(len(columns), (each,), generator=rng)]


def _normalized(patches: Tensor) -> Tensor:
    """Contrast taken out: of each row its mean, then its deviation (plus 10 grey levels, as in the paper)."""
    centred = patches - patches.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 10).sqrt()


def _whitening(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (P,) and symmetric whitening matrix (P, P)."""
    mean = patches.mean(0)
    centred = patches - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(patches))
    scale = (values + WHITENING * values.mean()).clamp_min(1e-6).rsqrt()  # flat images have no spread
    return mean, (vectors * scale) @ vectors.T


def _responses(images: Tensor, mean: Tensor, filters: Tensor) -> Tensor:
    """Responses (B, 4 F) of images (B, channels, H, W)."""
    B, _, H, W = images.shape
    columns = _normalized(nn.functional.unfold(images, PATCH).transpose(1, 2))
    response = (columns - mean) @ filters.T
    active = (response / response.std(-1, keepdim=True).clamp_min(1e-6) - THRESHOLD).clamp_min(0)
    grid = active.transpose(1, 2).reshape(B, -1, H - PATCH + 1, W - PATCH + 1)
    pooled: Tensor = nn.functional.adaptive_avg_pool2d(grid, 2).flatten(1)
    return pooled


def _chunked(tensors: ImageTensors, ids: Sequence[str]) -> Callable[[range], Tensor]:
    return lambda rows: tensors.batch([ids[row] for row in rows])


def _pretrained(pool: Pool, ids: Sequence[str], model: ModelRecipe, workers: int) -> Tensor:
    """Features (N, D) of the pretrained backbone, under the size and scale that it was trained with."""
    channels = channels_of(pool)
    backbone = pretrained_net(model, (channels, SIDE, SIDE)).eval()
    side = trained_side(model)
    mean, std = (moment.view(1, -1, 1, 1) for moment in moments_of(backbone, channels))
    tensors = ImageTensors(pool, ids, size=side, workers=workers, cache_gb=0)
    features = []
    with torch.inference_mode():
        for start in range(0, len(ids), BATCH):
            pixels = tensors.batch(ids[start : start + BATCH]).float()
            features.append(backbone((pixels - mean) / std).float())
    return torch.cat(features).clone()
