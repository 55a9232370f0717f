"""The desk: who gets which image next.

An image lies on one annotator's desk at a time, unless several are to answer it. A desk that nobody has
been heard of for a while is cleared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT, MEANWHILE, MODEL_OR_STAND_IN, Provenance
from ncenet.ledger.records import RecordedQuery
from ncenet.run.held_out import interleaved
from ncenet.run.held_out import measuring as due

T = TypeVar("T")

SPARSE = 5
"""One image in so many is asked for a second time at most (ours)."""
LEASE_SECONDS = 120.0
"""How long an image stays with a window that is not heard of (ours)."""


@dataclass(frozen=True)
class Turn:
    """An image to label.

    Attributes:
        id: the image.
        hash: hash of its bytes; names it in addresses.
        asked: who asked for it; None where nobody did: an answer was taken back that came unasked.
        cycle: the cycle whose model asked; 0 before there was one.
        again: number of the request to answer it once more; 0 for the first time.
    """

    id: str
    hash: str
    asked: Provenance | None
    cycle: int
    again: int = 0

    def message(self) -> dict[str, object]:
        """As JSON."""
        return {**self.__dict__, "asked": None if self.asked is None else self.asked.message()}


class Desk:
    """Hands out images. Callers take care that one thread at a time is in here.

    Args:
        ledger: where queries and answers are.
        overlap: how many annotators answer each image.
        copies: the near copies of an image; of those that are near copies of each other one is asked for.
        control: share of the answers that go to images drawn at random, among those that are asked for.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        overlap: int = 1,
        copies: Callable[[str], Iterable[str]] = lambda _: (),
        control: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self.overlap, self._copies, self._clock = ledger, overlap, copies, clock
        self.control = control
        self._turns: dict[str, Turn] = {}  # what is still to be answered, in the order in which it is asked
        self._seen: dict[str, Turn] = {}  # of all that was ever on the desk
        self._answered: dict[str, set[str]] = {}
        self._again: dict[str, Turn] = {}  # what has an answer, and is to be answered once more
        self._at_odds: dict[str, frozenset[str]] = {}  # of those in dispute, who has answered
        self._leases: dict[str, dict[str, tuple[str, float]]] = {}  # image -> window -> annotator, end
        self.reload()

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, id: str) -> bool:
        return id in self._turns

    def reload(self) -> None:
        """Take up what the ledger asks for now.

        That is what was asked for before and too few have answered, the latest query, and what was drawn
        after it; among them, at their places, the images of the held-out set.
        """
        self._turns.clear()
        asked = latest_query(self._ledger)
        drawn = self._ledger.latest_query(by=MEANWHILE)
        if drawn is not None and asked is not None and drawn.number < asked.number:
            drawn = None
        held_out = self._ledger.latest_query(by=HELD_OUT)
        self._ask(held_out, only=frozenset(due(self._ledger)))
        measuring = list(self._turns.values())
        if self.overlap > 1:
            for part in self._ledger.review.partly_answered(self.overlap):
                self._put(Turn(part.id, part.hash, part.asked, part.cycle), set(part.who))
        self._ask(asked)
        self._leave_out_copies()
        self._ask(drawn)
        if self.control:
            by_chance = [turn for turn in self._turns.values() if turn.asked == MEANWHILE]
            others = [turn for turn in self._turns.values() if turn.asked != MEANWHILE]
            order = strewn(by_chance, others, share=self.control, told=len(self._ledger.closed_ids()))
            self._turns = {turn.id: turn for turn in order}
        if held_out is not None and measuring:
            measures, answered = set(held_out.query.ids), self._ledger.closed_ids()
            others = [turn for turn in self._turns.values() if turn.id not in measures]
            measured = len(answered & measures)
            order = interleaved(measuring, others, measured=measured, told=len(answered) - measured)
            self._turns = {turn.id: turn for turn in order}
        self.ask_again()

    def _leave_out_copies(self) -> None:
        """Of near copies the first is asked for, and none where one has an answer."""
        first: set[str] = set()
        for id in list(self._turns):
            others = self._copies(id)
            told = any(other in first or self._ledger.review.answers(other) for other in others)
            if told and not self._answered[id]:
                del self._turns[id]
            else:
                first.add(id)

    def ask_again(self) -> None:
        """Take up what is to be answered once more; nobody sees that it is."""
        waiting = {second.id: second for second in self._ledger.again.waiting()}
        items = self._ledger.review.items(waiting)
        self._again = {
            id: Turn(id, items[id].hash, None, 0, second.number)
            for id, second in waiting.items()
            if items[id].problem is None
        }
        self._at_odds = {
            id: frozenset(said.who for said in self._ledger.review.answers(id))
            for id in self._again
            if waiting[id].suspicion == "dispute"
        }

    def next(self, ids: Iterable[str]) -> None:
        """Put images first that nobody has answered yet."""
        fresh = {}
        for id, item in self._ledger.review.items(ids).items():
            if item.problem is None and not self._ledger.review.answers(id):
                self._answered[id] = set()
                fresh[id] = self._seen[id] = self._turns.get(id) or Turn(id, item.hash, None, 0)
        self._turns = {**fresh, **self._turns}

    def leased(self, *, besides: str) -> set[str]:
        """Images that lie in front of other windows."""
        self._clear(self._clock())
        return {id for id, holders in self._leases.items() if holders.keys() - {besides}}

    def add(self, turns: Iterable[Turn]) -> None:
        """Put further images at the end, those that enough annotators have answered left out."""
        for turn in turns:
            self._put(turn, {said.who for said in self._ledger.review.answers(turn.id)})

    def give(self, window: str, who: str, holding: Sequence[str], want: int) -> list[Turn]:
        """Images for an annotator, first those that lie in front of them already.

        Args:
            window: which of the annotator's windows; whoever asks again renews what it holds.
            who: the annotator.
            holding: ids that the window has, in its order.
            want: how many images it should have.
        """
        now = self._clock()
        self._clear(now)
        given: list[Turn] = []
        for id in (*holding, *self._mixed()):
            if len(given) >= want:
                break
            turn = self._again.get(id) or self._turns.get(id)
            if turn is not None and turn not in given and self._free(id, window, who):
                given.append(turn)
        self._release(window, {turn.id for turn in given})
        for turn in given:
            self._leases.setdefault(turn.id, {})[window] = (who, now + LEASE_SECONDS)
        return given

    def settle(self, id: str) -> None:
        """Look again at an image that was answered, or whose answer was taken back."""
        self._answered[id] = {said.who for said in self._ledger.review.answers(id)}
        if len(self._answered[id]) >= self.overlap:
            self._turns.pop(id, None)
            self._leases.pop(id, None)
            for other in self._copies(id):
                if not self._answered.get(other):
                    self._turns.pop(other, None)
        elif id not in self._turns:
            item = self._ledger.review.items([id])[id]
            turn = self._seen.get(id) or Turn(id, item.hash, None, 0)
            self._turns = {id: turn, **self._turns}

    def _mixed(self) -> Iterator[str]:
        """What is to be answered, with those that are for the second time strewn in among the others."""
        again = iter(self._again)
        for n, id in enumerate(self._turns, 1):
            yield id
            if n % SPARSE == SPARSE - 1 and (second := next(again, None)) is not None:
                yield second
        yield from again

    def measure_all(self) -> bool:
        """Ask for held-out images that were not due yet, as nothing else is left; whether any were."""
        before = len(self._turns)
        self._ask(self._ledger.latest_query(by=HELD_OUT))
        return len(self._turns) > before

    def _ask(self, query: RecordedQuery | None, *, only: Collection[str] | None = None) -> None:
        if query is not None:
            ids = [id for id in query.query.ids if only is None or id in only]
            items = self._ledger.review.items(ids)
            self.add(
                Turn(id, items[id].hash, query.asked, query.cycle) for id in ids if items[id].problem is None
            )

    def _put(self, turn: Turn, answered: set[str]) -> None:
        self._seen[turn.id], self._answered[turn.id] = turn, answered
        if len(answered) < self.overlap:
            self._turns[turn.id] = turn

    def _free(self, id: str, window: str, who: str) -> bool:
        if id in self._again:
            return not self._leases.get(id, {}).keys() - {window} and not self._is_for_a_third(id, who)
        others = {holder for at, (holder, _) in self._leases.get(id, {}).items() if at != window}
        taken = self._answered[id] | others  # who has answered may hold it a moment longer
        return who not in taken and len(taken) < self.overlap

    def _is_for_a_third(self, id: str, who: str) -> bool:
        """Whether an image is in dispute, who asks is a party to that, and somebody is here who isn't."""
        parties = self._at_odds.get(id, frozenset())
        here = {holder for holders in self._leases.values() for holder, _ in holders.values()}
        return who in parties and bool(here - parties)

    def _release(self, window: str, kept: set[str]) -> None:
        for id, holders in self._leases.items():
            if id not in kept:
                holders.pop(window, None)

    def _clear(self, now: float) -> None:
        for id, holders in list(self._leases.items()):
            self._leases[id] = {w: (who, end) for w, (who, end) in holders.items() if end > now}


def strewn(drawn: Sequence[T], others: Sequence[T], *, share: float, told: int) -> list[T]:
    """What was drawn among others, so that it is a share of all answers; what is left over at the end.

    Args:
        drawn: of these the first as far as there is a place.
        others: what else is asked for.
        share: in [0, 0.5].
        told: how many answers there were before.

    >>> strewn("abc", "12345", share=0.25, told=1)
    ['1', '2', 'a', '3', '4', '5', 'b', 'c']
    """
    order: list[T] = []
    first, left = iter(drawn), len(drawn)
    for other in others:
        place = told + len(order)
        if left and int(share * (place + 1)) > int(share * place):
            order.append(next(first))
            left -= 1
        order.append(other)
    return [*order, *first]


def latest_query(ledger: Ledger) -> RecordedQuery | None:
    """The last query of a model, or of what stands in for one; neither the held-out set nor chance."""
    return ledger.latest_query(among=MODEL_OR_STAND_IN)
