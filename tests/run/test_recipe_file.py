"""The recipe's file: every field has a comment, and people's own words stay."""

from __future__ import annotations

import re

import pytest
import yaml

from ncenet.recipe import HeadRecipe, LoopRecipe, Recipe
from ncenet.run.recipe_file import commented, keep
from ncenet.section import Section


def sections(section: type[Section]):
    yield section
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from sections(field.annotation)


def test_it_reads_back(tmp_path):
    odd = {
        "data.train": "a: b # c",
        "data.classes": ["ant", "no", "bee: x", "é"],
        "train.schedule": "steps",
        "train.lr_drops": [0.5, 0.75],
    }
    for recipe in (Recipe(), Recipe().with_changes(odd)):
        (tmp_path / "recipe.yaml").write_text(commented(recipe), encoding="utf-8")
        assert Recipe.load(tmp_path / "recipe.yaml") == recipe


def test_every_field_stands_below_its_description():
    text = commented(Recipe())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    words = " ".join(re.sub(r"^\s*# ", "", line).strip() for line in lines)
    found = [field for section in sections(Recipe) for field in section.model_fields.values()]
    described = [field.description for field in found if field.description]
    assert len(described) > 40
    assert [each for each in described if " ".join(each.split()) not in words] == []
    assert "Learning rate over the fit: drops, or half a cosine with warm-up. One of: steps, cosine." in words
    at = lines.index("  query_size: 100")
    assert lines[at - 1] == f"  # {LoopRecipe.model_fields['query_size'].description}"
    assert lines[lines.index("  head:") - 1].startswith(f"  # {(HeadRecipe.__doc__ or '').split('.')[0]}")


def test_a_file_that_says_the_same_keeps_the_words_in_it(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("# for the zoo\nloop: {seed: 3}\n")
    recipe = Recipe().with_changes({"loop.seed": 3})
    keep(file, recipe)
    assert file.read_text() == "# for the zoo\nloop: {seed: 3}\n"
    longer = recipe.with_changes({"loop.cycles": 9})
    keep(file, longer)
    assert Recipe.load(file) == longer
    assert "# Times that the network is trained" in file.read_text()


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "text"])
def test_values_are_those_of_yaml(value):
    class One(Section):
        """One field."""

        field: object = None

    assert yaml.safe_load(commented(One(field=value))) == {"field": value}
