"""What all strategies that rank images one by one have in common: a score, and the k best of a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeGuard

from ncenet.errors import UsageError
from ncenet.strategies.diverse import SpreadQuery
from ncenet.strategies.options import ScoreOptions, WithOptions, needs_boxes
from ncenet.types import PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator, Tensor


class ScoreStrategy(WithOptions, QueryStrategy, ABC):
    """A score per image; the query is the images with the highest scores, ties broken by lot.

    Predictions come in chunks and are forgotten, so memory does not grow with the pool. On the predictions of
    a detector the same score is taken of every anchor, and the image's is made from them: see
    :func:`ncenet.functional.aggregate.aggregate`.

    Args:
        options: those of :class:`~ncenet.strategies.options.ScoreOptions`, and those that the strategy itself
            declares in a class ``Options``; ``self.options`` holds them.

    >>> import ncenet
    >>> class Breadth(ncenet.parts.ScoreStrategy):
    ...     def score(self, prediction):
    ...         return 1 / ncenet.parts.normalized(prediction.probs).square().sum(-1)
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

    def checked_score(self, prediction: Prediction) -> Tensor:
        """What :meth:`score` says, which may be an array or a list, as a tensor.

        Raises:
            UsageError: it isn't one number for each image or anchor.
        """
        wanted = tuple(prediction.probs.shape[:-1])
        return _numbers(self.score(prediction), f"{type(self).__name__}.score returns", wanted)

    def image_scores(self, prediction: Prediction) -> Tensor:
        """Scores (N,) of the images of one chunk.

        Raises:
            UsageError: the score isn't one number for each image or anchor.
        """
        scores = self.checked_score(prediction)
        if scores.dim() == 1:
            return scores
        from ncenet.functional.aggregate import aggregate

        how, k = self.options.aggregate, self.options.aggregate_k
        return aggregate(scores, how, k=k, probs=prediction.probs, boxes=prediction.extras.get("boxes"))

    def tells_apart(self, prediction: Prediction) -> bool:
        """Whether the score of one chunk can mean something; false for all chunks is an error.

        Unless all labels are of one class yet: then it is no fault of the recipe.
        """
        return True

    def scored(self, view: PoolView) -> Iterator[tuple[Prediction, Tensor]]:
        """Predictions on the pool, chunk by chunk, and the scores (N,) of the images of each.

        Whoever overrides it yields the same pairs: a prediction, whose ids may be asked for and whose
        features spread a query, and a number for each of its images.

        Raises:
            UsageError: the predictions are such that the score means nothing on any chunk, and it is not for
                labels of one class alone.
        """
        told, classified = [], True
        for prediction in view.predictions():
            told.append(self.tells_apart(prediction))
            classified = prediction.probs.dim() == 2  # labels of a detector are boxes
            yield prediction, self.image_scores(prediction)
        if told and not any(told) and not (classified and len(set(view.labels)) == 1):
            raise UsageError(self.alike)

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """The ``query_size`` images of the pool with the highest scores, or all when there are fewer.

        Among equal scores, as all are while labels are of one class, images are drawn at random: the order of
        ids often is one of classes. With the option ``diversify`` they are spread over the best, see
        :mod:`ncenet.strategies.diverse`.

        Raises:
            NonFiniteScore: a score, or a feature that is looked at, is nan or inf.
            UsageError: as :meth:`scored`; or the predictions carry no features to spread by.
            ValueError: ``query_size`` is below 1.
        """
        if self.options.diversify != "none":
            spread = SpreadQuery(self.options.diversify, self.options.diversify_factor)
            return spread.query(self._pairs(view), view, query_size, rng=rng)
        from ncenet.functional.topk import TopK

        best = TopK(query_size, rng)
        for prediction, scores in self._pairs(view):
            best.push(prediction.ids, scores)
        return best.query()

    def _pairs(self, view: PoolView) -> Iterator[tuple[Prediction, Tensor]]:
        """What :meth:`scored` yields, which may be somebody's own, checked."""
        who, pairs = f"{type(self).__name__}.scored", self.scored(view)
        wanted = "it yields pairs, a prediction and the scores (N,) of its images"
        if not isinstance(pairs, Iterable):
            raise UsageError(f"{who} returns a {type(pairs).__name__}: {wanted}")
        for pair in pairs:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], Prediction)):
                raise UsageError(f"{who} yields a {type(pair).__name__}: {wanted}")
            prediction, scores = pair
            yield prediction, _numbers(scores, f"{who} yields", (len(prediction.ids),))


def _numbers(scores: Any, who: str, wanted: tuple[int, ...]) -> Tensor:
    """What somebody's code says are scores, be it an array or a list, as numbers of images or anchors.

    Args:
        scores: what it gave.
        who: begins a message: ``"Breadth.score returns"``.
        wanted: shape of a score for each: (N,), or (N, A) where one for each image will do, too.
    """
    import torch

    try:
        found = torch.as_tensor(scores)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"{who} what is no tensor of numbers: {error}") from error
    if found.is_complex():
        raise UsageError(f"{who} complex numbers, and these have no order")
    if tuple(found.shape) not in (wanted, wanted[:1]):
        each = "image" if len(wanted) == 1 else "image or anchor"
        raise UsageError(
            f"{who} numbers of shape {tuple(found.shape)}: one for each {each}, {wanted}, is a score"
        )
    return found.float() if found.dtype is torch.bool else found


def ranks_alone(strategy: object) -> TypeGuard[ScoreStrategy]:
    """Whether the score of one image is all that a strategy or its class goes by: no query of its own.

    >>> from ncenet.strategies import strategies
    >>> ranks_alone(strategies.get("margin")), ranks_alone(strategies.get("core-set"))
    (True, False)
    """
    kind = strategy if isinstance(strategy, type) else type(strategy)
    ours = ScoreStrategy.query, ScoreStrategy.scored
    return issubclass(kind, ScoreStrategy) and (kind.query, kind.scored) == ours


def ranking_names() -> list[str]:
    """Strategies that rank images by the likelihoods of one network, and need nothing else.

    >>> "margin" in ranking_names(), "core-set" in ranking_names()
    (True, False)
    """
    from ncenet.strategies import strategies

    return [name for name, factory in strategies if ranks_alone(factory) and factory.needs == {"probs"}]


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
