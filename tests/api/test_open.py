"""A run as an object: ask, tell, and what has been reached."""

import re

import numpy as np
import pytest

import ncenet
from ncenet.errors import DataError, LedgerError, UsageError
from ncenet.run.advice import Outlook
from tests.api.make import QUICK, brightness, opened
from tests.data.make import jpeg, write
from tests.features.conftest import cache, edges, in_torch, photos  # noqa: F401 - fixtures


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


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


def test_a_run_that_was_closed_says_so(folder):
    with opened(folder) as run:
        query = run.ask(4)
    assert repr(run) == f"Run({str(folder)!r}, closed)"
    for late in (lambda: run.ask(4), lambda: run.tell(brightness(query.ids)), lambda: run.labels, run.fit):
        with pytest.raises(
            LedgerError, match=r"ledger\.sqlite: was closed: open the run again to go on with it"
        ):
            late()


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


def test_a_file_is_no_folder_of_a_run(folder):
    folder.write_text("mine")
    with pytest.raises(UsageError, match="run: is a file, and a run has a folder of its own"):
        opened(folder)
    assert folder.read_text() == "mine"


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
