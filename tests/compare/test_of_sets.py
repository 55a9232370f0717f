"""What is wrong with one of several data sets is told with its name: their folders may have one name."""

import numpy as np
import pytest

from ncenet.compare import Arm, Comparison, run
from ncenet.compare.costs import cost
from ncenet.compare.data_sets import DataSet, of_sources
from ncenet.compare.remarks import remarks
from ncenet.compare.trials import check_readable
from ncenet.errors import DataError, UnreadableImages, UsageError
from ncenet.loop.estimate import Speed
from ncenet.recipe import Recipe
from tests.data.make import gray_png, write

BASE = Recipe().with_changes(
    {"loop.strategy": "random", "loop.initial": 4, "loop.query_size": 2, "loop.cycles": 1}
)
ARMS = [Arm(name="random"), Arm(name="margin", changes={"loop.strategy": "margin"})]


def listed(*sets, arms=ARMS, **fields):
    return Comparison(base=BASE, data=sets, arms=arms, seeds=[0], **fields)


def vectors(folder, test="ab", train="ab"):
    """Vectors to choose from and to test on, of these classes; the same names of files in each folder."""
    folder.mkdir()
    for name, of in (("train", train), ("test", test)):
        np.savez(folder / f"{name}.npz", X=np.eye(12, 3), y=np.array([*of] * 12)[:12])
    return DataSet(name=folder.name, train=str(folder / "train.npz"), test=str(folder / "test.npz"))


def images(folder, *broken):
    for part in ("train", "test"):
        names = ("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")
        write(folder / part, {name: gray_png(seed) for seed, name in enumerate(names)})
    write(folder, dict.fromkeys(broken, b"no image"))
    return DataSet(name=folder.name, train=str(folder / "train"), test=str(folder / "test"))


def test_mistakes_in_images_name_the_set(tmp_path):
    good, other = vectors(tmp_path / "good"), vectors(tmp_path / "other", "abc")
    alone = vectors(tmp_path / "alone", "a", "a")
    without = good.model_copy(update={"name": "bare", "test": None})
    for wrong, said in (
        (other, r"^data set 'other': test: the test images have 1 class \(c\)"),
        (alone, r"^data set 'alone': 'a' is the only class, and a model tells two apart at least: let there"),
        (without, r"^data set 'bare': .*: nothing to test on; name held-out images as its test, or"),
        (DataSet(name="lost", train="nowhere"), "^data set 'lost': nowhere: no built-in data set"),
    ):
        with pytest.raises((DataError, UsageError), match=said):
            run(listed(good, wrong), tmp_path / "out", processes=1)
        with pytest.raises((DataError, UsageError), match=said):
            cost(listed(good, wrong), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_mistakes_in_features_name_the_set(tmp_path):
    own = images(tmp_path / "own").model_copy(update={"features": str(tmp_path / "few.npz")})
    np.savez(tmp_path / "few.npz", ids=np.array(["cat/1.png"]), vectors=np.eye(1))
    with pytest.raises(DataError, match=r"^data set 'own': .*few\.npz"):
        run(listed("digits", own), tmp_path / "out", processes=1)


def test_unreadable_images_name_the_set_and_stay_what_they_are(tmp_path):
    broken = images(tmp_path / "worn", "train/cat/0.png")
    with pytest.raises(UnreadableImages, match=r"^data set 'worn': 1 unreadable image:") as raised:
        check_readable(listed("digits", broken), tmp_path / "out", lambda event: None)
    assert [problem.id for problem in raised.value.problems] == ["cat/0.png"]


def test_one_data_set_has_no_name(tmp_path):
    alone = Comparison(base=BASE.with_changes({"data.train": "nowhere"}), arms=ARMS, seeds=[0])
    with pytest.raises(UsageError, match=r"^nowhere: no built-in data set"):
        run(alone, tmp_path, processes=1)


def test_notes_name_the_set_so_that_the_second_of_the_same_words_is_told(tmp_path):
    told = []
    both = [images(tmp_path / name, "train/cat/0.png") for name in ("one", "two")]
    skipping = listed(*both, arms=ARMS[:1]).model_dump() | {
        "base": BASE.with_changes({"data.on_bad_image": "skip", "model.features": "gist"})
    }
    run(Comparison.model_validate(skipping), tmp_path / "out", processes=1, on_event=told.append)
    notes = [event["text"] for event in told if event["event"] == "note" and "left out" in event["text"]]
    assert [note.partition(" image")[0] for note in notes] == [
        "data set 'one': left out: 1",
        "data set 'two': left out: 1",
    ]


def test_arms_that_are_one_on_some_sets_are_told_with_the_set():
    soft = {"model.head.name": "softmax"}
    arms = [Arm(name="a"), Arm(name="b", changes=soft), Arm(name="c", changes=soft)]
    found = remarks(listed("digits", {"train": "shapes", "changes": soft}, arms=arms))
    assert [remark.partition(" have")[0] for remark in found] == [
        "data set 'digits': arms 'b' and 'c'",
        "data set 'shapes': arms 'a' and 'b' and 'c'",
    ]
    everywhere = remarks(listed("digits", "shapes", arms=arms))
    assert [remark.partition(" have")[0] for remark in everywhere] == ["arms 'b' and 'c'"]


def test_an_arm_of_a_figure_has_its_head_on_every_set():
    to_softmax = {"train": "shapes", "changes": {"model.head.name": "softmax"}}
    with pytest.raises(ValueError, match=r"data set 'shapes': figures\.nce: arm 'margin' has another head"):
        listed("digits", to_softmax, figures={"nce": "margin"})
    assert listed("digits", "shapes", figures={"nce": "margin"}).figures.nce == "margin"


def test_all_sets_have_one_task_before_anything_is_trained():
    boxes = {"train": "shapes", "changes": {"task": "detection"}}
    said = r"classification \(data set 'digits'\) and detection \(data set 'shapes'\)"
    with pytest.raises(ValueError, match=said):
        listed("digits", boxes)


def test_an_arm_is_the_oracle_on_all_sets_or_on_none():
    base = BASE.with_changes({"loop.strategy": "margin", "model.features": "gist"})
    arms = [Arm(name="random", changes={"loop.strategy": "random"}), Arm(name="NCE")]
    reading = {"train": "shapes", "changes": {"loop.strategy": "oracle"}}
    for sets in (["digits", reading], [reading, "digits"]):
        with pytest.raises(ValueError, match="data set 'shapes': arm 'NCE' is the oracle, and not on all"):
            Comparison(base=base, data=sets, arms=arms, seeds=[0])


def test_a_dry_run_tells_apart_what_is_to_be_embedded(tmp_path):
    sets = [images(tmp_path / name).model_copy(update={"features": "gist"}) for name in ("one", "two")]
    found = cost(listed(*sets), tmp_path / "out", measure=lambda *_: Speed(0.1, 0.1, 10, (1, 8, 8)))
    assert [each.data for each in found.embeddings] == ["one", "two"]


def test_a_version_is_no_suffix():
    called = [each.called for each in of_sources(["photos-v1.5", "photos-v1.6", "a/pets.parquet"], [])]
    assert called == ["photos-v1.5", "photos-v1.6", "pets"]


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (["."], r"data set '\.': give it a name: \{name: \.\.\., train: \.\}"),
        (["a/x.csv", "a/x.parquet"], r"'x' and 'x' would .*give one another name in the file, as in \{name"),
    ],
)
def test_what_to_do_where_a_path_gives_no_name(sets, said):
    with pytest.raises(ValueError, match=said):
        listed(*sets)
