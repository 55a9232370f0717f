"""A comparison of a few small trials, run once, for all that looks into saved models."""

import shutil

import pytest

from ncenet.compare import Arm, Comparison, run
from ncenet.compare.comparison import Figures
from ncenet.recipe import DataRecipe, LoopRecipe, ModelRecipe, Recipe, TrainRecipe

COMPARISON = Comparison(
    base=Recipe(
        data=DataRecipe(train="digits", workers=1),
        model=ModelRecipe(backbone="mlp"),
        train=TrainRecipe(epochs=1, min_steps=10, batch_size=20, lr=0.05, crop_padding=0),
        loop=LoopRecipe(strategy="random", initial=30, query_size=10, cycles=3),
    ),
    arms=(
        Arm(name="NCE rejection", changes={"loop.strategy": "rejection"}),
        Arm(name="softmax entropy", changes={"model.head.name": "softmax", "loop.strategy": "entropy"}),
    ),
    seeds=(3, 4),
    figures=Figures(images=200, points=80),
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of the comparison; for reading."""
    folder = tmp_path_factory.mktemp("compared")
    run(COMPARISON, folder, processes=1)
    return folder


@pytest.fixture
def compared(trained, tmp_path):
    """A copy of it, to be written into."""
    shutil.copytree(trained, tmp_path / "compared")
    return tmp_path / "compared"
