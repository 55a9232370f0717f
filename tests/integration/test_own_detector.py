"""The sample of a torchvision detector: it learns, chooses, is tested, and goes on where it was."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import ncenet
from ncenet.data.dataset import Dataset, Oracle
from ncenet.types import BoxLearner
from tests.learners.make_scenes import CLASSES, scenes

SAMPLE = Path(__file__).parents[2] / "examples" / "torchvision_detector.py"


@pytest.fixture(scope="module")
def sample():
    spec = importlib.util.spec_from_file_location("torchvision_detector", SAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("strategy", ["entropy", "core-set"])
def test_the_sample_runs(tmp_path, sample, strategy):
    pool, truth = scenes()
    ids = list(pool.ids())
    labels = {id: boxes.to_label() for id, boxes in zip(ids, truth, strict=True)}
    np.savez(tmp_path / "v.npz", ids=ids, vectors=np.eye(8, dtype=np.float32))
    data = Dataset("scenes", pool, Oracle(labels), CLASSES, task="detection")
    plan = {"task": "detection", "model.features": str(tmp_path / "v.npz")}

    def opened():
        learner = sample.TorchvisionDetector(steps=2, batch_size=2, most=10)
        assert isinstance(learner, BoxLearner)
        return ncenet.open(tmp_path / "run", pool=data, recipe=plan, strategy=strategy, learner=learner)

    with opened() as run:
        run.tell({id: labels[id] for id in ids[:3]})
        asked = run.ask(2).ids
        assert len(asked) == 2 and not set(asked) & set(ids[:3])
    with opened() as run:
        assert run.ask(2).ids == asked, "nothing was answered meanwhile"
        run.tell({id: labels[id] for id in asked})
        assert not set(run.ask(2).ids) & {*ids[:3], *asked}


def test_what_it_saves_finds_the_same(tmp_path, sample):
    pool, truth = scenes()
    learner = sample.TorchvisionDetector(steps=2, batch_size=2, most=10)
    labels = [boxes.to_label() for boxes in truth]
    learner.fit(ncenet.parts.LabeledSet(list(pool.ids()), labels, CLASSES), pool, cycle=1)
    learner.save(tmp_path / "model.safetensors")
    again = sample.TorchvisionDetector(most=10)
    again.load(tmp_path / "model.safetensors")
    assert again.class_names == CLASSES
    assert list(again.detect(pool, pool.ids()[:2])) == list(learner.detect(pool, pool.ids()[:2]))
