"""Held-out images that change while a run or a comparison goes on."""

from __future__ import annotations

import pytest

from ncenet.compare import Arm, Comparison, run
from ncenet.errors import DataError
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import write_predicted, write_test
from ncenet.run.records import BoxTest, ClassTest, PredictedImage
from ncenet.run.same_test import check_same_test
from tests.data.make import jpeg, write

NAMES = ("ant", "bee")
QUICK = {
    "train.epochs": 1,
    "train.min_steps": 2,
    "train.threads": 1,
    "loop.initial": 4,
    "loop.query_size": 2,
    "loop.cycles": 1,
    "loop.strategy": "random",
}


def write_tested(folder, labels):
    """A run whose first cycle was tested on some images."""
    files = RunFolder(folder)
    files.cycle(1).path.mkdir(parents=True)
    write_test(files.cycle(1), ClassTest(1, 4, len(labels), 1.0, 1.0, {}, 0.1))
    rows = [PredictedImage(id, label, label) for id, label in labels.items()]
    write_predicted(files.cycle(1), [*rows, PredictedImage("later.png", None, "ant")])
    return files


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"a": "ant"}, "2 images gone, such as b"),
        ({"a": "ant", "b": "bee", "c": "ant", "d": "bee"}, "1 image new, such as d"),
        ({"a": "ant", "b": "ant", "c": "ant"}, "1 image with another label, such as b"),
        ({"a": "bee", "d": "ant"}, "2 images gone, such as b; 1 image new, such as d; 1 image with another"),
    ],
)
def test_what_has_changed_is_named(tmp_path, now, said):
    files = write_tested(tmp_path, {"a": "ant", "b": "bee", "c": "ant"})
    check_same_test(files, {"c": "ant", "a": "ant", "b": "bee"})
    with pytest.raises(DataError, match=f"tested on other held-out images \\({said}"):
        check_same_test(files, now)


def test_nothing_was_tested_or_its_record_is_damaged(tmp_path):
    check_same_test(RunFolder(tmp_path / "new"), {"a": "ant"})
    files = write_tested(tmp_path, {"a": "ant"})
    files.cycle(1).predicted.write_text("id\n")
    check_same_test(files, {"b": "ant"})
    files.cycle(1).predicted.unlink()  # as before the first versions that kept it
    check_same_test(files, {"b": "ant", "c": "ant"})


def test_images_with_boxes_are_counted(tmp_path):
    files = RunFolder(tmp_path)
    files.cycle(1).path.mkdir(parents=True)
    write_test(files.cycle(1), BoxTest(1, 4, 3, 0.5, {}, 0.1, 3))
    check_same_test(files, dict.fromkeys("abc"))
    with pytest.raises(DataError, match=r"\(3 then, 2 now\)"):
        check_same_test(files, dict.fromkeys("ab"))


@pytest.fixture
def recipe(tmp_path):
    for place, count in (("train", 6), ("held", 3)):
        write(tmp_path / place, {f"{name}/{place}{n}.jpg": jpeg(n) for n in range(count) for name in NAMES})
    data = {"data.train": str(tmp_path / "train"), "data.test": str(tmp_path / "held")}
    return Recipe().with_changes(QUICK | data)


def test_a_simulation_does_not_go_on_where_a_held_out_image_is_gone(tmp_path, recipe):
    simulate(recipe, tmp_path / "run")
    image = tmp_path / "held/ant/held0.jpg"
    kept = image.read_bytes()
    image.unlink()
    more = recipe.with_changes({"loop.cycles": 2})
    with pytest.raises(DataError, match=r"1 image gone, such as ant/held0\.jpg"):
        simulate(more, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").cycle(2).fit.exists()
    image.write_bytes(kept)
    simulate(more, tmp_path / "run")
    assert RunFolder(tmp_path / "run").cycle(2).test.exists()


def test_an_arm_that_is_added_is_tested_on_what_the_others_were(tmp_path, recipe):
    few = Comparison(base=recipe, arms=[Arm(name="a")], seeds=[0])
    run(few, tmp_path / "out", processes=1)
    (tmp_path / "held/ant/held0.jpg").unlink()
    more = few.model_copy(update={"arms": (*few.arms, Arm(name="b", changes={"loop.strategy": "margin"}))})
    with pytest.raises(DataError, match=r"out/a/seed-0: its models were tested on other .*ant/held0\.jpg"):
        run(more, tmp_path / "out", processes=1)
    assert not (tmp_path / "out/b").exists()
    assert run(few, tmp_path / "out", processes=1).unfinished == (), "what is finished is only read"
