"""A recipe on the steps of a fit: how many, how large, and on what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ncenet.section import Section


class TrainRecipe(Section):
    """How the network is trained in each cycle."""

    epochs: int = Field(40, ge=1, description="Passes over the labelled set.")
    min_steps: int = Field(
        400, ge=0, description="At least this many optimizer steps: small labelled sets take more epochs."
    )
    batch_size: int = Field(64, ge=1, description="Images per optimizer step.")
    lr: float = Field(0.1, gt=0, description="Initial learning rate of SGD.")
    backbone_rate: float = Field(
        0.01,
        gt=0,
        le=1,
        description="Classification with pretrained weights: their rate, in parts of lr. The head is fitted "
        "before them, and learns with them.",
    )
    schedule: Literal["steps", "cosine"] = Field(
        "cosine", description="Learning rate over the fit: drops, or half a cosine with warm-up."
    )
    lr_drops: tuple[float, ...] = Field(
        (0.8,), description="Fractions of the fit at which 'steps' divides the rate by ten."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of SGD.")
    nesterov: bool = Field(False, description="Nesterov's momentum.")
    weight_decay: float = Field(5e-4, ge=0, description="Weight decay of SGD.")
    crop_padding: int | None = Field(
        None,
        ge=0,
        description="Classification: random crop after padding by so many pixels. Default: an eighth of the "
        "side.",
    )
    flip: bool | None = Field(
        None, description="Random horizontal flip. Default: unless mirroring changes what the images mean."
    )
    box_augment: bool | None = Field(
        None,
        description="Detection: distort colours, zoom out and crop at random (as SSD does). Default: with "
        "ssd300-vgg16.",
    )
    warm: bool = Field(False, description="Carry weights over between cycles instead of starting afresh.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="Half precision (AMP) is for GPUs."
    )
    channels_last: bool = Field(True, description="Memory layout of images; faster on CPUs and GPUs.")
    threads: int | None = Field(None, ge=1, description="CPU threads. Default: torch's own choice.")
    checkpoint_seconds: float = Field(
        30.0, ge=0, description="Least time between two checkpoints within a fit."
    )
