"""Model files outlive the recipe: an option that did not exist when one was saved stands at its default."""

from __future__ import annotations

import json

from safetensors import safe_open
from safetensors.torch import load_file, save_file

import ncenet
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
