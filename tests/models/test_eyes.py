"""A model that learned on features, given photographs."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import PIL.Image
import pytest
import torch

import ncenet as package
from ncenet.data.open import open_dataset
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError
from ncenet.features.extractor import extractors
from ncenet.features.pool import VectorPool, open_source
from ncenet.loop.open import open_loop
from ncenet.models.formats import export_model
from ncenet.models.model import load
from ncenet.models.scoring import score_data
from ncenet.recipe import Recipe
from tests.features.conftest import cache, edges, in_torch, photos  # noqa: F401 - fixtures


@pytest.fixture
def run(tmp_path, photos, cache, edges, in_torch):  # noqa: F811
    """A run that has trained once."""
    changes = {"data.train": str(photos), "model.features": "edges"}
    loop, data = open_loop(Recipe().with_changes(changes), tmp_path / "run")
    with loop.ledger:
        query = loop.ask(12)
        loop.tell(data.required_oracle().answer(query.ids), who="oracle")
        loop.ask(3)
    return tmp_path / "run"


def likelihoods_of_the_run(run, photos):  # noqa: F811
    model, pool = load(run), open_dataset(str(photos)).pool
    source = open_source(Recipe.load(run / "recipe.yaml").model, pool=pool, ids=())
    chunks = model.learner.predict(VectorPool(pool, source), pool.ids(), want=frozenset())
    return torch.cat([chunk.probs for chunk in chunks]).numpy()


def test_a_run_takes_photographs(run, photos):  # noqa: F811
    expected, ids = likelihoods_of_the_run(run, photos), FolderPool(photos).ids()
    said = package.load(run).predict([photos / id for id in ids])
    # The store keeps half precision, and images that are handed over go past it.
    assert np.allclose(said.likelihood, expected, atol=2e-3)
    scored = np.concatenate([chunk.likelihood for chunk in score_data(load(run), str(photos))])
    assert np.allclose(scored, expected, atol=1e-6)


def test_an_exported_model_carries_its_extractor(run, photos, tmp_path):  # noqa: F811
    export_model(run, tmp_path / "out", "safetensors")
    one = photos / "ant/0.png"
    expected = load(run).predict(one).likelihood
    made = []
    make = extractors.get("edges")
    with extractors.temporarily(edges=lambda wanted: made.append(wanted) or make(wanted)):
        model = load(tmp_path / "out")
    assert made[0].empty, "its weights come from the file"
    assert np.array_equal(model.predict(one).likelihood, expected)
    assert np.array_equal(model.predict(PIL.Image.open(one)).likelihood, expected)
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["eyes"]["side"] == 16 and config["eyes"]["framing"] == "crop"
    model.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (
        tmp_path / "out/model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_one_graph_from_pixels_to_scores(run, photos, tmp_path, form):  # noqa: F811
    suffix = {"onnx": "onnx", "torch": "pt2"}[form]
    export_model(run, tmp_path / f"model.{suffix}", form)
    model, ids = load(run), FolderPool(photos).ids()[:5]
    how = model.eyes.extractor.preprocessing
    squares = np.stack([how.of_bytes((photos / id).read_bytes()) for id in ids]).transpose(0, 3, 1, 2)
    said = model.predict([photos / id for id in ids])
    if form == "onnx":
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        about = json.loads(session.get_modelmeta().custom_metadata_map["ncenet"])
        # Whoever runs it elsewhere reads it there.
        assert package.parts.Preprocessing(**about["eyes"]).about() == how.about()
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(None, {"pixels": squares}), strict=True))
    else:
        graph = torch.export.load(tmp_path / "model.pt2").module()
        outputs = [tensor.detach().numpy() for tensor in graph(torch.from_numpy(squares.copy()))]
        names = ["likelihood", "rejection", "confusion", "embedding"]
        found = dict(zip(names, outputs, strict=True))
    assert list(found) == ["likelihood", "rejection", "confusion", "embedding"]
    assert np.allclose(found["likelihood"], said.likelihood, atol=1e-5)
    assert np.allclose(found["rejection"], said.rejection, atol=1e-4)
    assert np.allclose(found["confusion"], said.confusion, atol=1e-4)
    vectors = model.eyes.vectors(squares.transpose(0, 2, 3, 1).copy())
    assert np.allclose(found["embedding"], vectors, atol=1e-4)


def test_another_extractor_than_it_learned_with_is_named(run):
    make = extractors.get("edges")

    def other(wanted):
        extractor = make(wanted)
        extractor.network[0].weight.data += 1
        return extractor

    why = r"learned on vectors of edges with the .* the one here has"
    with extractors.temporarily(edges=other), pytest.raises(DataError, match=why):
        load(run)


def test_vectors_of_another_extractor_are_refused(run, photos):  # noqa: F811
    pool = FolderPool(photos)
    recipe = Recipe.load(run / "recipe.yaml").with_changes({"model.framing": "pad"})
    other = VectorPool(pool, open_source(recipe.model, pool=pool, ids=()))
    with pytest.raises(DataError, match=r"learned on vectors of edges .* and these are others"):
        next(load(run).learner.predict(other, pool.ids(), want=frozenset()))
