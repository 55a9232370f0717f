import pytest
import torch

from ncenet.functional.aggregate import aggregate, top_k_mean
from ncenet.functional.suppression import survivors

HOW = ["mean", "top-k", "max", "nms-sum", "nms-mean"]


def chunk(N=6, A=20, C=3, seed=0):
    """Scores, probabilities with the background last, and boxes that overlap."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(N, A, 2, generator=rng)
    boxes = torch.cat([corner, corner + 0.3], -1)
    return torch.randn(N, A, generator=rng), torch.rand(N, A, C + 1, generator=rng), boxes


def test_of_anchors():
    scores, _, _ = chunk()
    rows = [sorted(row, reverse=True) for row in scores.tolist()]
    assert aggregate(scores).tolist() == pytest.approx([sum(row) / 20 for row in rows], abs=1e-6)
    assert aggregate(scores, "max").tolist() == [row[0] for row in rows]
    top = aggregate(scores, "top-k", k=4)
    assert top.tolist() == pytest.approx([sum(row[:4]) / 4 for row in rows], abs=1e-6)


def test_top_k_lies_between_mean_and_max():
    scores, _, _ = chunk()
    assert torch.equal(top_k_mean(scores, 1), aggregate(scores, "max"))
    torch.testing.assert_close(top_k_mean(scores, 20), aggregate(scores))
    assert torch.equal(top_k_mean(scores, 1000), top_k_mean(scores, 20)), "all, when there are fewer"
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        top_k_mean(scores, 0)


def test_after_suppression():
    scores, probs, boxes = chunk()
    kept = survivors(probs[..., :-1], boxes)
    assert 0 < kept.sum() < kept.numel()
    expected = [float(row[mask].sum()) for row, mask in zip(scores, kept, strict=True)]
    assert aggregate(scores, "nms-sum", probs=probs, boxes=boxes).tolist() == pytest.approx(
        expected, abs=1e-5
    )
    means = [total / int(mask.sum()) for total, mask in zip(expected, kept, strict=True)]
    assert aggregate(scores, "nms-mean", probs=probs, boxes=boxes).tolist() == pytest.approx(means, abs=1e-5)


def test_the_background_survives_nowhere():
    """Anchors that see background alone are not among the survivors, whatever their score."""
    scores, probs, boxes = chunk(N=1)
    probs[..., :-1] = 0
    probs[:, 3, 0] = 0.9
    scores[:, 3] = -5.0
    assert aggregate(scores, "nms-sum", probs=probs, boxes=boxes).tolist() == [-5.0]


def test_suppression_needs_boxes():
    scores, probs, _ = chunk()
    with pytest.raises(ValueError, match="nms-mean needs probabilities and boxes"):
        aggregate(scores, "nms-mean", probs=probs)
    with pytest.raises(ValueError, match="no aggregation 'median'"):
        aggregate(scores, "median")


@pytest.mark.parametrize("how", HOW)
def test_chunks_do_not_matter(how):
    scores, probs, boxes = chunk()
    whole = aggregate(scores, how, k=5, probs=probs, boxes=boxes)
    parts = [
        aggregate(s, how, k=5, probs=p, boxes=b)
        for s, p, b in zip(scores.split(1), probs.split(1), boxes.split(1), strict=True)
    ]
    torch.testing.assert_close(torch.cat(parts), whole)


@pytest.mark.parametrize("how", ["mean", "top-k", "max"])
def test_nan_comes_through(how):
    scores, _, _ = chunk()
    scores[2, 7] = torch.nan
    assert aggregate(scores, how, k=5).isnan().tolist() == [row == 2 for row in range(6)]
