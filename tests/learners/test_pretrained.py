"""A classifier that begins with weights from other photographs: the head, then all, at a smaller rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.data.pools import ArrayPool
from ncenet.errors import RecipeError, UsageError
from ncenet.learners.committee import build_learner
from ncenet.nn.packaged import installed
from ncenet.nn.pretrained import PretrainedBackbone, trained_side
from ncenet.recipe import ModelRecipe, Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

pytestmark = pytest.mark.skipif(not installed("lite0"), reason="the extra 'features' is not installed")
NAMES = ("dark", "light")


def lesson(count=24, channels=3):
    """Noise around two brightnesses."""
    random = np.random.default_rng(0)
    bright = np.array([90, 160])[np.arange(count) % 2]
    pixels = bright[:, None, None, None] + random.integers(-40, 40, (count, 32, 32, channels))
    pool = ArrayPool(pixels.astype(np.uint8))
    return LabeledSet(pool.ids(), [NAMES[n % 2] for n in range(count)], NAMES), pool


def learner(**changes):
    quick = {"data.image_size": 32, "train.epochs": 1, "train.min_steps": 0, "train.batch_size": 8}
    recipe = Recipe().with_changes({"model.backbone": "lite0", **quick, **changes})
    return build_learner(recipe.model, recipe.train, recipe.data, Streams(0))


def learned(**changes):
    made = learner(**changes)
    report = made.fit(*lesson(), cycle=1)
    return made, report


def weights(made):
    return {name: tensor.clone() for name, tensor in made.network.backbone.net.state_dict().items()}


def moved(**changes):
    """How far convolutions went from where they began."""
    made, _ = learned(**changes)
    begun = learned(**{**changes, "train.lr": 1e-30})[0]
    apart = [
        (a - b).square().sum()
        for (name, a), b in zip(weights(made).items(), weights(begun).values(), strict=True)
        if "conv" in name and name.endswith("weight")
    ]
    return float(torch.stack(apart).sum().sqrt())


def test_the_head_is_fitted_before_anything_else_learns():
    for head in ("nce", "softmax"):
        made, _ = learned(**{"train.lr": 1e-30, "model.head.name": head})
        labeled, pool = lesson()
        (chunk,) = made.predict(pool, labeled.ids, want=frozenset())
        assert chunk.probs.argmax(-1).tolist() == labeled.targets(), "without one step that moves anything"
        assert made.network.backbone.out_features == 24, "as many components as there are images"


def test_then_all_weights_learn_and_batch_normalisation_keeps_what_it_brings():
    brought, after = weights(learned(**{"train.lr": 1e-30})[0]), weights(learned()[0])
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, brought[name])}
    assert {name for name in changed if "running" in name or "batches" in name} == set()
    assert changed == {name for name in after if name.endswith((".weight", ".bias"))}, "of all layers"
    made, _ = learned()
    assert isinstance(made.network.backbone.train(), PretrainedBackbone)
    assert not any(m.training for m in made.network.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_their_rate_is_a_part_of_the_heads():
    small, large = moved(**{"train.backbone_rate": 0.01}), moved(**{"train.backbone_rate": 0.5})
    assert 0 < 5 * small < large


def test_a_model_is_read_as_it_was_written(tmp_path):
    made, _ = learned()
    labeled, pool = lesson()
    made.save(tmp_path / "m.safetensors")
    again = learner()
    again.load(tmp_path / "m.safetensors")
    first, second = (
        torch.cat([chunk.probs for chunk in one.predict(pool, labeled.ids, want=frozenset())])
        for one in (made, again)
    )
    assert torch.equal(first, second)


def test_a_fit_that_was_stopped_goes_on_bit_for_bit(tmp_path):
    changes = {"train.epochs": 3, "train.checkpoint_seconds": 0}
    whole, _ = learned(**changes)

    class Stopped(Exception):
        pass

    def stop(event):
        if event["event"] == "fit" and event["step"] > 3:
            raise Stopped

    broken, file = learner(**changes), tmp_path / "checkpoint.pt"
    broken.notify = stop
    with pytest.raises(Stopped):
        broken.fit(*lesson(), cycle=1, resume=file)
    assert file.exists()
    after = learner(**changes)
    after.fit(*lesson(), cycle=1, resume=file)
    assert all(
        torch.equal(a, b) for a, b in zip(weights(whole).values(), weights(after).values(), strict=True)
    )


def test_images_have_the_size_that_it_was_trained_with():
    assert trained_side(ModelRecipe(backbone="lite0")) == 224
    made = learner(**{"data.image_size": None})
    made.fit(*lesson(4), cycle=1)
    assert made.shape == (3, 224, 224)
    assert trained_side(ModelRecipe(backbone="timm:test_vit", pretrained=True)) == 160


def test_pixels_are_scaled_as_in_its_training():
    made, _ = learned()
    assert made.network.mean.tolist() == [127.5] * 3 == made.network.std.tolist()


def test_gray_images_are_as_colours_that_are_all_alike():
    labeled, gray = lesson(channels=1)
    said = []
    for pool in (gray, ArrayPool(np.repeat(gray.array, 3, 3))):
        made = learner(**{"train.lr": 1e-30})
        made.fit(labeled, pool, cycle=1)
        with torch.no_grad():
            inputs = made.network.normalized(made.inputs(pool, labeled.ids))
            said.append(made.network.backbone.net(inputs))
    assert torch.allclose(*said, atol=1e-5) and float(said[0].std()) > 0.01


def test_vectors_are_refused():
    vectors = ArrayPool(np.zeros((4, 5), np.float32))
    labeled = LabeledSet(vectors.ids(), [NAMES[n % 2] for n in range(4)], NAMES)
    with pytest.raises(UsageError, match=r"lite0 takes images, got vectors of shape \(5,\)"):
        learner().fit(labeled, vectors, cycle=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"train.backbone_rate": 0.5},
            "train.backbone_rate: it is the rate of a classifier's pretrained weights",
        ),
        ({"model.backbone": "lite0", "train.backbone_rate": 0.0}, "backbone_rate: 0.0 is not above 0"),
        ({"model.backbone": "lite0", "model.features": "lite0"}, "leave out pretrained and backbone"),
        ({"model.backbone": "timm:resnet18", "train.backbone_rate": 0.5}, "train.backbone_rate"),
        ({"model.backbone": "lite0", "model.pretrained": True}, "lite0 brings its own"),
    ],
)
def test_what_nobody_would_read_is_refused(changes, said):
    with pytest.raises(RecipeError, match=said):
        Recipe().with_changes(changes)
