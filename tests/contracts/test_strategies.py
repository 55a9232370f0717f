"""What every registered query strategy promises, whoever wrote it."""

import ast
import inspect
import math
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ncenet.strategies
from ncenet.errors import NonFiniteScore, UsageError
from ncenet.strategies import strategies
from ncenet.strategies.build import CONDITIONS
from ncenet.strategies.options import options_of
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Query, QueryStrategy
from tests.contracts.fakes import fake_view

DOCS = Path(__file__).parents[2] / "docs" / "methods"

NAMES = strategies.names()


def cheap(name):
    """A strategy; one that trains a model of its own need not train it well here."""
    factory = strategies.get(name)
    return factory(steps=2) if "steps" in options_of(factory).model_fields else factory()


SCORING = [name for name in NAMES if isinstance(strategies.get(name)(), ScoreStrategy)]


def diverse(name, how):
    return strategies.get(name)(diversify=how, diversify_factor=2)


MAKERS = {name: partial(cheap, name) for name in NAMES}
MAKERS |= {f"{name}, kmeans": partial(diverse, name, "kmeans") for name in SCORING}
MAKERS |= {f"{name}, kcenter": partial(diverse, name, "kcenter") for name in ("margin", "rejection")}
MAKERS |= {f"{name}, herding": partial(diverse, name, "herding") for name in ("margin", "rejection")}
RIVALS = ("Badge", "ContrastiveAL", "CoreSet", "Falcun", "TypiClust", "UncertaintySampling")
MAKERS |= {
    f"scikit-activeml, {name}": partial(strategies.get("scikit-activeml"), name=name) for name in RIVALS
}
INSTALLED = find_spec("skactiveml") is not None


def where_installed(name):
    absent = name.startswith("scikit-activeml") and not INSTALLED
    return pytest.param(name, marks=pytest.mark.skipif(absent, reason="scikit-activeml is not installed"))


LEARNING = [where_installed(name) for name, make in MAKERS.items() if make().needs]
BUILT_IN = [name for name in NAMES if strategies.get(name).__module__.startswith("ncenet.")]

pytestmark = pytest.mark.usefixtures("global_generators_untouched")


@pytest.fixture(params=[where_installed(name) for name in MAKERS])
def make(request):
    return MAKERS[request.param]


@pytest.fixture
def strategy(make):
    return make()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_strategy_of_the_package_is_found_and_has_its_page():
    files = Path(ncenet.strategies.__path__[0]).glob("*.py")
    written = re.findall(r'^@strategies\.register\("(.+)"\)', "".join(f.read_text() for f in files), re.M)
    assert sorted(written) == BUILT_IN
    assert {page.stem for page in DOCS.glob("*.md")} - {"index", "diversify", "oracle"} == set(BUILT_IN)


@pytest.mark.parametrize("query_size", [1, 7, 23, 40])
def test_distinct_images_of_the_pool_and_as_many_as_asked_for(strategy, query_size):
    view = fake_view(strategy.needs)
    query = strategy.query(view, query_size, rng=rng())
    assert isinstance(query, Query)
    assert len(query.ids) == len(query.scores) == min(query_size, 23)
    assert len(set(query.ids)) == len(query.ids)
    assert set(query.ids) <= set(view.ids) and not set(query.ids) & set(view.labeled_ids)


def test_what_it_requires_of_a_recipe_is_known(strategy):
    assert isinstance(strategy, QueryStrategy) and strategy.requires <= CONDITIONS.keys()


def test_pools_of_none_and_of_one(strategy):
    assert strategy.query(fake_view(strategy.needs, size=0), 5, rng=rng()) == Query((), ())
    one = fake_view(strategy.needs, size=1)
    assert list(strategy.query(one, 5, rng=rng()).ids) == one.ids


def test_nothing_labelled_yet(strategy):
    assert len(strategy.query(fake_view(strategy.needs, labeled=0), 5, rng=rng())) == 5


def test_a_query_of_nothing_is_refused(strategy):
    with pytest.raises(ValueError, match="must be >= 1, got 0"):
        strategy.query(fake_view(strategy.needs), 0, rng=rng())


def test_same_generator_same_query(make, strategy):
    first = strategy.query(fake_view(strategy.needs), 7, rng=rng())
    again = strategy.query(fake_view(strategy.needs), 7, rng=rng())
    fresh = make().query(fake_view(strategy.needs), 7, rng=rng())
    assert first == again == fresh, "a query must not leave a trace in the strategy"


@pytest.mark.parametrize("unit", [0.001, 10.0])
def test_features_in_another_unit_make_no_other_query(make, unit):
    view = fake_view(make().needs, size=60)
    parts = {name: getattr(view, name) for name in ("pool", "labeled")}
    scaled = view.but(**{n: replace(part, features=unit * part.features) for n, part in parts.items()})
    plain, other = (set(make().query(each, 7, rng=rng()).ids) for each in (view, scaled))
    assert plain == other


def test_nothing_is_mutated(strategy):
    view = fake_view(strategy.needs)
    parts = [view.pool, view.labeled]
    before = [(list(part.ids), [tensor.clone() for tensor in part.tensors()]) for part in parts]
    strategy.query(view, 7, rng=rng())
    for part, (ids, tensors) in zip(parts, before, strict=True):
        assert part.ids == ids
        assert all(torch.equal(now, then) for now, then in zip(part.tensors(), tensors, strict=True))


def test_one_pass_over_the_pool_at_most(strategy):
    view = fake_view(strategy.needs)
    strategy.query(view, 7, rng=rng())
    assert view.passes == (1 if strategy.needs - {"inputs"} else 0)


def test_chunks_are_let_go(strategy):
    view = fake_view(strategy.needs).but(chunk=1)
    strategy.query(view, 7, rng=rng())
    # The next chunk is made while the last one is still at hand, but none before that.
    assert view.most_held <= 2 * len(strategy.needs)


@pytest.mark.parametrize("grid", [None, 2])
def test_chunks_and_the_order_of_the_pool_do_not_change_the_answer(strategy, grid):
    view = fake_view(strategy.needs, grid=grid)
    whole = strategy.query(view.but(chunk=1000), 7, rng=rng())
    for chunk in (1, 4, 23):
        assert strategy.query(view.but(chunk=chunk), 7, rng=rng()) == whole
    order = torch.randperm(23, generator=rng(1)).tolist()
    assert strategy.query(view.but(pool=view.pool.reordered(order)), 7, rng=rng()) == whole


@pytest.mark.parametrize("labeled", [0, 6])
def test_scores_are_finite_and_do_not_increase(strategy, labeled):
    query = strategy.query(fake_view(strategy.needs, labeled=labeled), 23, rng=rng())
    assert all(type(score) is float and math.isfinite(score) for score in query.scores)
    assert list(query.scores) == sorted(query.scores, reverse=True)


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_prediction_that_is_not_finite_is_an_error_that_names_the_image(name, value):
    strategy = MAKERS[name]()
    view = fake_view(strategy.needs)
    view.pool.probs[17, 2] = view.pool.features[17, 2] = view.pool.samples[1, 17, 2] = value
    view.pool.predicted_loss[17] = view.pool.inputs[17, 2] = view.pool.in_radii[17, 2] = value
    with pytest.raises(NonFiniteScore, match=r"^1 score is not finite") as caught:
        strategy.query(view, 1, rng=rng())
    assert caught.value.first_id == view.ids[17]


def test_half_precision_predictions_are_taken(strategy):
    view = fake_view(strategy.needs)
    for part in (view.pool, view.labeled):
        part.probs, part.features, part.samples, part.predicted_loss, part.inputs, part.in_radii = (
            tensor.bfloat16() for tensor in part.tensors()
        )
    query = strategy.query(view, 7, rng=rng())
    assert len(set(query.ids)) == 7


@given(
    name=st.sampled_from(SCORING),
    size=st.integers(1, 40),
    query_size=st.integers(1, 45),
    chunk=st.integers(1, 41),
    grid=st.sampled_from([None, 1, 3]),
    seed=st.integers(0, 2**31),
)
def test_the_queried_are_the_top_of_the_scored(name, size, query_size, chunk, grid, seed):
    strategy = strategies.get(name)()
    view = fake_view(strategy.needs, size=size, seed=seed, grid=grid)
    scores = {}
    for prediction in view.but(chunk=size).predictions():
        scores.update(zip(prediction.ids, strategy.score(prediction).tolist(), strict=True))
    query = strategy.query(view.but(chunk=chunk), query_size, rng=rng())
    assert query.scores == tuple(sorted(scores.values(), reverse=True)[:query_size])
    assert query.scores == tuple(scores[image] for image in query.ids)


COMPARING = ["core-set", "typiclust", "max-herding", "badge", "uherding", "refine"]
COMPARING += [f"margin, {how}" for how in ("kmeans", "kcenter", "herding")]


@pytest.mark.parametrize("name", COMPARING)
@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20, -1.0])
@pytest.mark.parametrize("labeled", [0, 6])
def test_features_in_another_unit_change_nothing(name, scale, labeled):
    strategy = MAKERS[name]()
    view, other = (fake_view(strategy.needs, size=200, labeled=labeled, grid=4) for _ in range(2))
    for part in other.pool, other.labeled:
        part.features *= scale  # exactly: by a power of two
    assert strategy.query(other, 40, rng=rng()).ids == strategy.query(view, 40, rng=rng()).ids


@pytest.mark.parametrize("name", ["core-set", "max-herding", "margin, kcenter", "margin, herding"])
def test_an_offset_of_all_features_changes_nothing(name):
    strategy = MAKERS[name]()
    view, other = (fake_view(strategy.needs, size=200, grid=4) for _ in range(2))
    for part in other.pool, other.labeled:
        part.features += 64
    assert strategy.query(other, 40, rng=rng()).ids == strategy.query(view, 40, rng=rng()).ids


OURS = [name for name in MAKERS if not name.startswith("scikit-activeml")]


@pytest.mark.parametrize("name", [name for name in OURS if name not in ("vaal", "sraal")])
def test_while_all_labels_are_of_one_class_the_order_of_ids_does_not_choose(name):
    strategy = MAKERS[name]()
    view = fake_view(strategy.needs, size=100).but(answers=[0] * 6)
    for part in view.pool, view.labeled:  # a model that has seen one class is sure of it everywhere
        for tensor in part.predicted_loss, part.features, part.in_radii:
            tensor.zero_()
        for said in part.probs, part.samples:
            said[:] = torch.eye(said.shape[-1])[0]
    query = strategy.query(view, 10, rng=rng())
    assert len(set(query.ids)) == 10 and not set(query.ids) <= set(sorted(view.ids)[:30])
    assert strategy.query(view.but(chunk=3), 10, rng=rng()) == query


@pytest.mark.parametrize("name", [name for name in OURS if MAKERS[name]().needs - {"inputs"}])
def test_of_images_that_are_alike_the_order_of_ids_does_not_choose(name):
    strategy = MAKERS[name]()
    view = fake_view(strategy.needs, size=100)
    kinds = {id: row % 4 for row, id in enumerate(view.ids)}
    rows = torch.arange(100) % 4
    for part in [view.pool]:
        part.probs, part.features, part.samples, part.predicted_loss, part.inputs, part.in_radii = (
            tensor[:, rows] if tensor is part.samples else tensor[rows] for tensor in part.tensors()
        )
    query, other = (strategy.query(view, 30, rng=rng(seed)) for seed in (0, 1))
    first = set()
    for kind in range(4):
        alike = sorted(id for id in view.ids if kinds[id] == kind)
        first |= set(alike[: sum(kinds[id] == kind for id in query.ids)])
    assert set(query.ids) != first and set(query.ids) != set(other.ids)


@pytest.mark.parametrize("name", OURS)
def test_likelihoods_of_one_class_are_ranked_or_refused(name):
    strategy = MAKERS[name]()
    view = fake_view(strategy.needs).but(answers=[0] * 6)
    for part in view.pool, view.labeled:
        part.probs, part.samples = part.probs[:, :1], part.samples[:, :, :1]
    try:
        assert len(strategy.query(view, 7, rng=rng())) == 7
    except UsageError as refused:
        assert "of 1: give a column for each class" in str(refused)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_strategy_says_what_it_is(name):
    text = inspect.getdoc(strategies.get(name))
    assert text is not None
    summary = text.split("\n\n")[0]
    assert "\n" not in summary and summary.endswith(".") and len(summary) < 110
    for part in ("Source: ", "Cost: ", "When: "):
        assert f"\n{part}" in text, f"{name} does not say its {part}"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_strategy_has_its_page(name):
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert f"| {{doc}}`{name}` |" in (DOCS / "index.md").read_text(encoding="utf-8")
    assert f"ncenet simulate DATA --strategy {name}\n" in page
    headings = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "What it does",
        "When to use it",
        "When not",
        "Cost",
        "Source",
        "Deviations",
        "Our numbers",
        "Try it",
    ]


@pytest.mark.parametrize(
    "file",
    # `build` is no strategy: it opens them.
    [f for f in sorted(Path(ncenet.strategies.__path__[0]).glob("*.py")) if f.stem != "build"],
    ids=lambda f: f.stem,
)
def test_no_strategy_knows_another_or_an_oracle(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            imported.add(node.module)
    ours = {name for name in imported if name.startswith("ncenet")}
    allowed = ("ncenet.functional.", "ncenet.nn.")
    ground = {
        "ncenet.types",
        "ncenet.errors",
        "ncenet.recipe",
        "ncenet.registry",
        "ncenet.rng",
        "ncenet.section",
        "ncenet.strategies",
        "ncenet.strategies.adversarial",
        "ncenet.strategies.cover",
        "ncenet.strategies.diverse",
        "ncenet.strategies.gather",
        "ncenet.strategies.options",
        "ncenet.strategies.score",
    }
    assert {name for name in ours if not name.startswith(allowed)} <= ground


def test_whether_a_strategy_fits_is_told_without_torch():
    code = f"""
import sys
from ncenet.recipe import Recipe
from ncenet.strategies.build import open_strategy
recipe = Recipe().with_changes({{"model.members": 2}})
for name in {[name for name in BUILT_IN if INSTALLED or name != "scikit-activeml"]!r}:
    one = Recipe() if name == "herding" else recipe  # a committee has no one radius
    open_strategy(one.with_changes({{"loop.strategy": name}}))
open_strategy(Recipe().with_changes({{"task": "detection", "loop.options.aggregate": "nms-sum"}}))
open_strategy(recipe.with_changes({{"loop.strategy": "margin", "loop.options.diversify": "kmeans"}}))
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
