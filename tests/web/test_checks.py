"""What was answered in groups is asked for again singly: as many as are due, none twice."""

from __future__ import annotations

from ncenet.ledger import Delivery, Ledger
from ncenet.ledger.inbox import Together
from ncenet.run.alike import checks_due
from ncenet.run.folder import RunFolder
from ncenet.web.insight import Insight
from ncenet.web.together import Parties


def test_as_many_as_are_due_and_none_twice(tmp_path):
    for n in range(12):  # three in ten samples of fifteen with repeats hold one twice
        with Ledger(tmp_path / f"{n}.sqlite") as ledger:
            ledger.add_items([(f"{n}.png", f"hash-{n}", None) for n in range(300)])
            group = Together("a group", shown=300, kept=300, purity=0.9)
            answers = [Delivery(f"k{n}", "ann", f"{n}.png", "cat", together=group) for n in range(300)]
            ledger.inbox.deliver(answers, cycle=1, classes=None)
            parties = Parties(Insight(RunFolder(tmp_path), ledger), ledger)
            parties.check()
            waiting = [second.id for second in ledger.again.waiting()]
            assert len(set(waiting)) == len(waiting) == checks_due(300)
            parties.check()
            assert len(ledger.again.waiting()) == len(waiting), "nothing more is due"
