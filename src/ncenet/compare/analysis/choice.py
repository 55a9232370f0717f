"""Which trials the figures are drawn from: one arm for each head, alike in everything else where possible."""

from __future__ import annotations

from ncenet.compare.comparison import Comparison
from ncenet.compare.heads import strategy_of, training_of
from ncenet.strategies.build import ORACLE


def arms_of_figures(comparison: Comparison) -> tuple[str, ...]:
    """Names of the arms that the figures compare: NCE first, then softmax, without a head that no arm has.

    Section ``figures`` of the comparison may name them. Otherwise they are: the first NCE arm that does not
    query at random and is not the oracle, else the first NCE arm; and of the softmax arms that share the rest
    of its recipe (of all of them if none does) the one that queries by entropy, else the first.

    >>> from ncenet.compare import Arm
    >>> changes = {"model.head.name": "softmax", "loop.strategy": "entropy"}
    >>> arms_of_figures(
    ...     Comparison(arms=[Arm(name="NCE"), Arm(name="softmax", changes=changes)], seeds=[0])
    ... )
    ('NCE', 'softmax')
    """
    recipes = {arm.name: comparison.recipe(arm.name, comparison.seeds[0]) for arm in comparison.arms}
    of_head = {
        head: [name for name, recipe in recipes.items() if recipe.model.head.name == head]
        for head in ("nce", "softmax")
    }
    chosen = []
    if nce := comparison.figures.nce or _first(
        [name for name in of_head["nce"] if recipes[name].loop.strategy not in ("random", ORACLE)],
        of_head["nce"],
    ):
        chosen.append(nce)
    if softmax := comparison.figures.softmax or _softmax(comparison, of_head["softmax"], nce):
        chosen.append(softmax)
    return tuple(chosen)


def _softmax(comparison: Comparison, names: list[str], nce: str) -> str:
    alike = [name for name in names if nce and training_of(comparison, name) == training_of(comparison, nce)]
    names = alike or names
    return _first([name for name in names if strategy_of(comparison, name) == "entropy"], names)


def _first(preferred: list[str], others: list[str]) -> str:
    return next(iter([*preferred, *others]), "")
