"""Budgets of boxes: who counts, what is counted, and where a query ends."""

from __future__ import annotations

import json

import pytest

from ncenet.boxes import Boxes, Detections
from ncenet.data.open import open_train
from ncenet.errors import RecipeError
from ncenet.learners.box_counts import ExpectedBoxes, boxes_of, spent
from ncenet.ledger import Ledger
from ncenet.loop.budget import asked_for, cut
from ncenet.loop.open import open_loop
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.types import Query
from tests.data.detection.make import CLASSES, samples, write_images, write_parquet
from tests.loop.fake_detector import FakeDetector

MADE = samples(24)
QUERY = Query(("a", "b", "c", "d"), (4.0, 3.0, 2.0, 1.0))


@pytest.fixture
def detector():
    """In the place of one that learns."""
    return FakeDetector(CLASSES)


@pytest.fixture
def recipe(tmp_path):
    write_parquet(tmp_path / "train.parquet", MADE)
    return Recipe(task="detection").with_changes(
        {
            "data.train": str(tmp_path / "train.parquet"),
            "loop.strategy": "confusion",
            "loop.initial": 8,
            "loop.query_size": 6,
            "loop.cycles": 4,
            "loop.budget_unit": "box",
        }
    )


def two(n):
    return Boxes(((0, 0, 5, 5),) * n, ("one",) * n).to_label()


def quarters(id, n):
    """So many detections, each a quarter likely."""
    return Detections(id, ((0, 0, 1, 1),) * n, ("one",) * n, (0.25,) * n)


def test_an_image_without_objects_counts_as_one():
    assert [boxes_of(two(n)) for n in (0, 1, 2, 5)] == [1, 1, 2, 5]
    assert spent([two(0), two(3)]) == 4


@pytest.mark.parametrize(
    ("budget", "ids"), [(1, "a"), (3, "a"), (4, "ab"), (5, "ab"), (6, "abc"), (99, "abcd")]
)
def test_a_query_ends_with_the_image_that_reaches_the_budget(budget, ids):
    looked_at = []

    def count(id):
        looked_at.append(id)
        return {"a": 3, "b": 2, "c": 1, "d": 5}[id]

    assert "".join(cut(QUERY, budget, count).ids) == ids
    assert "".join(looked_at) == ids, "no further image was counted"


def test_a_query_of_boxes_keeps_scores_beside_ids():
    assert cut(QUERY, 2, lambda _: 1.0) == Query(("a", "b"), (4.0, 3.0))
    assert cut(Query((), ()), 2, lambda _: 1.0) == Query((), ())


def test_boxes_are_counted_in_detection_alone():
    with pytest.raises(RecipeError, match="budget_unit: box needs task detection"):
        Recipe().with_changes({"loop.budget_unit": "box"})


class TestExpectedBoxes:
    def test_nobody_knows_anything(self):
        assert ExpectedBoxes({}, None, None)("a") == 1

    def test_the_mean_of_the_labelled_images(self):
        assert ExpectedBoxes({"a": two(4), "b": two(1)}, None, None)("c") == 2.5

    def test_likelihoods_are_scaled_to_what_people_drew(self):
        class Found(FakeDetector):
            def objects(self, pool, said):
                yield from (quarters(id, int(id)) for id in said.ids)

        # One labelled image with four detections at 1/4 (sum 1) and three true boxes: the factor is 3.
        expected = ExpectedBoxes({"4": two(3)}, None, Found(CLASSES))
        assert expected("8") == pytest.approx(6)
        assert expected("0") == 1, "somebody has to look at it"

    def test_what_was_found_already_is_not_looked_for_again(self):
        learner = FakeDetector(CLASSES)
        found = {"a": quarters("a", 4), "b": quarters("b", 8)}
        expected = ExpectedBoxes({"a": two(3)}, None, learner, found=found)
        assert expected("b") == pytest.approx(6)
        assert learner.predicted == []
        assert expected("c") == pytest.approx(3), "two guesses at 1/2, times the same factor"
        assert learner.predicted == ["c"]


def test_the_oracle_hands_out_what_the_budget_buys_and_no_more(tmp_path, recipe, detector):
    train = open_train(recipe)
    simulate(recipe, tmp_path / "run", train=train, learner=detector)
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        labels, queried = dict(ledger.labeled()), ledger.dump()["queried"]
    ids = [id for *_, id, _ in queried]
    assert train.required_oracle().asked == len(ids) == len(labels), (
        "an image that was counted is an image that was asked for"
    )
    for cycle in range(1, 5):
        fit = json.loads((tmp_path / "run" / "cycles" / f"{cycle:03d}" / "fit.json").read_text())
        learned = ids[: fit["labeled"]]
        budget = 8 + (cycle - 1) * 6
        assert spent(labels[id] for id in learned) == fit["boxes"] >= budget
        assert spent(labels[id] for id in learned[:-1]) < budget, (
            "without the last image it would not be reached"
        )


def test_held_out_images_of_a_simulation_are_beside_the_budget(tmp_path, recipe, detector):
    simulate(recipe.with_changes({"loop.held_out": 5, "loop.cycles": 2}), tmp_path / "run", learner=detector)
    fits = [json.loads(f.read_text()) for f in sorted((tmp_path / "run").glob("cycles/*/fit.json"))]
    assert [fit["cycle"] for fit in fits] == [1, 2]
    assert fits[0]["boxes"] >= 8 and fits[1]["boxes"] >= 14
    assert json.loads((tmp_path / "run" / "cycles" / "002" / "test.json").read_text())["images"] == 5
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.labeled()) == 5 + fits[1]["labeled"]


def test_a_budget_beyond_the_pool_takes_all_of_it(tmp_path, recipe, detector):
    simulate(
        recipe.with_changes({"loop.query_size": 1000, "loop.cycles": 5}), tmp_path / "run", learner=detector
    )
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.labeled()) == len(MADE)
        assert len(ledger.cycles()) == 2


def test_a_query_takes_one_image_even_beyond_its_budget(tmp_path, recipe, detector):
    simulate(
        recipe.with_changes({"loop.initial": 1, "loop.query_size": 1}), tmp_path / "run", learner=detector
    )
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.labeled()) >= 4, "every cycle learned something new"


def test_people_are_asked_for_as_many_boxes_as_are_expected(tmp_path, recipe, detector):
    write_images(tmp_path / "photos", MADE)
    changes = {"data.train": str(tmp_path / "photos"), "data.classes": CLASSES}
    loop, _ = open_loop(recipe.with_changes(changes), tmp_path / "run", learner=detector)
    with loop.ledger:
        first = loop.ask(8)
        assert len(first) == 8, "nothing is known yet: one box an image"
        assert loop.ask(8) == first
        assert loop.ask(5) != first, "another size is another query"
        first = loop.ask(8)
        loop.tell(dict.fromkeys(first.ids[:4], two(2)), who="ann")
        second = loop.ask(6)
        # The fake detector finds two boxes everywhere, in the labelled images with the same likelihoods.
        assert len(second) == 3
        assert loop.ask(6) == second
        assert len(loop.ask(7)) == 4


def test_a_query_whose_files_tell_of_another_is_made_again(tmp_path, recipe, detector):
    loop, _ = open_loop(recipe, tmp_path / "run", learner=detector)
    with loop.ledger:
        query = loop.ask(8, count=lambda _: 2.0)
        assert len(query) == 4
        files = loop.folder.cycle(0)
        assert asked_for(files, query) == 8
        record = json.loads(files.asked.read_text())
        assert (record["asked"], record["size"]) == (8, 4)
        files.query.write_text("rank,id,score\n0,digits/00001,0.0\n")
        assert asked_for(files, query) is None
        files.query.unlink()
        assert asked_for(files, query) is None
        assert loop.ask(8, count=lambda _: 2.0) == query, "the same numbers are drawn again"
