"""What tools set apart for testing never comes into a pool unseen, wherever they write that down."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import open_dataset, open_test
from ncenet.errors import DataError
from ncenet.recipe import DataRecipe, Recipe
from ncenet.run.opening import survey
from tests.data.make import jpeg, write
from tests.data.make_shards import tar

APART = {
    "a stray image": ["train/1.jpg", "valid/2.jpg", "cover.jpg"],
    "a folder around": ["birds/Training/wren/1.jpg", "birds/Testing/wren/2.jpg"],
    "two folders around": ["a/b/train/1.jpg", "a/b/val2017/2.jpg", "a/other/3.jpg"],
    "a word before": ["seg_train/x/1.jpg", "seg_test/x/2.jpg", "seg_pred/3.jpg"],
    "a word behind": ["train-jpg/1.jpg", "test-jpg/2.jpg"],
    "in one word": ["TrainImages/1.jpg", "TestImages/2.jpg"],
    "held out": ["x/train/1.jpg", "x/hold-out/2.jpg", "y/3.jpg"],
}


@pytest.mark.parametrize("task", ["classification", "detection"])
@pytest.mark.parametrize("ids", APART.values(), ids=APART)
def test_folders(tmp_path, ids, task):
    write(tmp_path, {id: jpeg(n) for n, id in enumerate(ids)})
    with pytest.raises(DataError, match=r"holds splits, not classes: .* Name each by itself"):
        open_dataset(str(tmp_path), task=task)


@pytest.mark.parametrize(
    "ids",
    [
        ["bus/1.jpg", "train/2.jpg"],
        ["train set/1.jpg", "test tube/2.jpg"],
        ["day 1/test/1.jpg", "day 2/test/2.jpg"],
        ["img/1.jpg", "train/2.jpg", "3.jpg"],
    ],
)
def test_folders_that_are_none(tmp_path, ids):
    write(tmp_path, {id: jpeg(n) for n, id in enumerate(ids)})
    assert set(open_dataset(str(tmp_path)).pool.ids()) == set(ids)


@pytest.mark.parametrize(
    ("images", "others"), [("images", "masks"), ("JPEGImages", "SegmentationClass"), ("img", "Thumbs")]
)
def test_masks_are_no_class(tmp_path, images, others):
    write(tmp_path, {f"{images}/1.jpg": jpeg(1), f"{others}/1.png": jpeg(2)})
    with pytest.raises(
        DataError, match=f"images in {images} and what belongs to them in {others}, not classes"
    ):
        open_dataset(str(tmp_path))
    assert list(open_dataset(str(tmp_path / images)).pool.ids()) == ["1.jpg"]


def test_images_beside_classes_are_named(tmp_path):
    write(tmp_path, {f"{id}.jpg": jpeg(n) for n, id in enumerate(("ant/1", "bee/2", "bee/3", "cover"))})
    (told,) = open_dataset(str(tmp_path)).notes
    assert told.endswith("2 folders would be classes, but for 1 image beside them, such as cover.jpg")


SHARDS = [
    ("data/train-00000-of-00002", "data/train-00001-of-00002", "data/test-00000-of-00001"),
    ("birds-train", "birds-validation"),
    ("train/0", "dev/0"),
]


def rows(label):
    return pa.table({"image": [jpeg(n) for n in range(2)], "label": [label] * 2})


@pytest.mark.parametrize("names", SHARDS)
def test_parquet_shards(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(rows("ant"), tmp_path / f"{name}.parquet")
    with pytest.raises(DataError, match=r"holds shards of several splits, such as .* name those of each"):
        open_dataset(str(tmp_path))
    some = open_dataset(str(tmp_path / f"{names[0]}.parquet"))
    assert len(some.pool.ids()) == 2, "those of one split, named by themselves"


@pytest.mark.parametrize("names", SHARDS)
def test_web_datasets(tmp_path, names):
    for name in names:
        tar(tmp_path / f"{name}.tar", {f"{name[:3]}.jpg": jpeg(1), f"{name[:3]}.cls": b"ant"})
    with pytest.raises(DataError, match="holds shards of several splits"):
        open_dataset(str(tmp_path))


def test_shards_of_one_split(tmp_path):
    for n in range(2):
        pq.write_table(rows("ant"), tmp_path / f"train-0000{n}-of-00002.parquet")
    assert len(open_dataset(str(tmp_path)).pool.ids()) == 4


COLUMNS = {
    "split": ["train", "train", "test"],
    "set": ["TRAIN", "VALIDATION", "TEST"],
    "Usage": ["Training", "Training", "PrivateTest"],
    "is_valid": [False, False, True],
    "test": ["0", "1", "0"],
    "whatever it is": ["dev", "train", "dev"],
}
NONE = {
    "split": ["train", "train", "train"],
    "note": ["a train", "a test", "a cat"],
    "fold": ["0", "1", "2"],
    "is_valid": [True, True, True],
    "a file": ["train/1.jpg", "test/2.jpg", "test/3.jpg"],
}


def table(folder, form, column, values):
    """Three images in a table of a form, with a column."""
    paths = [f"im/{n}.jpg" for n in range(3)]
    write(folder, {path: jpeg(n) for n, path in enumerate(paths)})
    boxed = [[[1.0, 1.0, 20.0, 20.0]]] * 3
    if form == "csv":
        lines = [f"path,label,{column}", *(f"{p},ant,{v}" for p, v in zip(paths, values, strict=True))]
        file, task = folder / "list.csv", "classification"
        file.write_text("\n".join(lines))
    elif form == "boxes in csv":
        lines = [f"path,x1,y1,x2,y2,label,{column}"]
        lines += [f"{p},1,1,20,20,ant,{v}" for p, v in zip(paths, values, strict=True)]
        file, task = folder / "list.csv", "detection"
        file.write_text("\n".join(lines))
    elif form == "coco":
        file, task = folder / "list.json", "detection"
        images = [
            {"id": n, "file_name": p, column: v} for n, (p, v) in enumerate(zip(paths, values, strict=True))
        ]
        record = {"images": images, "categories": [{"id": 1, "name": "ant"}], "annotations": []}
        file.write_text(json.dumps(record))
    elif form == "vectors in npz":
        file, task = folder / "list.npz", "classification"
        np.savez(file, X=np.eye(3), y=["ant"] * 3, **{column: values})
    elif form == "vectors in parquet":
        file, task = folder / "list.parquet", "classification"
        columns = {"vector": np.eye(3).tolist(), "label": ["ant"] * 3, column: values}
        pq.write_table(pa.table(columns), file, row_group_size=1)
    else:
        file, task = folder / "list.parquet", "detection" if "boxes" in form else "classification"
        columns = {"image": [jpeg(n) for n in range(3)], column: values}
        columns |= {"boxes": boxed, "labels": [["ant"]] * 3} if "boxes" in form else {"label": ["ant"] * 3}
        pq.write_table(pa.table(columns), file, row_group_size=1)
    return open_dataset(str(folder) if form == "shards" else str(file), task=task)


FORMS = ("csv", "boxes in csv", "coco", "parquet", "boxes in parquet", "vectors in npz", "vectors in parquet")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("column", "values"), COLUMNS.items(), ids=COLUMNS)
def test_columns(tmp_path, form, column, values):
    with pytest.raises(DataError, match=rf"column '{column}' sets (rows|images) apart"):
        table(tmp_path, form, column, values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("column", "values"), NONE.items(), ids=NONE)
def test_columns_that_set_nothing_apart(tmp_path, form, column, values):
    assert len(table(tmp_path, form, column, values).pool.ids()) == 3


def test_a_column_of_shards(tmp_path):
    for n, part in enumerate(("train", "train", "test")):
        columns = {"image": [jpeg(n)], "label": ["ant"], "split": [part]}
        pq.write_table(pa.table(columns), tmp_path / f"{n}.parquet")
    with pytest.raises(DataError, match="sets rows apart"):
        open_dataset(str(tmp_path))


def coco(*names):
    images = [{"id": n, "file_name": name} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9]} for n in range(len(names))]
    record = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "ant"}]}
    return json.dumps(record).encode()


def splits(root):
    train = open_dataset(str(root), task="detection")
    test = open_test(DataRecipe(train=str(root)), train)
    return list(train.pool.ids()), test and list(test.pool.ids()), train.notes


@pytest.mark.parametrize("test", ["test.json", "val.json"])
@pytest.mark.parametrize("spelled", ["{}", "./{}", "../images/{}"])
def test_an_image_in_two_coco_files_is_for_testing(tmp_path, test, spelled):
    names = [f"{n}.jpg" for n in range(4)]
    write(tmp_path, {f"images/{name}": jpeg(n) for n, name in enumerate(names)})
    write(
        tmp_path, {"train.json": coco(*names), test: coco(spelled.format("3.jpg"), spelled.format("1.jpg"))}
    )
    train, tested, notes = splits(tmp_path)
    assert (train, len(tested)) == (["0.jpg", "2.jpg"], 2)
    assert "2 test images among the training images taken out" in notes


def test_coco_files_of_the_same_images(tmp_path):
    write(tmp_path, {f"images/{n}.jpg": jpeg(n) for n in range(2)})
    write(tmp_path, {"train.json": coco("0.jpg", "1.jpg"), "test.json": coco("1.jpg", "0.jpg")})
    train, tested, notes = splits(tmp_path)
    assert (train, tested) == (["0.jpg", "1.jpg"], None)
    assert notes[-1].endswith("test.json, are the training images: they were passed over")


def test_coco_files_of_other_images_of_the_same_names(tmp_path):
    write(tmp_path, {f"{part}/0.jpg": jpeg(n) for n, part in enumerate(("train", "test"))})
    for part in ("train", "test"):
        write(tmp_path, {f"annotations/instances_{part}.json": coco("0.jpg")})
    assert splits(tmp_path)[:2] == (["0.jpg"], ["0.jpg"])


@pytest.mark.parametrize("listed", ["{}.txt", "autosplit_{}.txt"])
@pytest.mark.parametrize("part", ["val", "test"])
def test_lists_beside_yolo_without_settings(tmp_path, listed, part):
    write(tmp_path, {f"images/{n}.jpg": jpeg(n) for n in range(3)})
    write(tmp_path, {f"labels/{n}.txt": b"0 .5 .5 .4 .4" for n in range(3)} | {"classes.txt": b"ant"})
    write(tmp_path, {listed.format("train"): b"./images/0.jpg\nimages/1.jpg\n"})
    write(tmp_path, {listed.format(part): b"images/2.jpg\n"})
    assert splits(tmp_path)[:2] == (["images/0.jpg", "images/1.jpg"], ["images/2.jpg"])


def test_a_note_called_like_a_list_is_none(tmp_path):
    write(tmp_path, {"images/0.jpg": jpeg(0), "labels/0.txt": b"0 .5 .5 .4 .4", "classes.txt": b"ant"})
    write(tmp_path, {"test.txt": b"we tested this in june\n"})
    assert splits(tmp_path)[:2] == (["images/0.jpg"], None)


@pytest.mark.parametrize("folder", ["data", "cfg"])
def test_darknet_from_its_own_root(tmp_path, folder):
    write(tmp_path, {f"data/obj/{n}.jpg": jpeg(n) for n in range(3)})
    write(tmp_path, {f"data/obj/{n}.txt": b"0 .5 .5 .4 .4" for n in range(3)})
    stated = f"classes=1\ntrain = data/train.txt\nvalid = data/test.txt\nnames = {folder}/obj.names\n"
    write(tmp_path, {f"{folder}/obj.data": stated.encode(), f"{folder}/obj.names": b"ant\n"})
    write(tmp_path, {"data/train.txt": b"data/obj/0.jpg\ndata/obj/1.jpg\n"})
    write(tmp_path, {"data/test.txt": b"data/obj/2.jpg\n"})
    assert splits(tmp_path)[:2] == (["data/obj/0.jpg", "data/obj/1.jpg"], ["data/obj/2.jpg"])


@pytest.mark.parametrize("name", ["coco8.yaml", "birds.yml"])
def test_settings_of_yolo_by_another_name(tmp_path, name):
    write(tmp_path, {f"images/{part}/0.jpg": jpeg(n) for n, part in enumerate("ab")})
    write(tmp_path, {f"labels/{part}/0.txt": b"0 .5 .5 .4 .4" for part in "ab"} | {"classes.txt": b"ant"})
    write(tmp_path, {name: b"train: images/a\nval: images/b\nnames: [ant]\n", "notes.yaml": b"names: [me]\n"})
    assert splits(tmp_path)[:2] == (["images/a/0.jpg"], ["images/b/0.jpg"])


def test_splits_of_yolo_with_labels_beside(tmp_path):
    for n, part in enumerate(("train", "valid", "test")):
        write(tmp_path, {f"{part}/0.jpg": jpeg(n), f"{part}/0.txt": b"0 .5 .5 .4 .4"})
    write(tmp_path, {"train/_darknet.labels": b"ant\n"})
    assert splits(tmp_path)[:2] == (["train/0.jpg"], ["test/0.jpg"])


@pytest.mark.parametrize("form", ["coco", "csv", "folder", "links", "shards"])
def test_a_file_that_is_named_for_both_is_refused(tmp_path, form):
    write(tmp_path, {f"im/{label}/{n}.jpg": jpeg(n) for label, n in (("ant", 0), ("bee", 1), ("bee", 2))})
    task = "detection" if form == "coco" else "classification"
    if form == "coco":
        write(tmp_path, {"a.json": coco("im/ant/0.jpg", "im/bee/1.jpg"), "b.json": coco("im/bee/1.jpg")})
        train, test = "a.json", "b.json"
    elif form == "csv":
        rows = b"path,label\nim/ant/0.jpg,ant\nim/bee/1.jpg,bee\n"
        write(tmp_path, {"a.csv": rows, "b.csv": b"path,label\nim/bee/../bee/1.jpg,bee\n"})
        train, test = "a.csv", "b.csv"
    elif form == "links":
        for label, n in (("ant", 0), ("bee", 1)):
            (tmp_path / "held" / label).mkdir(parents=True)
            (tmp_path / "held" / label / f"{n}.jpg").symlink_to(tmp_path / "im" / label / f"{n}.jpg")
        train, test = "im", "held"
    elif form == "shards":
        for name in "ab":
            table = pa.table({"image": [jpeg(ord(name)), jpeg(9)], "label": ["ant", "bee"]})
            (tmp_path / "all").mkdir(exist_ok=True)
            pq.write_table(table, tmp_path / "all" / f"{name}.parquet")
        train, test = "all", "all/b.parquet"
    else:
        (tmp_path / "held").mkdir()
        for label in ("ant", "bee"):
            (tmp_path / "held" / label).symlink_to(tmp_path / "im" / label)
        train, test = "im", "held"
    places = {"data.train": str(tmp_path / train), "data.test": str(tmp_path / test)}
    recipe = Recipe().with_changes(places | {"task": task})
    with pytest.raises(DataError, match=r"files? stands? both in .* whose images are for testing, such as"):
        survey(recipe, tmp_path / "run")


def test_what_was_taken_for_what_is_told_when_a_run_begins(tmp_path):
    write(tmp_path, {f"images/{n}.jpg": jpeg(n) for n in range(3)})
    write(tmp_path, {"train.json": coco("0.jpg", "1.jpg", "2.jpg"), "test.json": coco("2.jpg")})
    recipe = Recipe().with_changes({"data.train": str(tmp_path), "task": "detection"})
    told = []
    survey(recipe, tmp_path / "run", notify=told.append).begin().close()
    notes = [event["text"] for event in told if event["event"] == "note"]
    taken_out = "1 test image among the training images taken out"
    assert notes[:2] == ["read as a COCO file, train.json", taken_out]
    told.clear()
    survey(recipe, tmp_path / "run", notify=told.append).begin().close()
    assert not [event for event in told if event["event"] == "note"], "once is enough"


@pytest.mark.parametrize("held_out", ["test.json", "val.json"])
def test_coco_test_images_that_are_not_there_are_passed_over(tmp_path, held_out):
    write(tmp_path, {f"train/{n}.jpg": jpeg(n) for n in range(2)})
    write(tmp_path, {"train.json": coco("0.jpg", "1.jpg"), held_out: coco("7.jpg")})
    train, tested, notes = splits(tmp_path)
    assert (train, tested) == (["0.jpg", "1.jpg"], None)
    assert notes[-1].endswith(f"{held_out}, are not there: they were passed over")


@pytest.mark.parametrize("name", ["metadata.csv", "labels.json", "metadata.jsonl"])
def test_tables_beside_images_without_labels_are_named(tmp_path, name):
    write(tmp_path, {"1.jpg": jpeg(1), "2.jpg": jpeg(2), name: b"x", "notes.txt": b"x", ".a.csv": b"x"})
    told = open_dataset(str(tmp_path)).notes
    assert told == (
        "read as images without labels",
        f"1 file that may hold labels passed over, such as {name}",
    )
