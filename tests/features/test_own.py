"""Data that are vectors: learned on as those of a network are."""

from __future__ import annotations

import numpy as np
import pytest

import ncenet
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError, RecipeError, UsageError
from ncenet.features.own import LEAST, OwnVectors, network_of
from ncenet.learners.classifier import Classifier
from ncenet.loop.estimate import Speed, cost_of
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.run.people import first_recipe, with_features
from ncenet.web.label import label
from tests.commands import run_command

CLASSES = ["a", "b", "c"]


def drawn(count: int, length: int, *, seed: int = 0):
    """Vectors around one centre for each class, and the classes."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % len(CLASSES)
    centres = np.random.default_rng(9).normal(size=(len(CLASSES), length))
    vectors = (centres[targets] + rng.normal(size=(count, length))).astype(np.float32)
    return vectors, np.array(CLASSES)[targets]


def written(folder, name, *, length=LEAST, count=120, seed=0):
    vectors, labels = drawn(count, length, seed=seed)
    np.savez(folder / name, X=vectors, y=labels, ids=[f"{name}-{row}" for row in range(count)])
    return str(folder / name)


def asked(run, times=3):
    """What a run asks for, each answered by the name that its id stands for."""
    ids = []
    for _ in range(times):
        query = run.ask(10)
        ids.append(list(query.ids))
        run.tell({id: CLASSES[int(id.split("-")[1]) % len(CLASSES)] for id in query.ids})
    return ids


def test_it_is_what_a_file_of_the_same_vectors_gives_for_images(tmp_path):
    vectors, _ = drawn(120, LEAST)
    ids = [f"v-{row}" for row in range(len(vectors))]
    np.savez(tmp_path / "of.npz", ids=ids, vectors=vectors)
    images = ncenet.ArrayPool(np.random.default_rng(1).integers(0, 255, (120, 8, 8), np.uint8), ids)
    of_file = {"model.features": str(tmp_path / "of.npz")}
    with (
        ncenet.open(tmp_path / "own", pool=ncenet.ArrayPool(vectors, ids), classes=CLASSES) as own,
        ncenet.open(tmp_path / "file", pool=images, classes=CLASSES, recipe=of_file) as file,
    ):
        assert (own.recipe.model.features, own.recipe.loop.strategy) == ("data", "herding")
        assert own.recipe.fits_head
        assert asked(own) == asked(file)
        held = drawn(30, LEAST, seed=5)[0]
        assert np.array_equal(own.model.predict(held).rejection, file.model.predict(held).rejection)


@pytest.mark.parametrize(
    ("length", "changes", "then"),
    [
        (LEAST, {}, ("data", "identity", "herding")),
        (LEAST - 1, {}, (None, "mlp", "confusion")),
        (LEAST, {"model.backbone": "mlp"}, (None, "mlp", "confusion")),
        (LEAST, {"train.epochs": 3, "model.backbone": "identity"}, (None, "identity", "confusion")),
        (LEAST, {"model": {"backbone": "mlp"}}, (None, "mlp", "confusion")),
        (LEAST, {"train.epochs": 3}, (None, "mlp", "confusion")),
        (LEAST, {"loop.strategy": "margin"}, ("data", "identity", "margin")),
    ],
)
def test_who_names_no_network_gets_the_one_that_suits(tmp_path, length, changes, then):
    recipe = first_recipe(written(tmp_path, "a.npz", length=length), changes, lambda text: None)
    assert (recipe.model.features, recipe.model.backbone, recipe.loop.strategy) == then


WAYS = {
    "people": lambda file, changes: first_recipe(file, changes, print),
    "simulate": lambda file, changes: with_features(Recipe(), {"data.train": file, **changes}, say=print),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize(
    ("path", "value"),
    [("model.head.unlabeled", 2), ("model.head", {"unlabeled": 2}), ("model.head.bias", True)],
)
def test_what_is_read_on_features_alone_is_judged_when_they_are_chosen(way, path, value, tmp_path):
    long, short = (written(tmp_path, f"{length}.npz", length=length) for length in (LEAST, LEAST - 1))
    assert way(long, {path: value}).model.features == "data"
    with pytest.raises(RecipeError, match=r"model\.head\.(unlabeled|bias): .* leave it out"):
        way(short, {path: value})


def test_a_run_in_python_chooses_features_before_it_judges_them(tmp_path):
    pool = ArrayPool(drawn(30, LEAST)[0])
    changes = {"model.head.unlabeled": 2}
    with ncenet.open(tmp_path / "run", pool=pool, classes=CLASSES, recipe=changes) as run:
        assert (run.recipe.model.features, run.recipe.model.head.unlabeled) == ("data", 2)


def test_a_simulation_says_what_learns_and_its_model_reads_other_vectors(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "train.npz")
    written(tmp_path, "test.npz", count=60, seed=3)
    words = "simulate train.npz --test test.npz --initial 6 --query-size 6 --cycles 3 --out run"
    done = run_command(capsys, words.split())
    assert done.code == 0
    assert "features data: the data are vectors of 64 numbers, and a head learns" in done.said
    recipe = Recipe.load(tmp_path / "run" / "recipe.yaml")
    assert (recipe.model.features, recipe.loop.strategy) == ("data", "herding")
    assert run_command(capsys, ["score", "run", "test.npz", "--out", "scores.csv"]).code == 0
    rows = (tmp_path / "scores.csv").read_text().splitlines()[1:]
    right = [row.split(",")[1] == CLASSES[n % len(CLASSES)] for n, row in enumerate(rows)]
    assert len(right) == 60
    assert np.mean(right) > 0.9
    dry = run_command(capsys, [*words.replace("run", "dry").split(), "--dry-run"])
    assert "labels 18 of a pool of 120" in " ".join(dry.out.split())


def test_vectors_that_cannot_be_read_are_skipped_and_named(tmp_path):
    vectors, _ = drawn(60, LEAST)
    vectors[[0, 7]] = np.nan
    pool = ArrayPool(vectors, [f"v-{row}" for row in range(60)])
    skip = {"data.on_bad_image": "skip", "model.features": "data", "model.head.unlabeled": 1}
    with ncenet.open(tmp_path / "run", pool=pool, classes=CLASSES, recipe=skip) as run:
        asked_for = {id for query in asked(run) for id in query}
    assert not asked_for & {"v-0", "v-7"}
    assert "v-7,the feature vector holds nan or inf" in (tmp_path / "run" / "bad_images.csv").read_text()


def test_the_first_vector_that_can_be_read_tells_how_long_they_are():
    vectors = drawn(4, LEAST)[0]
    vectors[0] = np.nan
    assert network_of(ArrayPool(vectors), trained=False, say=lambda text: None) == {"model.features": "data"}
    vectors[:] = np.nan
    assert network_of(ArrayPool(vectors), trained=False, say=lambda text: None) == {}


def test_an_array_is_read_where_it_lies():
    pool = ArrayPool(drawn(5, LEAST)[0])
    recipe = Recipe().with_changes({"model.features": "data"})
    learner = Classifier(recipe.model, recipe.train, recipe.data, Streams(0))
    tensors = learner.tensors_of(OwnVectors(pool, list(pool.ids())))
    assert np.shares_memory(tensors._rows, pool.array)


def test_the_pool_is_the_same_by_one_and_by_many():
    pool = ArrayPool(drawn(5, LEAST)[0], list("abcde"))
    own = OwnVectors(pool, ["a", "c", "e"])
    assert (own.dim, own.known(), list(own.ids())) == (LEAST, ["a", "c", "e"], list("abcde"))
    assert np.array_equal(own.rows(["e", "a"]), np.stack([own.load("e"), own.load("a")]))
    assert own.content_hash("a") == pool.content_hash("a")


@pytest.mark.parametrize("field", ["weights", "framing"])
def test_no_network_makes_them(field):
    with pytest.raises(RecipeError, match=f"{field}: with features data no network makes the vectors"):
        Recipe().with_changes({"model.features": "data", f"model.{field}": "squash"})


def test_a_page_has_nothing_to_show_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, "a.npz")
    with pytest.raises(UsageError, match="holds vectors, of which a page has nothing to show: `ncenet ask`"):
        label(file, out=tmp_path / "run", say=lambda text: None)
    assert not (tmp_path / "run").exists()


def test_an_estimate_counts_four_bytes_a_number_and_refuses_what_a_run_would(tmp_path):
    own = Recipe().with_changes(
        {
            "data.train": written(tmp_path, "a.npz"),
            "model.features": "data",
            "loop.cycles": 1,
            "loop.initial": 9,
        }
    )
    cost = cost_of(own, lambda *question: Speed(1.0, 1.0, 0, (LEAST,)))
    assert cost.megabytes == pytest.approx(120 * LEAST * 4 / 1e6)
    images = own.with_changes({"model.features": None, "model.backbone": "small"})
    with pytest.raises(UsageError, match="takes images, got vectors: name `model"):
        cost_of(images)


def test_nobody_is_sent_to_a_page_with_them(tmp_path, capsys):
    done = run_command(capsys, ["init", written(tmp_path, "a.npz"), "--out", tmp_path / "run"])
    assert (done.code, "ncenet label" in done.out) == (0, False)
    assert f"Next: ncenet ask {tmp_path / 'run'}" in " ".join(done.out.split())


def test_an_object_in_the_place_of_a_path_is_told_so(tmp_path):
    with pytest.raises(UsageError, match="named by a path: give this ArrayPool as `pool`"):
        ncenet.open(tmp_path / "run", images=ArrayPool(drawn(4, LEAST)[0]))


@pytest.mark.parametrize("named", [{"model.backbone": "mlp"}, {"model": {"backbone": "mlp"}}], ids=str)
def test_a_network_named_in_a_section_is_named_too(tmp_path, named):
    """Else the vectors' own head would take its place."""
    pool = ArrayPool(drawn(9, LEAST)[0])
    with ncenet.open(tmp_path / "run", pool=pool, classes=CLASSES, recipe=named) as run:
        assert (run.recipe.model.features, run.recipe.model.backbone) == (None, "mlp")
    changes = {"data": {"train": written(tmp_path, "a.npz"), "classes": CLASSES}, **named}
    with ncenet.open(tmp_path / "other", recipe=changes) as run:
        assert (run.recipe.model.features, run.recipe.model.backbone) == (None, "mlp")


def test_one_class_alone_is_told_what_helps_where_no_page_is(tmp_path):
    file = written(tmp_path, "a.npz", count=20, length=5)
    own = {"images": file}, {"pool": ArrayPool(np.zeros((20, 8, 8), np.uint8))}
    for number, images in enumerate(own):
        folder = tmp_path / f"run-{number}"
        with ncenet.open(folder, classes=["only"], recipe={"model.backbone": "mlp"}, **images) as run:
            run.tell(dict.fromkeys(run.ask(4).ids, "only"))
            with pytest.raises(UsageError, match="'only' is the only class") as refused:
                run.ask(4)
        assert "ncenet label" not in str(refused.value)
        assert "begin anew in another folder" in str(refused.value)


def test_no_link_is_made_to_a_page_of_vectors(tmp_path, capsys):
    file = written(tmp_path, "a.npz", count=20)
    why = "holds vectors, of which a page has nothing to show"
    run = ncenet.open(tmp_path / "run", images=file, classes=CLASSES)
    with run, pytest.raises(UsageError, match=why):
        run.invite("anna")
    refused = run_command(capsys, ["annotators", str(tmp_path / "run"), "--add", "anna"])
    assert refused.code == 2
    assert why in refused.said
    assert run_command(capsys, ["annotators", str(tmp_path / "run")]).code == 0


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64])
def test_a_model_reads_vectors_of_any_precision(tmp_path, kind):
    file = written(tmp_path, "a.npz", count=60)
    run = ncenet.open(tmp_path / "run", images=file, classes=CLASSES)
    with run:
        asked(run, times=2)
        vectors = np.round(drawn(9, LEAST, seed=4)[0] * 8).astype(kind)
        said = run.model.predict(vectors)
        assert np.array_equal(said.likelihood, run.model.predict(vectors.astype(np.float32)).likelihood)
        with pytest.raises(DataError, match="got an array of <U"):
            run.model.predict([["a"] * LEAST])


def test_an_array_in_another_precision_is_told_what_helps():
    with pytest.raises(DataError, match=r"float32 \(N, D\): array.astype\(np.float32\)"):
        ArrayPool(np.zeros((3, 4)))


def test_vectors_without_labels_are_told_where_labels_stand(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", X=drawn(20, 5)[0])
    refused = run_command(capsys, ["simulate", str(tmp_path / "a.npz"), "--out", str(tmp_path / "run")])
    assert refused.code == 1
    assert "the vectors have no labels. Labels are: an array y beside X" in refused.said


def test_a_look_at_vectors_counts_numbers_and_no_pixels(tmp_path, capsys):
    file = written(tmp_path, "a.npz", count=20, length=5)
    done = run_command(capsys, ["init", file, "--out", str(tmp_path / "run")])
    assert "vectors 20, each of 5 numbers" in " ".join(done.out.split())
    assert "pixels" not in done.out
