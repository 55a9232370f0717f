"""Labels that look wrong come up again, unmarked and not too many, and both answers stay."""

from __future__ import annotations

from ncenet.run.folder import RunFolder
from ncenet.run.record_files import write_doubts
from tests.web.conftest import Page, truth


def test_doubted_labels_come_up_again_as_many_as_the_share_allows(opened):
    project = opened(second_look=0.1)
    page = Page(project)
    page.label(12)
    project.trainer.finish()
    page.label(10)
    cycle = RunFolder(project.folder).cycle(project.ledger.cycles()[-1].number)
    labelled = [id for id, _ in project.ledger.labeled() if id not in project.held_out]
    doubted = labelled[:6]
    write_doubts(cycle, doubted)
    project.trainer.notify({"event": "learned", "cycle": 1})
    waiting = [second.id for second in project.ledger.again.waiting()]
    assert waiting == doubted[:2], "a tenth of 22 answers"
    turns = page.turns(20)
    (again,) = [turn for turn in turns if turn["id"] == waiting[0]]
    assert again["asked"] is None, "nothing says that it is for the second time"
    other = next(name for name in ("red", "green", "blue") if name != truth(waiting[0]))
    assert page.tell(waiting[0], other, hash=again["hash"]) is None
    assert page.tell(waiting[1], truth(waiting[1])) is None
    assert [tuple(one) for one in project.ledger.again.outcomes("doubt")] == [
        (waiting[0], truth(waiting[0]), other),
        (waiting[1], truth(waiting[1]), truth(waiting[1])),
    ]
    assert project.snapshot()["doubted"] == {"answered": 2, "changed": 1}
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert project.ledger.again.waiting() == [], "nothing is doubted twice"


def test_held_out_images_are_not_doubted_and_none_with_a_share_of_nothing(opened):
    project = opened(second_look=0.0)
    page = Page(project)
    page.label(12)
    project.trainer.finish()
    cycle = RunFolder(project.folder).cycle(1)
    write_doubts(cycle, [id for id, _ in project.ledger.labeled()])
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert project.ledger.again.waiting() == []
    project = opened(second_look=1.0)
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert not {second.id for second in project.ledger.again.waiting()} & project.held_out
