"""The exported graph says what the network says, for batches of any size, in torch and in ONNX Runtime."""

from __future__ import annotations

import json
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from ncenet.errors import MissingExtra
from ncenet.functional.suppression import find_objects
from ncenet.models import graph
from ncenet.models.graph import BOXES, OUTPUTS, SHARE, VOTES, traced, write_onnx, write_torch
from ncenet.models.model import DetectionModel, Model
from ncenet.recipe import HeadRecipe
from tests.learners.make import CLASSES, classifier, committee, images, labeled, vectors
from tests.learners.make_scenes import detector, labeled_scenes, scenes


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network after a few steps, as every other file is read."""
    learner = classifier(backbone="small", dropout=0.2, head=HeadRecipe(prototypes_per_class=2), epochs=2)
    pool = images(channels=3)
    learner.fit(labeled(pool), pool, cycle=1)
    file = tmp_path_factory.mktemp("model") / "model.safetensors"
    learner.save(file)
    return Model.from_pretrained(file)


def inputs(count):
    return np.random.default_rng(count).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)


def expected(model, pixels):
    scores = model.predict(pixels.transpose(0, 2, 3, 1))
    return [scores.likelihood, scores.rejection, scores.confusion]


def agree(found, wanted, names=OUTPUTS):
    for name, one, other in zip(names, found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5, err_msg=name)


def test_torch_export(model, tmp_path):
    write_torch(model, tmp_path / "model.pt2")
    files = {"about.json": ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=files)
    assert json.loads(files["about.json"])["class_names"] == list(CLASSES)
    for count in (1, 5):
        found = program.module()(torch.from_numpy(inputs(count)))
        agree([each.detach().numpy() for each in found], expected(model, inputs(count)))


def test_shares_come_after_the_scores_of_a_model_that_has_them(model):
    own = Model.from_pretrained(model.file)
    own.temperature = 0.3
    pixels = inputs(4)
    share = own.predict(pixels.transpose(0, 2, 3, 1)).share
    agree(in_torch(own)(pixels), [*expected(model, pixels), share], (*OUTPUTS, SHARE))
    assert share.sum(1) == pytest.approx(1, abs=1e-5)


def test_onnx_runtime_agrees_with_torch(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of onnxscript, about torch's own
        write_onnx(model, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"], "one file, weights inside"
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (pixels,) = session.get_inputs()
    assert (pixels.name, pixels.type, pixels.shape[1:]) == ("pixels", "tensor(uint8)", [3, 8, 8])
    assert isinstance(pixels.shape[0], str), "the size of a batch is free"
    assert [output.name for output in session.get_outputs()] == list(OUTPUTS)
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["class_names"]) == list(CLASSES)
    assert json.loads(properties["ncenet"])["shape"] == [3, 8, 8]
    for count in (1, 2, 7):
        agree(session.run(list(OUTPUTS), {"pixels": inputs(count)}), expected(model, inputs(count)))


def test_vectors(tmp_path):
    learner = classifier(backbone="identity")
    learner.fit(labeled(vectors()), vectors(), cycle=1)
    learner.save(tmp_path / "model.safetensors")
    model = Model.from_pretrained(tmp_path / "model.safetensors")
    rows = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    scores = model.predict(rows)
    found = traced(model).module()(torch.from_numpy(rows))
    agree([each.detach().numpy() for each in found], [scores.likelihood, scores.rejection, scores.confusion])


def test_without_onnx(model, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[onnx\]'"):
        write_onnx(model, tmp_path / "model.onnx")


def in_runtime(model, file, names):
    """What ONNX Runtime says of pixels, by the names of the outputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_onnx(model, file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == list(names)
    return lambda pixels: session.run(list(names), {"pixels": pixels})


def in_torch(model):
    """What the graph says in torch."""
    module = traced(model).module()
    return lambda pixels: [each.detach().numpy() for each in module(torch.from_numpy(pixels))]


def test_a_committee_votes_in_one_graph(tmp_path, monkeypatch):
    learner = committee(epochs=2)
    pool = images(channels=3)
    learner.fit(labeled(pool), pool, cycle=1)
    learner.save(tmp_path / "model.safetensors")
    model, names = Model.from_pretrained(tmp_path), (*VOTES, SHARE)
    model.temperature = 0.5
    copied, portable = [], graph.portable
    monkeypatch.setattr(graph, "portable", lambda network: copied.append(network) or portable(network))
    runtime = in_runtime(model, tmp_path / "votes.onnx", names)
    assert copied == [member.network for member in model.learner.members], "each member is copied once"
    program = in_torch(model)
    for count in (1, 7):
        pixels = inputs(count)
        scores = model.predict(pixels.transpose(0, 2, 3, 1))
        wanted = [getattr(scores, name) for name in names]
        agree(program(pixels), wanted, names)
        agree(runtime(pixels), wanted, names)
    assert scores.vote_entropy.max() > 0, "the members disagree on noise"


def test_a_detector_says_what_each_anchor_sees(tmp_path):
    pool, truth = scenes()
    learner = detector(epochs=6)
    learner.fit(labeled_scenes(pool, truth), pool, cycle=1)
    learner.save(tmp_path / "model.safetensors")
    model = DetectionModel.from_pretrained(tmp_path)
    model.aggregate_by("top-k", 9)
    squares = learner.inputs(pool, pool.ids()).contiguous().numpy()
    runtime, program = in_runtime(model, tmp_path / "boxes.onnx", BOXES), in_torch(model)
    for count in (1, 8):
        (chunk,) = learner.predict(pool, pool.ids()[:count], want=frozenset({"boxes"}))
        (said,) = model.score(pool, pool.ids()[:count])
        wanted = [chunk.extras["boxes"].clamp(0, 1), chunk.probs, said.rejection, said.confusion]
        agree(program(squares[:count]), wanted, BOXES)
        found = runtime(squares[:count])
        agree(found, wanted, BOXES)
    boxes, likelihood = (torch.from_numpy(each[1]) for each in found[:2])
    objects = find_objects(likelihood[:, :-1], boxes)
    expected = said.found[1]
    assert len(expected) == len(objects.scores), "suppression of the outputs finds the same objects"
    np.testing.assert_allclose(objects.scores, expected.scores, atol=2e-5)
