"""Strategies of somebody's own: what they give that is none is said, with the name of who gave it."""

import numpy as np
import pytest
import torch

import ncenet
from ncenet.errors import UsageError
from ncenet.models.scorer import Scorer
from ncenet.recipe import Recipe
from ncenet.strategies import strategies
from ncenet.strategies.build import check_fits
from ncenet.strategies.score import ScoreStrategy, ranking_names
from tests.contracts.fakes import fake_view


class Breadth(ScoreStrategy):
    """One over the sum of squared shares."""

    def score(self, prediction):
        return 1 / ncenet.parts.normalized(prediction.probs).square().sum(-1)


def scored_as(make):
    """A strategy whose own `scored` yields what is made of each prediction and its scores."""

    class Own(Breadth):
        def scored(self, view):
            for prediction in view.predictions():
                yield make(prediction, self.score(prediction))

    return Own


def query_of(factory, diversify):
    strategy = factory(diversify=diversify)
    return strategy.query(fake_view(strategy.needs), 5, rng=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("diversify", ["none", "kmeans"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda prediction, scores: scores,
            r"Own\.scored yields a Tensor: it yields pairs, a prediction and",
        ),
        (lambda prediction, scores: (prediction.ids, scores), r"Own\.scored yields a tuple: it yields pairs"),
        (lambda prediction, scores: (prediction, scores[1:]), r"Own\.scored yields numbers of shape \("),
        (lambda prediction, scores: (prediction, None), r"Own\.scored yields what is no tensor of numbers"),
        (lambda prediction, scores: (prediction, scores + 0j), r"Own\.scored yields complex numbers"),
    ],
)
def test_what_scored_yields_is_checked(make, said, diversify):
    with pytest.raises(UsageError, match=said):
        query_of(scored_as(make), diversify)


@pytest.mark.parametrize("diversify", ["none", "kmeans"])
@pytest.mark.parametrize("what", [None, [0.5]])
def test_what_scored_returns_is_checked(what, diversify):
    class Returns(Breadth):
        def scored(self, view):
            return what

    said = "returns a NoneType" if what is None else "yields a float"
    with pytest.raises(UsageError, match=rf"Returns\.scored {said}: it yields pairs"):
        query_of(Returns, diversify)


@pytest.mark.parametrize("diversify", ["none", "kmeans"])
@pytest.mark.parametrize("of", [torch.Tensor.tolist, torch.Tensor.numpy])
def test_lists_and_arrays_of_scores_are_scores(of, diversify):
    assert query_of(scored_as(lambda said, scores: (said, of(scores))), diversify) == query_of(
        Breadth, diversify
    )


def test_yes_and_no_are_scores():
    class Doubtful(ScoreStrategy):
        def score(self, prediction):
            return prediction.probs.amax(-1) < 0.75

    query = ncenet.select([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]], 2, strategy=Doubtful(), ids=list("abc"))
    assert set(query.ids) == {"b", "c"} and query.scores == (1.0, 1.0)


def test_of_images_that_are_scored_alike_those_are_drawn_that_may_be_asked_for():
    class Some(Breadth):
        def scored(self, view):
            for prediction in view.predictions():
                yield (
                    ncenet.parts.Prediction(prediction.ids[:0], prediction.probs[:0]),
                    prediction.probs[:0, 0],
                )
                yield ncenet.parts.Prediction(prediction.ids[:2], prediction.probs[:2]), torch.zeros(2)

    query = query_of(Some, "none")
    assert len(set(query.ids)) == 5
    assert all(number % 5 < 2 for number in map(fake_view(frozenset({"probs"})).ids.index, query.ids))


class OwnScored(Breadth):
    """Goes by more than an image's own score."""

    def scored(self, view):
        return ((said, scores.flip(0)) for said, scores in super().scored(view))


class OwnQuery(Breadth):
    """The same."""

    def query(self, view, query_size, *, rng):
        return super().query(view, query_size + 1, rng=rng)


@pytest.mark.parametrize("own", [OwnScored, OwnQuery])
def test_where_one_image_is_all_there_is_none_is_ranked_by_half_a_strategy(own, tmp_path):
    probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
    rows = "".join(f"{n},{a},{b}\n" for n, (a, b) in enumerate(probs))
    (tmp_path / "scores.csv").write_text(f"id,likelihood[a],likelihood[b]\n{rows}")
    with strategies.temporarily(own=own, plain=Breadth):
        assert {"own", "plain"} & set(ranking_names()) == {"plain"}
        with pytest.raises(UsageError, match="own looks at more than that"):
            ncenet.select(tmp_path / "scores.csv", 1, strategy="own")
        with pytest.raises(UsageError, match="own looks at more than the likelihoods of one image"):
            object.__new__(Scorer)._strategy("own", object())


@pytest.mark.parametrize("field", ["needs", "requires"])
@pytest.mark.parametrize("said", ["probs", ["probs"], {1}])
def test_needs_and_requires_are_sets_of_names(field, said):
    own = type("Own", (Breadth,), {field: said})()
    with pytest.raises(UsageError, match=rf"Own\.{field} is .*, not a set of names: write"):
        ncenet.select([[0.5, 0.5]], 1, strategy=own)


def test_a_requirement_that_there_is_not_is_no_permission():
    own = type("Own", (Breadth,), {"requires": frozenset({"comittee"})})()
    recipe = Recipe().with_changes({"loop.strategy": "given:Own"})
    with pytest.raises(
        UsageError, match="strategy given:Own: unknown requirement 'comittee': did you mean 'c"
    ):
        check_fits(own, recipe)


OURS, THEIRS = ncenet.ArrayPool(np.random.default_rng(0).random((20, 4), np.float32)), torch.nn.Identity


@pytest.mark.parametrize("backbone", [None, THEIRS], ids=["ours", "own"])
def test_a_need_that_nobody_meets_is_told_before_there_is_a_run(tmp_path, backbone):
    own = type("Own", (Breadth,), {"needs": frozenset({"probs", "feature"})})()
    parts = {} if backbone is None else {"backbone": backbone()}
    with pytest.raises(UsageError, match="strategy given:Own: unknown need 'feature': did you mean 'feat"):
        ncenet.open(tmp_path / "run", pool=OURS, classes=["a", "b"], strategy=own, notify=False, **parts)
    assert not (tmp_path / "run").exists()


def test_what_nobody_else_says_an_auxiliary_or_a_learner_of_ones_own_may_say():
    own = type("Own", (Breadth,), {"needs": frozenset({"depth"})})
    recipe = Recipe().with_changes({"loop.strategy": "given:Own"})
    check_fits(type("Taught", (own,), {"auxiliary": lambda channels: None})(), recipe)
    check_fits(own(), recipe.with_changes({"model.backbone": "given:Learner"}))
    with pytest.raises(UsageError, match="unknown need 'depth': known: boxes, features, inputs, probs, samp"):
        check_fits(own(), recipe.with_changes({"task": "detection"}))


@pytest.mark.parametrize("who", ["select", "arrays", "score", "refine"])
def test_a_plug_in_that_fails_when_it_is_made_is_named(who, tmp_path, monkeypatch):
    class Unmade(Breadth):
        def __init__(self, **options):
            raise OSError("no licence")

    (tmp_path / "scores.csv").write_text("id,prob_a,prob_b\n1,0.5,0.5\n")
    with strategies.temporarily(unmade=Unmade):
        monkeypatch.setitem(strategies._plugged, "unmade", "somewhere:Unmade")
        with pytest.raises(
            UsageError, match=r"'unmade' of a plug-in \(somewhere:Unmade\) fails: OSError: no l"
        ):
            if who == "select":
                ncenet.select(tmp_path / "scores.csv", 1, strategy="unmade", notify=False)
            elif who == "arrays":
                ncenet.select([[0.5, 0.5]], 1, strategy="unmade")
            elif who == "refine":
                strategies.get("refine")(members="margin,unmade")
            else:
                object.__new__(Scorer)._strategy("unmade", None)
