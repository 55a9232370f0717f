"""The rejection radius: learned for each class or for all, or frozen."""

import math

import pytest
import torch

from ncenet.errors import UsageError
from tests.nn.heads import KERNELS, C, batch, head

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("lr", [1.0, 1e4])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_radius_stays_positive_whatever_the_steps(kernel, lr):
    model = head(kernel=kernel)
    features, _ = batch(12)
    optimizer = torch.optim.SGD([model.raw_radius], lr=lr, momentum=0.9)
    # Wrong labels for features on the prototypes push R down, then up again, as far as a step goes.
    for step in range(60):
        near = model.prototypes.detach()[torch.arange(12) % C, 0] + 0.01 * features
        optimizer.zero_grad()
        model.loss(model(near), (torch.arange(12) + (step < 40)) % C).mean().backward()
        optimizer.step()
        assert (model.radius > 0).all()
        assert torch.isfinite(model.loss(model(near), torch.arange(12) % C)).all()


@pytest.mark.parametrize("raw", [-1e6, -200.0, -104.0, 0.0, 1e4])
def test_the_radius_is_positive_for_every_parameter(raw):
    model = head()
    with torch.no_grad():
        model.raw_radius.fill_(raw)
    features, targets = batch()
    assert (model.radius > 0).all()
    assert torch.isfinite(model.loss(model(features), targets)).all()


@pytest.mark.parametrize("radius", [1e-3, 0.05, 0.5, 1.0, 10.0, 19.9, 20.1, 100.0])
def test_a_frozen_radius_is_what_was_asked_for_and_never_moves(radius):
    model = head(radius=radius)
    torch.testing.assert_close(model.radius, torch.full((C,), radius), rtol=1e-6, atol=0)
    assert {name for name, _ in model.named_parameters()} == {"prototypes"}
    frozen = model.radius.clone()
    features, targets = batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, weight_decay=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        model.loss(model(features), targets).mean().backward()
        optimizer.step()
    assert torch.equal(model.radius, frozen)


@pytest.mark.parametrize(("kernel", "radius"), [("gaussian", 0.5), ("cosine", 10.0)])
def test_a_learned_radius_starts_where_the_kernel_works(kernel, radius):
    model = head(kernel=kernel)
    torch.testing.assert_close(model.radius, torch.full((C,), radius), rtol=1e-6, atol=0)
    assert model.raw_radius.requires_grad
    frozen = head(kernel=kernel, radius=radius)
    frozen.load_state_dict(model.state_dict())
    features, _ = batch()
    torch.testing.assert_close(
        frozen(features), model(features), msg="frozen at the start = learned, unmoved"
    )


@pytest.mark.parametrize("radius", [0.0, -1.0])
def test_a_radius_that_is_none_is_refused(radius):
    with pytest.raises(UsageError, match=f"got {radius}"):
        head(radius=radius)


def test_the_report_names_the_radius_of_each_class():
    model = head()
    with torch.no_grad():
        model.raw_radius.copy_(torch.tensor([1.0, 2.0, 3.0]))
    radius = model.report(("ape", "bee", "cat"))["radius"]
    assert radius == pytest.approx(
        {name: math.log1p(math.e**x) for name, x in zip(("ape", "bee", "cat"), (1, 2, 3), strict=True)}
    )
    assert "kernel=gaussian" in repr(model)


def test_one_radius_for_all_classes():
    model = head(radius="shared")
    assert model.raw_radius.shape == (1,) and model.radius.shape == (C,)
    features, targets = batch()
    model.loss(model(features), targets).mean().backward()
    assert model.raw_radius.grad is not None and (model.raw_radius.grad != 0).all()
    assert len(set(model.report(("a", "b", "c"))["radius"].values())) == 1


@pytest.mark.parametrize("radius", [1e-6, 1e-3, 0.5])
def test_a_class_that_was_not_met_is_not_predicted_however_far_the_others_are(radius):
    model = head(radius=radius, feature_map="none")
    model.meet(torch.tensor([0]))
    features = 100 * batch()[0]
    assert (model(features).argmax(-1) == 0).all() and model(features).isfinite().all()


@pytest.mark.parametrize("radius", [0.001, 0.02])
def test_the_likeliest_class_stands_out_however_small_the_radius(radius):
    model = head(radius=radius)
    features, _ = batch(40)
    output = model(features)
    said = model.probs(output)
    assert output.amax(1).max() < -104, "where every likelihood would round to 0"
    assert torch.equal(said.argmax(1), output.argmax(1)) and set(output.argmax(1).tolist()) != {0}
    assert said.amax() < 1e-34, "and every class rejects them all the same"
