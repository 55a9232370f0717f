"""What all strategies that rank images one by one have in common: a score, and the k best of a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ncenet.errors import UsageError
from ncenet.strategies.diverse import SpreadQuery
from ncenet.strategies.options import ScoreOptions, WithOptions, needs_boxes
from ncenet.types import PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor


class ScoreStrategy(WithOptions, QueryStrategy, ABC):
    """A score per image; the query is the images with the highest scores, ties broken by id.

    Predictions come in chunks and are forgotten, so memory does not grow with the pool. On the predictions of
    a detector the same score is taken of every anchor, and the image's is made from them: see
    :func:`ncenet.functional.aggregate.aggregate`.

    Args:
        options: those of :class:`~ncenet.strategies.options.ScoreOptions`, and those that the strategy itself
            declares in a class ``Options``; ``self.options`` holds them.

    >>> import ncenet
    >>> class Breadth(ncenet.parts.ScoreStrategy):
    ...     def score(self, prediction):
    ...         return 1 / prediction.probs.square().sum(-1)
    >>> ncenet.select([[0.5, 0.5], [0.9, 0.1]], 1, strategy=Breadth()).ids
    ('00000',)
    """

    needs: frozenset[str] = frozenset({"probs"})
    alike: str = ""
    """What to say when the score tells no two images apart, see :meth:`tells_apart`."""
    Options = ScoreOptions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        also = {"boxes"} if needs_boxes(self.options.aggregate) else set()
        also |= set() if self.options.diversify == "none" else {"features"}
        if also:
            self.needs = self.needs | also

    @abstractmethod
    def score(self, prediction: Prediction) -> Tensor:
        """Scores (N,) of one chunk, or (N, A) of its anchors; higher is more informative."""

    def image_scores(self, prediction: Prediction) -> Tensor:
        """Scores (N,) of the images of one chunk.

        Raises:
            UsageError: the score isn't one number for each image or anchor.
        """
        scores = self._numbers(self.score(prediction), prediction)
        if scores.dim() == 1:
            return scores
        from ncenet.functional.aggregate import aggregate

        how, k = self.options.aggregate, self.options.aggregate_k
        return aggregate(scores, how, k=k, probs=prediction.probs, boxes=prediction.extras.get("boxes"))

    def _numbers(self, scores: Any, prediction: Prediction) -> Tensor:
        """What a score returned, be it an array or a list, as numbers of images or anchors."""
        import torch

        who, wanted = f"{type(self).__name__}.score returns", tuple(prediction.probs.shape[:-1])
        try:
            found = torch.as_tensor(scores)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UsageError(f"{who} what is no tensor of numbers: {error}") from error
        if tuple(found.shape) not in (wanted, wanted[:1]):
            each = "image" if len(wanted) == 1 else "image or anchor"
            raise UsageError(
                f"{who} numbers of shape {tuple(found.shape)} for likelihoods of shape "
                f"{tuple(prediction.probs.shape)}: one for each {each}, {wanted}, is a score"
            )
        return found

    def tells_apart(self, prediction: Prediction) -> bool:
        """Whether the score of one chunk can mean something; false for all chunks is an error."""
        return True

    def scored(self, view: PoolView) -> Iterator[tuple[Prediction, Tensor]]:
        """Predictions on the pool, chunk by chunk, and the scores (N,) of the images of each.

        Raises:
            UsageError: the predictions are such that the score means nothing on any chunk.
        """
        told = []
        for prediction in view.predictions():
            told.append(self.tells_apart(prediction))
            yield prediction, self.image_scores(prediction)
        if told and not any(told):
            raise UsageError(self.alike)

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """The ``query_size`` images of the pool with the highest scores, or all when there are fewer.

        With the option ``diversify`` they are spread over the best, see :mod:`ncenet.strategies.diverse`.

        Raises:
            NonFiniteScore: a score, or a feature that is looked at, is nan or inf.
            UsageError: as :meth:`scored`; or the predictions carry no features to spread by.
            ValueError: ``query_size`` is below 1.
        """
        if self.options.diversify != "none":
            spread = SpreadQuery(self.options.diversify, self.options.diversify_factor)
            return spread.query(self.scored(view), view, query_size, rng=rng)
        from ncenet.functional.topk import TopK

        best = TopK(query_size)
        for prediction, scores in self.scored(view):
            best.push(prediction.ids, scores)
        return best.query()


def ranking_names() -> list[str]:
    """Strategies that rank images by the likelihoods of one network, and need nothing else.

    >>> "margin" in ranking_names(), "core-set" in ranking_names()
    (True, False)
    """
    from ncenet.strategies import strategies

    return [
        name
        for name, factory in strategies
        if isinstance(factory, type) and issubclass(factory, ScoreStrategy) and factory.needs == {"probs"}
    ]


def normalized(likelihoods: Tensor) -> Tensor:
    """Rows that sum to one: p_c / sum_c p_c.

    A softmax head's rows do so already. An NCE head's need not, and an image far from all prototypes may have
    likelihoods that are 0 for every class: no class stands out, so its row becomes uniform.

    Args:
        likelihoods: (..., C) in [0, 1].

    Returns:
        (..., C) in float32 (float64 stays).

    >>> import torch
    >>> normalized(torch.tensor([[0.2, 0.6], [0.0, 0.0]]))
    tensor([[0.2500, 0.7500],
            [0.5000, 0.5000]])
    """
    import torch

    from ncenet.functional._precision import at_least_float32

    likelihoods = at_least_float32(likelihoods)
    total = likelihoods.sum(-1, keepdim=True)
    # `== 0` and not `> 0`: nan has to come through.
    return torch.where(total == 0, 1 / likelihoods.shape[-1], likelihoods / total)
