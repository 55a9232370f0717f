import pytest

from ncenet.compare import Arm, Comparison
from ncenet.compare.costs import cost
from ncenet.compare.trials import run
from ncenet.errors import RecipeError, UnknownName
from ncenet.recipe import Recipe
from ncenet.strategies.build import open_strategy

ARMS = [
    Arm(name="random", changes={"loop.strategy": "random"}),
    Arm(name="rejection", changes={"loop.strategy": "rejection"}),
]


def test_what_is_written_is_read_back(tmp_path):
    comparison = Comparison(base=Recipe(), arms=ARMS, seeds=[3, 5], baseline="rejection")
    (tmp_path / "c.yaml").write_text(comparison.to_yaml())
    assert Comparison.load(tmp_path / "c.yaml") == comparison


def test_a_trial_is_the_base_with_the_changes_of_its_arm_and_its_seed():
    comparison = Comparison(base=Recipe().with_changes({"loop.cycles": 9}), arms=ARMS, seeds=[3, 5])
    recipe = comparison.recipe("random", 5)
    assert (recipe.loop.strategy, recipe.loop.seed, recipe.loop.cycles) == ("random", 5, 9)
    assert str(comparison.folder("random", 5)) == "random/seed-5"
    with pytest.raises(UnknownName, match="did you mean 'random'"):
        comparison.recipe("randon", 5)


def test_an_option_of_the_base_goes_to_the_arms_that_have_it():
    base = Recipe().with_changes({"loop.strategy": "random", "loop.options": {"diversify": "kmeans"}})
    arms = [Arm(name="random"), Arm(name="rejection", changes={"loop.strategy": "rejection"})]
    comparison = Comparison(base=base, arms=arms, seeds=[0])
    options = {arm.name: comparison.recipe(arm.name, 0).loop.options for arm in arms}
    assert options == {"random": {}, "rejection": {"diversify": "kmeans"}}
    for arm in arms:
        open_strategy(comparison.recipe(arm.name, 0))
    with pytest.raises(RecipeError, match="strategy random has no option 'diversify': it has none"):
        open_strategy(base)  # alone, it would be an option that nothing reads


@pytest.mark.parametrize("start", [run, lambda comparison, folder: cost(comparison, folder)])
def test_an_option_of_the_base_that_no_arm_has_is_refused(tmp_path, start):
    base = Recipe().with_changes({"loop.options": {"diversfy": "kmeans"}})
    with pytest.raises(RecipeError, match=r"base\.loop\.options\.diversfy: the strategy of no arm has such"):
        start(Comparison(base=base, arms=ARMS, seeds=[0]), tmp_path / "compared")
    assert not (tmp_path / "compared").exists()


def test_an_option_that_an_arm_gives_itself_is_never_left_behind():
    arms = [Arm(name="random", changes={"loop.strategy": "random", "loop.options.diversify": "kmeans"})]
    with pytest.raises(RecipeError, match="random has no option 'diversify'"):
        open_strategy(Comparison(arms=arms, seeds=[0]).recipe("random", 0))


def test_changes_may_be_written_as_sections():
    nested = {"loop": {"strategy": "margin"}, "model": {"head": {"name": "softmax"}}}
    arm = Arm(name="a", changes=nested)
    assert arm.changes == {"loop.strategy": "margin", "model.head.name": "softmax"}
    whole = Comparison(base=Recipe().with_changes({"loop.initial": 7}), arms=[arm], seeds=[0])
    assert whole.recipe("a", 0).loop.initial == 7


def test_the_baseline_is_the_first_arm_unless_named():
    assert Comparison(arms=ARMS, seeds=[0]).baseline_arm == "random"
    assert Comparison(arms=ARMS, seeds=[0], baseline="rejection").baseline_arm == "rejection"


def test_frozen_radius_and_learned_radius_have_folders_of_their_own():
    assert Arm(name="Rejection-").slug != Arm(name="Rejection").slug
    assert Arm(name="../../etc").slug == "-..-etc", "no name leads out of the folder"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("arms: [{name: a}, {name: A}]\nseeds: [0]", "'a' and 'A' would share the folder 'a'"),
        ("arms: [{name: a}]\nseeds: [0, 0]", "a seed stands twice"),
        ("arms: [{name: a}]\nseeds: []", ":2 seeds: holds 0, and at least 1 are needed"),
        ("arms: []\nseeds: [0]", ":1 arms: holds 0, and at least 1 are needed"),
        ("arms: [{name: '..'}]\nseeds: [0]", "needs a letter or a digit"),
        ("arms: [{name: Analysis}]\nseeds: [0]", "arm 'Analysis': what is written beside its folder may be"),
        ("arms: [{name: comparison.yaml}]\nseeds: [0]", "arm 'comparison.yaml': what is written beside"),
        (f"arms: [{{name: {'ä' * 101}}}]\nseeds: [0]", "arm 'ä+...': .* has at most 200 bytes"),
        ("arms: [{name: a}]\nseeds: [0]\nbaseline: b", "unknown arm 'b'"),
        (
            "arms: [{name: a}, {name: o, changes: {loop.strategy: oracle}}]\nseeds: [0]\nbaseline: o",
            "baseline: 'o' reads the test accuracy, so no arm is held against it: name another",
        ),
        (
            "base: {loop: {strategy: oracle}}\nseeds: [0]\narms: [{name: o}, {name: p}]",
            "arms 'o', 'p' are oracles: leave one",
        ),
        ("arms: [{name: a, changes: {loop.seed: 1}}]\nseeds: [0]", "'a' changes loop.seed, which all arms"),
        ("arms: [{name: a, changes: {loop: 3}}]\nseeds: [0]", "'a' changes loop, which all arms"),
        ("arms: [{name: a, changes: {loop: {cycles: 1}}}]\nseeds: [0]", "'a' changes loop.cycles, which all"),
        ("arms: [{name: a, changes: {train.epochs: 0}}]\nseeds: [0]", "arm 'a': train.epochs: 0 is below 1"),
        (
            "base:\n  train:\n    epochs: 0\narms: [{name: a}]\nseeds: [0]",
            ":3 base.train.epochs: 0 is below 1",
        ),
        ("arms: [{name: a}]\nseeds: [0]\nsedes: [1]", ":3 sedes: there is no such field"),
        ("- a list", "expected a mapping of title, about, base, data, arms, seeds"),
        ("arms: [", "not YAML"),
    ],
)
def test_mistakes_are_explained(tmp_path, text, complaint):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=complaint) as raised:
        Comparison.load(file)
    assert str(raised.value).startswith(str(file))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("arms: [{name: a, color: red}]\nseeds: [0]", "1 arms.0.color: there is no such field"),
        ("arms: [{name: a}]\nseeds: [1.5]", "2 seeds.0: 1.5 is no whole number"),
    ],
)
def test_a_list_that_holds_mistakes_is_not_said_to_hold_nothing(tmp_path, text, complaint):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError) as raised:
        Comparison.load(file)
    assert str(raised.value) == f"{file}:{complaint}"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"none\.yaml: cannot be read: No such file"):
        Comparison.load(tmp_path / "none.yaml")
