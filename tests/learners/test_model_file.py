"""Model files outlive the recipe: an option that did not exist when one was saved stands at its default."""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import ncenet
from ncenet.errors import DataError
from ncenet.learners.model_file import read_about
from ncenet.recipe import ModelRecipe
from tests.learners.make import classifier, images, labeled, weights
from tests.learners.make_scenes import detector, labeled_scenes, scenes


def options(record, defaults, path=()):
    """Paths of all options that stand at their defaults."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from options(value, defaults[name], (*path, name))
        elif value == defaults[name]:
            yield (*path, name)


def without(file, path):
    """A folder with the same model as of a time without that option."""
    with safe_open(file, "pt") as stored:
        about = json.loads(stored.metadata()["ncenet"])
    *sections, name = path
    section = about["model"]
    for each in sections:
        section = section[each]
    del section[name]
    folder = file.parent / f"before-{name}"
    folder.mkdir()
    save_file(load_file(file), folder / "model.safetensors", metadata={"ncenet": json.dumps(about)})
    (folder / "config.json").write_text(json.dumps(about))
    return folder


def test_each_option_of_a_classifier_may_be_the_later_one(tmp_path):
    learner, file = classifier(), tmp_path / "now.safetensors"
    learner.fit(labeled(images()), images(), cycle=1)
    learner.save(file)
    later = list(options(learner.about()["model"], ModelRecipe().model_dump(mode="json")))
    assert ("members",) in later and ("head", "cross_entropy") in later
    for option in later:
        before = without(file, option)
        again = classifier()
        again.load(before / "model.safetensors")
        assert weights(again) == weights(learner), option
        assert weights(ncenet.load(before).learner) == weights(learner), option


def test_a_detector_saved_before_an_option(tmp_path):
    learner, file = detector(epochs=1, model={"anchor_features": 64}), tmp_path / "now.safetensors"
    pool, truth = scenes()
    learner.fit(labeled_scenes(pool, truth, 4), pool, cycle=1)
    learner.save(file)
    before = without(file, ("anchor_features",))
    again = detector(model={"anchor_features": 64})
    again.load(before / "model.safetensors")
    assert weights(again) == weights(learner)
    assert weights(ncenet.load(before).learner) == weights(learner)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    learner, file = classifier(epochs=1), tmp_path_factory.mktemp("model") / "model.safetensors"
    learner.fit(labeled(images()), images(), cycle=1)
    learner.save(file)
    return file


def damaged(file, folder, **said):
    """The same model, which says something else of itself."""
    about = read_about(file) | said
    save_file(load_file(file), folder / "model.safetensors", metadata={"ncenet": json.dumps(about)})
    return folder / "model.safetensors"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"class_names": ["ant", "ant"]}, "class_names: 'ant' stands there twice"),
        ({"class_names": ["ant", ""]}, "class_names.1: '' has 0 characters, fewer than 1"),
        ({"class_names": "ant"}, "class_names: 'ant' is no list"),
        ({"shape": [1, 0, 8]}, "shape.1: 0 is not above 0"),
        ({"cycle": None}, "cycle: None is no whole number"),
        ({"model": None}, "model: None is no mapping"),
    ],
)
def test_a_description_that_cannot_be_is_refused(model, tmp_path, said, why):
    with pytest.raises(DataError, match=rf"model\.safetensors: what it says of its model is damaged: {why}"):
        ncenet.load(damaged(model, tmp_path, **said))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", "3"])
def test_a_description_that_is_none(model, tmp_path, text):
    file = tmp_path / "model.safetensors"
    save_file(load_file(model), file, metadata={"ncenet": text})
    with pytest.raises(DataError, match=r"model\.safetensors: what it says of its model is"):
        ncenet.load(file)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(model, tmp_path, value):
    weights = load_file(model)
    name = next(name for name, tensor in weights.items() if tensor.is_floating_point())
    weights[name].view(-1)[0] = value
    with safe_open(model, "pt") as stored:
        save_file(weights, tmp_path / "model.safetensors", metadata=stored.metadata())
    with pytest.raises(DataError, match=f"1 of {len(weights)} weights hold nan or inf, the first {name}"):
        ncenet.load(tmp_path / "model.safetensors")
