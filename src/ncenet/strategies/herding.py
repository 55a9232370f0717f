"""Herding: the images that speak for the most doubtful others, under NCE-Net's own kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ncenet.errors import UsageError
from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.cover import cover, look_at
from ncenet.strategies.gather import GatheredRows, check_classes, check_rows
from ncenet.strategies.options import WithOptions
from ncenet.types import PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor


@strategies.register("herding")
class Herding(WithOptions, QueryStrategy):
    """Images that cover the most doubt: each speaks for its neighbours within the learned radius.

    An image is doubtful as far as the likelihoods of its two likeliest classes are close; it is covered as
    far as a labelled or chosen image is near. The kernel is that of Eq. 6, between images, with the head's
    own map and radius. The score is the part of the pool's doubt that the image covers beyond those before.
    Where images of no class are to be left out, doubt counts as far as an image is likely to have one. Where
    nothing is doubtful, because labels are of one class yet, all images count alike.

    Source: ours; Bae, Oliveira and Sutherland, Uncertainty Herding, ICLR 2025, with the kernel of NCE-Net.
    Cost: one prediction an image, mapped features (N, D) in float32, half a kernel between 10,000 at a time.
    When: the head is NCE with the Gaussian kernel, best on stored features; from the first labels on.
    """

    needs: frozenset[str] = frozenset({"probs", "in_radii"})
    requires: frozenset[str] = frozenset({"classes"})
    weighs_scope: bool = True

    class Options(Section):
        """What may be set."""

        width: float = Field(1.0, gt=0, description="Width of the kernel, in learned radii.")

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood or a mapped feature is nan or inf, or too large to be squared.
            UsageError: the head has no radius.
            ValueError: ``query_size`` is below 1.
        """
        ids = look_at(view.ids, query_size, rng)
        if not ids:
            return Query((), ())
        places, doubts, chances = GatheredRows(ids), GatheredRows(ids), GatheredRows(ids)
        for prediction in view.predictions():
            places.fill(prediction.ids, _in_radii(prediction))
            doubts.fill(prediction.ids, doubt(prediction)[:, None])
            chances.fill(prediction.ids, _in_scope(prediction)[:, None])
        # Of a single class there is no doubt: until there are two, coverage decides.
        weights = (doubts.rows if doubts.rows.any() else 1) * chances.rows
        labeled = None
        if view.labeled_ids:
            covered = GatheredRows(list(view.labeled_ids))
            for prediction in view.labeled_predictions():
                covered.fill(prediction.ids, _in_radii(prediction))
            labeled = covered.rows
        width = self.options.width
        return cover(ids, places.rows, weights[:, 0], labeled, query_size, radius=width, rng=rng)


def doubt(prediction: Prediction) -> Tensor:
    """One minus the margin between the two likeliest classes, (N,) in [0, 1].

    Raises:
        NonFiniteScore: a likelihood is nan or inf.
        UsageError: they are of one class.
    """
    from ncenet.functional.scores import margin
    from ncenet.strategies.score import normalized

    check_classes(prediction.probs, "herding")
    check_rows(prediction.ids, prediction.probs)
    return (1 + margin(normalized(prediction.probs))).clamp(0, 1)


def _in_scope(prediction: Prediction) -> Tensor:
    """The chance that an image belongs to a class at all, (N,); 1 where no skipped ones tell it."""
    import torch

    chances = prediction.extras.get("in_scope")
    return torch.ones(len(prediction.ids)) if chances is None else chances


def _in_radii(prediction: Prediction) -> Tensor:
    if "in_radii" not in prediction.extras:
        raise UsageError(
            "herding needs features in learned radii, which an NCE classifier with the Gaussian kernel tells "
            "and this learner, a detector perhaps, does not"
        )
    places = prediction.extras["in_radii"]
    check_rows(prediction.ids, places)
    return places
