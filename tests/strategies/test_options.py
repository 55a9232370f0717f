"""Options of strategies: declared in one class, checked wherever they are given."""

from dataclasses import dataclass

import pytest
import torch
from pydantic import Field

from ncenet.compare.comparison import Arm, Comparison
from ncenet.errors import RecipeError
from ncenet.recipe import LoopRecipe, Recipe
from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.build import build_strategy, open_strategy
from ncenet.strategies.margin import Margin
from ncenet.strategies.options import options_of
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import Prediction, Query


class Breadth(ScoreStrategy):
    class Options(Section):
        power: float = Field(2.0, gt=0, description="Of the shares.")

    def score(self, prediction):
        return 1 / normalized(prediction.probs).pow(self.options.power).sum(-1)


class Every:
    """One with a dataclass, and no base class."""

    @dataclass
    class Options:
        nth: int = 2
        names: tuple[str, ...] = ()

    needs = frozenset()

    def __init__(self, nth=2, names=()):
        self.nth, self.names = nth, names

    def query(self, view, query_size, *, rng):
        ids = [*self.names, *sorted(view.ids)[:: self.nth]][:query_size]
        return Query(tuple(ids), (0.0,) * len(ids))


@pytest.fixture(autouse=True)
def own():
    with strategies.temporarily(breadth=Breadth, every=Every):
        yield


def built(strategy, **options):
    return build_strategy(LoopRecipe(strategy=strategy, options=options))


def test_a_strategy_has_its_own_options_and_those_of_its_base():
    assert set(options_of(Breadth).model_fields) == {"power", *options_of(ScoreStrategy).model_fields}
    strategy = built("breadth", power=3, diversify="kmeans")
    assert (strategy.options.power, strategy.options.diversify) == (3.0, "kmeans")
    assert strategy.needs == {"probs", "features"}
    assert built("breadth").options == Breadth().options
    assert Breadth(power=3).options.power == 3


def test_options_may_be_a_dataclass():
    assert built("every", nth=5, names=["a"]).nth == 5
    assert built("every").nth == 2
    with pytest.raises(RecipeError, match=r"loop\.options\.nth: .* is no whole number"):
        built("every", nth="many")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"powr": 1}, r"loop\.options\.powr: strategy breadth has no option 'powr': did you mean 'power'\?"),
        ({"power": 0}, r"loop\.options\.power: 0 is not above 0"),
        ({"diversify": "kmean"}, r"loop\.options\.diversify: 'kmean' is none of"),
        ({"diversify_factor": 5}, r"loop\.options\.diversify_factor: diversify alone reads it"),
        ({"aggregate_k": 5}, r"loop\.options\.aggregate_k: aggregate top-k alone reads it, and that is mean"),
    ],
)
def test_mistakes_name_the_option(options, complaint):
    with pytest.raises(RecipeError, match=complaint):
        built("breadth", **options)


def test_what_the_task_has_no_use_for_is_refused():
    recipe = Recipe().with_changes({"loop.options": {"aggregate": "max"}})
    with pytest.raises(RecipeError, match=r"loop\.options\.aggregate: max makes one score of .* anchors"):
        open_strategy(recipe)
    open_strategy(recipe.with_changes({"task": "detection"}))
    passes = Recipe().with_changes({"model.dropout": 0.2, "model.passes": 5})
    with pytest.raises(RecipeError, match=r"model\.passes: strategy confusion makes no passes"):
        open_strategy(passes)
    open_strategy(passes.with_changes({"loop.strategy": "bald"}))


def test_a_subclass_that_takes_nothing_has_the_defaults():
    class Plain(Margin):
        def __init__(self):
            self.mine = 1

    assert Plain().options == Margin().options


def test_arms_have_what_the_base_says_where_they_read_it():
    comparison = Comparison(
        base=Recipe().with_changes(
            {
                "loop.strategy": "rejection",
                "loop.options": {"diversify": "kmeans"},
                "model.dropout": 0.2,
                "model.passes": 5,
                "model.head.radius": 0.5,
            }
        ),
        arms=[
            Arm(name="own"),
            Arm(name="random", changes={"loop.strategy": "random", "model.head.name": "softmax"}),
            Arm(name="bald", changes={"loop.strategy": "bald", "loop.options.diversify": "kcenter"}),
        ],
        seeds=[0],
    )
    own, random, bald = (comparison.recipe(arm.name, 0) for arm in comparison.arms)
    assert own.loop.options == {"diversify": "kmeans"} and own.model.passes == 20
    assert random.loop.options == {} and random.model.head.radius is None
    assert bald.loop.options == {"diversify": "kcenter"} and bald.model.passes == 5
    for recipe in (own, random, bald):
        open_strategy(recipe)


def test_an_option_changes_the_query():
    said = Prediction(["a", "b"], torch.tensor([[0.6, 0.4, 0.0], [0.66, 0.17, 0.17]]))
    assert Breadth(power=1.5).score(said).argmax() == 1
    assert Breadth(power=4).score(said).argmax() == 0
