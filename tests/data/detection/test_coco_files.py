"""COCO files of other tools: where they lie, which file is which, and what in them is no COCO."""

import json
import re

import pytest

from ncenet.data import open_dataset, open_test
from ncenet.errors import DataError
from ncenet.recipe import DataRecipe
from ncenet.text_files import read_json
from tests.data.make import jpeg, write

RED = [{"id": 1, "name": "red"}]


def record(*names, **changes):
    """A COCO file with a box on each image."""
    images = [{"id": n, "file_name": name} for n, name in enumerate(names, start=1)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 10, 10]} for n in range(1, len(names) + 1)
    ]
    return {"images": images, "annotations": boxes, "categories": RED} | changes


def coco(*names, encoding="utf-8", **changes):
    return json.dumps(record(*names, **changes), ensure_ascii=False).encode(encoding)


def opened(path, split="train"):
    return open_dataset(str(path), split=split, task="detection")


def splits(root):
    train = opened(root)
    test = open_test(DataRecipe(train=str(root)), train)
    return list(train.pool.ids()), test and list(test.pool.ids())


@pytest.mark.parametrize(
    ("image", "file"),
    [
        ("data/1.jpg", "labels.json"),  # FiftyOne
        ("images/1.jpg", "result.json"),  # Label Studio
        ("images/1.jpg", "annotations/instances_default.json"),  # CVAT
        ("data/1.jpg", "annotations/all.json"),
        ("train/1.jpg", "train/_annotations.coco.json"),  # Roboflow
        ("images/1.jpg", "Boxes.JSON"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "utf-16-le"])
def test_layouts_and_encodings(tmp_path, image, file, encoding):
    write(
        tmp_path,
        {image: jpeg(), file: coco("1.jpg", encoding=encoding, categories=[{"id": 1, "name": "größe"}])},
    )
    dataset = opened(tmp_path)
    assert (list(dataset.pool.ids()), dataset.problems) == (["1.jpg"], ())
    assert dataset.class_names == ("größe",)
    assert dataset.pool.load("1.jpg").shape == (24, 32, 3)


def test_splits_are_told_by_words_of_names(tmp_path):
    write(tmp_path, {f"images/{n}.jpg": jpeg(n) for n in range(4)})
    write(
        tmp_path,
        {"latest_train.json": coco("0.jpg"), "Test-Set.json": coco("1.jpg"), "val.json": coco("2.jpg")},
    )
    assert splits(tmp_path) == (["0.jpg"], ["1.jpg"])
    (tmp_path / "Test-Set.json").unlink()
    assert splits(tmp_path) == (["0.jpg"], ["2.jpg"])
    (tmp_path / "val.json").rename(tmp_path / "contest.json")
    assert splits(tmp_path) == (["0.jpg"], None)


def test_folders_of_splits(tmp_path):
    for n, part in enumerate(("train", "valid", "test")):
        write(tmp_path, {f"{part}/{n}.jpg": jpeg(n), f"{part}/_annotations.coco.json": coco(f"{n}.jpg")})
    assert splits(tmp_path) == (["0.jpg"], ["2.jpg"])


def test_boxes_go_before_other_annotations_of_the_same_images(tmp_path):
    write(tmp_path, {"train2017/1.jpg": jpeg(), "annotations/instances_train2017.json": coco("1.jpg")})
    write(tmp_path, {"annotations/captions_train2017.json": coco("1.jpg", categories=[])})
    assert splits(tmp_path) == (["1.jpg"], None)


@pytest.mark.parametrize(
    "stray",
    [
        b'{"info": "a gallery", "images": ["1.jpg"]}',
        b'{"images": [{"id": 1}], "title": "album"}',
        b'[{"images": []}]',
        b"not json",
        b'{"name": "a package", "categories": []}',
        b"",
        b"\xff\xfe\x00\xd8",
    ],
)
def test_stray_json_makes_no_data_set(tmp_path, stray):
    write(tmp_path, {"june/1.jpg": jpeg(), "album.json": stray, "._a.json": coco("1.jpg")})
    assert opened(tmp_path).oracle is None
    write(tmp_path, {"june/boxes.json": coco("1.jpg"), "boxes.json": coco("june/1.jpg")})
    assert list(opened(tmp_path).pool.ids()) == ["june/1.jpg"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"images": [{"id": [1], "file_name": "1.jpg"}]}, "image 1 needs an 'id' and a 'file_name'"),
        ({"images": [{"id": True, "file_name": "1.jpg"}]}, "image 1 needs an 'id'"),
        (
            {"images": [{"id": n, "file_name": "1.jpg"} for n in (1, 2)]},
            "image 2 has the file_name of image 1",
        ),
        ({"images": [{"id": 1, "file_name": "a\ud800.jpg"}]}, ".*holds half a character, at the end of "),
        ({"images": [{"id": 1, "file_name": "a\0.jpg"}]}, ".*which holds the character NUL"),
        ({"annotations": [{"image_id": [1]}]}, r"annotation 1 is of the image \[1\], which is not listed"),
        ({"annotations": [{"image_id": {}}]}, r"annotation 1 is of the image \{\}, which is not listed"),
        ({"categories": [{"id": None, "name": "red"}]}, "category 1 needs an 'id'"),
        ({"categories": [{"id": [1], "name": "red"}]}, "category 1 needs an 'id'"),
        ({"categories": [{"id": 1}]}, "category 1 has the name None, which is no text"),
        ({"categories": [{"id": 1, "name": "a\ud800"}]}, ".*holds half a character, at the end of "),
        (
            {"categories": [*RED, {"id": 1, "name": "white"}]},
            "category 2 has the id 1, which 'red' has already",
        ),
    ],
)
def test_records_that_nobody_can_follow(tmp_path, changes, why):
    write(tmp_path, {"1.jpg": jpeg(), "a.json": json.dumps(record("1.jpg", **changes)).encode()})
    with pytest.raises(DataError, match=r"a\.json: " + why):
        opened(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"category_id": [1]}, r"has the category \[1\], which is not listed"),
        ({"bbox": [10**400, 1, 2, 3]}, "bbox is .*, beyond any image"),
        ({"bbox": [1, 1, float("nan"), 3]}, "the box has no area: it is nan wide"),
        ({"bbox": {"x": 1}}, "bbox is {'x': 1}, not"),
        ({"bbox": ["x" * 9999] * 4}, "bbox is .*, not four numbers"),
        ({"iscrowd": "maybe"}, "iscrowd is 'maybe', not 0 or 1"),
        ({"iscrowd": [0]}, r"iscrowd is \[0\], not 0 or 1"),
        ({"iscrowd": 2}, "iscrowd is 2, not 0 or 1"),
    ],
)
def test_annotations_that_are_wrong_cost_their_image_alone(tmp_path, change, why):
    changed = record("1.jpg", "2.jpg")
    changed["annotations"][0] |= change
    write(tmp_path, {"1.jpg": jpeg(), "2.jpg": jpeg(1), "a.json": json.dumps(changed).encode()})
    (problem,) = opened(tmp_path / "a.json").problems
    assert problem.id == "1.jpg"
    assert re.search(why, problem.why)
    assert len(problem.why) < 200


@pytest.mark.parametrize(
    ("mark", "difficult"), [("0", False), ("1", True), (0.0, False), (True, True), (None, False)]
)
def test_marks_of_groups_mean_what_they_say(tmp_path, mark, difficult):
    changed = record("1.jpg")
    changed["annotations"][0]["iscrowd"] = mark
    write(tmp_path, {"1.jpg": jpeg(), "a.json": json.dumps(changed).encode()})
    (label,) = opened(tmp_path / "a.json").oracle.answer(["1.jpg"]).values()
    assert ('"difficult":true' in label) is difficult


def test_ids_may_be_text_or_have_a_point(tmp_path):
    changed = record(
        "1.jpg", images=[{"id": "a", "file_name": "1.jpg"}], categories=[{"id": 3, "name": "red"}]
    )
    changed["annotations"] = [{"image_id": "a", "category_id": 3.0, "bbox": [1, 1, 5, 5]}]
    write(tmp_path, {"1.jpg": jpeg(), "a.json": json.dumps(changed).encode()})
    assert opened(tmp_path / "a.json").problems == ()


def test_images_without_a_word_are_told_apart_from_empty_ones(tmp_path):
    images = [{"id": n, "file_name": f"{n}.jpg"} for n in range(1, 4)]
    images[2]["answered"] = True
    write(tmp_path, {f"{n}.jpg": jpeg(n) for n in range(1, 4)})
    write(tmp_path, {"a.json": coco("1.jpg", images=images)})
    dataset = opened(tmp_path / "a.json")
    assert dataset.unsaid == {"2.jpg"}
    assert dataset.notes[-1] == "1 of 3 images have no annotation: taken for empty ones"
    assert set(dataset.oracle.answer(dataset.pool.ids())) == {"1.jpg", "2.jpg", "3.jpg"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON: "),
        (b'{"a": 1, "a": 2}', "not JSON: the key 'a' stands twice in a record"),
        (b'{"a": "\0"}', "not text: it holds the character NUL"),
        (b'{"a": "\xff"}', "not text in UTF-8: invalid start byte at byte 7"),
        (b"\xff\xfe{\0}", "not text in UTF-16-LE: truncated data at byte 4"),
        (b"", "not JSON: "),
    ],
)
def test_what_is_no_json_is_named(tmp_path, text, why):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(DataError, match=r"a\.json:.*" + why):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("folder", ["train", "images/train", "data"])
def test_images_in_a_folder_beside_that_is_called_like_the_file(tmp_path, folder):
    write(tmp_path, {f"{folder}/1.jpg": jpeg(), "train.json": coco("1.jpg")})
    assert list(opened(tmp_path / "train.json").pool.ids()) == ["1.jpg"]


def test_one_image_in_two_spellings(tmp_path):
    images = [{"id": n, "file_name": name} for n, name in enumerate(("1.jpg", "./1.jpg"))]
    write(tmp_path, {"1.jpg": jpeg(), "a.json": coco("1.jpg", images=images, annotations=[])})
    with pytest.raises(DataError, match=r"image 2 has the file_name of image 1, '\./1"):
        opened(tmp_path / "a.json")


@pytest.mark.parametrize(("degrees", "taken"), [(0.0, True), (359.995, True), (45.0, False), ("a", False)])
def test_boxes_that_are_turned_are_refused(tmp_path, degrees, taken):
    box = record("1.jpg")["annotations"][0] | {"attributes": {"occluded": False, "rotation": degrees}}
    write(tmp_path, {"1.jpg": jpeg(), "a.json": coco("1.jpg", annotations=[box])})
    problems = opened(tmp_path / "a.json").problems
    assert not problems if taken else f"turned by {degrees!r} degrees" in problems[0].why


def test_the_validation_folder_is_found_by_its_long_name(tmp_path):
    for part in ("train", "validation"):
        write(tmp_path, {f"{part}/data/1.jpg": jpeg(len(part)), f"{part}/labels.json": coco("1.jpg")})
    assert opened(tmp_path, split="test").pool.root == tmp_path / "validation" / "data"


def boxed(boxes, areas):
    found = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": box, "area": area}
        for n, (box, area) in enumerate(zip(boxes, areas, strict=True))
    ]
    return json.dumps(record("1.jpg", annotations=found)).encode()


def test_corners_where_width_and_height_belong_are_told_by_the_areas(tmp_path):
    corners = [[2, 3, 10, 12], [1, 1, 5.5, 9]]
    write(tmp_path, {"1.jpg": jpeg(), "a.json": boxed(corners, [72, 36])})
    with pytest.raises(DataError, match=r"those of corners: \[2, 3, 10, 12\] .* 72; subtract"):
        opened(tmp_path)


@pytest.mark.parametrize("areas", [[120, 49.5], [72, 49.5], [72, 30], [None, 36.1], [0, 0]])
def test_areas_that_say_something_else(tmp_path, areas):
    write(tmp_path, {"1.jpg": jpeg(), "a.json": boxed([[2, 3, 10, 12], [1, 1, 5.5, 9]], areas)})
    assert len(opened(tmp_path).problems) == 0


def test_two_objects_of_one_box_and_class_are_counted(tmp_path):
    write(tmp_path, {"1.jpg": jpeg(), "a.json": boxed([[2, 3, 10, 12]] * 3, [None] * 3)})
    assert "2 objects stand there twice, with one box and one class: kept" in opened(tmp_path).notes


def test_boxes_of_another_mode_are_named(tmp_path):
    found = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "bbox_mode": 0}]
    write(tmp_path, {"1.jpg": jpeg(), "a.json": coco("1.jpg", annotations=found)})
    (problem,) = opened(tmp_path).problems
    assert "bbox_mode is 0, and COCO's boxes are XYWH_ABS, which is 1" in problem.why
    found[0]["bbox_mode"] = 1
    write(tmp_path, {"a.json": coco("1.jpg", annotations=found)})
    assert opened(tmp_path).problems == ()


def test_categories_of_one_name_are_one_class_and_that_is_said(tmp_path):
    categories = [
        {"id": 0, "name": "red", "supercategory": "none"},
        {"id": 1, "name": "red", "supercategory": "red"},
        {"id": "x", "name": "red"},
        {"id": 3, "name": "blue"},
    ]
    file = record("1.jpg", "2.jpg", categories=categories)
    file["annotations"][1]["category_id"] = 0
    write(tmp_path, {"1.jpg": jpeg(1), "2.jpg": jpeg(2), "a.json": json.dumps(file).encode()})
    dataset = opened(tmp_path)
    assert dataset.class_names == ("red", "blue")
    assert "categories 0, 1, 'x' have one name, 'red': taken for one class" in dataset.notes
    assert all('"label":"red"' in dataset.oracle.answer([id])[id] for id in dataset.pool.ids())
