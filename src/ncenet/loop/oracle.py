"""The oracle line: a selection that reads hidden labels and test accuracy, which no strategy may.

It says how much there is to gain by choosing. It is none of the registered strategies: only a simulation can
open it, from the data set's own oracle and the test set, and what other strategies see of a pool stays as it
was. Greedy selection on cheap classifiers (:mod:`ncenet.functional.lookahead`) proposes some queries,
strategies others; the real learner is fitted on each. Then parts of the one that leads to the highest
accuracy are exchanged for other images, fit by fit, as long as that helps.

Greedy is not optimal, so it may be beaten; a report counts how often it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from ncenet.data.dataset import Oracle, TestSet
from ncenet.errors import RecipeError, UsageError
from ncenet.features.names import check_network_names
from ncenet.functional.lookahead import ClassMeans, KnownPoints, LookAhead, Ridge, greedy
from ncenet.loop.loop import Loop
from ncenet.recipe import Recipe
from ncenet.section import Section
from ncenet.strategies.build import ORACLE, check_fits, open_strategy
from ncenet.strategies.gather import GatheredRows
from ncenet.strategies.options import WithOptions, checked
from ncenet.types import LabeledSet, PoolView, Prediction, Query, QueryStrategy

if TYPE_CHECKING:
    import torch
    from torch import Generator


RIVALS = ("herding", "margin", "badge", "uherding")
"""Strategies that propose, too, where the recipe lets them."""
PROPOSALS = 4
"""Queries that are proposed beside those: of two classifiers, each greedy in two ways."""
PART = 4
"""An exchange is of at most the part PART of a query (ours)."""


class OracleLine(WithOptions, QueryStrategy):
    """Greedy on the accuracy on test images.

    Source: ours, after the greedy oracle of Werner, Burchert, Stubbemann and Schmidt-Thieme, A Cross-Domain
    Benchmark for Active Learning, NeurIPS 2024.
    Cost: a product of matrices a pick, and a fit of the learner for each of eight proposals and of the
    exchanges.
    When: a simulation on frozen features that asks how much choosing could gain.
    """

    needs: frozenset[str] = frozenset({"features"})
    requires: frozenset[str] = frozenset({"classes"})

    class Options(Section):
        """What may be set."""

        candidates: int = Field(
            500, ge=1, description="Images of the pool that are looked at, drawn anew for each query."
        )
        exchanges: int = Field(
            24, ge=0, description="Exchanges of a part of the best query that are tried, each by a fit."
        )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._loop: Loop | None = None
        self._answers: Oracle | None = None
        self._rivals: tuple[QueryStrategy, ...] = ()

    @property
    def fits(self) -> int:
        """Of the learner, for each query."""
        return PROPOSALS + len(self._rivals) + int(self.options.exchanges)

    def beside(self, rivals: Sequence[QueryStrategy]) -> None:
        """Let strategies propose, too."""
        self._rivals = tuple(rivals)
        self.needs = self.needs.union(*(rival.needs for rival in rivals))

    def reveal(self, loop: Loop, answers: Oracle) -> None:
        """Let it see what a simulation knows.

        Args:
            loop: whose queries it makes.
            answers: all labels.

        Raises:
            UsageError: there are no images to test on.
        """
        if not isinstance(loop.test, TestSet):
            raise UsageError("the oracle line reads test accuracy, and there are no held-out images")
        self._loop, self._answers = loop, answers

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """The best of the proposals; its score is the test accuracy that it leads to.

        Raises:
            UsageError: nothing was revealed to it.
        """
        import torch

        if self._loop is None or self._answers is None:
            raise UsageError("the oracle line reads hidden labels: simulate and compare alone can use it")
        loop, answers = self._loop, self._answers
        assert isinstance(loop.test, TestSet)
        order = torch.randperm(len(view.ids), generator=rng)[: max(self.options.candidates, query_size)]
        ids = [view.ids[row] for row in order.tolist()]
        labels = answers.answer(ids)
        index = {name: c for c, name in enumerate(loop.class_names)}
        features = _features(view.predictions(), ids)
        known = _features(view.labeled_predictions(), view.labeled_ids)
        test = _features(loop.learner.predict(loop.test.pool, loop.test.ids, want=self.needs), loop.test.ids)
        scale = known.norm(dim=1).mean().clamp_min(1e-12)  # ridge is measured in lengths of a vector
        targets = torch.tensor(loop.test.targets)
        given = KnownPoints(
            known / scale,
            torch.tensor(view.labels),
            features / scale,
            torch.tensor([index[labels[id]] for id in ids]),
            test / scale,
            targets,
            len(index),
        )
        proposals = {
            tuple(ids[row] for row in greedy(ahead, query_size, softness))
            for ahead, softness in _classifiers(given)
        }
        proposals |= {rival.query(view, query_size, rng=rng).ids for rival in self._rivals}
        known_labels = [loop.class_names[c] for c in view.labels]

        def reach(proposal: Sequence[str]) -> tuple[float, float]:
            more = [*known_labels, *answers.answer(proposal).values()]
            learned = LabeledSet([*view.labeled_ids, *proposal], more, loop.class_names)
            return worth(torch.cat([chunk.probs for chunk in loop.would_say(learned)]), targets)

        reached, best = max((reach(proposal), proposal) for proposal in sorted(proposals))
        wanted = {image for proposal in proposals for image in proposal}
        others = sorted(wanted | set(ids[: len(wanted)]))
        for _ in range(self.options.exchanges):
            tried = exchanged(best, others, rng)
            if (now := reach(tried)) > reached:
                reached, best = now, tried
        return Query(best, (reached[0],) * len(best))


def exchanged(query: Sequence[str], others: Sequence[str], rng: Generator) -> tuple[str, ...]:
    """A query with some of its images, a part :data:`PART` at most, exchanged for others at random.

    >>> import torch
    >>> exchanged("abcd", "abcde", torch.Generator().manual_seed(0))
    ('a', 'b', 'c', 'e')
    """
    import torch

    left = [image for image in others if image not in set(query)]
    most = min(max(1, len(query) // PART), len(left))
    if not most:
        return tuple(query)
    count = 1 + int(torch.randint(most, (), generator=rng))
    kept = torch.randperm(len(query), generator=rng)[count:].sort().values.tolist()
    new = torch.randperm(len(left), generator=rng)[:count].tolist()
    return (*(query[row] for row in kept), *(left[row] for row in new))


def open_simulated(recipe: Recipe) -> QueryStrategy:
    """What makes the queries of a simulation: the strategy of a recipe, or the oracle line.

    Raises:
        UnknownName: there is no such strategy, or no such head, backbone or extractor.
        RecipeError: the rest of the recipe doesn't let it work.
    """
    check_network_names(recipe)
    if recipe.loop.strategy != ORACLE:
        return open_strategy(recipe)
    options = checked(
        OracleLine, recipe.loop.options, where="loop.options.", name=f"strategy {recipe.loop.strategy}"
    )
    line = OracleLine(**options.model_dump())
    check_fits(line, recipe)
    if recipe.model.backbone != "identity":
        raise RecipeError(
            "strategy oracle fits the learner for each of its proposals, which takes frozen features "
            "(model.features lite0, a file of vectors, or data, if those are vectors): a network is too slow"
        )
    if recipe.loop.held_out:
        raise RecipeError(
            "strategy oracle reads the accuracy on held-out images that are no part of the pool: name them "
            "as data.test in the place of loop.held_out"
        )
    rivals = []
    for name in RIVALS:
        with suppress(RecipeError):  # one that doesn't fit the recipe proposes nothing
            rivals.append(open_strategy(recipe.with_changes({"loop.strategy": name})))
    line.beside(rivals)
    return line


def worth(probs_TC: torch.Tensor, targets_T: torch.Tensor) -> tuple[float, float]:
    """Accuracy, and of equally right models the mean share of the right class in all likelihoods."""
    right = probs_TC.argmax(1) == targets_T
    share = probs_TC.double().gather(1, targets_T[:, None])[:, 0] / probs_TC.double().sum(1).clamp_min(1e-30)
    return int(right.sum()) / len(targets_T), float(share.mean())


def _classifiers(known: KnownPoints) -> Iterator[tuple[LookAhead, float]]:
    """Each with a softness: what proposes best changes with the number of labels (ours, measured)."""
    for softness in (0.25, 1.0):
        yield ClassMeans(known), softness
        yield Ridge(known), softness


def _features(predictions: Iterator[Prediction], ids: Sequence[str]) -> torch.Tensor:
    """Vectors (N, D) in double precision in the order of ``ids``, of predictions of these and others."""
    import torch

    table = GatheredRows(ids)
    for chunk in predictions:
        assert chunk.features is not None
        table.fill(chunk.ids, chunk.features.detach())
    return table.rows.to(torch.float64)
