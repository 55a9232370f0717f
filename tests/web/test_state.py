"""The state of a run as the page shows it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ncenet.boxes import Boxes
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT, by_strategy
from ncenet.report.words import answers
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import write_left_out, write_predicted, write_reasons, write_test
from ncenet.run.records import ClassTest, LeftOut, PredictedImage, Reason
from ncenet.types import Query
from ncenet.web.state import Stock

HELD = [f"h{n:02}\u2028\n.jpg" for n in range(50)]
POOL = [f"p{n:03}" for n in range(120)]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.remember("class_names", '["cat", "dog"]')
        ledger.add_items([(id, f"hash of {id}", None) for id in HELD + POOL])
        ledger.record_query(0, HELD_OUT, Query(tuple(HELD), (0.0,) * 50))
        ledger.tell(dict.fromkeys(HELD, "cat"), who="ann", cycle=0)
        yield ledger


REJECTION = by_strategy("rejection")


def learned(ledger, folder, right, *, labels=20, queried_right=None, by=REJECTION):
    """One more cycle, whose model is right about the first ``right`` held-out images."""
    done = len(ledger.labeled()) - len(HELD)
    ledger.tell(dict.fromkeys(POOL[done : done + labels], "cat"), who="ann", cycle=0)
    cycle = ledger.start_cycle(ledger.last_seq())
    ledger.finish_fit(cycle, {})
    files = RunFolder(folder).cycle(cycle)
    files.path.mkdir(parents=True)
    write_test(files, ClassTest(cycle, done + labels, 50, right / 50, right / 50, {"cat": right / 50}, 1.0))
    rows = [PredictedImage(id, "cat", "cat" if n < right else "dog") for n, id in enumerate(HELD)]
    write_predicted(files, rows)
    asked = POOL[done + labels : done + 2 * labels]
    ledger.record_query(cycle, by, Query(tuple(asked), (0.0,) * len(asked)))
    if queried_right is not None:
        says = [
            {"cat": 0.9, "dog": 0.1} if n < queried_right else {"dog": 0.9, "cat": 0.1} for n in range(labels)
        ]
        write_reasons(files, {id: Reason(likelihoods=said) for id, said in zip(asked, says, strict=True)})


def test_before_any_model(ledger, tmp_path):
    state = Stock(tmp_path, ledger).take()
    assert (state["curve"], state["outlook"], state["matrix"]) == ([], None, None)
    assert (state["labeled"], state["answered"], state["counts"]) == (0, 50, {"cat": 50, "dog": 0})
    assert state["heldOut"] == {"answered": 50, "size": 50, "copies": 0}
    json.dumps(state)


def test_the_curve_and_what_further_labels_bring(ledger, tmp_path):
    stock = Stock(tmp_path, ledger)
    for right in (25, 33, 37, 39):
        learned(ledger, tmp_path, right)
    state = stock.take()
    assert [(point["labeled"], point["accuracy"]) for point in state["curve"]] == [
        *((20, 0.5), (40, 0.66), (60, 0.74), (80, 0.78))
    ]
    assert all(point["low"] < point["accuracy"] < point["high"] for point in state["curve"])
    assert 0 < state["outlook"]["gain"] < 0.2
    json.dumps(state)


def test_a_corrected_label_moves_the_whole_curve(ledger, tmp_path):
    stock = Stock(tmp_path, ledger)
    learned(ledger, tmp_path, 40)
    before = stock.take()["curve"][0]["accuracy"]
    ledger.tell({HELD[-1]: "dog"}, who="bob", cycle=1)
    assert stock.take()["curve"][0]["accuracy"] == pytest.approx(before + 1 / 50)


def test_a_label_that_came_later_measures_the_models_before_it_too(ledger, tmp_path):
    learned(ledger, tmp_path, 40)
    files = RunFolder(tmp_path).cycle(1)
    rows = [
        PredictedImage(id, "cat" if n < 20 else None, "cat" if n < 40 else "dog") for n, id in enumerate(HELD)
    ]
    write_predicted(files, rows)
    (point,) = Stock(tmp_path, ledger).take()["curve"]
    assert (point["images"], point["accuracy"]) == (50, 0.8)


def test_which_classes_the_last_model_takes_for_which(ledger, tmp_path):
    learned(ledger, tmp_path, 20)
    learned(ledger, tmp_path, 40)
    assert Stock(tmp_path, ledger).take()["matrix"] == {
        "classes": ["cat", "dog"],
        "counts": [[40, 10], [0, 0]],
    }


def test_a_model_in_the_making_is_not_there_yet(ledger, tmp_path):
    learned(ledger, tmp_path, 40)
    ledger.start_cycle(ledger.last_seq())
    assert len(Stock(tmp_path, ledger).take()["curve"]) == 1


def test_numbers_of_numpy_do_not_reach_the_page(ledger, tmp_path):
    learned(ledger, tmp_path, 40)
    (point,) = Stock(tmp_path, ledger).take()["curve"]
    assert not any(isinstance(value, np.generic) for value in point.values())


def test_copies_that_people_label_otherwise_are_named(ledger, tmp_path):
    ledger.add_items([(id, "same", None) for id in ("x.jpg", "y.jpg")])
    ledger.tell({"x.jpg": "cat"}, who="ann", cycle=0)
    assert Stock(tmp_path, ledger).take()["contradictions"] == ""
    ledger.tell({"y.jpg": "dog"}, who="bob", cycle=0)
    told = "an image has copies with another label: x.jpg and y.jpg; one of them is wrong, or both"
    assert Stock(tmp_path, ledger).take()["contradictions"] == told
    assert answers(tmp_path)["Contradictions"] == told, "of the report, which reads the ledger alone"


def test_what_labels_that_were_left_out_say(ledger, tmp_path):
    assert Stock(tmp_path, ledger).take()["leftOut"] is None
    for right in (25, 33):
        learned(ledger, tmp_path, right)
    files = RunFolder(tmp_path)
    write_left_out(files.cycle(1), LeftOut(1, 20, 12, 0.6, 5))
    told = Stock(tmp_path, ledger).take()["leftOut"]
    assert (told["labeled"], told["accuracy"]) == (20, 0.6) and told["low"] < 0.5 < 0.7 < told["high"]
    files.cycle(1).left_out.write_bytes(b"{")
    state = Stock(tmp_path, ledger).take()
    assert state["leftOut"] is None and state["damaged"][0].startswith("cycles/001/left_out.json: ")
    assert len(state["curve"]) == 2


DAMAGES = [
    b"",
    b"{",
    b"[1]",
    b'"text"',
    b"null",
    b"\xff\xfe\x00",
    b"{}",
    b"[" * 100_000,
    b'{"labeled": "20"}',
    None,
]
"""None: the file is gone."""


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["test.json", "test.csv"])
def test_a_damaged_record_is_named_and_the_others_are_told(ledger, tmp_path, name, damage):
    for _ in range(3):
        learned(ledger, tmp_path, 40, queried_right=4)
    file = tmp_path / "cycles" / "002" / name
    whole = file.read_bytes()
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    stock = Stock(tmp_path, ledger)
    for _ in range(2):
        state = stock.take()
        assert len(state["curve"]) == 2
        missing = damage is None and name != "test.csv"  # a cycle may have no test
        assert [line.split(": ")[0] for line in state["damaged"]] == (
            [] if missing else [f"cycles/002/{name}"]
        )
        assert state["answered"] == 50 + 60
        json.dumps(state)
    file.write_bytes(whole)
    state = stock.take()
    assert len(state["curve"]) == 3 and state["damaged"] == [], "put right, it is read again"


@pytest.mark.parametrize(
    "record",
    [{}, [], {"mAP_interval": [0, 1]}, {"labeled": 1, "images": 1, "mAP": "x", "metric": "mAP"}],
)
def test_a_damaged_record_of_a_detector_likewise(ledger, tmp_path, record):
    ledger.remember("task", "detection")
    ledger.tell(dict.fromkeys(HELD, Boxes().to_label()), who="ann", cycle=0)
    good = {"labeled": 20, "images": 50, "metric": "mAP", "mAP": 0.5, "mAP_interval": [0.4, 0.6]}
    good |= {"cycle": 1, "per_class": {"cat": 0.5}, "seconds": 1.0}
    for said in (good, record):
        cycle = ledger.start_cycle(ledger.last_seq())
        ledger.finish_fit(cycle, {})
        folder = tmp_path / "cycles" / f"{cycle:03d}"
        folder.mkdir(parents=True)
        (folder / "test.json").write_text(json.dumps(said))
    stock = Stock(tmp_path, ledger)
    state = stock.take()
    assert [point["accuracy"] for point in state["curve"]] == [0.5]
    assert [line.split(": ")[0] for line in state["damaged"]] == ["cycles/002/test.json"]
