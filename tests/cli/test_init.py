"""``init``: what is there, and a recipe to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ncenet.recipe import Recipe
from ncenet.run.people import folder_of
from tests.data.detection.make import coco, samples, write_coco
from tests.data.make import bomb_png, jpeg, write


@pytest.fixture
def photos(tmp_path):
    files = {f"{n}.jpg": jpeg(n, width=16, height=12) for n in range(4)}
    files |= {"copy.jpg": files["0.jpg"], "broken.jpg": b"hello", "bomb.png": bomb_png(60_000, 60_000)}
    return write(tmp_path / "photos", files | {"large.jpg": jpeg(9, width=64, height=48)})


def test_a_look_and_a_recipe(ncenet, photos, tmp_path):
    done = ncenet("init", "photos", "--classes", "ant,bee", "--query-size", 7)
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert said.startswith("read as images without labels")
    assert "images 6 (6 RGB) pixels sides from 12 to 64" in said
    assert "duplicates 1 copy, listed in runs/photos-labels/duplicates.csv" in said
    assert "unreadable 2, left out, listed in runs/photos-labels/bad_images.csv" in said
    assert "broken.jpg: not an image: text" in said
    assert "classes ant, bee" in said
    assert said.endswith(
        "Next: ncenet label runs/photos-labels, or ncenet ask runs/photos-labels --out query.csv"
    )
    folder = tmp_path / "runs" / "photos-labels"
    recipe = Recipe.load(folder / "recipe.yaml")
    assert (recipe.data.train, recipe.data.classes, recipe.loop.query_size) == ("photos", ("ant", "bee"), 7)
    assert "# Labels asked for in each cycle." in (folder / "recipe.yaml").read_text()
    assert "copy.jpg" in (folder / "duplicates.csv").read_text()
    there = {path.name for path in folder.iterdir()} - {"looks-pool.csv"}  # when the photos are old enough
    assert there == {"bad_images.csv", "duplicates.csv", "recipe.yaml"}


def test_what_it_prints_goes_on(ncenet, photos, tmp_path):
    done = ncenet("init", "photos", "--classes", "ant,bee", "--held-out", 0, "--initial", 3)
    words = done.out.split(", or ncenet ")[1].split()
    assert ncenet(*words).code == 0
    assert len((tmp_path / "query.csv").read_text().splitlines()) == 4
    done = ncenet("init", "photos", "--classes", "ant,bee")
    assert done.code == 2 and "a run is here already; ncenet report runs/photos-labels" in done.said


def test_again_before_anything_was_asked(ncenet, photos, tmp_path):
    words = ("init", "photos", "--classes", "ant,bee")
    assert ncenet(*words).code == 0
    recipe = tmp_path / "runs" / "photos-labels" / "recipe.yaml"
    recipe.write_text(f"# mine\n{recipe.read_text()}")
    assert ncenet(*words).code == 0
    assert recipe.read_text().startswith("# mine\n")
    done = ncenet(*words, "--seed", 3)
    assert done.code == 2 and "loop.seed: 0 there, 3 now" in done.said


def test_json(ncenet, photos):
    record = json.loads(ncenet("init", "photos", "--classes", "ant,bee", "--json", "--out", "run").out)
    assert record["images"] == 6 and (record["smallest"], record["largest"]) == (12, 64)
    assert record["duplicates"] == [["0.jpg", "copy.jpg"]]
    assert set(record["unreadable"]) == {"broken.jpg", "bomb.png"}
    assert (record["classes"], record["recipe"]) == (["ant", "bee"], "run/recipe.yaml")


@pytest.mark.parametrize("command", ["init", "label"])
def test_the_help_tells_the_sizes_that_suit_people(ncenet, command):
    shown = " ".join(ncenet(command, "--help").out.replace("│", " ").split())
    for flag, default in {
        "--held-out": "50; none with --test",
        "--initial": "25, or 5 for each class; on stored features 1",
        "--query-size": "25",
        "--first": "typical",
        "--on-bad-image": "skip",
        "--lr": "0.1; of a detector 0.02",
    }.items():
        assert shown.split(f" {flag} ")[1].split("[default: ")[1].split("]")[0] == default


def test_folders_with_a_dot_in_their_names_have_runs_of_their_own(tmp_path):
    (tmp_path / "photos.2025").mkdir()
    (tmp_path / "photos.parquet").touch()
    assert folder_of(str(tmp_path / "photos.2025"), None) == Path("runs/photos.2025-labels")
    assert folder_of(str(tmp_path / "photos.parquet"), None) == Path("runs/photos-labels")


def test_copies_of_test_images_are_told(ncenet, photos, tmp_path):
    write(tmp_path / "test", {"ant/a.jpg": jpeg(1, width=16, height=12), "bee/b.jpg": jpeg(77)})
    done = ncenet("init", "photos", "--classes", "ant,bee", "--test", "test")
    assert "1 image of the pool is a copy of a test image, which flatters the test" in done.out
    rows = (tmp_path / "runs" / "photos-labels" / "duplicates.csv").read_text().splitlines()
    places = ("0,pool,0.jpg", "0,pool,copy.jpg", "1,pool,1.jpg", "1,test,ant/a.jpg")
    assert rows == ["group,in,id,labels", *(f"{place}," for place in places)]
    done = ncenet("init", "photos", "--classes", "ant,bee", "--test", "test", "--json")
    assert json.loads(done.out)["copies_of_test_images"] == 1


def test_sizes_that_suit_people(ncenet, tmp_path):
    """A held-out set and batches that grow with the classes; labels that are there name the classes."""
    write(tmp_path / "pool", {f"{c}/{n}.jpg": jpeg(n + 10 * ord(c)) for c in "abcdefgh" for n in range(2)})
    assert ncenet("init", "pool").code == 0
    write(tmp_path / "test", {f"{c}/{n}.jpg": jpeg(n + 1000 * ord(c)) for c in "abcdefgh" for n in range(2)})
    assert ncenet("init", "pool", "--test", "test", "--out", "tested").code == 0
    loop = Recipe.load(tmp_path / "runs" / "pool-labels" / "recipe.yaml").loop
    assert (loop.held_out, loop.initial, loop.query_size) == (50, 25, 25)
    assert Recipe.load(tmp_path / "tested" / "recipe.yaml").loop.held_out == 0
    for learner, count, initial in ((["--backbone", "small"], 9, 45), ([], 9, 25), ([], 30, 30)):
        classes = ",".join(f"c{n}" for n in range(count))
        assert ncenet("init", "pool", "--classes", classes, "--out", f"many-{initial}", *learner).code == 0
        assert Recipe.load(tmp_path / f"many-{initial}" / "recipe.yaml").loop.initial == initial


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("photos", 1, "images without labels; name the classes with --classes"),
        (
            "nowhere --classes a,b",
            2,
            "nowhere: no built-in data set of this name, and no such file",
        ),
        ("photos --classes a,b --on-bad-image stop", 1, "2 unreadable images"),
        ("photos --classes a,a", 2, "the class 'a' is named twice"),
    ],
)
def test_wrong_usage(ncenet, photos, words, code, message):
    done = ncenet("init", *words.split())
    assert (done.code, message in done.said) == (code, True), done.err


@pytest.fixture
def mistaken(tmp_path):
    """Four images in COCO's form: of one, two boxes have no area, and one is no image."""
    made = samples(4)
    file = write_coco(tmp_path / "boxes", made)
    said = coco(made)
    for box in said["annotations"][:2]:
        box.update(image_id=said["images"][0]["id"], bbox=[3, 3, 0, 5])
    file.write_text(json.dumps(said))
    (file.parent / said["images"][1]["file_name"]).write_bytes(b"no image")


def test_images_left_out_for_a_mistake_in_their_annotations_are_told(ncenet, mistaken):
    words = ("init", "boxes/annotations.json", "--task", "detection")
    said = " ".join(ncenet(*words, "--out", "run").out.split())
    listed = "left out, listed in run/bad_images.csv"
    assert f"unreadable 1, {listed}" in said
    assert f"annotations 2 mistakes, their images are {listed}" in said and "has no area" in said
    record = json.loads(ncenet(*words, "--json", "--out", "other").out)
    assert len(record["mistakes"]) == 2 and len(record["unreadable"]) == 1


def test_what_is_left_out_is_told_before_anything_is_asked(ncenet, mistaken):
    words = ("run", "--data", "boxes/annotations.json", "--task", "detection", "--backbone", "small")
    words += ("--initial", 1, "--held-out", 0, "--out", "query.csv")
    assert "leave those images out with --on-bad-image skip" in ncenet("ask", *words).said
    done = ncenet("ask", *words, "--on-bad-image", "skip")
    left_out = "left out: 1 image that cannot be read and 1 image with a mistake in the annotations."
    assert f"{left_out} bad_images.csv of the run says why" in " ".join(done.said.split())
