"""Parts of one's own: networks, strategies, learners and pools as objects."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import ncenet
from ncenet.errors import DamagedRecord, NonFiniteScore, RecipeError, UsageError
from tests.api.make import QUICK, Prior, Stripes, brightness, opened


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 7)

    def forward(self, x):
        return self.layer(x.flatten(1)).relu()


class First:
    """A strategy of one's own."""

    needs = frozenset({"probs"})

    def query(self, view, query_size, *, rng):
        ids = sorted(id for chunk in view.predictions() for id in chunk.ids)[:query_size]
        return ncenet.Query(tuple(ids), (1.0,) * len(ids))


@pytest.mark.parametrize(
    "parts",
    [
        {"backbone": Net()},
        {"strategy": First()},
        {"learner": Prior(), "strategy": "entropy"},
        {"backbone": Net(), "strategy": First()},
        {"strategy": "margin"},
    ],
    ids=lambda parts: "+".join(parts),
)
def test_parts_may_be_objects(folder, parts):
    with opened(folder, **parts) as run:
        run.tell(brightness(run.ask(10).ids))
        query = run.ask(4)
        assert len(query) == 4
        if isinstance(parts.get("strategy"), First):
            assert list(query.ids) == sorted(set(run.pool.ids()) - set(run.labels))[:4]
        if "learner" in parts:
            assert run.model is parts["learner"] and run.model.share.sum() == 1
        elif "backbone" in parts:
            assert isinstance(run.model.network.backbone, Net)
            assert parts["backbone"] is not run.model.network.backbone, "each cycle begins with a copy"
            assert repr(run.model) == "Classifier(2 classes: dark, light; Net; cycle 1)"
    again = opened(folder, **parts)
    assert again.ask(4) == query
    again.close()


def test_attributes_of_a_learner_are_its_model_and_what_it_does_not_say_is_left_open(folder):
    with opened(folder, learner=Prior(), strategy="entropy") as run:
        run.tell(brightness(run.ask(10).ids))
        run.ask(4)
        share, said = run.model.share, run.report()
    (cycle,) = said.record()["cycles"]
    assert (cycle["labeled"], cycle["loss"], cycle["fit_accuracy"]) == (10, None, None)
    assert cycle["fit_seconds"] >= 0 and "nan" not in said._repr_html_()
    with opened(folder, learner=Prior(), strategy="entropy") as again:
        assert torch.equal(again.model.share, share)
    (model,) = folder.glob("cycles/001/model*")
    model.write_bytes(b"\x80\x04junk")
    with pytest.raises(DamagedRecord, match=r"model.*: damaged, it holds no attributes of a learner"):
        opened(folder, learner=Prior(), strategy="entropy").model  # noqa: B018


def test_attributes_that_only_code_could_bring_back_are_refused(tmp_path):
    prior = Prior()
    prior.share, prior.names, prior.seen = torch.ones(2), ["a", {"b": 1.5}], None
    prior.save(tmp_path / "model.safetensors")
    again = Prior()
    again.load(tmp_path / "model.safetensors")
    assert torch.equal(again.share, prior.share)
    assert (again.names, again.seen) == (["a", {"b": 1.5}], None)
    prior.rows = np.ones(3)
    with pytest.raises(UsageError, match=r"Prior has attributes .*rows.* override save and load"):
        prior.save(tmp_path / "other")
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_part_that_is_missing_is_named(folder):
    opened(folder, strategy=First(), backbone=Net()).close()
    with pytest.raises(UsageError, match=r"begun with an object, First, .* give it again, as strategy="):
        opened(folder, recipe=None, backbone=Net())
    with pytest.raises(UsageError, match=r"begun with an object, Stripes, .*pool or images= of ncenet.open"):
        ncenet.open(folder, strategy=First())
    run = opened(folder, recipe=None, strategy=First())
    run.tell(brightness(run.ask(8).ids))
    with pytest.raises(UsageError, match=r"begun with an object, Net, .*backbone or learner= of ncenet.open"):
        run.ask(4)
    run.close()


def test_what_a_strategy_requires_is_looked_at_and_may_be_left_out(folder):
    class Picky(First):
        requires = frozenset({"committee"})

    class Derived(ncenet.parts.QueryStrategy):
        needs = frozenset()
        query = First.query

    with pytest.raises(RecipeError, match=r"strategy given:Picky needs model\.members > 1"):
        opened(folder, strategy=Picky())
    opened(folder, strategy=Picky(), recipe=QUICK | {"model.members": 2}).close()
    with pytest.raises(UsageError, match=r"First is a class: give an object of it, First\(\)"):
        opened(folder, strategy=First)
    with pytest.raises(UsageError, match="object is no query strategy: it has no needs and no query"):
        opened(folder, strategy=object())
    of_protocol = [isinstance(each, ncenet.parts.QueryStrategy) for each in (First(), Derived())]
    assert of_protocol == [False, True]
    assert Derived().requires == frozenset() and Derived().auxiliary is None


class Wrong(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"learner": Prior(), "backbone": Net()}, "give learner or backbone, not both"),
        ({"images": "digits"}, "images and pool are the same"),
        ({"recipe": QUICK | {"task": "detection"}, "backbone": Net()}, "give learner, not backbone"),
    ],
)
def test_parts_that_exclude_one_another(folder, parts, complaint):
    with pytest.raises(UsageError, match=complaint):
        opened(folder, **parts)


def test_a_module_that_is_no_backbone_is_told(folder):
    with opened(folder, backbone=Wrong()) as run:
        run.tell(brightness(run.ask(6).ids))
        with pytest.raises(UsageError, match=r"the backbone Wrong gives \(1, 1, 8, 8\) for one input"):
            run.fit()


class Bare:
    """A pool that lacks something."""

    ids, load = Stripes.ids, Stripes.load


class Speechless(ncenet.parts.Learner):
    def fit(self, labeled, pool, **rest):
        pass


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"pool": Bare()}, "Bare is no pool: it has no content_hash of its own"),
        ({"pool": Stripes}, r"Stripes is a class: give an object of it, Stripes\(\)"),
        ({"learner": Speechless()}, "Speechless is no learner: it has no predict of its own"),
        ({"learner": Prior}, r"Prior is a class: give an object of it, Prior\(\)"),
        ({"learner": First()}, "First is no learner: it has no fit of its own"),
    ],
)
def test_an_object_that_lacks_a_method_is_refused_at_once(folder, parts, complaint):
    with pytest.raises(UsageError, match=complaint):
        opened(folder, **parts)
    assert not folder.exists()


QUERIES = {
    r"query returns a list: it returns a query": lambda ids, n: ids[:n],
    r"query returns 'a' 2 times: the ids of a query are distinct": lambda ids, n: ncenet.Query("aa", (1, 1)),
    r"query returns 'x', which is none of the ids of its pool": lambda ids, n: ncenet.Query(("x",), (1.0,)),
    r"query returns 5 ids, and 4 were asked for": lambda ids, n: ncenet.Query(ids[: n + 1], [1] * (n + 1)),
    r"query returns no ids, and its pool holds": lambda ids, n: ncenet.Query((), ()),
    r"query returns 4 ids and 3 scores: each image has a score": lambda ids, n: ncenet.Query(
        ids[:n], [1] * 3
    ),
    r"query returns scores that are no numbers": lambda ids, n: ncenet.Query(ids[:n], [None] * n),
    r"4 scores are not finite": lambda ids, n: ncenet.Query(ids[:n], np.full(n, np.nan)),
}


@pytest.mark.parametrize("complaint", QUERIES)
def test_a_query_that_breaks_what_strategies_promise_is_refused_before_it_is_recorded(folder, complaint):
    class Mine(First):
        def query(self, view, query_size, *, rng):
            return QUERIES[complaint](list(view.ids), query_size)

    with opened(folder, strategy=Mine(), learner=Prior()) as run:
        run.tell(brightness(run.ask(8).ids))
        with pytest.raises((UsageError, NonFiniteScore), match=complaint):
            run.ask(4)
        assert not (folder / "cycles/001/query.csv").exists()
        with pytest.raises((UsageError, NonFiniteScore), match=complaint):
            ncenet.select(np.full((9, 2), 0.5), 4, strategy=Mine())


def test_a_query_of_lists_and_arrays_is_a_query(folder):
    class Mine(First):
        def query(self, view, query_size, *, rng):
            return ncenet.Query(list(view.ids)[:query_size], np.ones(query_size, np.float32))

    with opened(folder, strategy=Mine(), learner=Prior()) as run:
        run.tell(brightness(run.ask(8).ids))
        assert run.ask(4).scores == (1.0,) * 4 and run.ask(4).ids == run.ask(4).ids


@pytest.mark.parametrize("form", [torch.Tensor, np.asarray, list])
def test_a_score_may_be_an_array_or_a_list_and_has_a_number_for_each_image(folder, form):
    class Bright(ncenet.parts.ScoreStrategy):
        def score(self, prediction):
            return form(prediction.probs[:, 0].tolist())

    assert ncenet.select([[0.1, 0.9], [0.8, 0.2]], 1, strategy=Bright()).ids == ("00001",)

    class All(ncenet.parts.ScoreStrategy):
        def score(self, prediction):
            return prediction.probs

    with pytest.raises(
        UsageError, match=r"All\.score returns numbers of shape \(2, 2\): one for each image, "
    ):
        ncenet.select([[0.1, 0.9], [0.8, 0.2]], 1, strategy=All())


def says(probs):
    """A learner that says this of ids, by some change of what it should."""

    class Mine(Prior):
        def predict(self, pool, ids, *, want):
            for said in super().predict(pool, ids, want=want):
                yield probs(said)

    return Mine()


def made(said, **changes):
    return dataclasses.replace(said, **changes)


PREDICTIONS = {
    r"yields a Tensor: it yields ncenet\.parts\.Prediction": lambda said: said.probs,
    r"says something of '.*' where '.*' is due": lambda said: made(said, ids=list(said.ids)[::-1]),
    r"says nothing of '.*' and what follows": lambda said: made(said, ids=said.ids[:3], probs=said.probs[:3]),
    r"shape \(\d+, 1\) of 2 classes: .* also of a class without": lambda s: made(s, probs=s.probs[:, :1]),
    r"likelihoods of shape \(\d+,\) of": lambda said: made(said, probs=said.probs[:, 0]),
    r"likelihoods of shape \(3, 2\) of \d+ images": lambda said: made(said, probs=said.probs[:3]),
    r"scores? (is|are) not finite, the first at": lambda said: made(said, probs=said.probs / 0),
    r"likelihoods from -.* as softmax makes logits": lambda said: made(said, probs=said.probs - 9),
    r"says likelihoods that are no tensor of numbers": lambda said: made(said, probs=[["a", "b"]]),
}


@pytest.mark.parametrize("complaint", PREDICTIONS)
@pytest.mark.parametrize("tested", [False, True])
def test_a_prediction_that_breaks_what_learners_promise_is_refused(folder, complaint, tested):
    """In silence, a column that is missing names other classes, and rows in another order other images."""
    more = {"loop.held_out": 6} if tested else {}
    learner = says(PREDICTIONS[complaint])
    with opened(folder, learner=learner, strategy="margin", recipe=QUICK | more) as run:
        for _ in range(1 + tested):
            run.tell(brightness(run.ask(8).ids))
        with pytest.raises((UsageError, NonFiniteScore), match=complaint):
            run.ask(4)


@pytest.mark.parametrize("form", [torch.Tensor.double, torch.Tensor.numpy, torch.Tensor.tolist])
def test_likelihoods_may_be_arrays_or_lists_of_any_precision(folder, form):
    learner = says(lambda said: made(said, probs=form(said.probs)))
    with opened(folder, learner=learner, strategy="margin") as run:
        run.tell(brightness(run.ask(8).ids))
        assert len(run.ask(4)) == 4


def test_predictions_may_be_a_list_and_are_not_one_alone(folder):
    class Returns(Prior):
        def predict(self, pool, ids, *, want):
            return self.form(*super().predict(pool, ids, want=want))

    Returns.form = lambda self, said: [said]
    with opened(folder, learner=Returns(), strategy="margin") as run:
        run.tell(brightness(run.ask(8).ids))
        assert len(run.ask(4)) == 4
    Returns.form = lambda self, said: said
    with (
        opened(folder, learner=Returns(), strategy="margin") as run,
        pytest.raises(UsageError, match=r"Returns\.predict returns a Prediction: it yields predictions"),
    ):
        run.tell(brightness(run.ask(8).ids))
        run.ask(4)


def test_what_a_strategy_needs_and_a_learner_does_not_say_is_named(folder):
    recipe = QUICK | {"model.dropout": 0.1}
    with opened(folder, learner=Prior(), strategy="bald", recipe=recipe) as run:
        run.tell(brightness(run.ask(8).ids))
        with pytest.raises(UsageError, match="needs 'samples' of a prediction, and Prior says none"):
            run.ask(4)


def test_options_given_beside_a_strategy_are_read_and_mistakes_in_them_told(folder):
    with opened(folder, strategy="margin", recipe=QUICK | {"loop.options": {"diversify": "kmeans"}}) as run:
        assert run.recipe.loop.options == {"diversify": "kmeans"}
    with opened(folder, recipe=None) as again:
        assert again.recipe.loop.options == {"diversify": "kmeans"}
    with pytest.raises(RecipeError, match=r"loop\.options\.diversify: 'kmeens' is none of"):
        opened(folder / "b", strategy="margin", recipe=QUICK | {"loop.options.diversify": "kmeens"})
    with pytest.raises(RecipeError, match=r"strategy margin has no option 'diversfy': did you mean"):
        opened(folder / "c", strategy="margin", recipe=QUICK | {"loop.options": {"diversfy": "kmeans"}})
