import math

import pytest
import torch

import ncenet.functional as F
from tests.reference import adversarial as reference


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class TestNegativeElbo:
    @pytest.mark.parametrize("shape", [(7,), (2, 3, 4)])
    @pytest.mark.parametrize("beta", [1.0, 4.0])
    def test_equals_the_reference(self, shape, beta):
        reconstruction, inputs = draw(5, *shape), draw(5, *shape, seed=1)
        mean, log_variance = draw(5, 6, seed=2), draw(5, 6, seed=3)
        got = F.negative_elbo(reconstruction, inputs, mean, log_variance, beta=beta)
        assert got.shape == (5,)
        for n in range(5):
            of_one = [t[n].flatten().tolist() for t in (reconstruction, inputs, mean, log_variance)]
            assert float(got[n]) == pytest.approx(reference.negative_elbo(*of_one, beta), rel=1e-5)

    def test_the_divergence_is_that_of_torch(self):
        mean, log_variance, same = draw(5, 6), draw(5, 6, seed=1), torch.zeros(5, 10)
        posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
        prior = torch.distributions.Normal(torch.zeros(6), torch.ones(6))
        expected = torch.distributions.kl_divergence(posterior, prior).sum(1)
        torch.testing.assert_close(F.negative_elbo(same, same, mean, log_variance), expected)

    def test_one_reduction_keeps_the_balance_of_the_terms(self):
        """Twice the batch changes nothing; every number twice, of picture and latent, doubles the loss."""
        parts = [draw(4, 8), draw(4, 8, seed=1), draw(4, 3, seed=2), draw(4, 3, seed=3)]
        once = F.negative_elbo(*parts)
        twice = F.negative_elbo(*(part.repeat(2, 2) for part in parts))
        torch.testing.assert_close(twice, 2 * once.repeat(2))

    def test_half_precision_is_summed_in_single(self):
        parts = [draw(4, 8).bfloat16()] * 2 + [draw(4, 3).bfloat16()] * 2
        assert F.negative_elbo(*parts).dtype == torch.float32


class TestStateLoss:
    @pytest.mark.parametrize("state", [0.0, 0.3, 1.0])
    def test_equals_the_reference(self, state):
        for logit in (-9.0, -1.0, 0.0, 0.5, 8.0):
            got = float(F.state_loss(torch.tensor([logit]), torch.tensor([state])))
            assert got == pytest.approx(reference.state_loss(logit, state), rel=1e-4, abs=1e-6)

    def test_far_logits_stay_finite(self):
        losses = F.state_loss(torch.tensor([-200.0, 200.0]), torch.tensor([1.0, 0.0]))
        assert losses.tolist() == [200.0, 200.0]

    def test_least_where_the_discriminator_says_the_state(self):
        state = torch.tensor([0.3])
        logit = torch.logit(state).requires_grad_()
        F.state_loss(logit, state).sum().backward()
        assert float(logit.grad) == pytest.approx(0, abs=1e-6)


class TestStateUncertainty:
    @pytest.mark.parametrize("classes", [2, 3, 10])
    def test_equals_the_reference(self, classes):
        probs = (3 * draw(40, classes)).softmax(-1)
        got = F.state_uncertainty(probs)
        assert ((got >= 0) & (got < 1)).all()
        for row, value in zip(probs.double().tolist(), got.tolist(), strict=True):
            assert value == pytest.approx(reference.state_uncertainty(row), abs=1e-4)

    def test_certain_even_and_shared(self):
        probs = torch.tensor([[1.0, 0, 0, 0], [0.25] * 4, [0.7, 0.1, 0.1, 0.1], [0.5, 0.5, 0, 0]])
        assert F.state_uncertainty(probs).tolist() == pytest.approx([0, 0.75, 0.3, 5 / 6], abs=1e-6)

    def test_with_two_classes_the_rest_is_always_even(self):
        probs = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
        assert F.state_uncertainty(probs).tolist() == pytest.approx([0.1, 0.4], abs=1e-6)

    def test_of_equal_maxima_the_one_with_a_rival_is_the_more_uncertain(self):
        even, rival = F.state_uncertainty(torch.tensor([[0.6, 0.2, 0.2], [0.6, 0.4, 0.0]])).tolist()
        assert rival > even

    def test_leading_dimensions_and_the_order_of_classes_do_not_matter(self):
        probs = draw(2, 3, 5).softmax(-1)
        got = F.state_uncertainty(probs)
        assert got.shape == (2, 3)
        assert torch.equal(got.flatten(), F.state_uncertainty(probs.flatten(0, 1)))
        torch.testing.assert_close(F.state_uncertainty(probs.flip(-1)), got)

    def test_nan_comes_through(self):
        assert math.isnan(float(F.state_uncertainty(torch.tensor([math.nan, 0.5]))))

    def test_one_class_has_no_variance(self):
        with pytest.raises(ValueError, match=r"shape \(3, 1\), C must be >= 2"):
            F.state_uncertainty(torch.ones(3, 1))
