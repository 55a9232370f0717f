import copy

import pytest
import torch
from torch.func import functional_call

import ncenet.nn.heads.prototypes
from ncenet.errors import UsageError
from ncenet.nn.heads import build_head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.recipe import HeadRecipe
from tests.nn.heads import KERNELS, MAPS, C, D, batch, head
from tests.reference import heads as reference

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("K", [1, 3])
def test_likelihoods_equal_the_reference(kernel, feature_map, K):
    model = head(kernel=kernel, feature_map=feature_map, prototypes_per_class=K).double()
    with torch.no_grad():
        model.raw_radius += torch.tensor([0.0, 0.5, 1.0])
    features = batch()[0].double()
    expected = [
        reference.likelihoods(f, model.prototypes.tolist(), model.radius.tolist(), kernel, feature_map)
        for f in features.tolist()
    ]
    torch.testing.assert_close(model.probs(model(features)), torch.tensor(expected, dtype=torch.float64))


def test_the_cosine_kernel_normalises_by_itself():
    features, _ = batch()
    plain = head(kernel="cosine", feature_map="none")
    for feature_map in MAPS:
        other = head(kernel="cosine", feature_map=feature_map)
        other.load_state_dict(plain.state_dict())
        agrees = torch.allclose(other(features), plain(features), atol=1e-5)
        assert agrees == (feature_map != "sigmoid-l2"), feature_map
        assert agrees or other.probs(other(features)).min() >= 0.5, "why a recipe with both is refused"


@pytest.mark.parametrize("kernel", KERNELS)
def test_coinciding_prototypes_equal_one(kernel):
    features, targets = batch()
    one = head(kernel=kernel)
    three = head(kernel=kernel, prototypes_per_class=3)
    with torch.no_grad():
        three.prototypes.copy_(one.prototypes.expand(-1, 3, -1))
    torch.testing.assert_close(three(features), one(features))
    one.loss(one(features), targets).sum().backward()
    three.loss(three(features), targets).sum().backward()
    torch.testing.assert_close(three.prototypes.grad.sum(1, keepdim=True), one.prototypes.grad)


@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_far_prototype_changes_nothing(kernel, feature_map):
    features = batch()[0].abs()
    one = head(kernel=kernel, feature_map=feature_map)
    two = head(kernel=kernel, feature_map=feature_map, prototypes_per_class=2)
    with torch.no_grad():
        one.prototypes.abs_()
        # Under the sigmoid every entry is positive: there the far one has a single large entry.
        far = -100 * one.prototypes
        far[..., 0] = 100.0 if feature_map == "sigmoid-l2" else far[..., 0]
        two.prototypes.copy_(torch.cat([one.prototypes, far], dim=1))
    torch.testing.assert_close(two(features), one(features))


@pytest.mark.parametrize("feature_map", ["none", "scaled"])
def test_gradient_reaches_the_prototype_of_the_class_from_any_distance(feature_map):
    for distance in (1.0, 1e3, 1e5):
        model = head(feature_map=feature_map)
        features = torch.full((1, D), distance)
        output = model(features)
        if distance >= 1e3:
            assert model.probs(output).amax() < 1e-34, "the likelihood itself has underflowed"
        model.loss(output, torch.tensor([1])).sum().backward()
        pull, way = -model.prototypes.grad[1, 0], features[0] - model.prototypes.detach()[1, 0]
        assert float(torch.cosine_similarity(pull, way, dim=0)) > 0.999


@pytest.mark.parametrize("make", [head, lambda **_: SoftmaxClassifier(D, C)], ids=["nce", "softmax"])
def test_loss_under_autocast_is_that_of_float32(make):
    nce = make is head
    for options in [{"kernel": k, "projection": True, "cross_entropy": 0.5} for k in KERNELS]:
        model = make(**options)
        features, targets = batch(scale=3.0)
        outside = model.loss(model(features), targets)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert (features @ features.T).dtype == torch.bfloat16, "autocast is on"
            output = model(features)
            inside = model.loss(output, targets)
        assert output.dtype == inside.dtype == torch.float32
        # The softmax layer is an ordinary one and runs in bfloat16; its loss alone is kept exact.
        torch.testing.assert_close(inside, outside, **({} if nce else {"rtol": 0.05, "atol": 0.05}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_features_in_half_precision(dtype):
    model = head()
    features = batch()[0].to(dtype)
    torch.testing.assert_close(model(features), model(features.float()))


@pytest.mark.parametrize(
    "options", [{}, {"radius": 0.3}, {"projection": True}, {"prototypes_per_class": 4}], ids=str
)
@pytest.mark.parametrize("kernel", KERNELS)
def test_state_dict_round_trip(kernel, options):
    features, _ = batch()
    model, other = head(kernel=kernel, **options), head(kernel=kernel, **options)
    assert not torch.equal(model(features), other(features))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(features), other(features))


@pytest.mark.parametrize("feature_map", ["l2", "scaled"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_compiled_agrees_with_eager(kernel, feature_map):
    # aot_eager traces forward and backward as the default backend does, and spares a C++ compiler.
    model = head(kernel=kernel, feature_map=feature_map, prototypes_per_class=2, cross_entropy=0.3)
    other = copy.deepcopy(model)
    features, targets = batch()
    eager = model.loss(model(features), targets)
    compiled = torch.compile(lambda x, y: other.loss(other(x), y), backend="aot_eager", fullgraph=True)(
        features, targets
    )
    torch.testing.assert_close(compiled, eager)
    eager.sum().backward()
    compiled.sum().backward()
    for a, b in zip(other.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradcheck(kernel, feature_map):
    options = {"prototypes_per_class": 2, "projection": True, "cross_entropy": 0.3}
    model = head(kernel=kernel, feature_map=feature_map, **options).double()
    names = [name for name, _ in model.named_parameters()]
    features, targets = batch(4)

    def loss(x, *parameters):
        output = functional_call(model, dict(zip(names, parameters, strict=True)), (x,))
        return model.loss(output, targets)

    assert names == ["prototypes", "raw_radius", "projection.weight"]
    inputs = (features.double().requires_grad_(), *(p.detach().requires_grad_() for p in model.parameters()))
    assert torch.autograd.gradcheck(loss, inputs)


@pytest.mark.parametrize("projection", [False, True])
def test_class_mean_prototypes_are_the_means_of_clusters(projection):
    model = head(init="class-mean", prototypes_per_class=2, projection=projection, feature_map="none")
    random = model.prototypes.detach().clone()
    features = torch.randn(8, D)
    targets = torch.tensor([0, 2, 0, 2, 0, 2, 0, 2])  # nothing of class 1
    features[4:] += 20  # two clusters in each class
    model.initialize(features, targets)

    met = features @ model.projection.weight.T if projection else features
    for c in (0, 2):
        rows = met[targets == c]
        nearest = torch.cdist(rows, model.prototypes[c].detach()).argmin(1)
        for k in range(2):
            torch.testing.assert_close(model.prototypes[c, k].detach(), rows[nearest == k].mean(0))
    assert torch.equal(model.prototypes[1], random[1]), "a class without images keeps its prototypes"


def test_class_mean_with_fewer_images_than_prototypes():
    model = head(init="class-mean", prototypes_per_class=3)
    features = torch.randn(2, D)
    model.initialize(features, torch.tensor([0, 0]))
    found = {tuple(row) for row in model.prototypes[0].tolist()}
    assert found == {tuple(row) for row in features.tolist()}, "one of the three is there twice"


def test_normal_prototypes_ignore_the_labelled_features():
    model = head()
    random = model.prototypes.detach().clone()
    model.initialize(*batch())
    assert torch.equal(model.prototypes, random)


@pytest.mark.parametrize("kernel", KERNELS)
def test_live_prototypes(kernel):
    model = PrototypeClassifier(
        2, 3, prototypes_per_class=3, kernel=kernel, feature_map="none", projection=False
    )
    east, north, west = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]
    with torch.no_grad():
        model.prototypes.copy_(torch.tensor([[east, north, west]] * 3))
    features = torch.tensor([[2.0, 0.1], [0.1, 3.0], [3.0, 0.1], [-1.0, 0.2], [-2.0, 0.1]])
    targets = torch.tensor([0, 0, 0, 1, 1])
    # Class 0 uses east and north, class 1 west alone, class 2 has no images.
    assert model.live_prototypes(features, targets).tolist() == [2, 1, 0]


def test_projection_is_a_square_matrix_without_bias():
    plain, projected = head(), head(projection=True)

    def count(model):
        return sum(p.numel() for p in model.parameters())

    assert count(projected) - count(plain) == D * D
    features, _ = batch()
    plain.prototypes = projected.prototypes
    with torch.no_grad():
        torch.testing.assert_close(projected(features), plain(features @ projected.projection.weight.T))


@pytest.mark.parametrize("weight", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("kernel", KERNELS)
def test_loss_equals_the_reference(kernel, weight):
    model = head(kernel=kernel, cross_entropy=weight).double()
    features, targets = batch()
    output = model(features.double())
    expected = [
        reference.loss(row, target, weight)
        for row, target in zip(output.tolist(), targets.tolist(), strict=True)
    ]
    torch.testing.assert_close(model.loss(output, targets), torch.tensor(expected, dtype=torch.float64))


def test_a_bias_is_taught_by_cross_entropy_and_eq_5_never_hears_of_it():
    plain, biased = head(cross_entropy=0.5).double(), head(cross_entropy=0.5, bias=True).double()
    biased.load_state_dict(plain.state_dict(), strict=False)
    features, targets = batch()
    biased.bias.data = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
    before, output = plain(features.double()), biased(features.double())
    torch.testing.assert_close(output, before + torch.tensor([0.0, -0.5, -0.2], dtype=torch.float64))
    expected = [
        (reference.loss(distances, target, 0.0) + reference.loss(row, target, 1.0)) / 2
        for distances, row, target in zip(before.tolist(), output.tolist(), targets.tolist(), strict=True)
    ]
    torch.testing.assert_close(biased.loss(output, targets), torch.tensor(expected, dtype=torch.float64))


def test_the_largest_bias_is_that_of_a_class_that_is_there():
    model = head(cross_entropy=0.5, bias=True)
    model.bias.data = torch.tensor([0.5, 0.1, 0.2])
    model.meet(torch.tensor([1, 2]))
    torch.testing.assert_close(model.offset[1:], torch.tensor([-0.1, 0.0]))
    assert (model(batch()[0])[:, 1:] <= 0).all()


def test_a_bias_without_cross_entropy_is_refused():
    with pytest.raises(UsageError, match="give cross_entropy too"):
        head(bias=True)


def test_the_mean_over_classes_is_the_sum_over_their_number():
    features, targets = batch()
    summed, averaged = head(), head(reduction="mean")
    output = summed(features)
    torch.testing.assert_close(averaged.loss(output, targets), summed.loss(output, targets) / C)


@pytest.mark.parametrize("options", [{"name": "nce"}, {"cross_entropy": 0.3}, {"name": "softmax"}], ids=str)
@pytest.mark.parametrize("leading", [(), (4,), (4, 5), (2, 3, 5)])
def test_leading_dimensions(options, leading):
    model = build_head(HeadRecipe(**options), D, C)
    features, targets = torch.randn(*leading, D), torch.randint(C, leading)
    output = model(features)
    losses, probs = model.loss(output, targets), model.probs(output)
    assert output.shape == probs.shape == (*leading, C)
    assert losses.shape == leading
    flat = model(features.reshape(-1, D))
    torch.testing.assert_close(output.reshape(-1, C), flat)
    torch.testing.assert_close(losses.reshape(-1), model.loss(flat, targets.reshape(-1)))
    assert ((probs >= 0) & (probs <= 1)).all()


def test_softmax_is_torchs():
    model, linear = SoftmaxClassifier(D, C), torch.nn.Linear(D, C)
    linear.load_state_dict(model.linear.state_dict())
    features, targets = batch()
    torch.testing.assert_close(model(features), linear(features))
    torch.testing.assert_close(
        model.loss(model(features), targets),
        torch.nn.CrossEntropyLoss(reduction="none")(linear(features), targets),
    )
    torch.testing.assert_close(model.probs(model(features)).sum(-1), torch.ones(len(features)))
    assert model.double()(features.double()).dtype == torch.float64
    assert model.report(("a", "b", "c")) == {}


def test_every_field_of_the_recipe_reaches_the_head():
    recipe = HeadRecipe(
        prototypes_per_class=3,
        kernel="cosine",
        feature_map="sigmoid-l2",
        radius=2.0,
        init="class-mean",
        projection=True,
        reduction="mean",
        cross_entropy=0.25,
        map_prototypes=True,
        pull=3.0,
        bias=True,
    )
    model = build_head(recipe, D, C)
    assert isinstance(model, ncenet.nn.heads.prototypes.PrototypeClassifier)
    assert model.prototypes.shape == (C, 3, D)
    assert (model.kernel, model.feature_map, model.init) == ("cosine", "sigmoid-l2", "class-mean")
    assert (model.reduction, model.cross_entropy) == ("mean", 0.25)
    assert (model.map_prototypes, model.pull) == (True, 3.0)
    assert model.bias is not None
    assert isinstance(model.projection, torch.nn.Linear)
    torch.testing.assert_close(model.radius, torch.full((C,), 2.0))


def test_prototypes_that_are_mapped_too_live_among_the_features():
    model = head(projection=True, map_prototypes=True, init="class-mean")
    assert torch.equal(model.projection.weight, torch.eye(D)), "the map starts as the identity"
    features = torch.randn(3, D)
    model.initialize(features, torch.arange(3))
    with torch.no_grad():
        model.projection.weight.normal_()
    likelihoods = model.probs(model(features))
    torch.testing.assert_close(likelihoods.diagonal(), torch.ones(3), msg="at its prototype whatever the map")


def test_the_kernel_of_mapped_vectors_is_that_of_the_likelihoods():
    model = head(projection=True, map_prototypes=True, radius="shared")
    features, _ = batch()
    distance = torch.cdist(model.mapped(features), model.mapped(model.prototypes[:, 0])).square()
    torch.testing.assert_close(model(features), -distance / (2 * model.radius**2), atol=1e-5, rtol=1e-5)


def test_the_ridge_of_softmax_grows_with_the_labels_of_a_class_unless_it_is_said():
    few, many = torch.tensor([0, 2]), torch.arange(320) % 2
    grows, says = SoftmaxClassifier(D, C, pull=None), SoftmaxClassifier(D, C, pull=0.5)
    for softmax in (grows, says):
        softmax.meet(few)
    assert (grows.pull, says.pull) == (0.001, 0.5)
    for softmax in (grows, says):
        softmax.meet(many)
    assert grows.pull == pytest.approx(0.001 * 160**1.25) and says.pull == 0.5
    made = build_head(HeadRecipe(name="softmax"), D, C, stored=True)
    made.meet(many)
    assert made.pull == grows.pull, "the head of a run on stored features is such a one"
    from_scratch = build_head(HeadRecipe(name="softmax"), D, C)
    from_scratch.meet(many)
    assert from_scratch.pull == 0


def test_the_pull_is_half_the_squared_way_from_the_start():
    model = head(projection=True, pull=4.0)
    features, targets = batch()
    model.initialize(features, targets)
    assert model.penalty() == 0
    with torch.no_grad():
        model.prototypes += 0.5
        model.projection.weight[0, 0] += 2.0
        model.raw_radius += 1.0
    assert model.penalty().item() == pytest.approx(4.0 / 2 * (C * D * 0.25 + 4.0))
    assert head().penalty() == 0
    softmax = SoftmaxClassifier(D, C, pull=3.0)
    assert softmax.penalty().item() == pytest.approx(1.5 * softmax.linear.weight.square().sum().item())
    assert SoftmaxClassifier(D, C).penalty() == 0


def test_a_class_that_was_not_met_has_no_likelihood_and_no_gradient():
    model = head()
    features, targets = batch()
    model.meet(torch.tensor([0, 2, 2]))
    output = model(features)
    assert (model.probs(output)[:, 1] == 0).all() and (output.argmax(-1) != 1).all()
    model.loss(output, torch.where(targets == 1, 0, targets)).sum().backward()
    assert (model.prototypes.grad[1] == 0).all() and model.prototypes.grad.isfinite().all()
    model.meet(torch.tensor([1]))
    assert (model(features).argmax(-1) == 1).all(), "its first label gives it one"


def test_a_model_that_was_saved_before_classes_could_be_absent_is_read():
    model = head()
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "present"}
    other = head()
    other.meet(torch.tensor([0]))
    other.load_state_dict(state)
    assert other.present.all()


def test_the_paper_is_a_name_for_what_it_says():
    paper = HeadRecipe(name="paper")
    said = {"radius": "class", "init": "normal", "map_prototypes": False, "cross_entropy": 0, "pull": 0}
    assert paper == HeadRecipe(**said, bias=False)
    assert HeadRecipe(name="paper", radius=0.5).radius == 0.5, "Rejection-"
    assert paper.settled(stored=True) == paper
    assert HeadRecipe().settled(stored=True).radius == "shared"
    assert HeadRecipe().settled() == paper
    assert HeadRecipe(name="softmax").settled(stored=True).pull is None, "it grows with the labels"
    assert HeadRecipe(name="softmax").settled().pull == 0
