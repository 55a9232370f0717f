import pytest

from ncenet.ledger import Ledger

ITEMS = [(f"{letter}.png", f"hash-{letter}", None) for letter in "abcdef"]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items(ITEMS)
        yield ledger
