import numpy as np
import pytest
import torch

from ncenet.data.open import open_train
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UsageError
from ncenet.loop.networks import check_network
from ncenet.recipe import Recipe
from tests.data.detection.make import samples, write_coco
from tests.features.conftest import cache, photos  # noqa: F401

DIGITS = Recipe().with_changes({"data.train": "digits"})


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"model.backbone": "timm:resnet1800"}, UsageError, "no model 'resnet1800': did you mean 'resnet18'"),
        ({"model.features": "timm:resnet1800"}, UsageError, "no model 'resnet1800': did you mean 'resnet18'"),
        ({"model.backbone": "identity"}, UsageError, "takes feature vectors, got images"),
        ({"model.features": "gone.npz"}, DataError, "gone.npz: cannot be read"),
        (
            {"model.features": "lite0", "model.weights": "gone.pt"},
            DataError,
            "gone.pt: weights cannot be read",
        ),
    ],
)
def test_a_network_that_cannot_be_had_is_told(changes, error, why):
    if "timm" in str(changes):
        pytest.importorskip("timm")
    with pytest.raises(error, match=why):
        check_network(DIGITS.with_changes(changes))


def test_images_without_a_vector_are_told_unless_some_may_be_unreadable(tmp_path, photos):  # noqa: F811
    ids = FolderPool(photos).ids()
    np.savez(tmp_path / "few.npz", ids=np.array(ids[1:]), vectors=np.eye(29, 4, dtype=np.float32))
    recipe = Recipe().with_changes(
        {"data.train": str(photos), "model.features": str(tmp_path / "few.npz"), "loop.held_out": 5}
    )
    with pytest.raises(DataError, match=r"no vector for 1 of 30 images, the first 'ant/0\.png'"):
        check_network(recipe)
    check_network(recipe.with_changes({"data.on_bad_image": "skip"}))


def test_where_images_of_the_pool_measure_those_of_a_test_set_need_no_vector(tmp_path):
    ids = open_train(DIGITS).pool.ids()
    np.savez(tmp_path / "pool.npz", ids=np.array(ids), vectors=np.ones((len(ids), 4), np.float32))
    recipe = DIGITS.with_changes({"model.features": str(tmp_path / "pool.npz")})
    with pytest.raises(DataError, match="no vector for 500 of 500"):
        check_network(recipe)
    check_network(recipe.with_changes({"loop.held_out": 5}))


def test_a_detector_that_chooses_by_features_is_looked_at_itself(tmp_path):
    made = write_coco(tmp_path, samples())
    changes = {"task": "detection", "data.train": str(made), "model.features": "gist", "data.image_size": 100}
    with pytest.raises(UsageError, match=r"data\.image_size is 100"):
        check_network(Recipe().with_changes(changes))


def test_a_look_changes_no_random_number():
    before = torch.random.get_rng_state()
    check_network(DIGITS)
    assert torch.equal(torch.random.get_rng_state(), before)
