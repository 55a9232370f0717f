import math
from typing import get_args

import pytest
import torch

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import build_head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.recipe import HeadRecipe, Recipe
from ncenet.recipe_head import FeatureMap, Kernel

D, C = 24, 4


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lesson(count, seed=0, noise=0.9):
    """Vectors of length 1 around C directions, and their classes."""
    targets = torch.arange(count) % C
    centers = normal(C, D, seed=99)
    vectors = centers[targets] + noise * normal(count, D, seed=seed)
    return torch.nn.functional.normalize(vectors, dim=1), targets


def made(**options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_head(HeadRecipe(**options), D, C, stored=True)


def right(head, vectors, targets):
    return float((head(vectors).argmax(-1) == targets).float().mean())


HEADS = {
    "nce": {},
    "paper": {"name": "paper"},
    "softmax": {"name": "softmax"},
    "class": {"radius": "class"},
    "frozen": {"radius": 0.5},
    "two": {"prototypes_per_class": 2},
    "cosine": {"kernel": "cosine"},
    "no map": {"projection": False},
}


@pytest.mark.parametrize("name", ["nce", "paper"])
@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("feature_map", get_args(FeatureMap))
@pytest.mark.parametrize("radius", ["class", "shared"])
def test_whatever_a_recipe_may_say_of_kernel_map_and_radius_learns(name, kernel, feature_map, radius):
    options = {"name": name, "kernel": kernel, "feature_map": feature_map, "radius": radius}
    try:
        Recipe.model_validate({"model": {"features": "lite0", "head": options}})
    except ValueError:
        assert kernel == "cosine" and feature_map != "l2"
        return
    head = made(**options)
    fit_head(head, *lesson(80))
    vectors, targets = lesson(400, seed=1)
    assert right(head, vectors, targets) > 0.8
    assert head.probs(head(vectors)).isfinite().all() and bool((head.radius > 1e-3).all())


@pytest.mark.parametrize("options", HEADS.values(), ids=HEADS)
def test_every_head_learns(options):
    head = made(**options)
    vectors, targets = lesson(80)
    report = fit_head(head, vectors, targets)
    assert report.accuracy == right(head, vectors, targets) > 0.95
    assert right(head, *lesson(400, seed=1)) > 0.85
    assert report.labeled == 80 and 0 < report.steps < 200 and math.isfinite(report.loss)
    assert not head.training
    assert all(p.grad is None for p in head.parameters())


def test_the_same_vectors_give_the_same_weights():
    states = []
    for _ in range(2):
        head = made()
        fit_head(head, *lesson(40))
        states.append(head.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))


def test_softmax_equals_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    vectors, targets = lesson(60, noise=1.5)
    head = made(name="softmax", pull=0.1)
    fit_head(head, vectors, targets, steps=500)
    peer = LogisticRegression(C=10, tol=1e-8, max_iter=5000).fit(vectors.numpy(), targets.numpy())
    others = lesson(200, seed=1)[0]
    expected = torch.from_numpy(peer.predict_proba(others.numpy())).float()
    torch.testing.assert_close(head.probs(head(others)).detach(), expected, atol=2e-3, rtol=0)


def test_a_class_without_a_label_is_not_predicted_until_it_has_one():
    vectors, targets = lesson(80)
    known = targets != 2
    head = made()
    fit_head(head, vectors[known], targets[known])
    probs = head.probs(head(vectors))
    assert (probs[:, 2] == 0).all() and not (head(vectors).argmax(-1) == 2).any()
    assert probs.isfinite().all()
    first = int((targets == 2).nonzero()[0])
    known[first] = True
    head = made()
    fit_head(head, vectors[known], targets[known])
    assert head(vectors[first]).argmax() == 2


def test_one_label_is_enough_to_begin_with():
    vectors, targets = lesson(20)
    head = made()
    report = fit_head(head, vectors[:1], targets[:1])
    assert (head(vectors).argmax(-1) == targets[0]).all() and math.isfinite(report.loss)


def test_one_radius_does_not_favour_the_frequent_class():
    # What the default rests on: with a radius per class the frequent class swallows the rare ones.
    vectors, targets = lesson(2000, noise=1.3)
    some = torch.cat([(targets == c).nonzero().flatten()[:count] for c, count in enumerate((60, 4, 4, 4))])
    accuracy = {}
    for radius in ("shared", "class"):
        head = made(radius=radius, pull=1000.0)  # prototypes stay at the means: the radius alone learns
        fit_head(head, vectors[some], targets[some])
        accuracy[radius] = right(head, vectors, targets)
    assert accuracy["shared"] > accuracy["class"] + 0.1, accuracy


def test_a_strong_pull_leaves_prototypes_at_the_class_means():
    vectors, targets = lesson(40)
    head = made(pull=1e6)
    fit_head(head, vectors, targets)
    means = torch.stack([vectors[targets == c].mean(0) for c in range(C)])
    assert isinstance(head, PrototypeClassifier)
    torch.testing.assert_close(head.prototypes[:, 0], means, atol=1e-3, rtol=0)
    free = made(pull=0.0)
    fit_head(free, vectors, targets)
    assert (free.prototypes[:, 0] - means).abs().max() > 0.01


def test_many_classes_do_not_diverge():
    classes = 100
    targets = torch.arange(300) % classes
    vectors = normal(classes, 64, seed=1)[targets] + normal(300, 64)
    head = build_head(HeadRecipe(), 64, classes, stored=True)
    report = fit_head(head, vectors, targets)
    assert report.accuracy > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_a_class_on_the_mean_of_all_vectors_does_not_diverge(seed):
    # Images that are all alike, as blank ones are, with two that aren't, and labels of three classes.
    vectors = torch.zeros(6, 4)
    vectors[4, 0], vectors[5, 1] = 1, 1
    targets = torch.tensor([[1, 0, 0, 0, 1, 1], [2, 1, 2, 0, 1, 1], [0, 2, 2, 0, 1, 1], [1, 2, 1, 2, 2, 2]])
    head = build_head(HeadRecipe(), 4, 3, stored=True)
    assert fit_head(head, vectors, targets[seed]).loss < 20


def test_progress_is_told():
    told = []
    report = fit_head(made(), *lesson(40), notify=lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == list(range(1, report.steps + 1))
    assert told[-1][1] < told[0][1]


def test_what_cannot_be_learned():
    vectors, targets = lesson(8)
    with pytest.raises(UsageError, match="the labelled set is empty"):
        fit_head(made(), vectors[:0], targets[:0])
    for entry in (math.nan, math.inf):
        vectors[3, 2] = entry
        with pytest.raises(NonFiniteScore, match=r"1 score.* 'row 3 of the labelled vectors'"):
            fit_head(made(), vectors, targets)


WHOLE = lesson(8)[1]


@pytest.mark.parametrize(
    ("vectors", "targets", "why"),
    [
        (None, WHOLE.float(), r"targets: torch\.float32, expected whole numbers.*: targets\.long\(\)"),
        (None, WHOLE > 1, r"targets: torch\.bool, expected whole numbers"),
        (None, torch.eye(C)[WHOLE], r"targets: shape \(8, 4\), expected one class .*targets\.argmax\(1\)"),
        (None, WHOLE[:, None], r"targets: shape \(8, 1\), expected one class index for each image, \(8,\)"),
        (None, WHOLE[0], r"targets: shape \(\), expected one class"),
        (None, WHOLE + 1, "targets: 4 is no class index, and 1 more of 8: the head has 4 classes, from 0 on"),
        (None, WHOLE - 1, "targets: -1 is no class index"),
        (None, WHOLE[:5], "targets: 5 of them for 8 vectors"),
        (None, WHOLE.tolist(), r"targets: a list, expected a tensor: torch\.as_tensor\(targets\)"),
        (lesson(8)[0].numpy(), WHOLE, "vectors_LD: a ndarray, expected a tensor"),
        (lesson(8)[0][:, :5], WHOLE, r"shape \(8, 5\), expected a row of 24 floating-point numbers"),
        (lesson(8)[0][0], WHOLE, r"vectors_LD: torch\.float32 of shape \(24,\)"),
        (torch.ones(8, D, dtype=torch.int64), WHOLE, r"vectors_LD: torch\.int64 of shape \(8, 24\)"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"name": "softmax"}], ids=["nce", "softmax"])
def test_arrays_of_another_shape_or_type_are_told(options, vectors, targets, why):
    with pytest.raises(UsageError, match=f"^{why}" if why.startswith(("targets", "vectors")) else why):
        fit_head(made(**options), lesson(8)[0] if vectors is None else vectors, targets)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int32])
@pytest.mark.parametrize("options", [{}, {"name": "softmax"}], ids=["nce", "softmax"])
def test_whole_numbers_of_any_type_are_targets(options, kind):
    one, other = made(**options), made(**options)
    vectors, targets = lesson(20)
    assert fit_head(one, vectors, targets.to(kind)).loss == fit_head(other, vectors, targets).loss
