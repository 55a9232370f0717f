"""No file that an image's name leads to blocks a run, fills its memory, or speaks in its reports."""

import os
import subprocess
import sys
import threading
import warnings

import pytest

from ncenet.data import images
from ncenet.data.folders import classes_of, find_images
from ncenet.data.pools import FolderPool
from ncenet.data.room import Room
from ncenet.errors import DataError, UnreadableImage
from tests.data.make import encode, jpeg, photo, write


def why(pool, id):
    with pytest.raises(UnreadableImage) as refused:
        pool.load(id)
    return refused.value.why


def test_what_is_no_regular_file_is_not_read(tmp_path):
    write(tmp_path, {"a.jpg": jpeg()})
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "linked.jpg").symlink_to("pipe.jpg")
    (tmp_path / "good.jpg").symlink_to("a.jpg")
    pool = FolderPool(tmp_path)
    assert pool.ids() == ("a.jpg", "good.jpg", "linked.jpg", "pipe.jpg", "zero.jpg")
    for id in ("linked.jpg", "pipe.jpg", "zero.jpg"):
        assert why(pool, id) == "is no regular file, but a device or a pipe"
    assert pool.load("good.jpg").shape == (24, 32, 3)


def test_rows_of_a_manifest_are_held_to_it_too(tmp_path):
    pool = FolderPool(tmp_path, ["/dev/zero", "../../../../../../../dev/zero", "a\0b.jpg", "."], channels=3)
    assert [why(pool, id) for id in pool.ids()] == [
        "is no regular file, but a device or a pipe",
        "is no regular file, but a device or a pipe",
        "holds the character NUL: no file has such a name",
        "is a folder",
    ]


def test_a_file_beyond_any_image_is_not_read(tmp_path):
    with (tmp_path / "sparse.tif").open("wb") as file:
        file.truncate(20_000_000_000)
    assert why(FolderPool(tmp_path, channels=3), "sparse.tif") == "has 20,000 MB, more than 751"


@pytest.mark.parametrize(
    "data",
    [
        b"SECRET password=hunter2 and more",
        b"<html>SECRET</html>",
        b"P6 SECRETsecret 3 255\n",
        b"P5\n4 4\n70000SECRET\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rSECRET" + b"\0" * 40,
        b"GIF89aSECRET",
        b"BMSECRET" + b"x" * 60,
        b"II*\0SECRETSECRET",
        b"\0\1SECRET",
    ],
)
def test_a_reason_quotes_nothing_of_the_file(data):
    for read in (images.probe_bytes, images.upright_size, lambda data: images.decode(data, 3)):
        with pytest.raises(images.Undecodable) as refused:
            read(data)
        said = str(refused.value)
        assert said
        assert not any(part in said.lower() for part in ("secret", "hunter", "53 45 43"))


def test_sixteen_bits_take_no_more_memory_than_eight():
    program = """
import io, resource, sys
import numpy as np, PIL.Image
from ncenet.data import images
data = io.BytesIO()
PIL.Image.fromarray(np.zeros((6000, 6000), np.uint16)).save(data, "PNG", compress_level=1)
data = data.getvalue()
images.decode(data, 3, 8) if len(sys.argv) > 1 else None
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

    def peak(*words):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=True)
        return int(done.stdout) * 1024

    assert peak("decode") - peak() < 9 * 6000 * 6000, "bytes a pixel: 2, then 1, then 4, and 2 to spare"


def test_threads_share_the_room():
    room, most, together = Room(100), [0], threading.Barrier(8)

    def work():
        together.wait()
        for _ in range(50):
            with room.of(30):
                most[0] = max(most[0], room.taken)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 90
    assert room.taken == 0
    with room.of(1000):
        assert room.taken == 1000, "what is larger than the room goes in alone"


def test_a_lack_of_memory_is_no_fault_of_the_image(monkeypatch):
    def lacking(image):
        raise MemoryError

    monkeypatch.setattr(images, "check_values", lacking)
    with pytest.raises(MemoryError):
        images.probe_bytes(jpeg())


def test_the_command_line_keeps_pillow_quiet(capsys):
    from ncenet.cli.app import pointing_out

    palette = encode(photo().convert("P"), "PNG", transparency=b"\0" * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pointing_out():
            warnings.warn_explicit("Corrupt EXIF data", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
            images.decode(palette, 3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("paths", "classes"),
    [
        (
            ["train/cat/1.jpg", "test/cat/1.jpg", "unlabeled/1.jpg"],
            "not classes: test and train and unlabeled",
        ),
        (["train2017/1.jpg", "val2017/1.jpg"], "splits, not classes: train2017 and val2017"),
        (["trainval/1.jpg", "Hold-out/1.jpg"], "splits, not classes: Hold-out and trainval"),
        (["train/1.jpg", "dev/1.jpg"], "splits, not classes: dev and train"),
        (
            ["cat/train/1.jpg", "cat/test/1.jpg", "dog/train/1.jpg"],
            "splits within its classes: test and train",
        ),
        (["cat/train/1.jpg", "cat/june/1.jpg", "dog/test/1.jpg"], {"cat", "dog"}),
        (
            ["Training Set/a/1.jpg", "extra/1.jpg", "Test-Set/1.jpg"],
            "Test-Set and Training Set, beside",
        ),
        (
            ["train/cat/1.jpg", "train/dog/1.jpg", "unlabeled/1.jpg"],
            "not classes: train and unlabeled",
        ),
        (["car/1.jpg", "bus/1.jpg", "train/1.jpg"], {"car", "bus", "train"}),
        (["car/1.jpg", "train/june/1.jpg"], {"car", "train"}),
        (["trainer/1.jpg", "tester/1.jpg", "valley/1.jpg"], {"trainer", "tester", "valley"}),
    ],
)
def test_folders_called_after_splits_are_no_classes(tmp_path, paths, classes):
    write(tmp_path, {path: jpeg(n) for n, path in enumerate(paths)})
    write(tmp_path, {"@eaDir/1.jpg": jpeg(), "__MACOSX/cat/1.jpg": jpeg(), ".trash/1.jpg": jpeg()})
    ids = find_images(tmp_path)
    if isinstance(classes, set):
        assert set(classes_of(tmp_path, ids).values()) == classes
    else:
        with pytest.raises(DataError, match=classes):
            classes_of(tmp_path, ids)
