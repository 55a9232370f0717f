"""Answers from a file say what they did: what is new, what was known, what changed, what stands again."""

import json

import pytest

from ncenet.ledger import Ledger
from tests.labels.make import new_run, photos, standing


@pytest.fixture
def run(tmp_path):
    with new_run(tmp_path / "run", photos(tmp_path / "photos"), ("ant", "bee")) as run:
        yield run


@pytest.fixture
def tell(ncenet, run, tmp_path):
    def told(answers, *more, who="ann"):
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        return ncenet("tell", "run", "answers.json", "--who", who, *more)

    return told


def test_what_was_known_is_not_said_to_be_recorded(tell):
    assert tell({"a.jpg": "ant", "b.jpg": "bee"}).out == "2 answers recorded; 2 images have a label\n"
    assert tell({"a.jpg": "ant", "b.jpg": "bee"}).out == (
        "0 answers recorded, 2 known already; 2 images have a label\n"
    )
    assert tell({"a.jpg": "undo"}).out == "1 taken back; 1 image has a label\n"
    assert tell({}).out == "0 answers recorded; 1 image has a label\n"


def test_an_old_file_that_takes_a_correction_back_says_so(tell):
    first = {"a.jpg": "ant", "b.jpg": "bee"}
    tell(first)
    tell({"a.jpg": "bee"}, who="bob")
    done = tell(first)
    assert done.out.splitlines() == [
        "1 answer recorded, 1 known already; 2 images have a label",
        "corrected: 'a.jpg': 'ant', stood as 'bee' by bob",
    ]
    assert json.loads(tell({"a.jpg": "skip"}, "--json").out)["corrected"] == ["a.jpg"]


def test_who_agrees_with_somebody_corrects_nobody(tell):
    tell({"a.jpg": "ant"})
    assert tell({"a.jpg": "ant"}, who="bob").out == "1 answer recorded; 1 image has a label\n"


def test_an_answer_that_stands_again_is_named_and_can_be_taken_back(tell, run):
    for label in ("ant", "bee", "undo"):
        done = tell({"a.jpg": label})
    again = "an earlier answer stands again, which undo under another name (--who) takes back too: "
    assert done.out.splitlines() == ["1 taken back; 1 image has a label", f"{again}'a.jpg': 'ant' by ann"]
    assert "taken back before" in tell({"a.jpg": "undo"}).out
    assert tell({"a.jpg": "undo"}, who="bob").out == "1 taken back; 0 images have a label\n"
    assert standing(run) == {}


@pytest.mark.parametrize("change", ["rename", "merge"])
def test_a_class_goes_by_its_name_of_before_too(tell, run, change):
    with Ledger(run.folder / "ledger.sqlite") as elsewhere:
        tell({"a.jpg": "ant"})
        new = {"rename": "emmet", "merge": "bee"}[change]
        getattr(elsewhere.classes, change)("ant", new, who="ann")
    assert tell({"a.jpg": "ant", "b.jpg": "ant"}).out.startswith("1 answer recorded, 1 known already;")
    assert {label for _, label, *_ in standing(run).values()} == {new}


@pytest.mark.parametrize("word", ["Skip", " UNSURE ", "Undo"])
def test_a_word_that_a_spreadsheet_wrote_large_is_told_from_a_class(tell, run, word):
    done = tell({"a.jpg": "ant", "b.jpg": word})
    assert done.code == 1
    assert f"'b.jpg': {word.strip()!r} is no class; the word that is none is written" in done.said
    assert repr(word.strip().lower()) in done.said
    assert standing(run) == {}


@pytest.mark.parametrize(("word", "kind"), [(" skip", "skip"), ("unsure ", "unsure")])
def test_blanks_around_a_word_mean_nothing(tell, run, word, kind):
    assert tell({"a.jpg": word}).code == 0
    assert [kind for kind, *_ in standing(run).values()] == [kind]
