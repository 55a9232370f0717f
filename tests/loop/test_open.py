"""From a recipe to a loop: what the recipe sets besides the loop itself."""

from __future__ import annotations

import time

import numpy as np
import PIL.Image
import pytest
import torch

from ncenet.data import looks
from ncenet.data.pools import EncodedPool
from ncenet.errors import UnreadableImages
from ncenet.loop.begin import begin
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


def test_images_are_decoded_again_only_when_they_changed(tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(looks.time, "time", lambda now=time.time: now() + 3600)  # the files are old
    original = EncodedPool.probe
    monkeypatch.setattr(EncodedPool, "probe", lambda self, of: decoded.append(of) or original(self, of))
    for place, count in (("photos", 4), ("test/a", 1), ("test/b", 1)):
        (tmp_path / place).mkdir(parents=True)
        for n in range(count):
            PIL.Image.fromarray(np.full((8, 8, 3), 9 * n, np.uint8)).save(tmp_path / place / f"{n}.png")
    data = DataRecipe(train=str(tmp_path / "photos"), test=str(tmp_path / "test"), classes=("a", "b"))
    recipe, run = Recipe(data=data), tmp_path / "run"

    def reopened() -> list[str]:
        decoded.clear()
        loop, _ = open_loop(recipe, run)
        loop.ledger.close()
        return decoded

    begin(recipe, run)
    assert sorted(decoded) == ["0.png", "1.png", "2.png", "3.png", "a/0.png", "b/0.png"]
    assert reopened() == []
    (tmp_path / "photos" / "2.png").write_bytes(b"hello")
    with pytest.raises(UnreadableImages, match=r"2\.png: not an image"):
        reopened()
    assert decoded == ["2.png"]
    assert "pool,2.png,not an image" in (run / "bad_images.csv").read_text()
    (run / "looks-pool.csv").unlink()
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "2.png")
    assert sorted(reopened()) == ["0.png", "1.png", "2.png", "3.png"]
