"""The same five photographs with their classes in every form of shards."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.make import jpeg, write

KEYS = ("a/0", "a/1", "b/2", "b/3", "b/4")
LABELS = ("cat", "dog", "cat", "dog", "dog")


def tar(file: Path, members: dict[str, bytes | None]) -> Path:
    """A tar file; None is a folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            if data is None:
                member.type = tarfile.DIRTYPE
            member.size = len(data or b"")
            archive.addfile(member, io.BytesIO(data or b""))
    return file


def samples(numbers, suffix="jpg") -> dict[str, bytes]:
    members = {}
    for n in numbers:
        members[f"{KEYS[n]}.{suffix}"] = jpeg(n)
        members[f"{KEYS[n]}.cls"] = LABELS[n].encode()
        members[f"{KEYS[n]}.json"] = json.dumps({"camera": f"c{n % 2}", "at": n}).encode()
    return members


def webdataset(folder: Path) -> Path:
    tar(folder / "part/0.tar", {"a/": None, **samples(range(3))})
    tar(folder / "part/1.tar", samples(range(3, 5)))
    return folder


def rows(numbers) -> dict[str, list]:
    return {
        "image": [jpeg(n) for n in numbers],
        "label": [LABELS[n] for n in numbers],
        "key": [KEYS[n] for n in numbers],
        "camera": [f"c{n % 2}" for n in numbers],
    }


def parquet(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, numbers in (("0", range(3)), ("1", range(3, 5))):
        pq.write_table(pa.table(rows(numbers)), folder / f"{name}.parquet", row_group_size=2)
    return folder


def paths(folder: Path) -> Path:
    """A Parquet file of paths, and the files beside it."""
    write(folder, {f"photos/{n}.jpg": jpeg(n) for n in range(5)})
    table = rows(range(5)) | {"image": [f"photos/{n}.jpg" for n in range(5)]}
    pq.write_table(pa.table(table), folder / "list.parquet", row_group_size=2)
    return folder / "list.parquet"


def saved(folder: Path, name: str = "photo") -> Path:
    """What ``datasets`` writes with ``save_to_disk``, in two files."""
    features = {
        name: {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": ["cat", "dog"]},
        "key": {"_type": "Value", "dtype": "string"},
    }
    schema = pa.schema(
        [
            (name, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
            ("key", pa.string()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    folder.mkdir(parents=True)
    files = []
    for number, numbers in enumerate((range(3), range(3, 5))):
        file = folder / f"data-{number:05}-of-00002.arrow"
        files.append({"filename": file.name})
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for n in numbers:
                image = {"bytes": jpeg(n), "path": None}
                label = ["cat", "dog"].index(LABELS[n])
                writer.write_batch(
                    pa.RecordBatch.from_pylist([{name: image, "label": label, "key": KEYS[n]}], schema)
                )
    (folder / "state.json").write_text(json.dumps({"_data_files": files, "_split": None}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


FORMS = {"webdataset": webdataset, "parquet": parquet, "paths": paths, "saved": saved}
