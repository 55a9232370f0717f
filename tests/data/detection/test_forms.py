"""The same images and boxes in every form are the same data set; what a form can't say is left out."""

import json

import pytest

from ncenet.boxes import Boxes
from ncenet.data import as_box_test_set, open_dataset, open_test
from ncenet.errors import DataError, UnknownName, UsageError
from ncenet.recipe import DataRecipe

from .make import (
    CLASSES,
    coco,
    samples,
    voc_xml,
    write_coco,
    write_csv,
    write_images,
    write_parquet,
    write_voc,
    write_yolo,
)

FORMS = {
    "voc": lambda root, made: write_voc(root / "VOC2007", {"trainval": made}),
    "coco": lambda root, made: write_coco(root / "coco", made),
    "coco folder": lambda root, made: write_coco(root / "coco", made).parent,
    "yolo": lambda root, made: write_yolo(root / "yolo", made),
    "csv": lambda root, made: write_csv(root / "table", made),
    "parquet": lambda root, made: write_parquet(root / "digits.parquet", made),
}


def boxes_of(dataset):
    ids = dataset.pool.ids()
    answers = dataset.required_oracle().answer(ids)
    return [Boxes.from_label(answers[id], classes=dataset.class_names) for id in ids]


def open_boxes(path, **options):
    return open_dataset(str(path), task="detection", **options)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(tmp_path, form):
    made = samples(6)
    dataset = open_boxes(FORMS[form](tmp_path, made))
    assert dataset.task == "detection"
    assert dataset.problems == ()
    assert dataset.class_names == CLASSES
    assert dataset.pool.channels == 3
    assert [dataset.pool.load(id).shape for id in dataset.pool.ids()] == [(72, 96, 3)] * 6
    difficult = form != "yolo"  # which has no word for it
    for found, sample in zip(boxes_of(dataset), made, strict=True):
        wanted = sample.boxes
        assert found.labels == wanted.labels
        assert found.difficult == (wanted.difficult if difficult else (False,) * len(wanted))
        for box, truth in zip(found.boxes, wanted.boxes, strict=True):
            assert box == pytest.approx(truth)
    assert [len(boxes) for boxes in boxes_of(dataset)].count(0) == 1, (
        "an image without objects has its answer"
    )


@pytest.mark.parametrize("form", ["voc", "coco", "csv", "parquet"])
def test_whole_pixels_stay_whole(tmp_path, form):
    made = samples(6)
    dataset = open_boxes(FORMS[form](tmp_path, made))
    assert boxes_of(dataset) == [sample.boxes for sample in made]


def test_the_years_of_a_devkit_are_one_data_set_with_splits(tmp_path):
    first, second = samples(4, seed=1), samples(3, seed=2)
    write_voc(
        tmp_path / "VOCdevkit" / "VOC2007", {"trainval": first[:2], "test": first[2:], "train": first[:1]}
    )
    write_voc(tmp_path / "VOCdevkit" / "VOC2012", {"trainval": second})
    for root in (tmp_path, tmp_path / "VOCdevkit"):
        train = open_boxes(root)
        inside = "" if root.name == "VOCdevkit" else "VOCdevkit/"
        assert list(train.pool.ids()) == [
            *(f"{inside}VOC2007/JPEGImages/00000{n}.jpg" for n in range(2)),
            *(f"{inside}VOC2012/JPEGImages/00000{n}.jpg" for n in range(3)),
        ]
        test = open_test(DataRecipe(train=str(root)), train)
        assert list(test.pool.ids()) == [f"{inside}VOC2007/JPEGImages/00000{n}.jpg" for n in (2, 3)]


def test_val_is_no_test_split_beside_trainval(tmp_path):
    made = samples(4)
    root = write_voc(tmp_path, {"trainval": made, "train": made[:2], "val": made[2:]})
    train = open_boxes(root)
    test = open_test(DataRecipe(train=str(root)), train)
    assert len(train.pool.ids()) == len(test.pool.ids()) == 2, "not trainval against val, which is part of it"
    assert not set(train.pool.ids()) & set(test.pool.ids())


def test_an_image_of_voc_is_found_by_its_whole_name(tmp_path):
    first, second = (
        sample._replace(name=name) for sample, name in zip(samples(2), ("1", "1.2"), strict=True)
    )
    root = write_voc(tmp_path, {"trainval": (first, second)})
    for file in (root / "JPEGImages").iterdir():
        file.rename(file.with_name(file.name.replace(".jpg", ".jpeg")))
    dataset = open_boxes(root)
    assert list(dataset.pool.ids()) == ["JPEGImages/1.jpeg", "JPEGImages/1.2.jpeg"]
    assert boxes_of(dataset) == [first.boxes, second.boxes]


def test_a_voc_folder_without_lists_is_one_split(tmp_path):
    root = write_voc(tmp_path, {"trainval": samples(3)})
    (root / "ImageSets" / "Main" / "trainval.txt").unlink()
    train = open_boxes(root)
    assert list(train.pool.ids()) == [f"JPEGImages/00000{n}.jpg" for n in range(3)]
    assert open_test(DataRecipe(train=str(root)), train) is None
    (root / "ImageSets" / "Main" / "test.txt").write_text("000001\n")
    assert list(open_boxes(root, split="test").pool.ids()) == ["JPEGImages/000001.jpg"]


def test_xml_beside_the_images(tmp_path):
    made = samples(2)
    write_images(tmp_path, made)
    for sample in made:
        (tmp_path / f"{sample.name}.xml").write_text(voc_xml(sample))
    dataset = open_boxes(tmp_path)
    assert list(dataset.pool.ids()) == ["000000.jpg", "000001.jpg"]
    assert boxes_of(dataset) == [sample.boxes for sample in made]


def test_the_layout_of_coco_itself(tmp_path):
    made = samples(4)
    for part, half in (("train", made[:2]), ("val", made[2:])):
        write_images(tmp_path / f"{part}2017", half)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"instances_{part}2017.json").write_text(json.dumps(coco(half)))
    train = open_boxes(tmp_path)
    test = open_test(DataRecipe(train=str(tmp_path)), train)
    assert train.name == "instances_train2017"
    assert list(train.pool.ids()) == ["000000.jpg", "000001.jpg"]
    assert boxes_of(test) == [sample.boxes for sample in made[2:]]
    (tmp_path / "annotations" / "instances_train2017.json").rename(tmp_path / "annotations" / "one.json")
    with pytest.raises(DataError, match=r"several COCO files: annotations/.*, annotations/one\.json"):
        open_boxes(tmp_path)


@pytest.mark.parametrize("layout", ["images/train", "train/images", "data.yaml"])
def test_splits_of_yolo(tmp_path, layout):
    made = samples(4)
    root = tmp_path / "pets"
    if layout == "train/images":
        for split, half in (("train", made[:2]), ("valid", made[2:])):
            write_yolo(root / split, half)
        (root / "data.yaml").write_text(
            f"names: {list(CLASSES)}\ntrain: ../train/images\nval: ../valid/images\n"
        )
    else:
        for split, half in (("train", made[:2]), ("val", made[2:])):
            write_yolo(root, half, split)
    if layout == "data.yaml":
        (root / "classes.txt").unlink()
        (root / "data.yaml").write_text(
            "names: {0: eight, 1: one, 2: zero}\ntrain: images/train\nval: images/val\n"
        )
    for path in [root, root / "data.yaml"] if (root / "data.yaml").exists() else [root]:
        train = open_boxes(path)
        test = open_test(DataRecipe(train=str(path)), train)
        assert train.class_names == CLASSES
        assert [b.labels for b in boxes_of(train)] == [s.boxes.labels for s in made[:2]]
        assert [b.labels for b in boxes_of(test)] == [s.boxes.labels for s in made[2:]]


def test_yolo_without_names_of_classes(tmp_path):
    root = write_yolo(tmp_path, samples(2))
    (root / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"nothing names the classes: write them into classes\.txt"):
        open_boxes(root)


def test_images_alone_are_a_pool_without_boxes(tmp_path):
    write_images(tmp_path, samples(2))
    dataset = open_boxes(tmp_path)
    assert (dataset.task, dataset.oracle, dataset.pool.channels) == ("detection", None, 3)
    with pytest.raises(DataError, match=r"no boxes\. Boxes come with a VOC folder, a COCO file"):
        dataset.required_oracle()


def test_another_task_is_said(tmp_path):
    write_images(tmp_path, samples(2))
    (tmp_path / "pool.csv").write_text("path,label\n000000.jpg,cat\n")
    with pytest.raises(DataError, match="has classes of images, no boxes: leave out `task=detection`"):
        open_boxes(tmp_path / "pool.csv")
    with pytest.raises(UsageError, match="digits is for classification: add `task=classification`"):
        open_boxes("digits")
    with pytest.raises(UsageError, match="voc2007 is for detection: add `task=detection`"):
        open_dataset("voc2007")
    with pytest.raises(UsageError, match=r"no such file or folder.*with `task=detection` also a VOC folder"):
        open_boxes(tmp_path / "nowhere")
    with pytest.raises(DataError, match="For boxes around objects, add `task=detection`"):
        open_dataset(str(write_parquet(tmp_path / "a.parquet", samples(2)))).required_oracle()


def test_test_sets_have_the_classes_of_the_training_images(tmp_path):
    made = samples(4)
    train = open_boxes(write_coco(tmp_path / "a", made))
    test = as_box_test_set(train, CLASSES)
    assert len(test) == 4
    assert test.boxes == tuple(sample.boxes for sample in made)
    with pytest.raises(UnknownName, match="'zero': known: eight, one"):
        as_box_test_set(train, CLASSES[:2])
    fewer = open_boxes(write_csv(tmp_path / "b", made), classes=CLASSES[:2])
    held_out = open_test(DataRecipe(train="x", test=str(tmp_path / "a" / "annotations.json")), fewer)
    assert held_out.class_names == ("eight", "one")
    assert {problem.id for problem in held_out.problems} == {
        f"{sample.name}.jpg" for sample in made if "zero" in sample.boxes.labels
    }
