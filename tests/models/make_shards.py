"""Shards of images, a model that reads them, and a store of objects on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from tests.learners.make import classifier, images, labeled
from tests.models.test_scorer import png

BROKEN = b"no image"


def model(folder):
    learner = classifier(epochs=4)
    learner.fit(labeled(images()), images(), cycle=1)
    folder.mkdir(parents=True, exist_ok=True)
    learner.save(folder / "model.safetensors")
    return folder / "model.safetensors"


def shards(folder, counts=(10, 7, 5)):
    """Files of images, of which the last of the first is broken."""
    folder.mkdir(parents=True, exist_ok=True)
    pool, first = images(sum(counts)), 0
    for number, count in enumerate(counts):
        rows = [png(pool.load(id)) for id in pool.ids()[first : first + count]]
        if number == 0:
            rows[-1] = BROKEN
        first += count
        table = pa.table(
            {"image": rows, "camera": [f"c{number}"] * count, "key": [f"k{number}-{n}" for n in range(count)]}
        )
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=4)
    return folder


def rows_in(folder):
    """All rows of files of scores, by id."""
    tables = [pq.read_table(file) for file in sorted(folder.rglob("*.parquet"))]
    return {row["id"]: row for table in tables for row in table.to_pylist()}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(port, *words, **settings):
    """A module that serves at a port, as a process."""
    server = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **settings},
    )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield server
    finally:
        server.kill()
        server.wait()


@contextmanager
def store(**settings):
    """A server that speaks S3, and the environment by which it is found; ``settings`` are its own."""
    port = free_port()
    with served(port, "moto.server", "-H", "127.0.0.1", "-p", str(port), **settings) as server:
        yield (
            server,
            {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "someone",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )


@contextmanager
def store_of_google():
    """A server that speaks as Google's storage does, with a bucket ``photos``, and its environment."""
    port = free_port()
    words = ("start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", "--default-bucket", "photos")
    with served(port, "gcp_storage_emulator", *words):
        yield {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}


def bucket(name="photos"):
    """A bucket in the store of the environment; a function that uploads a folder into it."""
    from pyarrow import fs

    remote = fs.S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"],
        region="us-east-1",
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    remote.create_dir(name)

    def upload(folder, below):
        fs.copy_files(str(folder), f"{name}/{below}", destination_filesystem=remote)

    return remote, upload
