"""A control share: random images among those that are asked for, as many as are wanted."""

from __future__ import annotations

import pytest

from ncenet.ledger.provenance import MEANWHILE
from ncenet.run.askers import who_asked
from ncenet.web.assignments import strewn
from tests.web.conftest import Page

TRUSTED = {"loop.held_out": 0, "loop.first": "random", "loop.query_size": 10}


def labelled(project, count):
    """Who had asked for each of so many answers to the query of a model."""
    page = Page(project)
    project.trainer.finish()  # what to ask first
    page.label(6)
    project.trainer.finish()
    before = set(who_asked(project.ledger))
    page.label(count)
    return [asked for id, asked in who_asked(project.ledger).items() if id not in before]


@pytest.mark.parametrize(("share", "expected"), [(0.25, 3), (0.5, 6)])
def test_so_large_a_part_of_the_answers_goes_to_random_images(opened, share, expected):
    asked = labelled(opened(control=share, changes=TRUSTED), 12)
    at = [n for n, each in enumerate(asked, 6) if each == MEANWHILE]
    assert at == [n for n in range(6, 18) if int(share * (n + 1)) > int(share * n)], "strewn among the others"
    assert len(at) == expected
    assert {str(each) for each in asked} == {"meanwhile", "confusion"}


def test_none_unless_somebody_wants_it(opened):
    assert {str(each) for each in labelled(opened(changes=TRUSTED), 12)} == {"confusion"}


def test_they_stay_where_they_are_when_the_server_comes_back(opened):
    project = opened(control=0.25, changes=TRUSTED)
    labelled(project, 5)
    order = [turn.id for turn in project.turns("window-1", "ann", [], 12)]
    again = opened(control=0.25, changes=TRUSTED)
    assert [turn.id for turn in again.turns("window-1", "ann", [], 12)] == order


def test_places_follow_the_answers_so_far():
    for told in range(8):
        order = strewn("x" * 9, "." * 40, share=0.2, told=told)
        places = [told + n for n, each in enumerate(order) if each == "x"]
        assert places == [n for n in range(told, told + 49) if n % 5 == 4][: len(places)] and len(places) == 9
