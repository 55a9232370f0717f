"""Every strategy on the predictions of a detector: (N, A, C + 1), the background last."""

from __future__ import annotations

import pytest
import torch

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.functional.aggregate import aggregate
from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

N, L, A, C, D, M = 23, 6, 15, 3, 5, 3
HOW = ["mean", "top-k", "max", "nms-sum", "nms-mean"]
NAMES = [name for name in strategies.names() if name not in ("vaal", "sraal")]  # they read images
SCORING = [name for name in NAMES if isinstance(strategies.get(name)(), ScoreStrategy)]
ONE_CLASS_AN_IMAGE = {
    "badge",
    "fast-bait",
    "herding",
    "refine",
    "scikit-activeml",
    "typiclust-margin",
    "uherding",
}


def ways(how, k):
    return {"aggregate": how} | ({"aggregate_k": k} if how == "top-k" else {})


class View:
    """A pool of which a detector has predicted everything; chunks hold what is wanted and no more."""

    def __init__(self, wanted, *, chunk=5, order=None):
        rng = torch.Generator().manual_seed(0)
        self.wanted, self.chunk, self.shown = wanted, chunk, order or list(range(N))
        self.probs = torch.rand(N + L, A, C + 1, generator=rng)
        self.features = torch.randn(N + L, D, generator=rng)
        self.samples = torch.rand(M, N + L, A, C + 1, generator=rng)
        corner = torch.rand(N + L, A, 2, generator=rng)
        self.boxes = torch.cat([corner, corner + 0.2], -1)
        self.losses = torch.randn(N + L, generator=rng)
        self.names = [f"{(37 * n + 11) % 1009:04}.png" for n in range(N + L)]

    labels = ()  # a detector's images have boxes

    @property
    def ids(self):
        return [self.names[row] for row in self.shown]

    @property
    def labeled_ids(self):
        return self.names[N:]

    def predictions(self):
        return self._chunks(self.shown)

    def labeled_predictions(self):
        return self._chunks(list(range(N, N + L)))

    def _chunks(self, rows):
        for start in range(0, len(rows), self.chunk):
            part = rows[start : start + self.chunk]
            extras = {
                "samples": self.samples[:, part],
                "boxes": self.boxes[part],
                "predicted_loss": self.losses[part],
            }
            yield Prediction(
                [self.names[row] for row in part],
                self.probs[part],
                self.features[part] if "features" in self.wanted else None,
                {name: value for name, value in extras.items() if name in self.wanted},
            )


def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_takes_anchors_or_says_that_it_does_not(name):
    strategy = strategies.get(name)()
    if name in ONE_CLASS_AN_IMAGE:
        with pytest.raises(UsageError, match="detect"):
            strategy.query(View(strategy.needs), 7, rng=rng())
        return
    whole = strategy.query(View(strategy.needs, chunk=100), 7, rng=rng())
    assert len(set(whole.ids)) == 7 and set(whole.ids) <= set(View(strategy.needs).ids)
    assert list(whole.scores) == sorted(whole.scores, reverse=True)
    order = torch.randperm(N, generator=rng()).tolist()
    for view in (View(strategy.needs, chunk=1), View(strategy.needs, order=order)):
        assert strategy.query(view, 7, rng=rng()).ids == whole.ids, "chunks and order do not matter"


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", SCORING)
def test_scores_of_anchors_become_one(name, how):
    strategy = strategies.get(name)(**ways(how, 4))
    view = View(strategy.needs, chunk=100)
    (prediction,) = view.predictions()
    of_anchors = strategy.score(prediction)
    if of_anchors.dim() == 1:  # one number an image from the start, such as a predicted loss
        expected = of_anchors
    else:
        assert of_anchors.shape == (N, A)
        expected = aggregate(of_anchors, how, k=4, probs=view.probs[:N], boxes=view.boxes[:N])
    query = strategy.query(view, N, rng=rng())
    scores = dict(zip(query.ids, query.scores, strict=True))
    assert [scores[id] for id in view.ids] == pytest.approx(expected.tolist(), rel=1e-6, abs=1e-9)


def test_what_is_needed_follows_the_aggregation():
    first, other = (strategies.get("entropy")(aggregate=how) for how in ("nms-sum", "mean"))
    assert first.needs == {"probs", "boxes"}
    assert other.needs == {"probs"}, "told to one, not to its class"


@pytest.mark.parametrize("spread", ["kmeans", "kcenter", "herding"])
@pytest.mark.parametrize("how", ["mean", "nms-sum"])
def test_diversity_among_the_top(how, spread):
    strategy = strategies.get("confusion")(aggregate=how)
    diverse = strategies.get("confusion")(aggregate=how, diversify=spread, diversify_factor=2)
    query = diverse.query(View(diverse.needs), 5, rng=rng())
    top = strategy.query(View(diverse.needs), 10, rng=rng())
    assert len(set(query.ids)) == 5 and set(query.ids) <= set(top.ids)


def test_an_anchor_that_is_not_finite_names_its_image():
    view = View(frozenset({"probs"}))
    view.probs[9, 3, 1] = torch.nan
    with pytest.raises(NonFiniteScore) as caught:
        strategies.get("rejection")().query(view, 3, rng=rng())
    assert caught.value.first_id == view.names[9]


def test_rejection_of_a_softmax_detector_is_refused():
    view = View(frozenset({"probs"}))
    view.probs = view.probs / view.probs.sum(-1, keepdim=True)
    with pytest.raises(UsageError, match="it needs an NCE head"):
        strategies.get("rejection")().query(view, 3, rng=rng())
