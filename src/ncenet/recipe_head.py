"""A recipe on its head, with the defaults: those of the paper, and those that measure best on features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from ncenet.class_names import shown
from ncenet.section import Section

Kernel: TypeAlias = Literal["gaussian", "cosine"]
FeatureMap: TypeAlias = Literal["scaled", "l2", "sigmoid-l2", "none"]
PrototypeInit: TypeAlias = Literal["normal", "class-mean"]
Radius: TypeAlias = Literal["class", "shared"] | float
Reduction: TypeAlias = Literal["sum", "mean"]

PAPER: dict[str, Any] = {
    "radius": "class",
    "init": "normal",
    "map_prototypes": False,
    "cross_entropy": 0.0,
    "pull": 0.0,
    "bias": False,
}
"""What the paper says of its head."""
STORED: dict[str, Any] = {
    "radius": "shared",
    "init": "class-mean",
    "map_prototypes": True,
    "cross_entropy": 0.5,
    "pull": 5.0,
    "bias": True,
}
"""What measures best where the head alone learns, on stored features: benchmarks/results/head_fit.md."""
RADII_OF_LENGTH_1, MOST_STORED = (0.001, 50.0), 3.0
"""Frozen radii that a head learns with where vectors have length 1, and the largest on stored features, which
don't learn (ours, tried): with 5 a head does no better than chance there, and a network worse than with 2."""
STORED_SOFTMAX = {**STORED, "pull": None}
"""The same of the softmax head, which reads ``pull`` alone: scikit-learn's C is one over it. None grows with
the labels."""


class HeadRecipe(Section):
    """The classifier on top of the features. All but ``name`` and ``pull`` are read by the NCE head alone."""

    name: str = Field(
        "nce",
        description="Prototype classifier (nce, NCE-Net's; paper is the same with the paper's radius per "
        "class, random prototypes and loss), softmax, or one of a plug-in.",
    )
    prototypes_per_class: int = Field(1, ge=1, description="K, prototypes per class (N in the paper).")
    kernel: Kernel = Field("gaussian", description="Likelihood of a distance: Eq. 6 or Eq. 7.")
    feature_map: FeatureMap = Field(
        "l2", description="What is done to features and prototypes before they meet."
    )
    radius: Radius | None = Field(
        None,
        description="Rejection radius: learned for each class (the paper), learned and shared by all (ours), "
        "or a number that stays. Default: class; shared on stored features.",
    )
    init: PrototypeInit | None = Field(
        None,
        description="Initial prototypes: random, or means of the labelled features. Default: normal; "
        "class-mean on stored features.",
    )
    projection: bool = Field(
        True,
        description="Insert a linear map D -> D before the prototypes. Detection has one, the convolution.",
    )
    map_prototypes: bool | None = Field(
        None,
        description="Put prototypes through the linear map too, which then starts as the identity. Default: "
        "no; yes on stored features.",
    )
    reduction: Reduction = Field(
        "sum", description="Over the classes of Eq. 5: its sum, or the mean of the reference implementation."
    )
    cross_entropy: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Weight of a cross-entropy term beside Eq. 5 (ours, not the paper's). Default: 0; 0.5 on "
        "stored features.",
    )
    pull: float | None = Field(
        None,
        ge=0,
        description="Pull of the head's weights towards where they start, as strong as so many labelled "
        "images. Default: 0; on stored features 5, with softmax one that grows with the labels of a class, "
        "and more where half of a few are of one class and say so.",
    )

    bias: bool | None = Field(
        None,
        description="Add a number for each class to its log-likelihood, so that frequent classes win "
        "doubtful cases; the cross-entropy term alone teaches it (ours). Default: no; yes on stored "
        "features, where there is that term.",
    )

    unlabeled: float = Field(
        0.0,
        ge=0,
        description="After the fit, images without a label move the prototypes (soft k-means, ours): all of "
        "them pull at a class at most so many times as strongly as its labels. On stored features; worth "
        "trying with 2 where there are few labels a class.",
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, values: Any) -> Any:
        """The paper's head is the NCE head with what the paper says, wherever nothing else is said."""
        if not (isinstance(values, Mapping) and values.get("name") == "paper"):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        return {**PAPER, **given, "name": "nce"}

    @field_validator("radius", mode="before")
    @classmethod
    def _a_word_or_a_number(cls, value: Any) -> Any:
        """One mistake in one sentence, where a union would tell one for each of its members."""
        if value is None or value in ("class", "shared"):
            return value
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):  # the last of a whole number of 400 digits
            number = math.nan
        if not 0 < number < math.inf:
            raise ValueError(f"{shown(value)} is neither class nor shared nor a number above 0")
        return number

    def check_learns(self, *, stored: bool = False) -> None:
        """Make sure that kernel, map and frozen radius leave something to learn, where vectors have length 1.

        Args:
            stored: whether the head learns alone, on stored features.

        Raises:
            ValueError: they don't.
        """
        if self.kernel == "cosine" and self.feature_map == "sigmoid-l2":
            raise ValueError(
                "model.head.feature_map: after the sigmoid no two vectors point away from one another, so "
                "under the cosine kernel no likelihood falls below a half, and nothing is learned: leave it "
                "out, or take the gaussian kernel"
            )
        least, most = RADII_OF_LENGTH_1[0], MOST_STORED if stored else RADII_OF_LENGTH_1[1]
        of_length_1 = self.kernel == "gaussian" and self.feature_map in ("l2", "sigmoid-l2")
        if of_length_1 and isinstance(self.radius, float) and not least <= self.radius <= most:
            what = "rounding decides who is near" if self.radius < least else "every class is likely"
            raise ValueError(
                f"model.head.radius: vectors of length 1 are at most 2 apart, so with a radius of "
                f"{self.radius:g} {what}: take one from {least:g} to {most:g}"
            )

    def settled(self, *, stored: bool = False) -> HeadRecipe:
        """The same head with every default spelled out.

        Args:
            stored: whether the head learns alone, on stored features.

        >>> HeadRecipe(cross_entropy=0.2).settled(stored=True).cross_entropy
        0.2
        >>> HeadRecipe(name="paper").settled(stored=True).radius
        'class'
        """
        defaults = PAPER if not stored else STORED_SOFTMAX if self.name == "softmax" else STORED
        if self.cross_entropy == 0:
            defaults = {**defaults, "bias": False}
        return self.model_copy(
            update={name: value for name, value in defaults.items() if getattr(self, name) is None}
        )
