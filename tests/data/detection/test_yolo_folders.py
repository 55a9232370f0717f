"""What data.yaml, obj.data and the lists of names say is what is read, wherever the tool wrote its paths."""

import pytest

from ncenet.data import open_dataset, open_test
from ncenet.errors import DataError
from ncenet.recipe import DataRecipe
from tests.data.make import jpeg, write

ROW = b"1 0.5 0.5 0.2 0.2\n"


def pair(path, seed):
    """An image and its labels."""
    folder, _, name = path.rpartition("/")
    of_labels = "/".join({"images": "labels"}.get(part, part) for part in folder.split("/"))
    return {f"{folder}/{name}.jpg": jpeg(seed), f"{of_labels}/{name}.txt": ROW}


def made(root, *paths, **texts):
    files = {}
    for n, path in enumerate(paths):
        files |= pair(path, n)
    return write(root, files | {name: text.encode() for name, text in texts.items()})


def opened(path, split="train", **options):
    return open_dataset(str(path), split=split, task="detection", **options)


def splits(root):
    """Ids for training and for testing."""
    train = opened(root)
    test = open_test(DataRecipe(train=str(root)), train)
    return list(train.pool.ids()), None if test is None else list(test.pool.ids())


def yaml_of(root, text):
    (root / "data.yaml").write_text(text + "names: [red, white]\n")
    return root


def test_a_split_may_be_several_folders_and_lists(tmp_path):
    root = made(
        tmp_path, "images/june/1", "images/july/2", "images/held/3", "images/held/4", "images/spare/5"
    )
    (root / "some.txt").write_text("./images/held/3.jpg\r\nimages\\held\\4.jpg\r\n\r\n")
    for stated in ("train: [images/june, images/july]", "train:\n- images/june\n- ./images/july/2.jpg"):
        train, test = splits(yaml_of(root, f"{stated}\ntest: some.txt\n"))
        assert train == ["images/july/2.jpg", "images/june/1.jpg"]
        assert test == ["images/held/3.jpg", "images/held/4.jpg"]


@pytest.mark.parametrize(
    "stated",
    [
        "../train/images",
        "./train/images/",
        "pets-3/train/images",
        "/content/pets-3/train/images",
        r"train\images",
        r"C:\Users\ann\pets\train\images",
        r"'..\train\images'",
    ],
)
def test_paths_of_other_machines_are_found_within(tmp_path, stated):
    root = made(tmp_path / "pets", "train/images/1", "valid/images/2")
    assert splits(yaml_of(root, f"train: {stated}\nval: valid/images\n")) == (
        ["train/images/1.jpg"],
        ["valid/images/2.jpg"],
    )


def test_a_path_that_only_ends_alike_is_not_taken(tmp_path):
    root = made(tmp_path / "pets", "images/1", "images/2")
    with pytest.raises(DataError, match=r"data\.yaml: train: 'june/images' is not there within"):
        opened(yaml_of(root, "train: june/images\n"))


def test_test_images_that_are_not_there_are_passed_over_and_said(tmp_path):
    root = made(tmp_path, "train/images/1", "valid/images/2")
    yaml_of(root, "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n")
    assert splits(root) == (["train/images/1.jpg"], ["valid/images/2.jpg"])
    assert "test: '../test/images' is not there within" in opened(root).notes[-1]
    yaml_of(root, "train: ../train/images\ntest: ../test/images\n")
    (root / "valid").rename(root / "spare")
    assert splits(root) == (["train/images/1.jpg"], None)


def test_a_part_of_a_list_that_is_not_there_is_an_error(tmp_path):
    root = made(tmp_path, "images/june/1", "images/july/2")
    with pytest.raises(DataError, match="train: 'images/may' is not there"):
        opened(yaml_of(root, "train: [images/june, images/may]\n"))


def test_no_image_is_trained_on_and_tested(tmp_path):
    root = made(tmp_path, "images/june/1", "images/june/val/2")
    train, test = splits(yaml_of(root, "train: images/june\nval: images/june/val\n"))
    assert (train, test) == (["images/june/1.jpg"], ["images/june/val/2.jpg"])
    assert "1 test image among the training images taken out" in opened(root).notes
    train, test = splits(yaml_of(root, "train: images/june\nval: images/june\n"))
    assert (len(train), test) == (2, None)
    assert "the test images are the training images: they were passed over" in opened(root).notes


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".png"])
def test_what_a_list_leaves_out_stays_out(tmp_path, suffix):
    root = made(tmp_path, "images/train/1", "images/train/2", "images/val/3", "images/val/4")
    (root / "images/train/2.jpg").rename(root / f"images/train/2{suffix}")
    (root / "few.txt").write_text("images/train/1.jpg\n")
    (root / "half.txt").write_text("images/val/4.jpg\n")
    yaml_of(root, "train: few.txt\nval: half.txt\n")
    assert splits(root) == (["images/train/1.jpg"], ["images/val/4.jpg"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\n", r"data\.yaml: train: there is no image in some\.txt"),
        ("images/june\n", r"some\.txt:1 'images/june' is no image file, by its suffix"),
        ("images/june/1.jpg\nlabels/june/1.txt\n", r"some\.txt:2 'labels/june/1\.txt' is no image file"),
    ],
)
def test_a_list_that_names_no_images(tmp_path, text, why):
    root = made(tmp_path, "images/june/1", "images/val/2")
    (root / "some.txt").write_text(text)
    with pytest.raises(DataError, match=why):
        opened(yaml_of(root, "train: some.txt\nval: images/val\n"))


@pytest.mark.parametrize(
    "val", ["{other}/valid/images", "../other/valid/images", "https://x.example/valid/images"]
)
def test_images_of_another_set_are_not_mistaken_for_those_of_the_same_name_here(tmp_path, val):
    root = made(tmp_path / "pets", "train/images/1", "valid/images/2")
    made(tmp_path / "other", "valid/images/3")
    yaml_of(root, f"train: train/images\nval: {val.format(other=tmp_path / 'other')}\n")
    assert splits(root) == (["train/images/1.jpg"], None)
    assert "is not there within" in opened(root).notes[-1]


@pytest.mark.parametrize(
    "text",
    [
        "train: train/images\nval: valid/images\n",
        "train: train/images\nval: valid/images\ntest: null\n",
        "Train: train/images\nVAL: valid/images\ntest: ~\n",
        "train: train/images\nvalidation: valid/images\ntest:\n",
    ],
)
def test_what_is_stated_goes_before_what_merely_lies_there(tmp_path, text):
    root = made(tmp_path, "train/images/1", "valid/images/2", "test/images/3")
    assert splits(yaml_of(root, text)) == (["train/images/1.jpg"], ["valid/images/2.jpg"])


def test_an_empty_test_folder_keeps_nobody_from_training(tmp_path):
    root = made(tmp_path, "train/images/1")
    (root / "test/images").mkdir(parents=True)
    assert splits(yaml_of(root, "train: train/images\ntest: test/images\n")) == (["train/images/1.jpg"], None)
    assert "test names no image; it was passed over" in opened(root).notes[-1]


def test_folders_may_be_links(tmp_path):
    elsewhere = made(tmp_path / "disk", "train/images/1")
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets/train").symlink_to(elsewhere / "train")
    assert splits(yaml_of(tmp_path / "pets", "train: train/images\n")) == (["train/images/1.jpg"], None)


def test_settings_in_other_spellings(tmp_path):
    root = made(tmp_path, "train/images/1", "valid/images/2")
    for text in ("{train: train/images, val: valid/images, names: [red, white]}", '"train": train/images\n'):
        (root / "data.yaml").write_text(text if "names" in text else text + '"names": [red, white]\n')
        assert splits(root) == (["train/images/1.jpg"], ["valid/images/2.jpg"])
    (root / "data.yml").write_text("train: valid/images\nnames: [white, red]\n")
    with pytest.raises(DataError, match=r"data\.yaml and data\.yml say different things"):
        opened(root)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ("[yes, no]", ("yes", "no")),
        ("{0: 007, 1: 1e3}", ("007", "1e3")),
        ("{'1': null, '0': ~}", ("~", "null")),
        ("\n- on\n- 2024-06-01", ("on", "2024-06-01")),
        ("[0x1F, .5]", ("0x1F", ".5")),
    ],
)
def test_names_are_the_words_that_stand_there(tmp_path, names, read):
    root = made(tmp_path, "images/1", **{"data.yaml": f"train: images\nnames: {names}\n"})
    dataset = opened(root)
    assert dataset.class_names == read
    (label,) = dataset.oracle.answer(["images/1.jpg"]).values()
    assert f'"label":"{read[1]}"' in label


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("names: {0: a, 2: b}", "names are numbered 0, 2: expected 0, 1, 2 and so on"),
        ("names: {0: a, 0: b}", "0 stands there twice"),
        ("names: {0: a, 00: b}", "names are numbered 0, 00"),
        ("names: [a, a]", "the class 'a' is named twice"),
        ("names: [[a], b]", r"the class \['a'\] is no text"),
        ("names: cat, dog", "names is 'cat, dog': expected a list"),
        ("names: [a, b]\nnc: 3", "nc is 3, and there are 2 names"),
        ("names: [a, b]\ntrain: {a: b}", "train is {'a': 'b'}: expected a folder"),
        ("names: [a, b", "cannot be read"),
        ("names: [a, b]\nx: " + "[" * 5000, "cannot be read"),
    ],
)
def test_settings_that_contradict_themselves(tmp_path, text, why):
    root = made(tmp_path, "images/1", **{"data.yaml": text + "\n"})
    with pytest.raises(DataError, match=f"data.yaml: .*{why}"):
        opened(root)


def test_lists_of_names(tmp_path):
    root = made(tmp_path, "images/1", **{"classes.txt": "\ufeffred\r\nwhite\r\n\r\n"})
    assert opened(root).class_names == ("red", "white")
    (root / "classes.txt").write_text("red\n\nwhite\n")
    with pytest.raises(DataError, match=r"classes\.txt: the class '' is empty"):
        opened(root)
    write(root, {"classes.txt": b"red\nwhite\n", "labels/classes.txt": b"white\nred\n"})
    with pytest.raises(DataError, match=r"name other classes: remove the one that isn't right"):
        opened(root)


def test_the_form_of_cvat_and_darknet(tmp_path):
    names = b"red\nwhite\n"
    write(
        tmp_path,
        pair("obj_train_data/june/1", 1)
        | pair("obj_train_data/2", 2)
        | pair("obj_valid_data/3", 3)
        | {
            "obj.data": b"train = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
            "obj.names": names,
            "train.txt": b"data/obj_train_data/june/1.jpg\ndata/obj_train_data/2.jpg\n",
            "valid.txt": b"data/obj_valid_data/3.jpg\n",
        },
    )
    assert splits(tmp_path) == (
        ["obj_train_data/2.jpg", "obj_train_data/june/1.jpg"],
        ["obj_valid_data/3.jpg"],
    )
    dataset = opened(tmp_path)
    assert dataset.class_names == ("red", "white")
    assert dataset.problems == ()


def test_labels_beside_images(tmp_path):
    write(tmp_path, {"1.jpg": jpeg(), "1.txt": ROW, "classes.txt": b"red\nwhite\n", "README.txt": b"hi\n"})
    dataset = opened(tmp_path)
    assert list(dataset.pool.ids()) == ["1.jpg"]
    assert '"label":"white"' in dataset.oracle.answer(["1.jpg"])["1.jpg"]


def test_what_is_no_yolo_folder_is_none(tmp_path):
    write(
        tmp_path,
        {"june/1.jpg": jpeg(), "data.yaml": b"web: {image: x}\n", "notes.txt": b"hello\n"},
    )
    assert opened(tmp_path).oracle is None
    write(tmp_path, {"images/2.jpg": jpeg(1), "labels/2.json": b"{}", "labels/._2.txt": b"\0\5\x16\7"})
    assert opened(tmp_path).oracle is None


def test_two_images_of_one_name_share_no_labels(tmp_path):
    root = made(tmp_path, "images/1", "images/2", **{"classes.txt": "red\nwhite\n"})
    write(root, {"images/1.png": jpeg(7), "images/._2.jpg": b"\0\5\x16\7", "labels/._2.txt": b"\0\5\x16\7"})
    dataset = opened(root)
    assert list(dataset.pool.ids()) == ["images/1.jpg", "images/1.png", "images/2.jpg"]
    assert {problem.id: problem.why for problem in dataset.problems} == {
        f"images/1.{suffix}": "labels/1.txt: may be of 2 images of that name: rename them"
        for suffix in ("jpg", "png")
    }


@pytest.mark.parametrize(
    "text", [b"\0" * 40, b"9" * 5000 + b" .5 .5 .2 .2\n", b"1 1_0 .5 .2 .2\n", b"\xff\xfe1\xd8"]
)
def test_labels_that_are_junk_are_named(tmp_path, text):
    root = made(tmp_path, "images/1", "images/2", **{"classes.txt": "red\nwhite\n"})
    (root / "labels" / "1.txt").write_bytes(text)
    (problem,) = opened(root).problems
    assert problem.id == "images/1.jpg"
    assert problem.why.startswith("labels/1.txt")
    assert len(problem.why) < 200
