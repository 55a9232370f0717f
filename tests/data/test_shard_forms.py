"""Every form of shards gives the same images, ids and labels; what is broken is named."""

from __future__ import annotations

import functools
import json
import pickle
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import scan
from ncenet.data import shard_ids as ids_module
from ncenet.data.open import open_dataset, open_test
from ncenet.data.readers.webdataset import TarShard
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, Unreachable, UnreadableImage, UsageError
from ncenet.recipe import DataRecipe
from tests.data.make import jpeg
from tests.data.make_shards import FORMS, KEYS, LABELS, parquet, paths, rows, samples, saved, tar, webdataset

OWN_IDS = {
    "webdataset": ["part/0/a/0", "part/0/a/1", "part/0/b/2", "part/1/b/3", "part/1/b/4"],
    "parquet": ["0/00000", "0/00001", "0/00002", "1/00000", "1/00001"],
    "paths": [f"list/{n:05}" for n in range(5)],
    "saved": [f"data-{f:05}-of-00002/{n:05}" for f, n in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1))],
}
KEY_COLUMN = {"webdataset": "__key__", "parquet": "key", "paths": "key", "saved": "key"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by_column", [False, True])
def test_the_same_images_ids_and_labels(form, by_column, tmp_path):
    source = FORMS[form](tmp_path / "pool")
    data = open_dataset(str(source), id_column=KEY_COLUMN[form] if by_column else None)
    ids = list(KEYS) if by_column else OWN_IDS[form]
    assert list(data.pool.ids()) == ids and len(data.pool.ids()) == 5
    assert [data.pool.read(id) for id in ids] == [jpeg(n) for n in range(5)]
    assert data.required_oracle().answer(ids) == dict(zip(ids, LABELS, strict=True))
    assert set(data.class_names) == {"cat", "dog"}
    assert [data.pool.ids().index(id) for id in ids] == list(range(5))
    for other in ("", "part/0/a/9", "0/00009", "a/0/", f"{ids[0]}x"):
        assert other not in data.pool.ids()
        with pytest.raises(DataError, match="there is no image"):
            data.pool.read(other)
    copy = pickle.loads(pickle.dumps(data.pool))
    assert copy.read(ids[3]) == jpeg(3) and list(copy.ids()) == ids


@pytest.mark.parametrize("form", FORMS)
def test_ids_of_a_large_pool_are_read_again_and_not_kept(form, tmp_path, monkeypatch):
    monkeypatch.setattr(ids_module, "IN_MEMORY", 3)
    pool = ShardedPool(str(FORMS[form](tmp_path / "pool")), id=KEY_COLUMN[form])
    assert not pool.ids().in_memory and list(pool.ids()) == list(KEYS)
    assert pool.ids()[3] == "b/3" and pool.ids()[1:4] == KEYS[1:4]
    assert pool.read("b/4") == jpeg(4) and pool.ids().find(["b/2", "none"]).keys() == {"b/2"}


def test_an_id_that_is_there_twice(tmp_path, monkeypatch):
    table = rows([0, 1])
    for name in "xy":
        (tmp_path / "in").mkdir(exist_ok=True)
        pq.write_table(pa.table(table), tmp_path / f"in/{name}.parquet")
    with pytest.raises(
        DataError, match=r"'a/0' is there twice, in .*x\.parquet, row 0 and .*y\.parquet, row 0"
    ):
        ShardedPool(str(tmp_path / "in"), id="key")
    monkeypatch.setattr(ids_module, "IN_MEMORY", 1)
    large = ShardedPool(str(tmp_path / "in"), id="key")  # not looked through before one is wanted
    with pytest.raises(DataError, match="'a/1' is there twice"):
        large.read("a/1")


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ([None, "a"], "row 0 has no id in 'key'"),
        (["a", ""], "row 1 has no id in 'key'"),
        ([1.0, 2.0], "ids are text or whole numbers"),
        ([["a"], ["b"]], "ids are text or whole numbers"),
    ],
)
def test_ids_that_are_none(tmp_path, column, why):
    pq.write_table(pa.table(rows([0, 1]) | {"key": column}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=why):
        ShardedPool(str(tmp_path / "a.parquet"), id="key")


def test_a_column_of_ids_that_is_not_there(tmp_path):
    for form, make in FORMS.items():
        with pytest.raises(DataError, match=r"has no column 'serial', only .*"):
            ShardedPool(str(make(tmp_path / form)), id="serial")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.jpg").write_bytes(jpeg())
    for source in (str(tmp_path / "folder"), "digits"):
        with pytest.raises(UsageError, match="has no columns, so none of ids"):
            open_dataset(source, id_column="serial")


def test_columns_that_differ_between_shards(tmp_path):
    parquet(tmp_path / "in")
    pq.write_table(pa.table(rows([0]) | {"key": [1]}), tmp_path / "in/2.parquet")
    ShardedPool(str(tmp_path / "in"))
    with pytest.raises(DataError, match=r"'key' is text in .*0\.parquet and int64 in .*2\.parquet"):
        ShardedPool(str(tmp_path / "in"), id="key")
    pq.write_table(pa.table(rows([0]) | {"image": ["a.jpg"]}), tmp_path / "in/2.parquet")
    with pytest.raises(DataError, match=r"'image' is bytes in .* and text in"):
        ShardedPool(str(tmp_path / "in"))


def test_several_forms_in_one_folder(tmp_path):
    parquet(tmp_path / "in")
    tar(tmp_path / "in/0.tar", samples([0]))
    with pytest.raises(UsageError, match=r"holds \.parquet and \.tar files; name those"):
        ShardedPool(str(tmp_path / "in"))
    assert len(ShardedPool(f"{tmp_path}/in/*.tar").ids()) == 1


class TestTar:
    def test_endings_of_several_parts_and_which_is_the_image(self, tmp_path):
        members = {"0.left.jpg": jpeg(0), "0.left.txt": b"x", "1.left.jpg": jpeg(1)}
        pool = ShardedPool(str(tar(tmp_path / "a.tar", members)))
        assert list(pool.ids()) == ["a/0", "a/1"] and pool.read("a/1") == jpeg(1)
        tar(tmp_path / "b.tar", members | {"0.left.png": b""})

    def test_two_images_in_a_sample(self, tmp_path):
        file = tar(tmp_path / "a.tar", {"0.jpg": jpeg(0), "0.mask.png": jpeg(1)})
        with pytest.raises(DataError, match=r"several images, jpg, mask\.png"):
            ShardedPool(str(file))

    def test_a_sample_without_image_is_one_that_cannot_be_read(self, tmp_path):
        members = samples([0]) | {"n/1.json": b"{}", "n/2.jpg": b"", "n/3.jpg": b"no image"}
        found = scan(ShardedPool(str(tar(tmp_path / "a.tar", members))))
        assert list(found.hashes) == ["a/a/0"]
        assert [(each.id, each.why) for each in found.problems] == [
            ("a/n/1", "no bytes in this row"),
            ("a/n/2", "no bytes in this row"),
            ("a/n/3", "not an image: text"),
        ]

    @pytest.mark.parametrize(
        ("members", "why"),
        [
            (
                {"0.jpg": b"x", "1.jpg": b"x", "0.json": b"{}"},
                "'0' is there twice, or its members stand apart",
            ),
            ({"0.txt": b"x"}, "holds no image"),
            ({"0.jpg": b"x", "0.json": b"{"}, r"0\.json:1 not JSON"),
        ],
    )
    def test_members_that_make_no_samples(self, tmp_path, members, why):
        with pytest.raises(DataError, match=why):
            ShardedPool(str(tar(tmp_path / "a.tar", members)))

    def test_the_same_member_twice(self, tmp_path):
        import io
        import tarfile

        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            for _ in range(2):
                member = tarfile.TarInfo("0.jpg")
                member.size = 1
                archive.addfile(member, io.BytesIO(b"x"))
        with pytest.raises(DataError, match=r"0\.jpg is there twice"):
            ShardedPool(str(tmp_path / "a.tar"))

    @pytest.mark.parametrize("keep", [0.0, 0.3, 0.5, 0.9])
    def test_a_file_that_was_cut_short(self, tmp_path, keep):
        file = tar(tmp_path / "a.tar", samples(range(5)))
        whole = file.read_bytes()
        file.write_bytes(whole[: int(keep * whole.rstrip(b"\0").__len__())])
        with pytest.raises(DataError, match=r"a\.tar: ends without the mark of an end"):
            ShardedPool(str(file))
        file.write_bytes(whole[:1024])  # between two members
        with pytest.raises(DataError, match=r"a\.tar"):
            ShardedPool(str(file))

    def test_a_header_that_is_broken_in_the_middle(self, tmp_path):
        file = tar(tmp_path / "a.tar", samples(range(5)))
        data = bytearray(file.read_bytes())
        at = data.index(b"b/2.jpg")
        data[at + 100 : at + 300] = b"\xff" * 200
        file.write_bytes(data)
        with pytest.raises(DataError, match=rf"broken at byte {at:,}: no header"):
            ShardedPool(str(file))

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
    def test_a_header_without_end_is_not_read_to_it(self, tmp_path, kind):
        head = tarfile.TarInfo("long")
        head.type, head.size = kind, 30_000_000_000
        with (tmp_path / "a.tar").open("wb") as file:
            file.write(head.tobuf(tarfile.USTAR_FORMAT if head.size < 8**11 else tarfile.GNU_FORMAT))
            file.truncate(30_000_002_048)
        with pytest.raises(
            DataError, match=r"a\.tar: no tar file, or broken: a header of 30,000,000,\d+ bytes"
        ):
            TarShard(str(tmp_path / "a.tar"))

    def test_a_member_beyond_any_image_is_not_read(self, tmp_path):
        head = tarfile.TarInfo("a.jpg")
        head.size = 30_000_000_000
        with (tmp_path / "a.tar").open("wb") as file:
            file.write(head.tobuf(tarfile.GNU_FORMAT))
            file.truncate(30_000_002_048)
        with pytest.raises(DataError, match=r"a\.tar: the member a\.jpg has 30,000 MB, more than 751"):
            TarShard(str(tmp_path / "a.tar"))

    def test_names_are_no_paths(self, tmp_path):
        pool = ShardedPool(
            str(tar(tmp_path / "in/a.tar", {"../../up.jpg": jpeg(0), "/etc/root.jpg": jpeg(1)}))
        )
        assert [pool.read(id) for id in pool.ids()] == [jpeg(0), jpeg(1)]
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "in"]

    def test_no_tar_at_all(self, tmp_path):
        (tmp_path / "a.tar").write_bytes(b"x" * 5000 + bytes(1024))
        with pytest.raises(DataError, match=r"a\.tar: no tar file"):
            ShardedPool(str(tmp_path / "a.tar"))


class TestSaved:
    def test_splits(self, tmp_path):
        for split in ("train", "test"):
            saved(tmp_path / f"set/{split}")
        (tmp_path / "set/dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
        train = open_dataset(str(tmp_path / "set"))
        test = open_test(DataRecipe(train=str(tmp_path / "set")), train)
        assert len(train.pool.ids()) == len(test.pool.ids()) == 5
        (tmp_path / "set/dataset_dict.json").write_text(json.dumps({"splits": ["other"]}))
        with pytest.raises(UsageError, match="has no split 'train', only other"):
            open_dataset(str(tmp_path / "set"))

    def test_what_the_package_itself_writes(self, tmp_path):
        datasets = pytest.importorskip("datasets")
        import PIL.Image

        pictures = [PIL.Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(3)]
        features = datasets.Features(
            {"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
        )
        made = datasets.Dataset.from_dict({"img": pictures, "label": [0, 1, 1]}, features=features)
        made.shuffle(seed=0).save_to_disk(tmp_path / "set", num_shards=2)
        data = open_dataset(str(tmp_path / "set"))
        reds = [int(data.pool.load(id)[0, 0, 0]) for id in data.pool.ids()]
        labels = data.required_oracle().answer(list(data.pool.ids()))
        assert sorted(zip(reds, labels.values(), strict=True)) == [(0, "cat"), (1, "dog"), (2, "dog")]

    def test_rows_in_another_order_than_the_files(self, tmp_path):
        saved(tmp_path / "set")
        state = {"_data_files": [], "_indices_data_files": [{"filename": "indices.arrow"}]}
        (tmp_path / "set/state.json").write_text(json.dumps(state))
        with pytest.raises(DataError, match="flatten_indices"):
            open_dataset(str(tmp_path / "set"))

    @pytest.mark.parametrize("cut", [3, 8, 200, 900])
    def test_a_file_that_was_cut_short(self, tmp_path, cut):
        saved(tmp_path / "set")
        file = tmp_path / "set/data-00001-of-00002.arrow"
        file.write_bytes(file.read_bytes()[:-cut])
        with pytest.raises(DataError, match=r"data-00001-of-00002\.arrow"):
            open_dataset(str(tmp_path / "set"))


class TestAddresses:
    def test_files_that_are_missing_or_no_images(self, tmp_path):
        file = paths(tmp_path)
        (tmp_path / "photos/1.jpg").unlink()
        (tmp_path / "photos/2.jpg").write_bytes(b"no image")
        table = pq.read_table(file).to_pydict() | {
            "image": ["photos/0.jpg", "photos/1.jpg", "photos/2.jpg", None, ""]
        }
        pq.write_table(pa.table(table), file)
        found = scan(ShardedPool(str(file)))
        assert list(found.hashes) == ["list/00000"]
        whys = [each.why for each in found.problems]
        assert "1.jpg" in whys[0] and "No such file" in whys[0] and whys[1] == "not an image: text"
        assert whys[2:] == ["no bytes in this row"] * 2

    def test_a_file_that_changes_is_looked_at_again(self, tmp_path):
        pool = ShardedPool(str(paths(tmp_path)))
        before = pool.content_hash("list/00000")
        assert pool.stamp("list/00000") is None  # the list says nothing about the files
        (tmp_path / "photos/0.jpg").write_bytes(jpeg(9))
        assert pool.content_hash("list/00000") != before

    def test_over_http(self, tmp_path):
        file = paths(tmp_path)
        handler = functools.partial(Quiet, directory=str(tmp_path))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            root = f"http://127.0.0.1:{server.server_address[1]}"
            addresses = [f"{root}/photos/{n}.jpg" for n in (0, 1, 2, 3)] + [f"{root}/none.jpg"]
            pq.write_table(pa.table(rows(range(5)) | {"image": addresses}), file)
            pool = ShardedPool(str(file))
            assert [pool.read(id) for id in list(pool.ids())[:4]] == [jpeg(n) for n in range(4)]
            with pytest.raises(UnreadableImage, match="there is no such file"):
                pool.read("list/00004")
            server.shutdown()
        with pytest.raises(Unreachable, match="does not answer"):
            ShardedPool(str(file))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_every_form_is_known_to_an_error(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"\.tar file of a WebDataset.*datasets saved to disk|saved to disk.*\.tar"
    ):
        open_dataset(str(tmp_path / "a.xyz"))


def test_a_webdataset_is_a_folder_of_tars_at_its_top_or_named_by_a_pattern(tmp_path):
    webdataset(tmp_path / "set")
    assert len(open_dataset(str(tmp_path / "set/part")).pool.ids()) == 5
    assert len(open_dataset(f"{tmp_path}/set/part/*.tar").pool.ids()) == 5
