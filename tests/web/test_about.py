"""What the page tells of an image beside its label, and notes on images."""

from __future__ import annotations

import io

import PIL.Image

from tests.data.test_exif import BERLIN, photograph
from tests.web.conftest import Page


def test_when_and_where_an_image_was_taken_is_told_when_asked(opened, tmp_path):
    data = photograph({272: "X"}, {36867: "2026:06:01 12:30:05"}, BERLIN)
    (tmp_path / "photos" / "taken.jpg").write_bytes(data)
    page = Page(opened())
    told = page.post("/api/details", {"id": "taken.jpg"}).json()
    assert told["taken"] == {
        "at": "2026-06-01 12:30:05",
        "latitude": 52.51,
        "longitude": 13.375,
        "camera": "X",
    }
    assert (told["size"], told["bytes"], told["note"]) == ([8, 8], len(data), None)
    assert page.post("/api/details", {"id": "../taken.jpg"}).status_code == 409


def test_what_a_camera_wrote_leaves_with_no_picture(opened, tmp_path):
    (tmp_path / "photos" / "taken.jpg").write_bytes(photograph(place=BERLIN))
    project = opened()
    hash = project.ledger.review.items(["taken.jpg"])["taken.jpg"].hash
    for size in ("view", "sheet", "original"):
        served = PIL.Image.open(io.BytesIO(Page(project).get(f"/images/{size}/{hash}").content))
        assert not served.getexif().get_ifd(0x8825)


def test_notes_are_kept_shown_and_taken_along(project, visitor):
    (turn,) = visitor.turns(1)
    assert "note" not in turn
    for who, text in (("ann", "blurred, ask Ben"), ("ben", " a cat? ")):
        assert visitor.post("/api/note", {"who": who, "id": turn["id"], "text": text}).status_code == 200
    (again,) = visitor.turns(1, holding=[turn["id"]])
    assert (again["id"], again["note"]) == (turn["id"], "a cat?")
    assert visitor.post("/api/details", {"id": turn["id"]}).json()["note"]["who"] == "ben"
    visitor.tell(turn["id"], "red")
    assert visitor.post("/api/sheet", {}).json()["answers"][0]["note"] == "a cat?"
    lines = visitor.get("/files/notes.csv").text.splitlines()
    assert lines[0] == "id,who,at,note" and lines[1].startswith(f"{turn['id']},ben,2")
    visitor.post("/api/note", {"who": "ann", "id": turn["id"], "text": ""})
    assert project.ledger.notes.of() == {}


def test_a_note_on_no_image_or_too_long_a_one_is_refused(visitor):
    (turn,) = visitor.turns(1)
    assert visitor.post("/api/note", {"who": "ann", "id": "nowhere", "text": "x"}).status_code == 409
    assert visitor.post("/api/note", {"who": "ann", "id": turn["id"], "text": "x" * 1001}).status_code == 422
