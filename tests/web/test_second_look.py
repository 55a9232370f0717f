"""Labels that look wrong come up again, unmarked and not too many, and both answers stay."""

from __future__ import annotations

from ncenet.ledger.inbox import Delivery, Together
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import write_doubts
from ncenet.web import together
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
    assert [tuple(one)[:3] for one in project.ledger.again.outcomes("doubt")] == [
        (waiting[0], truth(waiting[0]), other),
        (waiting[1], truth(waiting[1]), truth(waiting[1])),
    ]
    assert project.snapshot()["doubted"]["labels"] == {"answered": 2, "changed": 1}
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


def asked_again(project):
    return {second.id: second.suspicion for second in project.ledger.again.waiting()}


def test_an_image_in_dispute_comes_up_again_for_a_third_person_if_there_is_one(opened):
    project = opened(second_look=0.1)
    ann, bob, eve = Page(project), Page(project, "bob", "window-2"), Page(project, "eve", "window-3")
    first, *_ = ann.label(12)
    project.trainer.finish()
    ann.label(8)
    other = next(name for name in ("red", "green", "blue") if name != truth(first))
    assert bob.tell(first, other) is None
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert asked_again(project) == {first: "dispute"}
    eve.turns(1)  # she is here
    assert first not in {turn["id"] for turn in ann.turns(20)} | {turn["id"] for turn in bob.turns(20)}
    ann.turns(0), bob.turns(0)
    (again,) = [turn for turn in eve.turns(20) if turn["id"] == first]
    assert again["asked"] is None, "nothing says that others have answered"
    assert eve.tell(first, truth(first), hash=again["hash"]) is None
    answers = {said.who: said.label for said in project.ledger.review.answers(first)}
    assert answers == {"ann": truth(first), "bob": other, "eve": truth(first)}, "all stay on record"
    assert project.ledger.review.standing(first).label == truth(first)
    doubted = project.snapshot()["doubted"]
    assert doubted["disputes"] == {"answered": 1, "changed": 1}, "the answer that stood was not borne out"
    assert doubted["labels"] == {"answered": 0, "changed": 0}
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert asked_again(project) == {}, "nothing comes up for a third time"


def test_who_is_alone_is_asked_about_a_dispute_again(opened):
    project = opened(second_look=0.1)
    ann, bob = Page(project), Page(project, "bob", "window-2")
    first, *_ = ann.label(12)
    project.trainer.finish()
    ann.label(8)
    assert bob.tell(first, kind="skip") is None
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert first in {turn["id"] for turn in ann.turns(20)}


def test_disputes_come_before_what_the_model_doubts_and_share_its_room(opened):
    project = opened(second_look=0.1)
    ann, bob = Page(project), Page(project, "bob", "window-2")
    ids = ann.label(12)
    project.trainer.finish()
    ann.label(10)
    cycle = RunFolder(project.folder).cycle(project.ledger.cycles()[-1].number)
    learned = [id for id in ids if id not in project.held_out]
    write_doubts(cycle, learned[1:4])
    assert bob.tell(learned[0], kind="unsure") is None
    project.trainer.notify({"event": "learned", "cycle": 1})
    assert asked_again(project) == {learned[0]: "dispute", learned[1]: None}


def test_of_answers_in_groups_as_many_are_asked_again_as_are_due(project, monkeypatch):
    """A sample without repeats: one that is drawn twice would be one too few."""
    monkeypatch.setattr(together, "checks_due", lambda answers: answers - 1)
    ids = sorted({*project.pool.ids()} - project.held_out)[:21]
    how = Together("party-1", len(ids), len(ids), 0.9)
    project.deliver([Delivery(f"key-{n:05}", "ann", id, truth(id), together=how) for n, id in enumerate(ids)])
    due = [second.id for second in project.ledger.again.waiting()]
    assert len(set(due)) == len(due) == 20 and set(due) <= set(ids)
