"""Query strategies of scikit-activeml, in its own code: rivals that nobody here has written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ncenet.errors import MissingExtra
from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.gather import GatheredRows, checked_features, checked_probs
from ncenet.strategies.options import WithOptions
from ncenet.strategies.score import normalized
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Generator

Named = Literal[
    "Badge",
    "ContrastiveAL",
    "CoreSet",
    "Falcun",
    "MaxHerding",
    "TypiClust",
    "UncertaintySampling",
]
"""Those that need vectors, labels and what a classifier says, train nothing, and choose the same again from
the same generator."""


@strategies.register("scikit-activeml")
class ScikitActiveml(WithOptions, QueryStrategy):
    """A query strategy of scikit-activeml, by its name there, on our vectors and likelihoods.

    What it asks of a classifier our model answers: nothing is fitted for it. It decides alone, and its
    settings are its defaults. The score is the place in the query, from 1 downwards.

    Source: Kottke et al., scikit-activeml: A Library and Toolbox for Active Learning Algorithms, 2021.
    Cost: one prediction an image, features (N, D) in float64, and theirs: MaxHerding keeps a matrix of all
    pairs.
    When: to compare with somebody else's code.
    """

    needs: frozenset[str] = frozenset({"probs", "features"})
    requires: frozenset[str] = frozenset({"classes", "scikit-activeml"})

    class Options(Section):
        """What may be set."""

        name: Named = Field("MaxHerding", description="The strategy, as scikit-activeml names it.")

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            MissingExtra: scikit-activeml is not installed.
            NonFiniteScore: a likelihood or a feature is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features, or are those of a detector.
            ValueError: ``query_size`` is below 1.
        """
        import numpy as np
        import torch

        if query_size < 1:
            raise ValueError(f"query_size must be >= 1, got {query_size}")
        # By id, so that what is drawn stands for the same image whatever the order of the pool.
        ids, labeled = sorted(view.ids), sorted(view.labeled_ids)
        if not ids:
            return Query((), ())
        vectors, probs = GatheredRows([*ids, *labeled]), GatheredRows([*ids, *labeled])
        for predictions in (view.predictions(), view.labeled_predictions() if labeled else ()):
            for prediction in predictions:
                probs.fill(prediction.ids, normalized(checked_probs(prediction, "scikit-activeml")))
                vectors.fill(prediction.ids, checked_features(prediction, "scikit-activeml"))
        target = dict(zip(view.labeled_ids, view.labels, strict=False))
        y = np.array([np.nan] * len(ids) + [target.get(image, np.nan) for image in labeled], dtype=float)
        size = min(query_size, len(ids))
        named = theirs(
            self.options.name,
            vectors.rows.double().numpy(),
            y,
            probs.rows.double().numpy(),
            size,
            int(torch.randint(2**31, (1,), generator=rng)),
        )
        # Where fewer vectors than asked for differ, some name a row twice: random ones take its place.
        rest = torch.randperm(len(ids), generator=rng).tolist()
        rows = list(dict.fromkeys([*named, *rest]))[:size]
        return Query(
            tuple(ids[row] for row in rows), tuple(1 - place / len(rows) for place in range(len(rows)))
        )


def theirs(
    name: str,
    vectors_ND: npt.NDArray[np.float64],
    targets_N: npt.NDArray[np.float64],
    probs_NC: npt.NDArray[np.float64],
    query_size: int,
    seed: int,
) -> list[int]:
    """Rows that a strategy of scikit-activeml picks, in the order of the picks.

    Args:
        name: of its class.
        vectors_ND: of the pool and the labelled images.
        targets_N: nan in the pool.
        probs_NC: what the model says of each, rows that sum to one.
        query_size: how many.
        seed: of what it draws.

    Raises:
        MissingExtra: scikit-activeml is not installed.
    """
    try:
        from skactiveml import pool
        from skactiveml.base import SkactivemlClassifier
    except ModuleNotFoundError:
        raise MissingExtra("a strategy of scikit-activeml", "bench", "10 MB") from None
    import inspect

    import numpy as np

    class Told(SkactivemlClassifier):  # type: ignore[misc]  # it has no types
        """Says what the model said of the same vectors."""

        def __init__(self) -> None:
            super().__init__(classes=list(range(probs_NC.shape[1])))
            self.classes_ = np.arange(probs_NC.shape[1])
            self._row_of = {vector.tobytes(): row for row, vector in enumerate(vectors_ND)}

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Told:
            return self

        def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
            return probs_NC[[self._row_of[vector.tobytes()] for vector in np.asarray(X)]]

    strategy = getattr(pool, name)(random_state=seed)
    takes = inspect.signature(strategy.query).parameters
    model = {key: Told() for key in ("clf", "estimator") if key in takes}
    asked = {key: False for key in ("fit_clf", "fit_estimator") if key in takes}
    rows = strategy.query(vectors_ND, targets_N, batch_size=query_size, **model, **asked)
    return [int(row) for row in rows]
