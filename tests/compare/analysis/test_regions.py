import math

import pytest
import torch

from ncenet.compare.analysis.models import TrialModels
from ncenet.compare.analysis.regions import (
    draw_regions,
    most_labeled,
    plane_through_means,
    train_head,
    window_around,
)
from ncenet.errors import DataError
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.types import LabeledSet
from tests.compare.analysis.conftest import COMPARISON


def test_the_classes_with_the_most_labels_are_drawn():
    labels = ["cow"] * 3 + ["ant"] * 2 + ["bee"] * 4 + ["dog"] * 1 + ["eel"] * 3
    labeled = LabeledSet(list("abcdefghijklm"), labels, ("ant", "bee", "cow", "dog", "eel"))
    assert most_labeled(labeled) == ("bee", "cow", "eel")
    assert most_labeled(LabeledSet(["a", "b"], ["ant", "bee"], ("ant", "bee"))) == (), "two images each"


def points_of(classes: int):
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(12) % classes
    means = 3 * torch.randn(classes, 6, generator=generator, dtype=torch.float64)
    return means[targets] + torch.randn(12, 6, generator=generator, dtype=torch.float64), targets


@pytest.mark.parametrize("classes", [2, 3])
def test_the_plane_shows_the_means_at_their_true_distances(classes):
    features, targets = points_of(classes)
    center, basis = plane_through_means(features, targets)
    scale = basis.norm(dim=0)[0]
    torch.testing.assert_close(basis.T @ basis, torch.eye(2).double() * scale**2)
    means = torch.stack([features[targets == c].mean(0) for c in range(classes)])
    in_plane = (means - center) @ basis
    torch.testing.assert_close(torch.pdist(in_plane), torch.pdist(means) * scale)
    assert float(in_plane.square().sum(1).mean()) == pytest.approx(1)


def test_the_window_is_a_square_around_the_points():
    left, right, bottom, top = window_around(torch.tensor([[0.0, 0.0], [2.0, 1.0]]))
    assert (left, right) == (-0.7, 2.7)
    assert (bottom, top) == (-1.2, 2.2)


def test_a_head_settles_on_separate_clouds():
    targets = torch.arange(30) % 3
    corners = torch.tensor([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    points = corners[targets] + 0.05 * torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    head = PrototypeClassifier(2, 3, feature_map="none", init="class-mean", projection=False)
    train_head(head, points, targets)
    likelihood = head.probs(head(points)).detach()
    assert (likelihood.argmax(1) == targets).all()
    assert float(likelihood.gather(1, targets[:, None]).min()) > 0.8
    assert float(head.probs(head(torch.tensor([[9.0, 9.0]]))).detach().max()) < 1e-6, "rejected by all"


def test_regions_of_a_trial(trained, global_generators_untouched):
    trial = TrialModels("NCE rejection", trained / COMPARISON.folder("NCE rejection", 3))
    regions = draw_regions(trial)
    assert (regions.arm, regions.seed, regions.cycle) == ("NCE rejection", 3, 3)
    labeled = trial.labeled(3)
    assert len(regions.class_names) == 3
    assert len(regions.x) == sum(label in regions.class_names for label in labeled.labels)
    assert len(regions.pool_x) == 300
    left, right, bottom, top = regions.window
    for x, y in zip((*regions.x, *regions.pool_x), (*regions.y, *regions.pool_y), strict=True):
        assert left < x < right
        assert bottom < y < top
    for values in (regions.softmax_class, regions.nce_class):
        assert len(values) == regions.side**2
        assert set(values) == {0, 1, 2}
    for score in (regions.entropy, regions.rejection, regions.confusion):
        assert len(score) == regions.side**2
        assert 0 <= min(score) < max(score) <= 100

    # A grid point between its neighbours: row by row from the bottom, from left to right.
    def nearest(x: float, y: float) -> int:
        column = round((x - left) / (right - left) * (regions.side - 1))
        return round((y - bottom) / (top - bottom) * (regions.side - 1)) * regions.side + column

    for c, ((x, y), radius) in enumerate(zip(regions.prototypes, regions.radius, strict=True)):
        at = nearest(x, y)
        assert regions.nce_class[at] == c
        assert regions.rejection[at] < 10, "at a prototype one class is certain"
        corner = max(
            ((left, bottom), (left, top), (right, bottom), (right, top)), key=lambda p: math.dist(p, (x, y))
        )
        far = min(math.dist(corner, p) for p in regions.prototypes)
        assert far > radius
    right_at = sum(
        regions.softmax_class[nearest(x, y)] == t
        for x, y, t in zip(regions.x, regions.y, regions.targets, strict=True)
    )
    assert right_at >= 0.8 * len(regions.x)
    assert draw_regions(trial) == regions


def test_one_class_alone_has_no_regions(trained, monkeypatch):
    trial = TrialModels("NCE rejection", trained / COMPARISON.folder("NCE rejection", 3))
    only = LabeledSet(["a", "b"], ["1", "1"], ("1", "2"))
    monkeypatch.setattr(trial, "labeled", lambda cycle: only)
    with pytest.raises(DataError, match="two classes with two labelled images each are needed"):
        draw_regions(trial)
