import copy

import pytest
import torch
from torch import nn

from ncenet.errors import UsageError
from ncenet.nn.auxiliary import stage_channels
from ncenet.nn.backbones import SmallNet
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.nn.loss_prediction import LossPredictor
from ncenet.nn.network import Network

C = 3


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Vectors(nn.Module):
    """A backbone of a user's own, with dropout and batch normalisation in the middle; counts its passes."""

    out_features = 16

    def __init__(self, dropout: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), dropout or nn.Identity(), nn.ReLU())
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return self.layers(x)


def vectors_network(dropout=0.5, inside=None):
    backbone = Vectors(inside)
    return Network(backbone, PrototypeClassifier(16, C), dropout=dropout, channels=5).eval()


def pixels(n=6, shape=(3, 8, 8)):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8)


def test_output_is_features_through_the_head():
    network = Network(SmallNet((3, 8, 8)), SoftmaxClassifier(128, C), dropout=0.5, channels=3).eval()
    images = pixels()
    features, output, _ = network(images)
    assert features.shape == (6, 128)
    assert output.shape == (6, C)
    assert torch.equal(features, network.features(images))
    assert torch.equal(output, network.head(features))


@pytest.mark.parametrize("auxiliary", [False, True])
def test_mirrored_features_are_the_mean_of_both_sides_but_in_training(auxiliary):
    backbone = SmallNet((3, 8, 8))
    asked = LossPredictor(stage_channels(backbone, (3, 8, 8))) if auxiliary else None
    plain = Network(backbone, SoftmaxClassifier(128, C), dropout=0, channels=3, auxiliary=asked).eval()
    network = Network(
        backbone, plain.head, dropout=0, channels=3, mirrored=True, auxiliary=plain.auxiliary
    ).eval()
    images = pixels()
    both = (plain.features(images) + plain.features(images.flip(-1))) / 2
    assert (both - plain.features(images)).abs().max() > 1e-3, "its mirror image looks the same to it"
    torch.testing.assert_close(network.features(images), both)
    said = network(images)
    torch.testing.assert_close(said.features, both)
    torch.testing.assert_close(said.output, plain.head(both))
    torch.testing.assert_close(said.output, network(images.flip(-1)).output)
    backbone.eval()  # and its batch statistics with it
    network.training = True
    assert torch.equal(network.features(images), plain.features(images))


def test_dropout_acts_on_what_the_head_sees_and_only_in_training():
    network = vectors_network()
    x = torch.randn(4, 5)
    assert torch.equal(network(x).output, network(x).output)
    network.dropout.train()
    first, second = network(x), network(x)
    assert torch.equal(first.features, second.features)
    assert not torch.equal(first.output, second.output)


@pytest.mark.parametrize("inputs", [pixels(50), torch.randn(50, 3) * 7 + 2], ids=["images", "vectors"])
def test_normalisation_of_the_labelled_set(inputs):
    network = Network(nn.Identity(), SoftmaxClassifier(3, C), dropout=0, channels=3)
    assert torch.equal(network.features(inputs), inputs.float()), "nothing before it was set"
    network.set_normalization([inputs])
    by_channel = network.features(inputs).double().movedim(1, 0).flatten(1)
    torch.testing.assert_close(by_channel.mean(1), torch.zeros(3).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(by_channel.std(1, correction=0), torch.ones(3).double())


def test_a_constant_channel_is_not_divided_by_zero():
    network = Network(nn.Identity(), SoftmaxClassifier(3, C), dropout=0, channels=3)
    images = pixels(10)
    images[:, 1] = 77
    network.set_normalization([images])
    assert float(network.std[1]) == 1
    assert (network.features(images)[:, 1] == 0).all()
    images[0, 1, 0, 0] = 80
    assert float(network.features(images)[0, 1, 0, 0]) == 3


def test_one_vector_is_enough():
    network = vectors_network()
    network.set_normalization([torch.randn(1, 5)])
    assert torch.isfinite(network(torch.randn(2, 5)).output).all()


def test_normalisation_is_saved_with_the_weights():
    network, other = vectors_network(), vectors_network()
    network.set_normalization([torch.randn(50, 5) * 3 + 1])
    other.load_state_dict(network.state_dict())
    x = torch.randn(4, 5)
    assert torch.equal(network(x).output, other(x).output)


@pytest.mark.parametrize("inside", [None, nn.Dropout(0.5), nn.AlphaDropout(0.5), nn.FeatureAlphaDropout(0.5)])
def test_samples_are_probabilities_that_differ(inside):
    network = vectors_network(dropout=0.0 if inside else 0.5, inside=inside)
    samples = network.samples(torch.randn(4, 5), passes=7)
    assert samples.shape == (7, 4, C)
    assert ((samples >= 0) & (samples <= 1)).all()
    assert len({tuple(sample.flatten().tolist()) for sample in samples}) == 7, "every pass draws its own mask"


def test_the_mean_of_many_samples_approaches_the_network_without_dropout():
    network = Network(Vectors(), SoftmaxClassifier(16, C), dropout=0.1, channels=5).eval()
    x = torch.randn(4, 5)
    with torch.no_grad():
        mean = network.samples(x, passes=500).mean(0)
        torch.testing.assert_close(mean, network.head.probs(network(x).output), atol=0.03, rtol=0)


def test_dropout_of_the_features_alone_passes_the_backbone_once():
    network = vectors_network()
    network.samples(torch.randn(4, 5), passes=7)
    assert network.backbone.passes == 1


def test_dropout_inside_the_backbone_makes_full_passes():
    network = vectors_network(dropout=0.5, inside=nn.Dropout(0.5))
    network.samples(torch.randn(4, 5), passes=7)
    assert network.backbone.passes == 7


def test_samples_repeat_under_the_same_seed():
    network = vectors_network(inside=nn.Dropout(0.5))
    x, samples = torch.randn(4, 5), []
    for _ in range(2):
        torch.manual_seed(3)
        samples.append(network.samples(x, passes=5))
    assert torch.equal(*samples)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("inside", [None, nn.Dropout(0.5)], ids=["features", "inside"])
def test_samples_change_nothing(training, inside):
    network = vectors_network(inside=inside)
    network.train(training)
    network.backbone.layers[0].train(not training)  # every module's own mode comes back, not one for all
    modes = [module.training for module in network.modules()]
    state = copy.deepcopy(network.state_dict())
    x = torch.randn(4, 5) * 100
    network.samples(x, passes=3)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    if training:
        network.train()(x)
        assert not torch.equal(
            network.state_dict()["backbone.layers.1.running_mean"], state["backbone.layers.1.running_mean"]
        ), "batch normalisation in training mode would have changed its statistics"


def test_modes_come_back_when_a_pass_fails():
    network = vectors_network()
    with pytest.raises(RuntimeError, match="size of tensor"):
        network.samples(torch.randn(4, 9), passes=3)
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("inside", [None, nn.Dropout(0.0)])
def test_without_dropout_samples_are_refused(inside):
    network = vectors_network(dropout=0.0, inside=inside)
    with pytest.raises(UsageError, match=r"need dropout: set model\.dropout"):
        network.samples(torch.randn(4, 5), passes=3)
