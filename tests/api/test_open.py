"""A run as an object, and its parts as objects of one's own."""

import hashlib
import re

import numpy as np
import pytest
import torch
from torch import nn

import ncenet
from ncenet.errors import DamagedRecord, DataError, LedgerError, RecipeError, UsageError
from ncenet.run.advice import Outlook
from tests.data.make import jpeg, write
from tests.features.conftest import cache, edges, in_torch, photos  # noqa: F401 - fixtures

QUICK = {"train.epochs": 1, "train.min_steps": 2, "train.batch_size": 8}


class Stripes:
    """A pool of one's own: images that are made when they are asked for."""

    channels = 1

    def ids(self):
        return [f"stripe-{n}" for n in range(40)]

    def load(self, id):
        return np.full((8, 8, 1), 6 * int(id.removeprefix("stripe-")), np.uint8)

    def content_hash(self, id):
        return hashlib.sha256(self.load(id)).hexdigest()


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


class Prior(ncenet.parts.Learner):
    """A learner of one's own: says of every image how frequent the classes are."""

    def fit(self, labeled, pool, **rest):
        counts = torch.bincount(torch.tensor(labeled.targets()), minlength=len(labeled.class_names))
        self.share = counts / counts.sum()

    def predict(self, pool, ids, *, want):
        yield ncenet.parts.Prediction(list(ids), self.share.repeat(len(ids), 1))


def brightness(ids):
    return {id: "dark" if int(id.removeprefix("stripe-")) < 20 else "light" for id in ids}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def opened(folder, **parts):
    return ncenet.open(folder, **{"pool": Stripes(), "classes": ["dark", "light"], "recipe": QUICK} | parts)


def test_ask_tell_and_what_was_reached(folder):
    with opened(folder, recipe=QUICK | {"loop.held_out": 8}) as run:
        held_out = run.ask(5)
        assert len(held_out) == 8 and not run.labels
        run.tell(brightness(held_out.ids))
        for _ in range(4):
            query = run.ask(6)
            run.tell(brightness(query.ids), who="ann")
        assert len(run.labels) == 32 and run.class_names == ("dark", "light")
        assert isinstance(run.model, ncenet.Model) and "2 classes: dark, light" in repr(run.model)
        assert [point.labeled for point in run.curve()] == [6, 12, 18, 24]
        assert isinstance(run.outlook(20), Outlook)
        assert repr(run) == f"Run({str(folder)!r}, 32 labels of 40 images)"
        assert run.export(folder / "labels.csv") == 32
        assert {change.status for change in run.read_labels(folder / "labels.csv")} == {"same"}
        said = {id: "light" if label == "dark" else "dark" for id, label in brightness(run.labels).items()}
        rows = "".join(f"{id},{label}\n" for id, label in said.items())
        (folder / "other.csv").write_text(f"id,label\n{rows}nowhere,dark\n")
        with pytest.raises(DataError, match=r"(?s)nowhere.*leave them out with `on_mismatch=skip`"):
            run.read_labels(folder / "other.csv")
        options = {"on_conflict": "replace", "on_mismatch": "skip", "who": "bob"}
        assert len(run.read_labels(folder / "other.csv", **options, dry_run=True)) == 33
        assert run.labels == brightness(run.labels), "a dry run"
        run.read_labels(folder / "other.csv", **options)
        assert run.labels == said


def test_it_goes_on_where_it_was(folder):
    with opened(folder) as run:
        query = run.ask(6)
        run.tell(brightness(query.ids[:5]))
        run.tell({query.ids[5]: ncenet.Answer.SKIP})
    with opened(folder, recipe=None) as again:
        assert len(again.labels) == 5 and not set(again.ask(30).ids) & set(query.ids)
        again.tell({query.ids[0]: None})
        assert len(again.labels) == 4
        with pytest.raises(LedgerError):
            again.tell({"nowhere": "dark"})


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


def test_no_run_and_no_images(folder):
    with pytest.raises(UsageError, match="no run here yet; say where the images are: images= or pool="):
        ncenet.open(folder)


def test_a_notebook_shows_images_with_scores_and_the_curve(tmp_path):
    write(tmp_path / "photos", {f"{n}.jpg": jpeg(n) for n in range(30)})
    with ncenet.open(tmp_path / "run", images=tmp_path / "photos", classes=["a", "b"], recipe=QUICK) as run:
        query = run.ask(28)
        shown = query._repr_html_()
        assert shown.count("<img") == 24 and "and 4 more" in shown and query.ids[0] in shown
        assert "data:image/" in shown
        run.tell(dict.fromkeys(query.ids[:20], "a"))
        run.fit()
        page = run.report()._repr_html_()
        assert page.startswith("<h4>One run of confusion") and "<table>" in page
        assert "20" in repr(run.report())
        model, photo = run.model, tmp_path / "photos/0.jpg"
        said = model.predict(tmp_path / "photos")
        assert repr(said).startswith("Scores(30 images: 0.jpg a ") and repr(said).endswith("...; 2 classes)")
        assert re.fullmatch(r"Scores\(1 image: .*0\.jpg a \d\.\d\d; 2 classes\)", repr(model.predict(photo)))
        assert len(said) == 30 and set(said.ids) == set(run.pool.ids())


def test_photographs_are_learned_on_features_and_shown_as_they_are(
    folder,
    photos,  # noqa: F811
    monkeypatch,
    cache,  # noqa: F811
    edges,  # noqa: F811
    in_torch,  # noqa: F811
):
    monkeypatch.setattr("ncenet.run.people.FEATURES", "edges")
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: name == "edges")
    chosen = {"images": photos, "classes": ["ant", "bee", "cow"]}
    with ncenet.open(folder, **chosen) as run:
        assert run.recipe.model.features == "edges"
        query = run.ask(12)
        assert query._repr_html_().count("<img") == 12 and run.pool.load(query.ids[0]).ndim == 3
        run.tell({id: id.split("/")[0] for id in query.ids})
        assert run.model.predict(run.pool.load(query.ids[0])).class_names == ("ant", "bee", "cow")
    with ncenet.open(folder) as again:
        assert again.recipe.model.features == "edges"
    for n, recipe in enumerate([ncenet.Recipe(), QUICK, {"model.backbone": "small"}]):
        with ncenet.open(folder / str(n), **chosen, recipe=recipe) as run:
            assert run.recipe.model.features is None, "somebody has said how to learn"
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: False)
    with ncenet.open(folder / "without", **chosen) as run:
        assert run.recipe.model.features is None


def test_vectors_show_their_ids(tmp_path):
    pool = ncenet.ArrayPool(np.zeros((4, 3), np.float32), ids=["<a>", "b", "c", "d"])
    with ncenet.open(tmp_path, pool=pool, classes=["x", "y"], backbone="mlp") as run:
        shown = run.ask(4)._repr_html_()
        assert "&lt;a&gt;" in shown and "<img" not in shown and "a feature vector can" in shown


def test_a_simulation_returns_what_it_found(tmp_path):
    changes = QUICK | {"loop.cycles": 2, "loop.initial": 10, "loop.query_size": 5}
    recipe = ncenet.Recipe().with_changes(changes)
    report = ncenet.simulate(recipe, tmp_path / "run")
    assert [point.labeled for point in report.curve()] == [10, 15]
    assert report.record()["kind"] == "run" and "<svg" in report._repr_html_()
    assert [file.name for file in report.write(["csv"], out=tmp_path)] == ["report.csv"]
    comparison = ncenet.Comparison.beside(recipe, ["random"])
    both = ncenet.compare(comparison, tmp_path / "both", processes=1)
    assert len(both.curve()) == len(both.curve("nce confusion")) == 2
    with pytest.raises(ncenet.errors.UnknownName, match="unknown arm 'nce margin'"):
        both.curve("nce margin")
    assert "against nce random" in repr(both)


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        ("cat,dog", ("cat", "dog")),
        ('"cat, small", dog', ("cat, small", "dog")),
        (np.array(["cat", "dog"]), ("cat", "dog")),
        ((name for name in ("cat", "dog")), ("cat", "dog")),
        ({"cat", "dog"}, "classes are in an order, which a set hasn't: give a list"),
        ({"cat": 0, "dog": 1}, "classes are in an order, which a dict hasn't"),
        ([1, 2], "data.classes.0: 1 is no text"),
        ([b"cat", "dog"], "data.classes: the class b'cat' is no text: it is of type bytes"),
    ],
)
def test_classes_are_names_in_an_order(tmp_path, classes, found):
    write(tmp_path, {"photos/a.jpg": jpeg(0), "photos/b.jpg": jpeg(1)})
    if isinstance(found, tuple):
        with ncenet.open(tmp_path / "run", images=tmp_path / "photos", classes=classes) as run:
            assert run.class_names == found
    else:
        with pytest.raises(UsageError, match=re.escape(found)):
            ncenet.open(tmp_path / "run", images=tmp_path / "photos", classes=classes)


def test_options_given_beside_a_strategy_are_read_and_mistakes_in_them_told(folder):
    with opened(folder, strategy="margin", recipe=QUICK | {"loop.options": {"diversify": "kmeans"}}) as run:
        assert run.recipe.loop.options == {"diversify": "kmeans"}
    with opened(folder, recipe=None) as again:
        assert again.recipe.loop.options == {"diversify": "kmeans"}
    with pytest.raises(RecipeError, match=r"loop\.options\.diversify: 'kmeens' is none of"):
        opened(folder / "b", strategy="margin", recipe=QUICK | {"loop.options.diversify": "kmeens"})
    with pytest.raises(RecipeError, match=r"strategy margin has no option 'diversfy': did you mean"):
        opened(folder / "c", strategy="margin", recipe=QUICK | {"loop.options": {"diversfy": "kmeans"}})


class Bare:
    """A pool that lacks something."""

    ids, load = Stripes.ids, Stripes.load


class Speechless(ncenet.parts.Learner):
    def fit(self, labeled, pool, **rest):
        pass


class Lists(First):
    def query(self, view, query_size, *, rng):
        return list(view.ids)[:query_size]


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


def test_a_strategy_that_returns_no_query_is_named(folder):
    with opened(folder, strategy=Lists()) as run:
        run.tell(brightness(run.ask(8).ids))
        with pytest.raises(UsageError, match=r"Lists\.query returns a list: it returns a query"):
            run.ask(4)


@pytest.mark.parametrize("size", [0, -1, 2.5, "5"])
def test_a_number_of_images_is_one(folder, size):
    with (
        opened(folder) as run,
        pytest.raises(UsageError, match=r"query_size: .* is no number of images, from 1"),
    ):
        run.ask(size)


def test_what_is_no_answer_is_refused_and_named(folder):
    with opened(folder) as run:
        (id, *_) = run.ask(np.int64(4)).ids
        with pytest.raises(DataError, match=f"'{id}': 1 is no answer: the name of a class, boxes, "):
            run.tell({id: 1})
        with pytest.raises(UsageError, match=r"answers are by id, .* or in a file: a list is neither"):
            run.tell(["dark", "light"])
        assert run.labels == {}


def test_a_simulation_takes_changes_as_open_does(tmp_path):
    report = ncenet.simulate(QUICK | {"loop.cycles": 1, "loop.initial": 10}, tmp_path, notify=False)
    assert [point.labeled for point in report.curve()] == [10]


def test_likelihoods_may_be_a_frame():
    class Frame:
        shape = (2, 2)

        def to_numpy(self):
            return np.array([[0.9, 0.1], [0.5, 0.5]])

    assert ncenet.select(Frame(), 1).ids == ("00001",)
