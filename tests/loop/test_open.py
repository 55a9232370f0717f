"""From a recipe to a loop: what the recipe sets besides the loop itself."""

from __future__ import annotations

import torch

from ncenet.loop.open import open_loop
from ncenet.recipe import DataRecipe, Recipe, TrainRecipe


def test_threads_are_set_when_the_recipe_names_them(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    for threads in (None, 3):
        recipe = Recipe(data=DataRecipe(train="digits"), train=TrainRecipe(threads=threads))
        loop, _ = open_loop(recipe, tmp_path / str(threads))
        loop.ledger.close()
    assert asked == [3]
