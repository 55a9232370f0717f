"""Which image each score strategy asks for first, and when it refuses."""

import math

import pytest
import torch

from ncenet.errors import UsageError
from ncenet.strategies import strategies
from ncenet.strategies.rejection import Rejection
from ncenet.types import Prediction


class View:
    """Predictions on a handful of images, in chunks of two."""

    labeled_ids = labels = ()

    def __init__(self, rows=None, samples=None):
        self.samples = None if samples is None else torch.tensor(samples)
        self.probs = torch.tensor(rows) if rows is not None else self.samples.mean(0)
        self.ids = [f"{n}" for n in range(len(self.probs))]

    def predictions(self):
        for start in range(0, len(self.ids), 2):
            rows = slice(start, start + 2)
            extras = {} if self.samples is None else {"samples": self.samples[:, rows]}
            yield Prediction(self.ids[rows], self.probs[rows], extras=extras)


def query(name, view):
    return strategies.get(name)().query(view, len(view.ids), rng=torch.Generator())


# An NCE head's likelihoods: two classes claim it, one does, none does, all half.
CLAIMED_TWICE, SURE, REJECTED, HALF = [0.9, 0.8, 0.0], [0.9, 0.0, 0.0], [0.1, 0.0, 0.0], [0.5, 0.5, 0.5]
NCE = [CLAIMED_TWICE, SURE, REJECTED, HALF]


@pytest.mark.parametrize(
    ("name", "order", "best"),
    [
        ("rejection", "2130", 2.9),  # 1.3, 2.1, 2.9, 1.5
        ("confusion", "3201", 3.0),  # 2.0, 1.2, 2.8, 3.0
        ("margin", "3021", 0.0),  # -.1, -.9, -.1, 0
        ("least-confidence", "2301", 0.9),  # .1, .1, .9, .5
        ("bentropy", "3012", math.log(2)),
        ("entropy", "3012", math.log(3)),  # 1 and 2 are the same once normalised
    ],
)
def test_the_order_on_likelihoods_that_do_not_sum_to_one(name, order, best):
    got = query(name, View(NCE))
    scores = dict(zip(got.ids, got.scores, strict=True))
    if name == "margin":  # 0.9 - 0.8 and 0.1 - 0.0 are equal but for rounding
        assert scores["0"] == pytest.approx(scores["2"])
        assert (got.ids[0], got.ids[3]) == ("3", "1")
    else:
        assert (
            "".join(sorted(got.ids, key=lambda image: (-round(scores[image], 6), order.index(image))))
            == order
        )
    assert got.scores[0] == pytest.approx(best)


def test_entropy_does_not_depend_on_the_scale_of_a_row():
    rows = torch.tensor(NCE)
    whole, tenth = query("entropy", View(NCE)), query("entropy", View((rows / 10).tolist()))
    assert tenth.ids == whole.ids
    assert tenth.scores == pytest.approx(whole.scores, abs=1e-6)


def test_entropy_of_an_image_that_no_class_claims_is_the_largest():
    got = query("entropy", View([[0.4, 0.6, 0.0], [0.0, 0.0, 0.0]]))
    assert got.ids == ("1", "0")
    assert got.scores == pytest.approx((math.log(3), -0.4 * math.log(0.4) - 0.6 * math.log(0.6)))


def test_of_a_detector_that_tells_nothing_apart_no_classes_are_asked():
    view = View([[[0.25, 0.75]] * 3] * 4)
    view.labels = None  # they are boxes
    with pytest.raises(UsageError, match="their probabilities sum to one"):
        query("rejection", view)


def test_rejection_refuses_probabilities_that_sum_to_one():
    logits = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))
    with pytest.raises(UsageError, match=r"rejection can't tell the images apart.*needs an NCE head"):
        query("rejection", View(logits.softmax(1).tolist()))
    shares = logits[:, :7].softmax(1)
    written = torch.tensor([[float(f"{share:.3f}") for share in row] for row in shares.tolist()])
    for rounded in (written, shares.half(), shares.bfloat16()):
        assert not Rejection().tells_apart(Prediction(range(50), rounded)), rounded.dtype
    assert Rejection().tells_apart(Prediction(range(50), 0.98 * written))
    assert query("rejection", View([[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]])).ids[0] == "1"
    one_differs = View([[0.5, 0.5], [1.0, 0.0], [0.5, 0.4]])
    assert query("rejection", one_differs).ids[0] == "2"


SURE_OF_A, SURE_OF_B, EVEN = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]


def test_bald_asks_where_sure_passes_disagree_and_not_where_all_are_unsure():
    got = query("bald", View(samples=[[SURE_OF_A, EVEN, SURE_OF_A], [SURE_OF_B, EVEN, SURE_OF_A]]))
    assert got.ids[0] == "0"
    assert got.scores == pytest.approx((math.log(2), 0.0, 0.0))


def test_bald_normalises_the_likelihoods_of_an_nce_head():
    got = query("bald", View(samples=[[[0.2, 0.0], [0.1, 0.1]], [[0.0, 0.6], [0.3, 0.3]]]))
    assert got.scores == pytest.approx((math.log(2), 0.0), abs=1e-6)


def test_bald_without_dropout_is_an_error_and_not_a_query_of_rounding_noise():
    one = torch.rand(9, 5, generator=torch.Generator().manual_seed(0))
    passes = torch.stack([one, one * (1 + 1e-7), one])
    with pytest.raises(UsageError, match="all passes agree on every image, the network has no dropout"):
        query("bald", View(samples=passes.tolist()))
    passes[1, 8] = passes[1, 8].flip(0)
    assert query("bald", View(samples=passes.tolist())).ids[0] == "8", "one image that differs is enough"


def test_votes_decide_before_anything_else_and_what_ties_is_ranked_by_the_consensus():
    split = [[0.51, 0.49], [0.49, 0.51]]  # two votes, though both are nearly even
    sure, unsure = [[0.99, 0.01]] * 2, [[0.55, 0.45], [0.6, 0.4]]
    samples = [[image[member] for image in (sure, unsure, split)] for member in range(2)]
    got = query("vote-entropy", View(samples=samples))
    assert got.ids == ("2", "1", "0"), "and not by id"
    assert got.scores[0] == pytest.approx(math.log(2), abs=1e-3)
    assert got.scores[1] < 1e-4


def test_consensus_entropy_asks_where_members_disagree_and_where_all_are_unsure():
    samples = [[SURE_OF_A, EVEN, SURE_OF_A], [SURE_OF_B, EVEN, SURE_OF_A]]
    got = query("consensus-entropy", View(samples=samples))
    assert got.ids[2] == "2"
    assert got.scores == pytest.approx((math.log(2), math.log(2), 0.0))


@pytest.mark.parametrize("name", ["vote-entropy", "consensus-entropy"])
def test_a_member_with_smaller_likelihoods_counts_no_less(name):
    whole = [[[0.8, 0.2], [0.6, 0.4]], [[0.3, 0.7], [0.9, 0.1]]]
    faint = [whole[0], [[p / 10 for p in row] for row in whole[1]]]
    one, other = query(name, View(samples=whole)), query(name, View(samples=faint))
    assert one.ids == other.ids
    assert one.scores == pytest.approx(other.scores, abs=1e-6)
