"""Where tools keep images and XML files, and what their lists and folders set apart for testing."""

import os

import pytest

from ncenet.data import open_dataset, open_test
from ncenet.errors import DataError
from ncenet.recipe import DataRecipe
from tests.data.make import jpeg, write

BOX = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"


def xml(name="red", extra=""):
    return f"<annotation>{extra}<object><name>{name}</name>{BOX}</object></annotation>".encode()


def voc(root, names, **lists):
    """A VOC folder with these images and lists."""
    write(root, {f"JPEGImages/{name}.jpg": jpeg(n) for n, name in enumerate(names)})
    write(root, {f"Annotations/{name}.xml": xml() for name in names})
    write(root, {f"ImageSets/Main/{name}.txt": text.encode() for name, text in lists.items()})
    return root


def opened(path, split="train"):
    return open_dataset(str(path), split=split, task="detection")


def stems(dataset):
    return (
        None
        if dataset is None
        else sorted(id.rpartition("/")[2].rpartition(".")[0] for id in dataset.pool.ids())
    )


def splits(root):
    """Names for training and for testing."""
    train = opened(root)
    return stems(train), stems(open_test(DataRecipe(train=str(root)), train))


@pytest.mark.parametrize(
    ("lists", "train", "test"),
    [
        ({"train": "ab", "test": "cd"}, "ab", "cd"),
        ({"train": "a", "val": "b", "test": "cd"}, "a", "cd"),
        ({"trainval": "ab", "train": "a", "val": "b", "test": "c"}, "ab", "c"),
        ({"trainval": "abc", "val": "c", "train": "ab"}, "ab", "c"),
        ({"trainval": "abc", "val": "c"}, "abc", None),
        ({"train": "ab"}, "ab", None),
        ({"val": "ab"}, "ab", None),
        ({"Train": "ab", "TEST": "c"}, "ab", "c"),
        ({"default": "ab"}, "abcd", None),
        ({"train": "ab", "test": "c", "cat_train": "a", "._train": "d"}, "ab", "c"),
        ({"train2007": "a", "train2012": "b", "test_2007": "c"}, "ab", "c"),
        ({"train": "a", "train_10": "b", "test": "c"}, "a", "c"),
        ({"training": "ab", "validation": "c"}, "ab", "c"),
        ({"trainval": "abc", "test": "cd"}, "ab", "cd"),
        ({"train": "ab", "val": "ab"}, "ab", None),
    ],
)
def test_lists(tmp_path, lists, train, test):
    root = voc(tmp_path, "abcd", **{name: "\n".join(names) for name, names in lists.items()})
    assert splits(root) == (list(train), test and list(test))


def test_of_several_years_none_vanishes(tmp_path):
    voc(tmp_path / "VOC2007", "ab", trainval="a", test="b")
    voc(tmp_path / "VOC2010", "cd", train="c", val="d")
    voc(tmp_path / "VOC2011", "ef")
    voc(tmp_path / "VOC2012", "gh", test="g")
    assert splits(tmp_path) == (["a", "c", "e", "f"], ["b", "g"])
    assert f"val of {tmp_path / 'VOC2010'} passed over" in opened(tmp_path).notes


def test_val_of_one_year_is_taken_out_of_trainval_of_another(tmp_path):
    voc(tmp_path / "VOC2007", "abc", trainval="a\nb\nc", val="c")
    voc(tmp_path / "VOC2012", "de", train="d", val="e")
    assert splits(tmp_path) == (["a", "b", "d"], ["c", "e"])


def test_lists_of_test_images_alone_name_none_for_training(tmp_path):
    root = voc(tmp_path, "ab", test="a")
    with pytest.raises(DataError, match=r"name no image for train, only for test: write train\.txt there"):
        opened(root)
    assert stems(opened(root, "test")) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "my photo 2\nb\n",
        "\ufeffmy photo 2\r\nb\r\n",
        "my photo 2.jpg\nb.JPG",
        "JPEGImages/my photo 2.jpg\n./b\n",
        "C:\\voc\\JPEGImages\\my photo 2.jpg\nC:\\voc\\JPEGImages\\b.jpg",
        "my photo 2 1\nb -1\n",
        "\tmy photo 2 \n\n b\n",
    ],
)
def test_lines_of_a_list_are_names_however_they_are_written(tmp_path, text):
    root = voc(tmp_path, ["my photo 2", "b", "my"], trainval=text)
    assert sorted(stems(opened(root))) == ["b", "my photo 2"]
    (root / "ImageSets/Main/trainval.txt").write_text(text.lstrip("\ufeff"), encoding="utf-16")
    assert sorted(stems(opened(root))) == ["b", "my photo 2"]


def test_a_list_that_is_wrong_is_named(tmp_path):
    root = voc(tmp_path, "ab", trainval="a\nb\na.jpg\n")
    with pytest.raises(DataError, match=r"trainval\.txt: names 'a' twice"):
        opened(root)
    (root / "ImageSets/Main/trainval.txt").write_bytes(b"a\xff\n")
    with pytest.raises(DataError, match=r"trainval\.txt: not text in UTF-8"):
        opened(root)
    (root / "ImageSets/Main/trainval.txt").write_text("a\nnot there.jpg\n")
    dataset = opened(root)
    assert list(dataset.pool.ids()) == ["JPEGImages/a.jpg", "JPEGImages/not there.jpg"]
    assert dataset.problems[0].why.startswith("Annotations/not there.xml: is missing")


def test_two_images_of_one_name_need_a_file_name(tmp_path):
    write(tmp_path, {"1.jpg": jpeg(1), "1.png": jpeg(2), "1.xml": xml()})
    assert [problem.why for problem in opened(tmp_path).problems] == [
        "1.xml: may be of 1.jpg or 1.png: rename one"
    ] * 2
    write(tmp_path, {"1.xml": xml(extra="<filename>1.png</filename>")})
    dataset = opened(tmp_path)
    assert [problem.why for problem in dataset.problems] == ["1.xml: is of 1.png, not of this image"]
    assert '"label":"red"' in dataset.oracle.answer(["1.png"])["1.png"]


LAYOUTS = {
    "capitals": ("Images/{}.JPG", "Annotations/{}.XML"),
    "pets": ("images/{}.jpg", "annotations/xmls/{}.xml"),
    "fiftyone": ("data/{}.jpg", "labels/{}.xml"),
    "deep": ("2024/june/{}.jpg", "2024/june/{}.xml"),
    "deep pairs": ("JPEGImages/june/{}.jpg", "Annotations/june/{}.xml"),
    "a set within": ("pascal/JPEGImages/{}.jpg", "pascal/Annotations/{}.xml"),
    "deeper": ("my/data set/images/{}.jpg", "my/data set/annotations/xmls/{}.xml"),
    "other words": ("pics/{}.jpg", "boxes/{}.xml"),
    "other words with folders": ("all/pics/june/{}.jpg", "all/boxes/june/{}.xml"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path, layout):
    image, annotation = LAYOUTS[layout]
    for n, name in enumerate(("a", "b")):
        write(tmp_path, {image.format(name): jpeg(n), annotation.format(name): xml()})
    dataset = opened(tmp_path)
    assert list(dataset.pool.ids()) == [image.format("a"), image.format("b")]
    assert dataset.problems == ()
    assert dataset.notes[0] == "read as a folder with XML annotations (VOC)"


@pytest.mark.parametrize(
    ("image", "annotation"),
    [
        ("{}/{}.jpg", "{}/{}.xml"),
        ("{}/images/{}.jpg", "{}/annotations/{}.xml"),
        ("images/{}/{}.jpg", "annotations/{}/{}.xml"),
        ("JPEGImages/{}/{}.jpg", "Annotations/{}/{}.xml"),
    ],
)
def test_folders_called_after_splits_are_splits(tmp_path, image, annotation):
    for n, (part, name) in enumerate((("train", "a"), ("valid", "b"), ("test", "c"))):
        write(tmp_path, {image.format(part, name): jpeg(n), annotation.format(part, name): xml()})
    assert splits(tmp_path) == (["a"], ["c"])
    assert any(note.startswith("val of") for note in opened(tmp_path).notes)


def test_a_set_in_a_folder_of_any_name_keeps_its_lists(tmp_path):
    voc(tmp_path / "pascal/2007", "abc", trainval="a\nb", test="c")
    voc(tmp_path / "pascal/2012", "d", trainval="d")
    assert splits(tmp_path) == (["a", "b", "d"], ["c"])


@pytest.mark.parametrize("inner", ["mine/{}/images/{}.jpg", "{}/mine/images/{}.jpg"])
def test_splits_are_found_above_and_below_a_folder_of_any_name(tmp_path, inner):
    for n, (part, name) in enumerate((("train", "a"), ("valid", "b"), ("test", "c"))):
        image = inner.format(part, name)
        annotation = image.replace("images", "annotations").replace("jpg", "xml")
        write(tmp_path, {image: jpeg(n), annotation: xml()})
    assert splits(tmp_path) == (["a"], ["c"])


def test_a_set_within_hides_none_of_the_annotations_beside_it(tmp_path):
    write(tmp_path, {"old/images/a.jpg": jpeg(1), "old/annotations/a.xml": xml()})
    write(tmp_path, {"new/b.jpg": jpeg(2), "new/b.xml": xml()})
    dataset = opened(tmp_path)
    assert "new/b.jpg" in dataset.oracle.answer(["new/b.jpg"])
    assert [problem.id for problem in dataset.problems] == ["old/images/a.jpg"]


def test_images_and_annotations_without_a_name_in_common_are_refused_as_a_whole(tmp_path):
    write(tmp_path, {"pics/a.jpg": jpeg(1), "masks/a.png": jpeg(2), "boxes/a.xml": xml()})
    told = r"no annotation has the name of an image: 1 XML file, such as boxes/a.xml, and 2 images"
    with pytest.raises(DataError, match=told):
        opened(tmp_path)


def test_stray_xml_makes_no_annotations(tmp_path):
    write(tmp_path, {"june/1.jpg": jpeg(), "Picasa.xml": b"<?xml version='1.0'?><!-- x --><picasa/>"})
    write(tmp_path, {"june/1.xml": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", "junk.xml": b"\0\5\x16\7"})
    write(tmp_path, {"june/._1.xml": xml(), "__MACOSX/june/2.xml": xml(), "@eaDir/3.xml": xml()})
    dataset = opened(tmp_path)
    assert (list(dataset.pool.ids()), dataset.oracle) == (["june/1.jpg"], None)
    told = "3 files in no known form of boxes passed over, such as Picasa.xml"
    assert dataset.notes == ("read as images without boxes", told)


def test_annotations_in_other_encodings(tmp_path):
    text = xml("größe").decode()
    for n, encoding in enumerate(("utf-16", "utf-8-sig", "iso-8859-1")):
        head = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
        write(tmp_path, {f"{n}.jpg": jpeg(n), f"{n}.xml": (head + text).encode(encoding)})
    dataset = opened(tmp_path)
    assert dataset.problems == ()
    assert dataset.class_names == ("größe",)


def test_a_broken_annotation_is_still_one(tmp_path):
    write(tmp_path, {"1.jpg": jpeg(), "1.xml": b"", "2.jpg": jpeg(1), "2.xml": xml()})
    write(tmp_path, {"3.jpg": jpeg(2), "3.xml": b"<?xml version='1.0' encoding='klingon'?>" + xml()})
    (tmp_path / "4.jpg").write_bytes(jpeg(3))
    os.mkfifo(tmp_path / "4.xml")
    whys = [problem.why for problem in opened(tmp_path).problems]
    assert whys[0].startswith("1.xml: not XML: no element found")
    assert whys[1].startswith("3.xml: not XML: ")
    assert whys[2] == "4.xml: cannot be read: is no regular file, but a device or a pipe"
    assert len(whys) == 3


@pytest.mark.parametrize(
    ("place", "suffix"),
    [("imagesets/main", ".txt"), ("ImageSets", ".txt"), ("ImageSets/Main", ".TXT"), ("IMAGESETS", ".Txt")],
)
def test_lists_are_found_in_whatever_case_and_without_main(tmp_path, place, suffix):
    voc(tmp_path, "abc")
    write(tmp_path, {f"{place}/train{suffix}": b"a\n", f"{place}/test{suffix}": b"c\n"})
    assert splits(tmp_path) == (["a"], ["c"])


def test_lists_for_other_tasks_are_named(tmp_path):
    voc(tmp_path, "abc")
    write(tmp_path, {"ImageSets/Segmentation/train.txt": b"a\n"})
    assert splits(tmp_path) == (["a", "b", "c"], None)
    assert f"ImageSets/Segmentation of {tmp_path} passed over" in opened(tmp_path).notes


@pytest.mark.parametrize("lists", [{"trainval": "a\nb", "test": "b"}, {"train": "a", "test": "a"}])
def test_what_is_for_both_is_said(tmp_path, lists):
    said = " ".join(opened(voc(tmp_path, "ab", **lists)).notes)
    assert "among the training images" in said or "the test images are the training images" in said


def test_archives_unpacked_side_by_side(tmp_path):
    voc(tmp_path / "VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007", "ab", trainval="a\nb")
    voc(tmp_path / "VOCtest_06-Nov-2007/VOCdevkit/VOC2007", "c", test="c")
    voc(tmp_path / "voc2012", "d", trainval="d")
    assert splits(tmp_path) == (["a", "b", "d"], ["c"])


def test_parts_beside_a_whole(tmp_path):
    for part, names in (("", "ab"), ("train", "c"), ("test", "d")):
        voc(tmp_path / part, names)
    assert splits(tmp_path) == (["a", "b", "c"], ["d"])
