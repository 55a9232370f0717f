"""The head of a classifier: where it starts, and what a fit reports of it."""

import pytest
import torch

from ncenet.nn.heads import heads
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.recipe import HeadRecipe
from tests.learners.make import CLASSES, classifier, images, labeled

pytestmark = pytest.mark.usefixtures("global_generators_untouched")


class TestHead:
    def report(self, **head):
        pool = images()
        learner = classifier(head=HeadRecipe(**head))
        return learner.fit(labeled(pool), pool, cycle=1), learner

    def test_radius_per_class(self):
        report, learner = self.report()
        assert report.details["radius"] == dict(
            zip(CLASSES, learner.network.head.radius.tolist(), strict=True)
        )
        assert all(radius != pytest.approx(0.5, abs=1e-4) for radius in report.details["radius"].values())
        assert "live_prototypes" not in report.details, "a single prototype is always alive"

    def test_a_frozen_radius_stays(self):
        report, _ = self.report(radius=0.5)
        assert report.details["radius"] == pytest.approx(dict.fromkeys(CLASSES, 0.5))

    def test_live_prototypes(self):
        report, learner = self.report(prototypes_per_class=4)
        alive = report.details["live_prototypes"]
        assert list(alive) == list(CLASSES)
        assert all(1 <= count <= 4 for count in alive.values())
        with torch.no_grad():  # 24 copies of one vector can make but one prototype of its class win
            features = torch.ones(24, 128)
            counts = learner.network.head.live_prototypes(features, torch.zeros(24, dtype=torch.long))
        assert counts.tolist() == [1, 0, 0]

    def test_softmax_has_nothing_to_report(self):
        report, _ = self.report(name="softmax")
        assert report.details == {}

    def test_prototypes_begin_at_the_means_of_their_classes(self):
        pool = images()
        still = {"lr": 1e-12, "epochs": 1, "weight_decay": 0, "flip": False, "crop_padding": 0}
        learner = classifier(head=HeadRecipe(init="class-mean"), **still)
        learner.fit(labeled(pool), pool, cycle=1)
        head = learner.network.head
        (prediction,) = learner.predict(pool, labeled(pool).ids, want=frozenset({"features"}))
        with torch.no_grad():
            projected = head.projection(prediction.features)
        for c in range(3):
            assert torch.allclose(head.prototypes[c, 0], projected[c::3].mean(0), atol=1e-5)

    def test_a_head_of_somebody_else_looks_at_the_labelled_features_once_before_training(self):
        looked = []

        class Mine(SoftmaxClassifier):
            def initialize(self, features, targets):
                looked.append((len(features), targets.tolist()))

        with heads.temporarily(mine=lambda recipe, in_features, classes: Mine(in_features, classes)):
            self.report(name="mine")
        assert looked == [(18, labeled(images()).targets())]
