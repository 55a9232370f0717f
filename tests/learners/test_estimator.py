import gc
import pickle
import re
import subprocess
import sys
import weakref
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import ncenet
from ncenet import NCEClassifier
from ncenet.data.pools import ArrayPool
from ncenet.errors import RecipeError, UnknownName, UsageError
from ncenet.features.own import LEAST
from ncenet.nn.backbones import MLP
from ncenet.nn.principal import PrincipalComponents
from ncenet.recipe import HeadRecipe, TrainRecipe
from tests.reference import scores as reference

DOCS = Path(__file__).parents[2] / "docs"


def short(**changes):
    """An estimator that trains for a moment only."""
    return NCEClassifier(**{"epochs": 1, "min_steps": 4, "random_state": 0, **changes})


def vectors(n=60):
    return make_blobs(n, n_features=5, centers=3, random_state=0)


def images(n=60):
    digits = load_digits()
    return np.rint(digits.images[:n] * (255 / 16)).astype(np.uint8), digits.target[:n]


@parametrize_with_checks([NCEClassifier(epochs=5, min_steps=60, random_state=0)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_defaults_are_the_recipes():
    defaults = NCEClassifier().get_params()
    recipe = HeadRecipe().model_dump() | TrainRecipe().model_dump()
    ours = {"backbone", "image_size", "random_state", "flip"}
    assert set(defaults) - ours <= set(recipe)
    assert {name: defaults[name] for name in set(defaults) - ours} == {
        name: recipe[name] for name in set(defaults) - ours
    }


def test_on_vectors_as_networks_make_them_the_head_learns_alone_unless_training_is_named():
    X, y = make_blobs(90, n_features=LEAST, centers=3, cluster_std=8, random_state=0)
    model = NCEClassifier(random_state=0).fit(X[:30], y[:30])
    assert isinstance(model.learner_.network.backbone, PrincipalComponents)
    assert len(set(model.report_.details["radius"].values())) == 1, "one radius for all"
    assert model.score(X[30:], y[30:]) > 0.9
    for named in ({"epochs": 1, "min_steps": 4}, {"backbone": "mlp", "epochs": 1, "min_steps": 4}):
        other = NCEClassifier(random_state=0, **named).fit(X[:30], y[:30])
        assert isinstance(other.learner_.network.backbone, MLP), named
    shorter = NCEClassifier(random_state=0).fit(X[:30, 1:], y[:30])
    assert isinstance(shorter.learner_.network.backbone, MLP)


def test_learns_images_and_gives_back_the_labels_own_type():
    X, y = images(300)
    names = np.array([f"digit {label}" for label in y])
    model = NCEClassifier(epochs=1, min_steps=60, random_state=0).fit(X[:200], names[:200])
    assert model.score(X[200:], names[200:]) > 0.6, "chance is 0.1"
    assert set(model.predict(X[200:])) <= set(names)
    assert model.learner_.shape == (1, 8, 8), "images up to 64 pixels keep their size"


def test_gray_images_may_have_a_channel_axis():
    X, y = images()
    model = short().fit(X, y)
    assert model.input_shape_ == (8, 8, 1)
    same = short().fit(X[..., None], y)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X[..., None]))


@pytest.mark.parametrize(
    ("shape", "image_size", "expected"),
    [((20, 9, 12, 3), None, (3, 64, 64)), ((20, 9, 12), 16, (1, 16, 16)), ((20, 80, 80), 8, (1, 8, 8))],
)
def test_images_become_squares(shape, image_size, expected):
    X = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    model = short(image_size=image_size, min_steps=1).fit(X, np.arange(20) % 2)
    assert model.learner_.shape == expected
    assert model.predict(X).shape == (20,)


@pytest.mark.parametrize("data", [vectors, images])
def test_scores_and_probabilities_follow_from_the_likelihoods(data):
    X, y = data()
    model = short(min_steps=20).fit(X, y)
    (prediction,) = model.learner_.predict(
        ArrayPool(X if X.ndim == 3 else X.astype(np.float32)),
        [f"{row:05d}" for row in range(len(X))],
        want=frozenset(),
    )
    likelihoods = prediction.probs.tolist()
    probs = model.predict_proba(X)
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(probs, [np.array(p) / sum(p) for p in likelihoods], rtol=1e-4)
    assert not np.allclose(np.sum(likelihoods, axis=1), 1), "the likelihoods themselves need not sum to one"
    np.testing.assert_allclose(model.rejection(X), [reference.rejection(p) for p in likelihoods], rtol=1e-5)
    np.testing.assert_allclose(model.confusion(X), [reference.confusion(p) for p in likelihoods], rtol=1e-5)
    np.testing.assert_array_equal(model.predict(X), model.classes_[np.argmax(likelihoods, axis=1)])


def test_likelihoods_that_underflow_still_have_a_ratio():
    X, y = vectors()
    model = short(radius=1e-3).fit(X, y)
    assert (model.rejection(X) == 3).any(), "all three likelihoods are 0 in float32"
    probs = model.predict_proba(X)
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)
    assert set(model.predict(X)) != {0}, "the nearest class, not the first"


@pytest.mark.parametrize(
    "change",
    [
        {"prototypes_per_class": 2},
        {"kernel": "cosine"},
        {"feature_map": "sigmoid-l2"},
        {"radius": 0.3},
        {"init": "class-mean"},
        {"cross_entropy": 0.5},
        {"backbone": "identity"},
        {"epochs": 9},
        {"min_steps": 5},
        {"batch_size": 30},
        {"lr": 0.03},
        {"weight_decay": 0.1},
        {"random_state": 1},
    ],
    ids=str,
)
def test_every_option_changes_the_model(change):
    X, y = vectors()
    assert not np.allclose(
        short().fit(X, y).predict_proba(X), short(**change).fit(X, y).predict_proba(X), rtol=1e-3
    )


@pytest.mark.parametrize(
    "change", [{"image_size": 12}, {"flip": True}, {"crop_padding": 0}, {"backbone": "mlp"}], ids=str
)
def test_every_option_for_images_changes_the_model(change):
    X, y = images()
    assert not np.allclose(
        short().fit(X, y).predict_proba(X), short(**change).fit(X, y).predict_proba(X), rtol=1e-3
    )


@pytest.mark.usefixtures("global_generators_untouched")
@pytest.mark.parametrize("seed", [7, np.int64(7), np.random.RandomState(7)], ids=["int", "numpy", "state"])
def test_a_seed_decides_everything_and_moves_no_global_generator(seed):
    X, y = vectors()
    expected = short(random_state=7).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(short(random_state=seed).fit(X, y).predict_proba(X), expected)


def test_without_a_seed_numpys_global_generator_decides_and_torchs_is_left_alone():
    import torch

    X, y = vectors()
    before, torchs = np.random.get_state(), torch.get_rng_state()
    try:
        model = short(random_state=None)
        np.random.seed(5)
        first, second = model.fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X)
        np.random.seed(5)
        again = model.fit(X, y).predict_proba(X)
    finally:
        np.random.set_state(before)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second), "every fit draws a seed of its own"
    assert torch.equal(torch.get_rng_state(), torchs)


@pytest.mark.parametrize("data", [vectors, images])
def test_a_fitted_estimator_travels_without_its_data(data, tmp_path):
    X, y = data()
    model = short().fit(X, y)
    few, many = (
        len(pickle.dumps(short().fit(np.repeat(X, times, axis=0), np.repeat(y, times)))) for times in (1, 50)
    )
    assert abs(many - few) < 200, "the size does not depend on the training set"
    joblib.dump(model, tmp_path / "model.joblib")
    for other in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(other.rejection(X), model.rejection(X))
        assert other.get_params() == model.get_params()


def test_nothing_that_was_fitted_or_predicted_is_kept_in_memory():
    X, y = images()
    train, pool = X[:30].copy(), X[30:].copy()
    held = [weakref.ref(train), weakref.ref(pool)]
    model = short().fit(train, y[:30])
    model.predict(pool)
    del train, pool
    gc.collect()
    assert [ref() is None for ref in held] == [True, True]


def test_a_clone_is_unfitted_and_equal():
    X, y = vectors()
    model = short(kernel="cosine", radius=3.0).fit(X, y)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    for method in (copy.predict, copy.predict_proba, copy.rejection, copy.confusion):
        with pytest.raises(NotFittedError):
            method(X)


def test_works_in_pipelines_and_searches():
    X, y = vectors(150)
    accuracy = cross_val_score(make_pipeline(StandardScaler(), short(min_steps=60)), X, y, cv=3)
    assert accuracy.min() > 0.8, "chance is 0.33"
    search = GridSearchCV(
        short(), {"kernel": ["gaussian", "cosine"], "prototypes_per_class": np.arange(1, 3)}, cv=2
    )
    assert len(search.fit(X, y).cv_results_["mean_test_score"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all(), "no fit failed"


def test_refused_images():
    X, y = images()
    with pytest.raises(ValueError, match="images are uint8, 0 to 255; X holds float64"):
        short().fit(X / 255, y)
    with pytest.raises(ValueError, match="channels come last"):
        short().fit(np.zeros((60, 3, 8, 8), np.uint8), y)
    with pytest.raises(ValueError, match="no pixels"):
        short().fit(X[:0], y[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        short().fit(X, y[:-1])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        short().fit(X, y + 0.5)
    model = short().fit(X, y)
    with pytest.raises(ValueError, match=r"shape \(7, 8, 1\), but .* of shape \(8, 8, 1\)"):
        model.predict(X[:, 1:])
    with pytest.raises(ValueError, match=r"shape \(64,\), but .* of shape \(8, 8, 1\)"):
        model.rejection(X.reshape(60, 64))


@pytest.mark.parametrize("length", [4, LEAST])
def test_vectors_that_single_precision_cannot_compare_are_refused(length):
    rows = np.random.default_rng(0).normal(size=(40, length))
    classes = np.arange(40) % 2
    with pytest.raises(ValueError, match=r"^X: the vectors lie so far from zero .* subtract their mean"):
        NCEClassifier().fit(rows + 1e9, classes)
    rows[7] *= 1e6
    with pytest.raises(ValueError, match=r"^X: 1 vector lies more than .* that of row 7, counted from 0 "):
        NCEClassifier().fit(rows, classes)


def test_refused_parameters():
    X, y = vectors()
    with pytest.raises(RecipeError, match=r"model.head.kernel: .*'gauss'"):
        short(kernel="gauss").fit(X, y)
    with pytest.raises(RecipeError, match=r"train.epochs: 0 is below 1"):
        short(epochs=0).fit(X, y)
    with pytest.raises(UnknownName, match="did you mean 'identity'"):
        short(backbone="identty").fit(X, y)
    with pytest.raises(UsageError, match="takes images, got vectors"):
        short(backbone="small").fit(X, y)


def test_importing_the_package_does_not_import_torch():
    code = (
        "import sys, ncenet; assert not {'torch', 'sklearn'} & set(sys.modules); "
        "ncenet.NCEClassifier; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "NCEClassifier" in ncenet.__all__
    with pytest.raises(AttributeError, match="no attribute 'NCEClasifier'"):
        _ = ncenet.NCEClasifier


def test_a_fitted_model_is_saved_to_any_path_as_the_page_says(tmp_path):
    X, y = vectors()
    model = short().fit(X, y)
    for path in tmp_path / "a.safetensors", str(tmp_path / "b.safetensors"):
        model.learner_.save(path)
        model.learner_.load(path)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_the_documentation_runs(capsys):
    page = (DOCS / "scikit-learn.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    cross_validated, held_out, query = capsys.readouterr().out.splitlines()
    assert min(map(float, cross_validated.split())) > 0.8
    assert float(held_out) > 0.7
    assert len(query.split()) == 10
