"""Heat maps of anchor scores, against a loop over pixels."""

import pytest
import torch

from ncenet.functional.heat import heat_map


def reference(scores, anchors, width, height):
    """At each pixel the mean over the anchors that cover it, weighted by one over their area."""
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            total = weight = 0.0
            for score, (x1, y1, x2, y2) in zip(scores.tolist(), anchors.tolist(), strict=True):
                if round(x1) <= x < round(x2) and round(y1) <= y < round(y2):
                    share = 1 / max(1, (x2 - x1) * (y2 - y1))
                    total, weight = total + share * score, weight + share
            row.append(total / weight if weight else scores.mean().item())
        rows.append(row)
    return torch.tensor(rows)


def random_anchors(count, seed=0):
    noise = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=noise) * torch.tensor([30.0, 20.0]) - 5
    size = 1 + torch.rand(count, 2, generator=noise) * 15
    return torch.cat([start, start + size], 1), torch.rand(count, generator=noise)


def test_against_the_loop():
    anchors, scores = random_anchors(40)
    assert torch.allclose(
        heat_map(scores, anchors, width=30, height=20), reference(scores, anchors, 30, 20), atol=1e-5
    )


def test_equal_scores_give_a_flat_map_whatever_the_anchors():
    anchors, _ = random_anchors(40)
    for blur in (1, 5):
        heat = heat_map(torch.full((40,), 0.7), anchors, width=30, height=20, blur=blur)
        assert torch.allclose(heat, torch.tensor(0.7), atol=1e-5)


def test_a_high_anchor_shows_where_it_is():
    grid = torch.tensor([[x, y, x + 10, y + 10] for y in (0, 10) for x in (0, 10, 20)], dtype=torch.float32)
    heat = heat_map(torch.tensor([0, 0, 0, 0, 1.0, 0]), grid, width=30, height=20, blur=3)
    assert heat[15, 15] == pytest.approx(1)
    assert heat[5, 5] == pytest.approx(0)
    peak = (heat == heat.max()).nonzero()
    assert ((peak >= 10) & (peak < 20)).all()


def test_half_precision_scores_are_read():
    anchors, scores = random_anchors(10)
    assert heat_map(scores.half(), anchors, width=30, height=20).dtype == torch.float32
