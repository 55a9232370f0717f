"""Auxiliaries: what they are given, and LL4AL's module."""

import copy

import pytest
import torch
from torch import nn

from ncenet.errors import UsageError
from ncenet.nn.auxiliary import Auxiliary, stage_channels
from ncenet.nn.backbones import MLP, Identity, ResNet18, SmallNet
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.nn.loss_prediction import CONNECTED, LossPredictor
from ncenet.nn.network import Network
from tests.reference import loss_prediction as reference


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class TestStageChannels:
    @pytest.mark.parametrize(
        ("backbone", "shape", "channels"),
        [
            (SmallNet, (1, 8, 8), [16, 32, 64, 128]),
            (ResNet18, (3, 8, 8), [64, 128, 256, 512]),
            (MLP, (1, 8, 8), [128, 128]),
            (Identity, (7,), [7]),
        ],
    )
    def test_of_the_backbones(self, backbone, shape, channels):
        assert stage_channels(backbone(shape), shape) == channels

    def test_asking_leaves_no_trace(self):
        backbone = SmallNet((1, 8, 8))
        before = copy.deepcopy(backbone.state_dict())
        stage_channels(backbone, (1, 8, 8))
        assert backbone.training
        assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())

    def test_a_backbone_without_stages_is_refused(self):
        with pytest.raises(
            UsageError, match=r"and Linear shows none: take small, medium, either -whitened, resnet18 or mlp"
        ):
            stage_channels(nn.Linear(3, 2), (3,))


class Recorder(Auxiliary):
    """Notes what it is given."""

    extra = "mean"

    def forward(self, stages):
        self.given = list(stages)
        return stages[-1].flatten(1).mean(1)

    def loss(self, output, losses):
        return (output - losses).square().mean()


class TestInNetwork:
    def network(self, auxiliary=None, backbone=None):
        backbone = backbone or SmallNet((1, 8, 8))
        return Network(backbone, SoftmaxClassifier(128, 3), dropout=0.0, channels=1, auxiliary=auxiliary)

    def test_it_reads_the_stages_that_the_features_come_from(self):
        network = self.network(Recorder()).eval()
        images = torch.rand(5, 1, 8, 8)
        said = network(images)
        assert all(map(torch.equal, network.auxiliary.given, network.backbone.stages(images)))
        assert torch.equal(said.auxiliary, network.auxiliary.given[-1].flatten(1).mean(1))

    def test_what_the_network_says_is_the_same_with_and_without(self):
        network = self.network(Recorder()).eval()
        without = self.network(backbone=network.backbone).eval()
        without.head = network.head
        images = torch.rand(5, 1, 8, 8)
        assert torch.equal(network(images).features, without(images).features)
        assert torch.equal(network(images).output, without(images).output)
        assert without(images).auxiliary is None


def maps(count=4):
    """Maps of three stages, as of a detector: sides differ, and one is a vector."""
    return [torch.rand(count, 5, 6, 6), torch.rand(count, 7, 3, 2), torch.rand(count, 9)]


class TestLossPredictor:
    def test_one_number_an_image(self):
        stages = maps()
        predictor = LossPredictor([5, 7, 9])
        whole = predictor(stages)
        assert whole.shape == (4,)
        one_by_one = torch.cat([predictor([stage[i : i + 1] for stage in stages]) for i in range(4)])
        assert torch.allclose(whole, one_by_one, atol=1e-6)

    def test_layers_as_published(self):
        shapes = [tuple(p.shape) for p in LossPredictor([5, 7, 9]).parameters()]
        assert shapes == [(128, 5), (128,), (128, 7), (128,), (128, 9), (128,), (1, 3 * 128), (1,)]

    def test_stages_are_averaged_over_the_image(self):
        predictor, stages = LossPredictor([5, 7, 9]), maps()
        turned = [stage.flip(-1) if stage.ndim == 4 else stage for stage in stages]
        pooled = [stage.mean((2, 3), keepdim=True) if stage.ndim == 4 else stage for stage in stages]
        assert torch.allclose(predictor(stages), predictor(turned), atol=1e-6)
        assert torch.allclose(predictor(stages), predictor(pooled), atol=1e-6)

    @pytest.mark.parametrize(
        ("done", "teaches"), [(0.0, True), (0.59, True), (CONNECTED, False), (1.0, False)]
    )
    def test_it_teaches_the_network_for_sixty_percent_of_the_fit(self, done, teaches):
        predictor, stages = LossPredictor([5, 7, 9]), [stage.requires_grad_() for stage in maps()]
        predictor.done = done
        predictor.loss(predictor(stages), torch.rand(4)).backward()
        assert [stage.grad is not None for stage in stages] == [teaches] * 3
        assert all(p.grad is not None for p in predictor.parameters()), "the module itself learns to the end"

    def test_wide_vectors_do_not_make_it_explode(self):
        predictor, vectors = LossPredictor([1280]), torch.randn(40, 1280)
        optimizer = torch.optim.SGD(predictor.parameters(), lr=0.1, momentum=0.9)
        for _ in range(100):
            predictor.loss(predictor([vectors]), torch.rand(40)).backward()  # losses that nothing tells
            optimizer.step()
            optimizer.zero_grad()
        assert predictor([vectors]).abs().max() < 100

    def test_its_loss_is_the_pair_loss(self):
        predictor, losses = LossPredictor([5, 7, 9]), torch.rand(4)
        output = predictor(maps())
        expected = reference.pair_loss(output.tolist(), losses.tolist(), 1.0)
        assert float(predictor.loss(output, losses).detach()) == pytest.approx(expected, rel=1e-5)

    def test_under_autocast_it_speaks_in_single_precision(self):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert LossPredictor([5, 7, 9])(maps()).dtype == torch.float32

    def test_it_learns_which_images_have_the_larger_loss(self):
        predictor, stages = LossPredictor([5, 7, 9]), maps(40)
        losses = stages[0].mean((1, 2, 3)) + stages[2].mean(1)
        optimizer = torch.optim.SGD(predictor.parameters(), lr=0.1, momentum=0.9)
        for _ in range(300):
            order = torch.randperm(40)
            optimizer.zero_grad()
            predictor.loss(predictor([stage[order] for stage in stages]), losses[order]).backward()
            optimizer.step()
        ranks = torch.stack([predictor(stages).argsort().argsort(), losses.argsort().argsort()]).double()
        assert float(torch.corrcoef(ranks)[0, 1].detach()) > 0.9
