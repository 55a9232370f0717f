"""The scorer as a class of Ray Data's actors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ncenet
from tests.learners.make import classifier, images, labeled
from tests.models.test_scorer import png


@pytest.fixture
def ray(monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own
        import ray.data

        ray.init(
            address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()


def test_map_batches(ray, tmp_path):
    learner = classifier(epochs=4)
    learner.fit(labeled(images()), images(), cycle=1)
    learner.save(tmp_path / "model.safetensors")
    file, ids = str(tmp_path / "model.safetensors"), list(images().ids())[:10]
    rows = [{"id": id, "image": png(images().load(id))} for id in ids] + [{"id": "broken", "image": b"no"}]
    scored = ray.data.from_items(rows).map_batches(
        ncenet.Scorer,
        fn_constructor_args=(file, ("likelihood", "embedding")),
        batch_size=4,
        concurrency=1,
    )
    there = {row["id"]: row for row in scored.take_all()}
    assert there.pop("broken")["reason"] == "not an image: text"
    here = ncenet.Scorer(file, ("likelihood", "embedding"))(
        {"id": ids, "image": [row["image"] for row in rows[:-1]]}
    )
    assert sorted(there) == ids
    for row, id in enumerate(ids):
        assert there[id]["predicted"] == here["predicted"][row]
        np.testing.assert_allclose(there[id]["likelihood"], here["likelihood"][row], rtol=1e-5)
        assert there[id]["embedding"].dtype == np.float16
