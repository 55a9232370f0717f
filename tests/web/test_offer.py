"""Classes that are named when a run goes on, and a run that has none."""

from __future__ import annotations

import pytest

from ncenet.web.offer import offer
from tests.web.conftest import CLASSES, Page, truth


@pytest.mark.parametrize(
    ("wanted", "names", "renamed", "new", "gone"),
    [
        ((), "ab", (), (), ()),
        ("ab", "ba", (), (), ()),
        ("abc", "ab", (), ("c",), ()),
        ("a", "ab", (), (), ("b",)),
        (["A", "b-c"], ["a", "b c"], (("a", "A"), ("b c", "b-c")), (), ()),
        (["x"], ["a"], (), ("x",), ("a",)),
    ],
)
def test_what_differs(wanted, names, renamed, new, gone):
    found = offer(wanted, names)
    assert found == (renamed, new, gone) and bool(found) == bool(renamed or new or gone)


def test_the_offer_ends_with_what_it_offered(opened):
    opened()
    project = opened(wanted=("Red", "green", "blue", "mauve"))
    page = Page(project)
    offered = page.get("/api/state").json()["offered"]
    assert offered == {"renamed": [["red", "Red"]], "new": ["mauve"], "gone": []}
    page.post("/api/classes", {"who": "ann", "name": "mauve"})
    page.post("/api/classes/change", {"who": "ann", "kind": "rename", "name": "red", "into": "Red"})
    assert page.get("/api/state").json()["offered"] is None


def test_a_run_without_classes_gets_them_on_the_page_and_learns_them(opened):
    nameless = {"data.classes": ()}
    page = Page(opened(changes=nameless))
    assert page.get("/api/state").json()["classes"] == []
    (turn,) = page.turns(1)
    assert "red" in page.tell(turn["id"], "red", key="key-00000001")
    for name in CLASSES:
        page.post("/api/classes", {"who": "ann", "name": name})
    project = opened(changes=nameless)  # started anew, as it was
    page = Page(project, window="window-2")
    page.label(6)
    project.trainer.finish()
    page.label(6)
    project.trainer.finish()
    state = page.get("/api/state").json()
    assert state["classes"] == list(CLASSES) and len(state["curve"]) == 1
    assert {id: truth(id) for id, _ in project.ledger.labeled()} == dict(project.ledger.labeled())


def test_an_example_is_an_image_of_the_run(project, visitor):
    (turn,) = visitor.turns(1)
    change = {"who": "ann", "kind": "look", "name": "red"}
    assert (
        visitor.post("/api/classes/change", change | {"look": {"example": turn["hash"]}}).status_code == 200
    )
    assert visitor.get("/api/state").json()["looks"]["red"]["example"] == turn["hash"]
    other = visitor.post("/api/classes/change", change | {"look": {"example": "0" * 32}})
    assert other.status_code == 409 and "is no image of this run" in other.json()["error"]
    visitor.post("/api/classes/change", change | {"look": {"example": ""}})
    assert visitor.get("/api/state").json()["looks"]["red"]["example"] == ""
