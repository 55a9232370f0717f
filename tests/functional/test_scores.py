import math
from collections.abc import Callable

import pytest
import torch

import ncenet.functional as F
from tests.reference import scores as reference

ScoreFunction = Callable[[torch.Tensor], torch.Tensor]
NAMES = ["rejection", "confusion", "entropy", "binary_entropy", "margin", "least_confidence"]
score_functions = pytest.mark.parametrize("name", NAMES)


def likelihoods(*shape: int, seed: int = 0) -> torch.Tensor:
    """Rows that need not sum to one, a 0 and a 1 among them."""
    probs = torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    probs[..., 0, 0], probs[..., 1, 1] = 0, 1
    return probs


@score_functions
def test_equals_the_reference(name: str) -> None:
    probs = likelihoods(20, 5)
    expected = [getattr(reference, name)(row) for row in probs.tolist()]
    torch.testing.assert_close(getattr(F, name)(probs), torch.tensor(expected).double())


@pytest.mark.parametrize("name", ["bald", "vote_entropy", "consensus_entropy"])
def test_scores_of_several_passes_equal_the_reference(name: str) -> None:
    samples = likelihoods(4, 6, 3)
    samples[1, 0] = 0.3  # a vote that is divided
    samples = samples / samples.sum(-1, keepdim=True)
    expected = [getattr(reference, name)(samples[:, n].tolist()) for n in range(6)]
    torch.testing.assert_close(getattr(F, name)(samples), torch.tensor(expected).double())


def test_consensus_entropy_is_bald_and_what_members_are_unsure_of_themselves() -> None:
    samples = likelihoods(4, 6, 3)
    samples = samples / samples.sum(-1, keepdim=True)
    together = F.bald(samples) + F.entropy(samples).mean(0)
    torch.testing.assert_close(F.consensus_entropy(samples), together)


def test_votes_count_and_not_how_sure_they_are() -> None:
    samples = likelihoods(5, 8, 3)
    torch.testing.assert_close(F.vote_entropy(samples**3), F.vote_entropy(samples))
    assert (F.vote_entropy(samples) <= math.log(3) + 1e-9).all()
    samples[2, 1, 0] = math.nan
    assert F.vote_entropy(samples).isnan().tolist() == [False, True] + 6 * [False]


@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("rejection", [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
        ("confusion", [0.4, 0.4, 0.4], [1.0, 0.0, 0.0]),
        ("entropy", [1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]),
        ("binary_entropy", [0.5, 0.5, 0.5], [1.0, 0.0, 0.0]),
        ("margin", [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]),
        ("least_confidence", [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    ],
)
def test_higher_is_more_informative(name: str, most: list[float], least: list[float]) -> None:
    scores = getattr(F, name)(torch.cat([torch.tensor([most, least]), likelihoods(50, 3).float()]))
    if name == "entropy":  # of rows that sum to one
        scores = scores[:2]
    assert scores.max() == scores[0] > scores[1] == scores.min()


def test_confusion_from_rejection() -> None:
    probs = likelihoods(30, 7)
    torch.testing.assert_close(F.confusion(probs), 2 * 7 - 7 * probs.amax(-1) - F.rejection(probs))


def test_rejection_of_a_softmax_says_nothing() -> None:
    probs = likelihoods(10, 4).softmax(-1)
    torch.testing.assert_close(F.rejection(probs), torch.full((10,), 3.0).double())


@score_functions
def test_scores_keep_the_leading_dimensions(name: str) -> None:
    probs = likelihoods(2, 3, 5, 4)
    scores = getattr(F, name)(probs)
    assert scores.shape == (2, 3, 5)
    torch.testing.assert_close(getattr(F, name)(probs[1, 2, 3]), scores[1, 2, 3])


@score_functions
def test_chunked_equals_whole_bit_for_bit(name: str) -> None:
    probs = likelihoods(101, 10).float()
    chunks = torch.cat([getattr(F, name)(chunk) for chunk in probs.split(7)])
    assert torch.equal(chunks, getattr(F, name)(probs))


@score_functions
def test_permuted_classes_change_nothing(name: str) -> None:
    probs = likelihoods(20, 5)
    torch.testing.assert_close(getattr(F, name)(probs[:, [4, 2, 0, 1, 3]]), getattr(F, name)(probs))


@score_functions
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_scored_in_float32(name: str, dtype: torch.dtype) -> None:
    probs = likelihoods(20, 100).to(dtype)
    scores = getattr(F, name)(probs)
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, getattr(F, name)(probs.float()))


@score_functions
def test_impossible_and_certain_classes_score_finite_and_nan_stays(name: str) -> None:
    probs = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.5, math.nan, 0.5]])
    assert getattr(F, name)(probs).isfinite().tolist() == [True, True, False]


def test_margin_needs_two_classes() -> None:
    with pytest.raises(ValueError, match=r"margin compares two classes.*\(4, 1\)"):
        F.margin(torch.rand(4, 1))


def test_bald_needs_two_passes() -> None:
    with pytest.raises(ValueError, match=r"bald compares passes.*\(1, 4, 3\)"):
        F.bald(torch.rand(1, 4, 3))


def test_bald_is_zero_where_all_passes_agree_and_log_c_where_each_is_sure_of_another() -> None:
    agree = torch.tensor([0.2, 0.3, 0.5]).expand(3, 3)
    torch.testing.assert_close(
        F.bald(torch.stack([agree, torch.eye(3)], 1)), torch.tensor([0.0, math.log(3)])
    )
    many = torch.rand(8, 1000, 10, generator=torch.Generator().manual_seed(0)).softmax(-1)
    assert (F.bald(many[:1].expand(8, 1000, 10)) >= 0).all(), "rounding is clamped"
