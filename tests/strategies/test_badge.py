"""BADGE: the gradients it draws from, and what it makes of them."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.strategies.badge import Badge, residual
from tests.contracts.fakes import fake_view


def query(view, query_size, seed=0):
    return Badge().query(view, query_size, rng=torch.Generator().manual_seed(seed))


def test_residual_and_feature_are_the_gradient_of_the_last_layer():
    rng = torch.Generator().manual_seed(0)
    weights = torch.randn(4, 6, generator=rng, requires_grad=True)
    for feature in torch.randn(5, 6, generator=rng):
        logits = weights @ feature
        (gradient,) = torch.autograd.grad(cross_entropy(logits, logits.argmax()), weights)
        ours = residual(logits.detach().softmax(0)[None])[0]
        torch.testing.assert_close(ours.outer(feature), gradient)


def test_likelihoods_of_an_nce_head_are_normalised():
    softmax = residual(torch.tensor([[0.25, 0.75]]))
    assert torch.equal(residual(torch.tensor([[0.1, 0.3]])), softmax)
    torch.testing.assert_close(
        residual(torch.zeros(1, 4)), torch.tensor([[-0.75, 0.25, 0.25, 0.25]]), msg="no class claims it"
    )


def test_the_score_is_the_squared_length_of_the_gradient():
    view = fake_view(Badge.needs)
    got = query(view, 23)
    for image, score in zip(got.ids, got.scores, strict=True):
        row = view.ids.index(image)
        gradient = residual(view.pool.probs[row][None])[0].outer(view.pool.features[row])
        assert score == pytest.approx(float(gradient.square().sum()), rel=1e-5)


def test_one_image_of_each_place_before_a_second_of_any():
    view = fake_view(Badge.needs, size=24)
    for rows in (view.pool.probs, view.pool.features):
        rows[:] = rows[:6].repeat(4, 1)
    for seed in range(5):
        rows = [view.ids.index(image) % 6 for image in query(view, 6, seed).ids]
        assert sorted(rows) == list(range(6))


def test_an_image_that_is_sure_is_asked_for_last():
    view = fake_view(Badge.needs, size=12)
    view.pool.probs[3:] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    for seed in range(5):
        # The sure ones are one place, the origin: the first draw may hit it, later ones go elsewhere.
        assert {view.ids[row] for row in range(3)} <= set(query(view, 4, seed).ids)


def test_the_query_is_drawn_and_not_ranked():
    view = fake_view(Badge.needs)
    assert len({query(view, 3, seed).ids for seed in range(10)}) > 5


def test_a_likelihood_that_is_not_finite_names_its_image():
    view = fake_view(Badge.needs)
    view.pool.probs[5, 0] = torch.nan
    with pytest.raises(NonFiniteScore) as caught:
        query(view, 3)
    assert caught.value.first_id == view.ids[5]


def test_a_learner_without_features_is_refused():
    with pytest.raises(UsageError, match="badge needs features, and this learner predicts none"):
        query(fake_view(frozenset({"probs"})), 3)
