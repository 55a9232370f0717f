"""Lists of what nobody has answered: by folder, in their order, read by number."""

from __future__ import annotations

import pytest

from ncenet.ledger import Answer, Ledger


@pytest.fixture
def shelves(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ids = ["b/2.png", "top.png", "a/deep/1.png", "a/x.png", "a.png", "b/1.png", "ab/1.png"]
        ledger.add_items([(id, f"hash of {id}", None) for id in ids])
        ledger.add_items([("b/broken.png", "", "cannot be read: it is cut off")])
        yield ledger


def test_what_has_an_answer_or_cannot_be_read_is_not_there_and_comes_back_with_an_undo(shelves):
    browse = shelves.review.browse
    everything = browse.unanswered()
    assert [one.id for one in browse.listed(everything)][:3] == ["b/2.png", "top.png", "a/deep/1.png"]
    assert len(everything) == 7
    shelves.tell({"b/2.png": "cat", "top.png": Answer.SKIP}, who="ann", cycle=0)
    assert len(browse.unanswered()) == 5
    first, second = browse.listed(everything[:2])
    assert (first.kind, first.label, second.kind, second.label) == ("answer", "cat", "skip", None)
    shelves.undo("b/2.png", who="ann")
    assert everything[0] in browse.unanswered() and browse.listed(everything[:1])[0].kind is None


def test_a_folder_is_all_below_it_and_none_beside_it(shelves):
    def ids(folder):
        return {one.id for one in shelves.review.browse.listed(shelves.review.browse.unanswered(folder))}

    assert ids("a") == {"a/deep/1.png", "a/x.png"}
    assert ids("a/deep") == {"a/deep/1.png"}
    assert ids("b") == {"b/2.png", "b/1.png"} and ids("nowhere") == set()
    assert shelves.review.browse.folders() == ["a", "ab", "b"]


def test_numbers_keep_the_order_that_is_asked_for(shelves):
    numbers = shelves.review.browse.numbers(["b/1.png", "a.png", "unknown.png"])
    assert set(numbers) == {"b/1.png", "a.png"}
    wanted = [numbers["b/1.png"], numbers["a.png"]]
    assert [one.id for one in shelves.review.browse.listed(wanted)] == ["b/1.png", "a.png"]
    assert [one.id for one in shelves.review.browse.listed(wanted[::-1])] == ["a.png", "b/1.png"]
