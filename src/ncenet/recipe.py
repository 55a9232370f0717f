"""The recipe: everything that decides the outcome of a run, in one checked model.

The file ``recipe.yaml``, the flags of the command line and the Python interface all fill the same model,
and its field descriptions are the help. It stands on the ground floor because every layer reads its own
section of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator

from ncenet.class_names import check_class_names, split_names
from ncenet.errors import DataError, RecipeError
from ncenet.old_recipes import is_old, with_new_names, without_unread_options
from ncenet.recipe_changes import drop_unread, put
from ncenet.recipe_head import HeadRecipe as HeadRecipe
from ncenet.recipe_train import TrainRecipe as TrainRecipe
from ncenet.section import Section, explain, flat, mistakes
from ncenet.unread import BRINGS_WEIGHTS, head_alone, unread

OnBadImage: TypeAlias = Literal["stop", "skip"]
Foreign: TypeAlias = Literal["ask", "leave-out"]
FirstBatch: TypeAlias = Literal["random", "typical", "herding"]
Diversify: TypeAlias = Literal["none", "kmeans", "kcenter", "herding"]
Aggregate: TypeAlias = Literal["mean", "top-k", "max", "nms-sum", "nms-mean"]
Framing: TypeAlias = Literal["crop", "squash", "pad"]
Task: TypeAlias = Literal["classification", "detection"]
BudgetUnit: TypeAlias = Literal["image", "box"]
OWN = "data"
"""The name of features that the data are themselves."""


class DataRecipe(Section):
    """Where the images come from and how they are read."""

    train: str = Field(
        "digits",
        description="Built-in name, class folders, Parquet file or CSV manifest; boxes also as VOC, COCO or "
        "YOLO.",
    )
    test: str | None = Field(
        None,
        description="Held-out images with labels, in any of the same forms. Built-in sets bring their own.",
    )
    classes: tuple[str, ...] = Field(
        (),
        description="Classes of images without labels: cat,dog,other; a name with a comma in double quotes. "
        "Default: those of the labels.",
    )
    long_tail: float | None = Field(
        None,
        ge=1,
        description="Thin the pool to a long tail: the commonest class keeps so many times the images of the "
        "rarest (simulations).",
    )
    on_bad_image: OnBadImage = Field(
        "stop", description="What to do with images that cannot be read: stop the run, or skip and list them."
    )
    id_column: str | None = Field(
        None,
        description="Of shards (Parquet, WebDataset, Arrow): the column that holds the ids of the pool. "
        "Default: file and row, in a WebDataset file and key.",
    )
    image_size: int | None = Field(
        None,
        ge=4,
        description="Side to resize to. Default: the images' own if all agree on one up to 64, else 64.",
    )
    cache_gb: float = Field(
        4.0,
        ge=0,
        description="Keep decoded images in memory when all of them fit into this many GB, and on disk the "
        "maps of a pretrained detector until they take as much.",
    )
    workers: int = Field(2, ge=1, description="Threads that decode images.")

    @field_validator("train", "test")
    @classmethod
    def _without_slash(cls, value: str | None) -> str | None:
        """``photos/``, as a shell completes it, is the same place as ``photos``."""
        return value and (value.rstrip("/") or value)

    @field_validator("classes", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """A list is taken as it is; one line is parted at its commas."""
        try:
            names = split_names(value) if isinstance(value, str) else value
            if isinstance(names, list | tuple) and all(isinstance(name, str | bytes) for name in names):
                return check_class_names(names)
        except DataError as error:
            raise ValueError(str(error)) from error
        return names


class ModelRecipe(Section):
    """The network."""

    backbone: str = Field(
        "small",
        description="small, medium, small-whitened, medium-whitened, resnet18, mlp and identity (feature "
        "vectors), or timm:NAME; lite0 and lite2 bring pretrained weights, which learn on. Detection: small, "
        "ssd300-vgg16, or with pretrained weights lite0, lite2 and timm:NAME.",
    )
    features: str | None = Field(
        None,
        min_length=1,
        description="Learn on vectors of a network that is trained already: lite0, lite2, timm:NAME, "
        "or a file of vectors by id (.npz, .npy, .parquet, .csv). Each image is embedded once. data: the "
        "data are such vectors already. Detection: choose images by them.",
    )
    weights: str | None = Field(
        None, description="File of weights for the network that features names, in the place of its own."
    )
    framing: Framing | None = Field(
        None,
        description="How images become squares for features: cut the middle out, squash, or pad. Default: "
        "the network's own way.",
    )
    pretrained: bool = Field(
        False, description="Download pretrained weights (timm backbones and ssd300-vgg16)."
    )
    anchor_features: int = Field(
        64, ge=1, description="Detection: length of the vector by which the NCE head judges an anchor."
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Dropout on the features, for Monte-Carlo strategies."
    )
    mirrored: bool = Field(
        False,
        description="Classification: look at each image and its mirror image, and predict from the mean of "
        "their features. Takes twice the time of predicting, none of training.",
    )
    passes: int = Field(20, ge=2, description="M, stochastic passes of Monte-Carlo strategies.")
    members: int = Field(
        1, ge=1, description="Networks trained on the same labels; more than one are a committee that votes."
    )
    head: HeadRecipe = HeadRecipe()

    @property
    def brings_weights(self) -> bool:
        """Whether the backbone of a classifier begins with weights from other photographs."""
        timm = self.pretrained and self.backbone.startswith("timm:")
        return self.features is None and (timm or self.backbone in BRINGS_WEIGHTS)

    @model_validator(mode="after")
    def _features_fit(self) -> ModelRecipe:
        if self.features is None:
            for name in ("weights", "framing"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} is read with features alone: name some, such as lite0")
        elif self.features == OWN and (self.weights is not None or self.framing is not None):
            name = "framing" if self.weights is None else "weights"
            raise ValueError(f"{name}: with features data no network makes the vectors: leave it out")
        return self


class LoopRecipe(Section):
    """What is asked, how often, and how much."""

    strategy: str = Field(
        "confusion",
        description="Query strategy; `ncenet strategies` lists them. Where the NCE head learns on stored "
        "features herding, unless one is named.",
    )
    options: dict[str, Any] = Field(
        {}, description="Options of the strategy by name; `ncenet strategies NAME` lists them."
    )
    initial: int = Field(100, ge=1, description="Size of the initial set.")
    first: FirstBatch = Field(
        "random",
        description="What is asked before there is a model that can be trusted: random images once, or "
        "typical ones (TypiClust), or those that cover most (herding), until it can.",
    )
    held_out: int = Field(
        0,
        ge=0,
        description="Random images of the pool that measure the model: asked for first, never trained on.",
    )
    held_out_share: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Of all answers so large a part measures: more held-out images come as answers do, up to "
        "500. Pools that are too large to be copied keep the first ones.",
    )
    query_size: int = Field(100, ge=1, description="Labels asked for in each cycle.")
    budget_unit: BudgetUnit = Field(
        "image",
        description="Detection: what 'initial' and 'query_size' count. With box, images are asked for until "
        "their boxes are so many.",
    )
    cycles: int = Field(5, ge=1, description="Times that the network is trained; one query fewer is made.")
    foreign: Foreign = Field(
        "ask",
        description="Images that look more like skipped than like labelled ones: choose among them too, or "
        "leave them out.",
    )
    seed: int = Field(0, ge=0, description="Every random number of the run follows from it.")
    pool_subset: int | None = Field(
        None, ge=1, description="Score a fresh random subset of the pool in each cycle instead of all of it."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, values: Any) -> Any:
        return with_new_names(values) if isinstance(values, Mapping) else values


class Recipe(Section):
    """A whole run: everything that decides its outcome, checked; the file ``recipe.yaml`` of a run folder.

    Sections are ``data``, ``model`` (with ``model.head``), ``train`` and ``loop``; ``task`` says what is
    learned. A setting that nothing would read is refused.

    >>> recipe = Recipe().with_changes({"data.train": "digits", "loop.strategy": "margin", "train.epochs": 5})
    >>> recipe.loop.strategy, recipe.model.head.name
    ('margin', 'nce')
    >>> Recipe().loop.strategy, Recipe().with_changes({"model.features": "lite0"}).loop.strategy
    ('confusion', 'herding')
    >>> Recipe().with_changes({"loop.query_size": 0})
    Traceback (most recent call last):
    ...
    ncenet.errors.RecipeError: loop.query_size: 0 is below 1
    """

    task: Task = Field(
        "classification", description="What is learned: a class for each image, or boxes around objects."
    )
    data: DataRecipe = DataRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()
    loop: LoopRecipe = LoopRecipe()

    @model_validator(mode="before")
    @classmethod
    def _of_an_older_version(cls, values: Any) -> Any:
        """Its run folders hold every field, also those that nobody read, which mean nothing."""
        if isinstance(values, Mapping) and is_old(values):
            values = without_unread_options(values)
            drop_unread(values, _defaults(), keep=())
        return values

    @model_validator(mode="after")
    def _suited_strategy(self) -> Recipe:
        """A strategy that nobody named is the one that measures best with this head; still nobody's choice.

        Evidence: benchmarks/results/features_selection.md.
        """
        if "strategy" not in self.loop.model_fields_set and self._herds():
            loop = self.loop.model_copy(update={"strategy": "herding"})
            loop.model_fields_set.discard("strategy")
            self.__dict__["loop"] = loop  # frozen, but being made
        return self

    def _herds(self) -> bool:
        """Whether one NCE head with one radius learns alone, and no option asks for another strategy."""
        model = self.model
        head = model.head.settled(stored=True)
        return (
            self.task == "classification"
            and model.features is not None
            and (model.backbone, model.dropout, model.members) == ("identity", 0, 1)
            and (head.name, head.kernel) == ("nce", "gaussian")
            and head.radius != "class"
            and self.loop.options.keys() <= {"width"}
        )

    @model_validator(mode="before")
    @classmethod
    def _head_alone(cls, values: Any) -> Any:
        """With features a classifier's head learns alone, unless a backbone for vectors is named."""
        if not isinstance(values, Mapping) or values.get("task") == "detection":
            return values
        model = values.get("model")
        if not isinstance(model, Mapping) or not model.get("features"):
            return values
        if model.get("backbone") not in (None, "small"):
            return values
        return {**values, "model": {**model, "backbone": "identity"}}

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        if self.data.long_tail is not None and self.task == "detection":
            raise ValueError(
                "data.long_tail: a long tail is one of classes: leave it out with task detection"
            )
        self.model.head.check_learns(stored=self.model.features is not None)
        if self.task == "detection" and self.model.members > 1:
            raise ValueError("model.members: committees classify, task detection trains one network")
        brings = self.model.pretrained or self.model.backbone in BRINGS_WEIGHTS
        if self.on_vectors and (brings or self.model.backbone.startswith("timm:")):
            raise ValueError(
                "model: features are vectors of a network that is trained already: leave out pretrained and "
                "backbone"
            )
        if self.task == "detection" and self.model.backbone == "identity":
            raise ValueError(
                "model.backbone: a detector needs places, and identity has none: name small, lite0, lite2 or "
                "timm:NAME"
            )
        if self.task == "detection" and self.model.backbone.startswith("timm:") and not self.model.pretrained:
            raise ValueError(
                "model.backbone: a detector on a network of timm learns on its pretrained maps: add "
                "`model.pretrained`"
            )
        if self.loop.budget_unit == "box" and self.task != "detection":
            raise ValueError("loop.budget_unit: box needs task detection: classes have no boxes")
        if self.loop.foreign == "leave-out" and self.task == "detection":
            raise ValueError("loop.foreign: an image without objects is no stranger to task detection")
        if self.loop.held_out and self.data.test is not None:
            raise ValueError("held-out images come from data.test or from loop.held_out, not from both")
        if self.loop.held_out_share and not self.loop.held_out:
            raise ValueError("loop.held_out_share: grows the set of loop.held_out, and that is 0")
        for path, why in unread(flat(self.model_dump()), _defaults()).items():
            raise ValueError(f"{path}: {why}: leave it out")
        return self

    @property
    def on_vectors(self) -> bool:
        """Whether the learner reads stored vectors; those of a detector are for choosing images alone."""
        return self.model.features is not None and self.task == "classification"

    @property
    def fits_head(self) -> bool:
        """Whether the head learns alone, of all labels at once, on stored vectors."""
        return self.on_vectors and head_alone(flat(self.model_dump()))

    def with_changes(self, changes: dict[str, Any]) -> Recipe:
        """A copy with some fields replaced.

        Of a section that is given as a mapping, what the mapping does not name stays. What belongs to the old
        head, task, schedule or strategy and is read by nobody any more goes with it, unless the changes name
        it.

        Args:
            changes: values by dotted path, for instance ``{"loop.seed": 3, "model.head.name": "softmax"}``.

        Raises:
            RecipeError: a path or value is wrong.

        >>> Recipe().with_changes({"loop.seed": 3}).loop.seed
        3
        """
        data, changes = self.model_dump(), dotted(changes)
        if "strategy" not in self.loop.model_fields_set:
            del data["loop"]["strategy"]
        if changes.get("loop.strategy", self.loop.strategy) != self.loop.strategy:
            data["loop"]["options"] = {}
        for path, value in changes.items():
            put(data, path, value)
        try:
            drop_unread(data, _defaults(), keep=changes)
            return type(self).model_validate(data)
        except ValidationError as error:
            raise RecipeError("\n".join(explain(e, type(self)) for e in mistakes(error))) from None


def dotted(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes by the dotted path of a field, those of a section taken apart.

    >>> dotted({"loop": {"seed": 3, "options": {"bins": 5}}, "model": {"head": {"name": "softmax"}}})
    {'loop.seed': 3, 'loop.options': {'bins': 5}, 'model.head.name': 'softmax'}
    """
    found: dict[str, Any] = {}
    for path, value in changes.items():
        if isinstance(value, Mapping) and any(field.startswith(f"{path}.") for field in _defaults()):
            found |= dotted({f"{path}.{name}": each for name, each in value.items()})
        else:
            found[path] = value
    return found


@cache
def _defaults() -> dict[str, Any]:
    sections = {"data": DataRecipe, "model": ModelRecipe, "train": TrainRecipe, "loop": LoopRecipe}
    return flat({name: section().model_dump() for name, section in sections.items()})
