"""What was asked and what was answered: one append-only SQLite file, the only truth of a run."""

from ncenet.ledger.answers import Answer
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.records import Cycle, Event, Item, RecordedQuery

__all__ = ["Answer", "Cycle", "Event", "Item", "Ledger", "RecordedQuery"]
