import pytest
import torch

import ncenet.functional as F
from tests.reference import loss_prediction as reference


def batch(count, seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(2, count, generator=rng).to(dtype).unbind()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 33, 64])
@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_pair_loss_equals_a_loop(count, margin):
    for seed in range(5):
        predicted, losses = batch(count, seed)
        expected = reference.pair_loss(predicted.tolist(), losses.tolist(), margin)
        assert float(F.pair_loss(predicted, losses, margin=margin)) == pytest.approx(expected, rel=1e-5)


def test_equal_losses_count_as_not_larger():
    predicted, losses = torch.tensor([0.25, 0.0]), torch.tensor([2.0, 2.0])
    assert float(F.pair_loss(predicted, losses)) == 1.25 == reference.pair_loss([0.25, 0.0], [2.0, 2.0], 1.0)


def test_pairs_are_the_first_with_the_last():
    predicted, losses = torch.tensor([0.0, 0.0, 0.0, 9.0]), torch.tensor([1.0, 5.0, 2.0, 3.0])
    assert float(F.pair_loss(predicted, losses)) == pytest.approx((0 + 1) / 2), (
        "(0, 3) is right by far, (1, 2) ties"
    )


def test_only_the_order_of_the_losses_counts():
    predicted, losses = batch(16)
    assert torch.equal(F.pair_loss(predicted, losses), F.pair_loss(predicted, (losses * 5).exp()))


def test_an_odd_batch_drops_its_last_image():
    predicted, losses = batch(7)
    assert torch.equal(F.pair_loss(predicted, losses), F.pair_loss(predicted[:6], losses[:6]))


def test_no_gradient_flows_into_the_losses():
    predicted, losses = (tensor.requires_grad_() for tensor in batch(8))
    F.pair_loss(predicted, losses).backward()
    assert losses.grad is None
    assert (predicted.grad != 0).any()


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_pair_there_is_nothing_to_learn(count):
    predicted, losses = batch(count)
    loss = F.pair_loss(predicted.requires_grad_(), losses)
    loss.backward()
    assert float(loss.detach()) == 0
    assert predicted.grad.tolist() == [0.0] * count


def test_gradients_are_those_of_finite_differences():
    predicted, losses = batch(10, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: F.pair_loss(p, losses), predicted.requires_grad_())


def test_half_precision_is_ranked_in_single():
    predicted, losses = batch(8, dtype=torch.bfloat16)
    assert F.pair_loss(predicted, losses).dtype == torch.float32


@pytest.mark.parametrize(
    "losses", [torch.tensor(0.5), torch.rand(3), torch.rand(4, 2)], ids=lambda t: str(tuple(t.shape))
)
def test_one_loss_for_the_whole_batch_is_refused(losses):
    with pytest.raises(ValueError, match=r"one loss an image: predicted has shape \(4,\)"):
        F.pair_loss(torch.rand(4), losses)
