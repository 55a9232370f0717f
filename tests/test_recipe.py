"""The recipe: mistakes are explained with file, line and field."""

import pytest

from ncenet.errors import RecipeError
from ncenet.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "data:\n  train: digits\nloop:\n  query_size: 0\n",
            r"r\.yaml:4 loop\.query_size: 0 is below 1",
        ),
        (
            "loop:\n  querysize: 3\n",
            r"r\.yaml:2 loop\.querysize: there is no such field; did you mean loop\.query_size\?$",
        ),
        ("model:\n  head:\n    kernel: cubic\n", r"r\.yaml:3 model\.head\.kernel: 'cubic' is none of"),
        ("data: [1, 2\n", r"r\.yaml: not YAML"),
        ("- digits\n", r"r\.yaml:1 expected a mapping of task, data, model, train, loop"),
        ("[]\n", r"r\.yaml:1 expected a mapping of task, data, model, train, loop"),
        (
            "task: detection\nmodel: {members: 3}\n",
            "committees classify, task detection trains one network",
        ),
        ("data: {classes: 'cat,dog,cat'}\n", "data.classes: the class 'cat' is named twice"),
        ("train:\n  lr: .inf\n", r"r\.yaml:2 train\.lr: inf is no finite number$"),
        ("model:\n  head:\n    pull: .nan\n", r"r\.yaml:3 model\.head\.pull: nan is no finite number$"),
        ("loop:\n  seed: yes\n", r"r\.yaml:2 loop\.seed: True is no number$"),
        ("loop:\n  pool_subset: on\n", r"r\.yaml:2 loop\.pool_subset: True is no number$"),
        (
            "model:\n  head:\n    radius: frozen\n",
            r"r\.yaml:3 model\.head\.radius: 'frozen' is neither class nor shared nor a number above 0$",
        ),
        ("model: {head: {radius: yes}}\n", "radius: True is neither class nor shared nor a number above 0$"),
        ("model: {head: {radius: .inf}}\n", "radius: inf is neither class nor shared nor a number above 0$"),
        (
            f"model: {{head: {{radius: {'9' * 400}}}}}\n",
            r"radius: 9+.* is neither class nor shared nor a number above 0$",
        ),
        (
            "model:\n  head:\n    radius: 100\n",
            r"r\.yaml:3 model\.head\.radius: .* of 100 every class is likely: take one from 0\.001 to 50$",
        ),
        (
            "model:\n  features: lite0\n  head:\n    radius: 5\n",
            r"r\.yaml:4 model\.head\.radius: .* of 5 every class is likely: take one from 0\.001 to 3$",
        ),
        (
            "model:\n  head:\n    kernel: cosine\n    feature_map: sigmoid-l2\n",
            r"r\.yaml:4 model\.head\.feature_map: after the sigmoid .* no likelihood falls below a half",
        ),
        ("model: {head: {radius: 1e-5}}\n", "radius of 1e-05 rounding decides who is near: take one from"),
    ],
)
def test_mistakes_are_explained(tmp_path, text, complaint):
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=complaint):
        Recipe.load(file)


def test_every_mistake_has_a_line(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("loop:\n  cycles: 0\n  initial: many\n")
    with pytest.raises(RecipeError) as raised:
        Recipe.load(file)
    assert [line.split(" ")[0].rsplit(":", 1)[1] for line in str(raised.value).splitlines()] == ["2", "3"]


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(RecipeError, match=r"missing\.yaml: cannot be read: No such file"):
        Recipe.load(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes("data: {train: ü}".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"latin\.yaml: not text in UTF-8: .* at byte 14"):
        Recipe.load(tmp_path / "latin.yaml")


def test_written_and_read_back(tmp_path):
    recipe = Recipe().with_changes(
        {
            "loop.seed": 3,
            "loop.options": {"diversify": "kmeans"},
            "train.schedule": "steps",
            "train.lr_drops": (0.5, 0.75),
            "model.head.radius": 0.5,
            "data.classes": "a, b",
        }
    )
    file = tmp_path / "r.yaml"
    file.write_text(recipe.to_yaml())
    assert Recipe.load(file) == recipe
    assert recipe.data.classes == ("a", "b")


@pytest.mark.parametrize("head", [{"kernel": "cosine"}, {"feature_map": "none"}, {"feature_map": "scaled"}])
def test_a_large_radius_is_for_vectors_of_any_length(head):
    changes = {f"model.head.{name}": value for name, value in head.items()} | {"model.head.radius": "100"}
    assert Recipe().with_changes(changes).model.head.radius == 100


def test_changes_name_what_is_wrong_with_them():
    with pytest.raises(RecipeError, match="there is no section 'heads'"):
        Recipe().with_changes({"model.heads.name": "nce"})
    with pytest.raises(RecipeError, match=r"loop\.cycles: 0 is below 1"):
        Recipe().with_changes({"loop.cycles": 0})


def test_a_change_leaves_the_original_alone():
    recipe = Recipe()
    recipe.with_changes({"loop.seed": 9})
    assert recipe.loop.seed == 0


def test_held_out_images_come_from_one_place():
    with pytest.raises(RecipeError, match=r"from data\.test or from loop\.held_out, not from both"):
        Recipe().with_changes({"data.test": "held-out", "loop.held_out": 5})


STORED = {"model.features": "lite0"}


@pytest.mark.parametrize(
    ("changes", "strategy"),
    [
        ({}, "confusion"),
        (STORED, "herding"),
        (STORED | {"model.head.radius": 0.5}, "herding"),
        (STORED | {"loop.options.width": 2.0}, "herding"),
        (STORED | {"model.head.radius": "class"}, "confusion"),
        (STORED | {"model.head.kernel": "cosine"}, "confusion"),
        (STORED | {"model.head.name": "softmax"}, "confusion"),
        (STORED | {"model.head.name": "paper"}, "confusion"),
        (STORED | {"model.members": 3}, "confusion"),
        (STORED | {"model.dropout": 0.2}, "confusion"),
        (STORED | {"loop.options.diversify": "kmeans"}, "confusion"),
        (STORED | {"loop.strategy": "confusion"}, "confusion"),
    ],
)
def test_a_strategy_that_nobody_named_suits_the_head(changes, strategy):
    recipe = Recipe().with_changes(changes)
    assert recipe.loop.strategy == strategy
    assert recipe.with_changes({"loop.seed": 3}).loop.strategy == strategy
    assert Recipe.model_validate(recipe.model_dump()) == recipe, "a file holds what was settled"


def test_a_strategy_that_was_named_stays_whatever_the_head_becomes():
    named = Recipe().with_changes({"loop.strategy": "confusion"}).with_changes({"loop.seed": 1})
    assert named.with_changes(STORED).loop.strategy == "confusion"
    unnamed = Recipe().with_changes(STORED)
    assert unnamed.with_changes({"model.head.name": "softmax"}).loop.strategy == "confusion"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loop: {seed: 1}\nloop: {seed: 2}\n", "not YAML: line 2: loop stands there twice"),
        ("data:\n  classes: [2024-13-45]\n", "not YAML: month must be in 1..12"),
        ("loop: {seed: " + "9" * 5000 + "}\n", "not YAML: Exceeds the limit"),
        ("data: " + "[" * 5000, "not YAML: (nested too deeply|line 1)"),
        ("task: a\0b\n", "not text: it holds the character NUL"),
        ("task: a\n---\ntask: b\n", "not YAML: line 2: found another document"),
    ],
)
def test_what_nobody_can_have_meant(tmp_path, text, why):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"^.*r\.yaml: " + why + ".*$"):
        Recipe.load(tmp_path / "r.yaml")


def test_a_section_among_the_changes_keeps_what_it_does_not_name():
    base = Recipe().with_changes({"model.features": "lite0", "loop.query_size": 7, "loop.initial": 9})
    changed = base.with_changes({"model": {"head": {"name": "softmax"}}, "loop": {"initial": 3}})
    assert changed == base.with_changes({"model.head.name": "softmax", "loop.initial": 3})
    assert (changed.model.features, changed.loop.query_size) == ("lite0", 7)
    spread = base.with_changes({"loop": {"strategy": "margin", "options": {"diversify": "kmeans"}}})
    assert spread.with_changes({"loop": {"options": {}}}).loop.options == {}, "options are one value"
