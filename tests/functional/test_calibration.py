import math

import numpy as np
import pytest
import torch

from ncenet.functional.calibration import (
    TEMPERATURES,
    as_shares,
    calibration_error,
    find_temperature,
    logarithms,
    out_of_fold,
    reliability,
    tempered,
)
from tests.reference import calibration as reference


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)


def rows(N: int, C: int, seed: int = 0) -> torch.Tensor:
    return (3 * torch.randn(N, C, generator=rng(seed))).softmax(1)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_error_is_that_of_the_loop(bins: int) -> None:
    probs, targets = rows(80, 5), torch.randint(5, (80,), generator=rng(1))
    expected = reference.calibration_error(probs.tolist(), targets.tolist(), bins)
    assert calibration_error(probs, targets, bins) == pytest.approx(expected, abs=1e-6)
    assert sum(each.images for each in reliability(probs, targets, bins)) == 80


def test_certain_and_right_is_no_error_and_certain_and_wrong_is_all() -> None:
    probs = torch.eye(3)
    assert calibration_error(probs, torch.arange(3)) == 0
    assert calibration_error(probs, torch.tensor([1, 2, 0])) == 1
    assert calibration_error(probs[:0], torch.arange(0)) == 0


@pytest.mark.parametrize("temperature", [0.3, 1.0, 7.0])
def test_tempered_rows_are_powers(temperature: float) -> None:
    probs = rows(10, 4)
    expected = [reference.tempered(row, temperature) for row in probs.tolist()]
    torch.testing.assert_close(tempered(probs.log(), temperature), torch.tensor(expected))
    assert torch.equal(tempered(probs.log(), temperature).argmax(1), probs.argmax(1))


def test_an_infinite_temperature_makes_rows_uniform() -> None:
    torch.testing.assert_close(tempered(rows(3, 4).log(), torch.inf), torch.full((3, 4), 0.25))


@pytest.mark.parametrize("true", [0.25, 1.0, 5.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    logits = 2 * torch.randn(20_000, 4, generator=rng())
    targets = torch.multinomial((logits / true).softmax(1), 1, generator=rng(1)).flatten()
    for by in ("likelihood", "error"):
        assert find_temperature(logits, targets, by=by) == pytest.approx(true, rel=0.15)


def test_the_likelihood_is_largest_where_the_loop_says() -> None:
    probs, targets = rows(30, 3), torch.randint(3, (30,), generator=rng(2))
    every = TEMPERATURES.tolist()
    expected = min(every, key=lambda t: reference.surprise(probs.tolist(), targets.tolist(), t))
    assert find_temperature(probs.log(), targets) == pytest.approx(expected)


@pytest.mark.parametrize("far", [1.0, 1e-6, 1e-20, 1e-33])
def test_likelihoods_that_are_all_tiny_tell_classes_apart_as_others_do(far: float) -> None:
    near = torch.tensor([[0.02, 0.5, 1e-3, 0.0], [0.3, 0.3, 0.1, 0.0]])
    torch.testing.assert_close(logarithms(far * near) - math.log(far), logarithms(near), rtol=1e-5, atol=1e-4)
    for temperature in (0.2, 1.0, 5.0):
        torch.testing.assert_close(as_shares(far * near, temperature), as_shares(near, temperature))
    assert as_shares(far * near, 1.0)[0].argmax() == 1


def test_likelihoods_of_zero_are_alike() -> None:
    assert as_shares(torch.zeros(1, 4), 0.1).tolist() == [[0.25] * 4]


def test_without_images_nothing_is_changed() -> None:
    assert find_temperature(torch.empty(0, 3), torch.empty(0, dtype=torch.int64)) == 1


def test_each_image_is_predicted_by_a_classifier_that_has_not_seen_it() -> None:
    features, targets = unit(torch.randn(40, 60, generator=rng())), torch.arange(40) % 2
    said, told = out_of_fold(features, targets, rng=rng())
    accuracy = (said.argmax(1) == told).float().mean()
    assert len(told) == 40 and accuracy < 0.75, "noise is learned by heart, and not predicted"
    features[:, 0] = 2.0 * targets
    said, told = out_of_fold(features, targets, rng=rng())
    assert (said.argmax(1) == told).all()


def test_folds_equal_logistic_regression_on_the_features_themselves() -> None:
    from sklearn.linear_model import LogisticRegression

    features, targets = unit(torch.randn(20, 50, generator=rng())), torch.arange(20) % 3
    said, told = out_of_fold(features, targets, rng=rng(3), folds=2)
    part = torch.randperm(20, generator=rng(3)) % 2
    expected, order = [], []
    for fold in range(2):
        model = LogisticRegression(C=100, max_iter=2000, tol=1e-6)
        model.fit(features[part != fold].numpy(), targets[part != fold].numpy())
        expected.append(model.predict_log_proba(features[part == fold].numpy()))
        order.append(targets[part == fold])
    assert torch.equal(told, torch.cat(order))
    np.testing.assert_allclose(said.exp(), np.exp(np.concatenate(expected)), atol=0.02)


def test_what_nobody_else_shows_is_left_out() -> None:
    targets = torch.tensor([0] * 5 + [1] * 5 + [7])
    said, told = out_of_fold(torch.randn(11, 3, generator=rng()), targets, rng=rng())
    assert said.shape == (10, 8) and 7 not in told
    said, told = out_of_fold(torch.randn(4, 3), torch.zeros(4, dtype=torch.int64), rng=rng())
    assert said.shape == (0, 1) and not len(told), "one class is nothing to learn"


def test_more_classes_than_half_the_labels_are_no_reason_to_warn():
    targets = torch.arange(40) % 24
    said, told = out_of_fold(torch.randn(40, 5, generator=rng()), targets, rng=rng())
    assert said.shape[1] == 24 and 0 < len(told) < 40, "classes of one image can't be predicted"
