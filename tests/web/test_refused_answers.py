"""What the API refuses, with a sentence: what no ledger can hold, keys used twice, images that changed."""

from __future__ import annotations

import json

import PIL.Image
import pytest

from ncenet.errors import LedgerError


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/sheet", {"before": 2**63}),
        ("/api/sheet", {"before": 10**400}),
        ("/api/sheet", {"limit": 2**70}),
        ("/api/why", {"id": "\ud800"}),
        ("/api/why", {"id": "a", "\udfff": 1}),
        ("/api/turns", {"window": "window-1", "who": "ann", "want": 1, "holding": ["\udc80.png"]}),
        ("/api/answers", {"who": "ann", "entries": [{"key": "12345678", "id": "a\ud800", "kind": "skip"}]}),
        ("/api/answers", {"who": "\ud800", "entries": [{"key": "12345678", "id": "a", "kind": "skip"}]}),
    ],
)
def test_numbers_and_text_that_no_ledger_can_hold_are_refused(visitor, path, message):
    body = json.dumps(message).encode()
    headers = {"origin": "http://127.0.0.1:8765", "content-type": "application/json"}
    answer = visitor.client.post(path, content=body, headers=headers)
    assert answer.status_code == 422 and answer.json()["error"], answer.text


def test_the_largest_number_of_an_event_finds_the_latest_answers(visitor):
    (id, *_) = visitor.label(2)
    found = visitor.post("/api/sheet", {"before": 2**63 - 1}).json()["answers"]
    assert id in {said["id"] for said in found}


def test_undoing_what_is_not_there_and_a_key_used_twice_are_told_of(project, visitor):
    (turn,) = visitor.turns(1)
    key = visitor.key()
    assert visitor.tell(turn["id"], "red", key=key) is None
    told = visitor.tell("nowhere.png", kind="undo", undoes=key)
    assert told == "'nowhere.png' is not an image of this pool"
    assert "no such answer" in visitor.tell(turn["id"], kind="undo", undoes="never-sent-000")
    assert "used for something else" in visitor.tell(turn["id"], "blue", key=key)
    assert "used for something else" in visitor.tell("nowhere.png", "red", key=key)
    assert [(event.id, event.label) for event in project.ledger.events()] == [(turn["id"], "red")]


class TestReplaced:
    """An image whose file is another one by now."""

    def replace(self, project, id):
        file = project.pool.root / id
        PIL.Image.new("RGB", (24, 24), "purple").save(file)
        return file

    def test_answers_from_an_open_window_are_refused(self, project, visitor):
        turn, gone, other = visitor.turns(3)
        self.replace(project, turn["id"])
        (project.pool.root / gone["id"]).unlink()
        for kind, label in (("answer", "red"), ("skip", None)):
            why = visitor.tell(turn["id"], label, kind=kind, hash=turn["hash"])
            assert why == f"{turn['id']!r} changed since it was scanned: start ncenet label again"
        assert "changed since it was scanned" in visitor.tell(gone["id"], "red", hash=gone["hash"])
        assert visitor.tell(other["id"], "red", hash=other["hash"]) is None
        assert [event.id for event in project.ledger.events()] == [other["id"]]

    def test_what_was_recorded_before_is_acknowledged_once_more(self, project, visitor):
        (turn,) = visitor.turns(1)
        key = visitor.key()
        assert visitor.tell(turn["id"], "red", hash=turn["hash"], key=key) is None
        self.replace(project, turn["id"])
        assert visitor.tell(turn["id"], "red", hash=turn["hash"], key=key) is None

    def test_nothing_is_trained_on_other_bytes_than_were_labelled(self, project, visitor):
        visitor.label(6)
        project.trainer.finish()
        first, *_ = visitor.label(6)
        before = (project.pool.root / first).read_bytes()
        file = self.replace(project, first)
        with pytest.raises(LedgerError, match=rf"1 image changed since labelled: {first}; restore them"):
            project.trainer.finish()
        assert project.ledger.cycles() == []
        file.write_bytes(before)
        project.trainer.finish()
        assert len(project.ledger.cycles()) == 1
