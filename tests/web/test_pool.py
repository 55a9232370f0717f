"""The pool in a grid: lists by what the model says, by folder and date, that stay while answers come in."""

from __future__ import annotations

import os
from datetime import date, timedelta

import numpy as np
import pytest

from ncenet.run.folder import RunFolder
from ncenet.run.opinions import Opinions, write_opinions
from tests.web.conftest import CLASSES, Page, truth


def believe(project, *, copies=None, shares=None):
    """Have a model say the truth of all images, of each surer than of the one before."""
    ids = tuple(item.id for item in project.ledger.items())
    sure = np.linspace(0.4, 1.0, len(ids)) if shares is None else np.full(len(ids), shares)
    said = np.repeat((1 - sure[:, None]) / (len(CLASSES) - 1), len(CLASSES), axis=1)
    said[np.arange(len(ids)), [CLASSES.index(truth(id)) for id in ids]] = sure
    nearest = (np.arange(len(ids), dtype=np.int32)[:, None] + 1) % len(ids)
    stands = np.arange(len(ids), dtype=np.int32)
    for first, *others in copies or ():
        stands[[ids.index(id) for id in others]] = ids.index(first)
    project.ledger.start_cycle(project.ledger.last_seq())
    cycle = RunFolder(project.folder).cycle(project.ledger.cycles()[-1].number)
    cycle.path.mkdir(parents=True, exist_ok=True)
    scores = np.zeros((len(ids), 2), np.float32)
    cosines = np.ones(nearest.shape, np.float32)
    write_opinions(
        cycle, Opinions(cycle.number, ids, CLASSES, said.astype(np.float32), scores, nearest, cosines, stands)
    )


def asked(visitor, start=0, count=100, name=None, **wanted):
    answer = visitor.post(
        "/api/pool", {"wanted": wanted, "start": start, "count": count, **({"name": name} if name else {})}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(found):
    return [image["id"] for image in found["images"]]


def test_everything_without_an_answer_and_nothing_that_measures(project, visitor):
    done = visitor.label(8)
    found = asked(visitor)
    everything = {item.id for item in project.ledger.items()}
    assert set(ids(found)) == everything - set(done) - project.held_out
    assert found["total"] == len(found["images"]) and found["dated"] is True
    assert all(image["guess"] is None for image in found["images"]), "there is no model yet"
    assert asked(visitor, guess="red")["total"] == 0


def test_a_list_stays_as_it_is_and_says_what_was_answered_meanwhile(project, visitor):
    found = asked(visitor, count=5)
    first = found["images"][0]
    assert visitor.tell(first["id"], "red", hash=first["hash"]) is None
    again = asked(visitor, count=5, name=found["name"])
    assert ids(again) == ids(found) and again["name"] == found["name"]
    assert (again["images"][0]["kind"], again["images"][0]["label"]) == ("answer", "red")
    assert first["id"] not in ids(asked(visitor)), "a new list leaves it out"
    assert ids(asked(visitor, start=3, count=2, name=found["name"])) == ids(found)[3:5]
    forgotten = asked(visitor, name="a-name-of-another-server")
    assert forgotten["total"] == found["total"] - 1, "made anew"


def test_by_what_the_model_says_and_how_sure_it_is(project, visitor):
    believe(project)
    reds = asked(visitor, guess="red", order="unsure")
    assert ids(reds) and all(truth(id) == "red" for id in ids(reds))
    shares = [image["share"] for image in reds["images"]]
    assert shares == sorted(shares)
    sure = asked(visitor, guess="red", order="sure", low=0.8)
    assert ids(sure) == [id for id in ids(reds)[::-1] if id in ids(sure)]
    assert {image["id"] for image in reds["images"] if image["share"] >= 0.8} == set(ids(sure))
    project.change_classes(_rename("red", "scarlet"))
    renamed = asked(visitor, guess="scarlet")
    assert set(ids(renamed)) == set(ids(reds)) and renamed["images"][0]["guess"] == "scarlet"


def _rename(name, into):
    from ncenet.web.messages import ChangeClasses

    return ChangeClasses(who="ann", kind="rename", name=name, into=into)


def test_by_date_of_the_file(project, visitor):
    found = asked(visitor)
    old, new = ids(found)[:2]
    today = date.today()
    for id, days in ((old, 900), (new, 400)):
        at = (today - timedelta(days=days)).strftime("%s")
        os.utime(project.pool.root / id, (int(at), int(at)))
    before = str(today - timedelta(days=300))
    assert ids(asked(visitor, until=before, order="old")) == [old, new]
    assert ids(asked(visitor, until=before, order="new")) == [new, old]
    assert ids(asked(visitor, until=before, since=str(today - timedelta(days=500)))) == [new]
    assert old not in ids(asked(visitor, since=before))


@pytest.mark.parametrize("wanted", [{"low": -1}, {"order": "random"}, {"since": "yesterday"}, {"more": 1}])
def test_what_cannot_be_wanted_is_refused(visitor, wanted):
    answer = visitor.post("/api/pool", {"wanted": wanted})
    assert answer.status_code == 422 and "wanted" in answer.json()["error"]


def test_what_was_picked_is_recorded_as_such_and_says_nothing_about_groups(project, visitor):
    believe(project)
    picked = asked(visitor, guess="green", order="sure", count=6)["images"]
    together = {"party": "picked-one", "shown": 6, "kept": 6, "purity": 0.9, "kind": "picked"}
    for image in picked:
        assert visitor.tell(image["id"], "green", together=together) is None
    assert project.ledger.again.together() == {image["id"] for image in picked}
    assert project.ledger.again.groups() == [], "groups are not taken to be purer for it"
    assert project.ledger.dump()["parties"] == [("picked-one", "picked", None)]


def test_of_near_copies_one_is_asked_for_and_its_label_offered_to_the_others(opened):
    project = opened()
    page = Page(project)
    page.label(12)
    open_ids = [id for id in ids(asked(page)) if truth(id) == "blue"]
    first, *others = open_ids[:4]
    believe(project, copies=[(first, *others)], shares=0.9)
    project.trainer.notify({"event": "learned", "cycle": 1})
    (turn,) = [turn for turn in _turns_with(project, page, [first, *others]) if turn["id"] == first]
    assert turn["copies"] == 3
    offer = page.post("/api/group", {"window": page.window, "who": page.who, "of": first}).json()["group"]
    assert offer["kind"] == "copies" and offer["of"]["id"] == first and offer["label"] is None
    assert [image["id"] for image in offer["images"]] == others
    assert page.tell(first, "blue") is None
    group = page.post("/api/group", {"window": page.window, "who": page.who}).json()["group"]
    assert (group["kind"], group["label"]) == ("copies", "blue"), "copies come before other groups"
    assert [image["id"] for image in group["images"]] == others
    how = {"party": group["party"], "shown": 3, "kept": 2, "purity": 1.0, "kind": "copies", "of": first}
    for id in others[:2]:
        assert page.tell(id, "blue", together=how) is None
    assert project.ledger.dump()["parties"] == [(group["party"], "copies", first)]
    crossed = {"left": others[2:], "crossed": ["blue"]}
    group = page.post("/api/group", {"window": page.window, "who": page.who, **crossed}).json()["group"]
    assert group["kind"] == "class", "what was crossed out is not offered once more"
    assert project.ledger.again.crossed() == {others[2]: {"blue"}}


def _turns_with(project, page, wanted):
    """What is on the desk when a query asks for these images."""
    from ncenet.ledger.provenance import by_strategy
    from ncenet.types import Query

    cycle = project.ledger.cycles()[-1].number
    project.ledger.record_query(cycle, by_strategy("margin"), Query(tuple(wanted), (1.0,) * len(wanted)))
    project.trainer.notify({"event": "learned", "cycle": 1})
    turns = page.turns(12)
    assert not {turn["id"] for turn in turns} & set(wanted[1:])
    return turns
