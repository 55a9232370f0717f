"""What was asked and what was answered: one append-only SQLite file, the only truth of a run."""

from ncenet.ledger.inbox import Delivery, Inbox
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import Kind, Provenance
from ncenet.ledger.records import Answer, Cycle, Event, Item, RecordedQuery
from ncenet.ledger.review import Effort, Review, Said

__all__ = [
    "Answer",
    "Cycle",
    "Delivery",
    "Effort",
    "Event",
    "Inbox",
    "Item",
    "Kind",
    "Ledger",
    "Provenance",
    "RecordedQuery",
    "Review",
    "Said",
]
