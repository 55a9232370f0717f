"""Pools that are too large to be copied into a ledger: it holds what was asked or answered, and no more.

Such a run looks at images when it asks for them. At hand are those of its ledger and, for as long as a model
chooses by itself, a random part of the others; who chooses among all of them reads files of scores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ncenet.data.pools import Subset
from ncenet.data.scan import scan
from ncenet.data.shard_ids import ColumnIds
from ncenet.data.shards import LARGEST_COPIED, ShardedPool
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_record import is_begun

LOOKED_AT = 2000
"""Images that a model chooses among by itself (ours): a minute's work for two cores."""
KEPT_FOR = 10
"""Fits that choose among the same ones (ours). On features a fit follows after five answers already, and a
look at others each time would take longer than people need for those."""


@dataclass(frozen=True)
class Hand:
    """The images of a large pool that a run looks at now.

    Attributes:
        entered: those of its ledger that are there still, and those that are held out from now on.
        drawn: others, at random.
        gone: those of the ledger that are not there any more.
    """

    entered: tuple[str, ...]
    drawn: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.entered, *self.drawn)


def hand_of(pool: ShardedPool, recipe: Recipe, files: RunFolder, *, look: int = 0) -> Hand | None:
    """The images that a run looks at; None when it takes the whole pool into its ledger.

    Args:
        pool: the images.
        recipe: says how many are held out.
        files: of the run, begun or not.
        look: how many are drawn for a model to choose among.
    """
    streams, asked, turn, held_out = Streams(recipe.loop.seed), [], 0, False
    if is_begun(files):
        with Ledger(files.ledger, read_only=True) as ledger:
            if not ledger.places.by_reference:
                return None
            learn_places(pool, ledger)
            asked, turn = [item.id for item in ledger.items()], len(ledger.cycles()) // KEPT_FOR
            held_out = ledger.latest_query(by=HELD_OUT) is not None
    elif len(pool.ids()) <= LARGEST_COPIED:
        return None
    there = pool.ids().find(asked)
    entered = dict.fromkeys(id for id in asked if id in there)
    if recipe.loop.held_out and not held_out:
        entered |= dict.fromkeys(pool.draw(recipe.loop.held_out, streams.numpy("held-out")))
    drawn = pool.some(look, streams.numpy("first", turn)) if look else []
    gone = tuple(id for id in asked if id not in there)
    return Hand(tuple(entered), tuple(id for id in drawn if id not in entered), gone)


def learn_places(pool: ShardedPool, ledger: Ledger) -> None:
    """Have a pool know where images are that a ledger holds, so that nobody looks for them."""
    ids = pool.ids()
    if isinstance(ids, ColumnIds):
        numbers = {name: number for number, name in enumerate(pool.names)}
        places = ledger.places.all().items()
        ids.learn({id: (numbers[shard], row) for id, (shard, row) in places if shard in numbers})


def enter(
    ledger: Ledger, pool: ShardedPool, ids: Collection[str], *, workers: int = 1, kept: Path | None = None
) -> None:
    """Look at images of a large pool, and enter them in the ledger; those that no pool has are left out.

    Args:
        ledger: of the run.
        pool: its images.
        ids: which of them.
        workers: threads that decode.
        kept: file of what looks found, so that whoever opens the run next need not look again.
    """
    known = ledger.review.items(ids)
    there = pool.ids().find([id for id in ids if id not in known])
    if not there:
        return
    near = sorted(there, key=there.__getitem__)  # images that are read together, one after the other
    found = scan(Subset(pool, near), workers=workers, kept=kept, of_all=False)
    bad = {problem.id: problem.why for problem in found.problems}
    with ledger.transaction():
        ledger.add_items((id, found.hashes.get(id, ""), bad.get(id)) for id in there)
        ledger.places.add(_placed(pool, there))


def placed(pool: ShardedPool, ids: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Id, name of the shard, and row in it, of images of a pool."""
    return _placed(pool, pool.ids().find(ids))


def _placed(pool: ShardedPool, places: dict[str, tuple[int, int]]) -> Iterator[tuple[str, str, int]]:
    return ((id, pool.names[number], row) for id, (number, row) in places.items())
