import pytest
import yaml

from ncenet.compare import Arm, Comparison
from ncenet.compare.heads import check_random_arms
from ncenet.compare.trials import planned
from ncenet.errors import RecipeError
from ncenet.recipe import Recipe

ARMS = [Arm(name="random", changes={"loop.strategy": "random"}), Arm(name="margin")]


def listed(data, **fields):
    return Comparison(**{"data": data, "arms": ARMS, "seeds": [0, 1], **fields})


def test_a_set_is_a_name_or_says_more():
    both = listed(
        [
            "digits",
            {
                "name": "Clothes, small",
                "train": "a.parquet",
                "test": "b.parquet",
                "features": "lite0",
                "changes": {"loop.initial": 30},
            },
        ]
    )
    first, second = both.sets.values()
    assert list(both.sets) == ["digits", "Clothes, small"]
    assert (first.base.data.train, first.base.model.features, first.base.loop.initial) == (
        "digits",
        None,
        100,
    )
    assert (second.base.data.test, second.base.model.features) == ("b.parquet", "lite0")
    assert (second.base.model.backbone, second.base.loop.initial, second.data) == ("identity", 30, ())


def test_a_set_may_be_vectors_where_the_others_are_embedded():
    base = Recipe().with_changes({"model.features": "lite0"})
    vectors = {"train": "v.npz", "test": "w.npz", "changes": {"model.features": None}}
    assert listed([vectors, "digits"], base=base).sets["v"].base.model.features is None


def test_each_set_has_a_folder_with_a_comparison_of_its_own(tmp_path):
    parts = listed([{"train": "digits", "name": "A b"}, "digits"], title="T").parts(tmp_path)
    assert [path.name for _, path in parts.values()] == ["a-b", "digits"]
    assert parts["A b"][0].title == "T: A b"


def test_without_a_list_a_comparison_is_its_own_part(tmp_path):
    alone = listed([])
    assert alone.sets == {} and alone.parts(tmp_path) == {"": (alone, tmp_path)}


def test_trials_run_seed_by_seed_so_that_a_stopped_comparison_has_pairs_on_every_set(tmp_path):
    both = listed([{"train": "digits", "name": "x"}, {"train": "digits", "name": "y"}])
    names = list(planned(both, tmp_path))
    assert names[:4] == ["x: random, seed 0", "x: margin, seed 0", "y: random, seed 0", "y: margin, seed 0"]
    assert planned(both, tmp_path)["y: margin, seed 1"].folder == tmp_path / "y" / "margin" / "seed-1"
    assert list(planned(both, tmp_path, arms=["margin"], seeds=1)) == [
        "x: margin, seed 0",
        "y: margin, seed 0",
    ]


def test_a_list_reads_back_from_the_file_that_it_writes(tmp_path):
    both = listed(["digits", {"train": "a.npz", "changes": {"loop.cycles": 3}}])
    (tmp_path / "c.yaml").write_text(both.to_yaml())
    assert Comparison.load(tmp_path / "c.yaml") == both


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (["a.npz", "x/a.npz"], "data sets 'a' and 'a' would share the folder 'a': give one another name"),
        ([{"train": "a.npz", "name": "..."}], "a name needs a letter or a digit"),
        ([{"train": "a.npz", "name": "report.html"}], "data set 'report.html': what is written beside"),
        (["/".join("ab") + "c" * 250 + ".npz"], "data set 'bc+...': .* has at most 200 bytes"),
        ([{"train": "a", "changes": {"loop.inital": 3}}], "data set 'a': .*loop.inital"),
        ([{"train": "a", "changes": {"data.train": "b"}}], "'a': changes data.train: train and test of the"),
        ([{"train": "a", "changes": {"loop.seed": 3}}], "'a': changes loop.seed: the seeds of the compar"),
        ([{"train": "a", "features": "lite0", "changes": {"train.lr": 1}}], "data set 'a': train.lr"),
        ([{"train": "a", "tset": "b"}], "tset"),
        ([{"test": "b"}], "train"),
    ],
)
def test_mistakes_name_the_set_and_the_field(tmp_path, data, complaint):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump({"data": data, "arms": [{"name": "random"}], "seeds": [0]}))
    with pytest.raises(RecipeError, match=complaint):
        Comparison.load(file)


@pytest.mark.parametrize("field", ["data.train", "data.test"])
def test_images_are_named_in_one_place(tmp_path, field):
    base = Recipe().with_changes({field: "photos"})
    with pytest.raises(ValueError, match=f"base.{field}: data lists the sets: leave it out"):
        listed(["digits"], base=base)


def test_an_arm_is_checked_on_every_set():
    arms = [*ARMS, Arm(name="hot", changes={"train.lr": 0.5})]
    with pytest.raises(ValueError, match=r"data set 'a': arm 'hot': train\.lr"):
        listed(["digits", {"train": "a", "features": "lite0"}], arms=arms)


@pytest.mark.parametrize(
    ("of_set", "of_arm", "said"),
    [
        ({"tset": "b"}, {}, "data.0.tset: there is no such field; did you mean data.0.test?"),
        ({"chnages": {}}, {}, "data.0.chnages: there is no such field; did you mean data.0.changes?"),
        ({}, {"chnages": {}}, "arms.0.chnages: there is no such field; did you mean arms.0.changes?"),
        ({"colour": "red"}, {}, "data.0.colour: there is no such field"),
        ({"cycles": 3}, {}, "data.0.cycles: there is no such field; did you mean base.loop.cycles?"),
    ],
)
def test_what_is_meant_by_a_misspelt_field_is_looked_for_where_it_stands(tmp_path, of_set, of_arm, said):
    whole = {"data": [{"train": "a", **of_set}], "arms": [{"name": "random", **of_arm}], "seeds": [0]}
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(whole))
    with pytest.raises(RecipeError) as raised:
        Comparison.load(file)
    assert str(raised.value).partition(" ")[2] == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loop.strategy": "margin"}, "data set 'b': no arm picks at random with the head of 'NCE'"),
        ({"loop.strategy": "oracle"}, "data set 'b': baseline: 'NCE' reads the test accuracy"),
    ],
)
def test_the_set_is_named_on_which_an_arm_does_not_fit(changes, said):
    base = Recipe().with_changes({"loop.strategy": "random"})
    sets = [{"train": "digits", "name": name, "changes": of} for name, of in (("a", {}), ("b", changes))]
    arms = [Arm(name="NCE"), Arm(name="margin", changes={"loop.strategy": "margin"})]
    with pytest.raises((ValueError, RecipeError), match=said):
        check_random_arms(listed(sets, base=base, arms=arms))
