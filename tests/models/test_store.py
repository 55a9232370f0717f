"""Shards and scores in stores of objects: servers on this machine that speak as those of others do."""

from __future__ import annotations

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet import addresses
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, Unreachable, UsageError
from ncenet.models.score_shards import check_done, score_here, shards_of
from ncenet.models.scorer import Scorer
from tests.models.hub_server import hub
from tests.models.make_shards import bucket, model, rows_in, shards, store, store_of_google

pytest.importorskip("moto.server", reason="moto is not installed")


@pytest.fixture(scope="module")
def server():
    with store() as (process, environment), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield process


@pytest.fixture
def photos(server, tmp_path):
    remote, upload = bucket("photos")
    upload(shards(tmp_path / "in"), "in")
    yield remote
    remote.delete_dir("photos")


def test_from_a_bucket_to_a_query(photos, ncenet, tmp_path):
    file = model(tmp_path / "model")
    words = ("score", file, "s3://photos/in/", "--out", "s3://photos/scores")
    done = ncenet(*words, "--keep", "camera")
    assert done.code == 0, done.err
    assert "22 images scored" in done.said and "1 broken" in done.said
    assert "3 done before" in ncenet(*words, "--keep", "camera").said
    here = ncenet("score", file, "in", "--out", "out", "--keep", "camera")
    assert here.code == 0
    found = addresses.files_at("s3://photos/scores/", (".parquet",))
    assert len(found) == 3 and not any(name.endswith(addresses.PARTIAL) for name in found)
    (tmp_path / "there").mkdir()
    for address in found:
        (tmp_path / "there" / addresses.last_part(address)).write_bytes(addresses.read_bytes(address))
    # As text: nan, of the broken image, is not equal to itself.
    assert repr(rows_in(tmp_path / "there")) == repr(rows_in(tmp_path / "out"))
    query = ncenet("select", "s3://photos/scores/*.parquet", "-n", "4")
    assert query.code == 0 and query.out == ncenet("select", "out", "-n", "4").out


def test_addresses(photos):
    assert addresses.files_at("s3://photos/in/*.parquet", ()) == [
        f"s3://photos/in/{n}.parquet" for n in range(3)
    ]
    assert addresses.files_at("s3://photos/in/1.parquet", ()) == ["s3://photos/in/1.parquet"]
    assert addresses.exists("s3://photos/in/1.parquet") and not addresses.exists("s3://photos/in/9.parquet")
    with pytest.raises(UsageError, match="there is no such file"):
        addresses.files_at("s3://photos/out/*.parquet", ())
    with pytest.raises(DataError, match="there is no such file"):
        addresses.read_bytes("s3://photos/in/9.parquet")
    with pytest.raises(ZeroDivisionError), addresses.whole_at("s3://photos/x") as file:
        file.write_text("half")
        raise ZeroDivisionError
    assert not addresses.exists("s3://photos/x")


def test_a_bucket_that_is_gone(server, ncenet, tmp_path):
    done = ncenet("select", "s3://nowhere/scores/a.parquet", "-n", "3")
    assert done.code != 0 and "s3://nowhere/scores/a.parquet: there is no such" in done.said


def test_a_store_that_does_not_answer(ncenet, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = ncenet("select", "s3://photos/a.parquet", "-n", "3")
    assert done.code == 1 and "the store does not answer" in done.said


def test_credentials_that_are_wrong(ncenet, monkeypatch, tmp_path):
    """A store that lets nobody in but those it knows, and has made a bucket before."""
    file = model(tmp_path / "model")
    with store(INITIAL_NO_AUTH_ACTION_COUNT="2") as (_, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bucket("private")
        shards(tmp_path / "in")
        commands = (
            ("score", file, "s3://private/in/", "--out", "out"),
            ("score", file, "in", "--out", "s3://private/scores/"),
            ("select", "s3://private/scores/", "-n", "3"),
            ("init", "s3://private/in/", "--out", "run", "--classes", "cat,dog"),
        )
        for words in commands:
            done = ncenet(*words)
            assert done.code == 1 and "the store refuses these credentials" in done.said, done.said
            assert len(done.err.splitlines()) <= 3 and "Traceback" not in done.said


def test_addresses_in_a_store_that_refuses_are_no_broken_images(monkeypatch, tmp_path):
    file = model(tmp_path / "model")
    with store(INITIAL_NO_AUTH_ACTION_COUNT="2") as (_, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bucket("private")
        addressed = pa.table({"image": [f"s3://private/{n}.jpg" for n in range(3)]})
        pq.write_table(addressed, tmp_path / "list.parquet")
        scorer = Scorer(file)
        (done,) = score_here(scorer, shards_of(scorer, str(tmp_path / "list.parquet"), str(tmp_path / "out")))
        assert "the store refuses these credentials" in done.why and not rows_in(tmp_path / "out")
        with pytest.raises(Unreachable, match="refuses these credentials"):
            ShardedPool(str(tmp_path / "list.parquet"))


def test_a_bucket_that_disappears_in_the_middle(server, tmp_path):
    remote, upload = bucket("short")
    upload(shards(tmp_path / "in"), "in")
    scorer = Scorer(model(tmp_path / "model"))
    found = shards_of(scorer, "s3://short/in/", "s3://short/scores")
    seen = []

    def told(rows, broken):
        seen.append(rows)
        if len(seen) == 2:  # the first shard is there, the second is under way
            remote.delete_dir("short")

    done = list(score_here(scorer, found, told))
    assert done[0].why == "" and all(
        "there is no such file, or its bucket is gone" in each.why for each in done[1:]
    )
    with pytest.raises(DataError, match=r"2 of 3 shards without scores"):
        check_done(done)


@pytest.fixture
def google(monkeypatch):
    pytest.importorskip("gcp_storage_emulator", reason="no emulator is installed")
    with store_of_google() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield


def test_a_store_of_google(google, ncenet, tmp_path):
    """Shards in, scores out, a query from them; a bucket that is none is named."""
    for file in sorted(shards(tmp_path / "in").glob("*.parquet")):
        with addresses.whole_at(f"gs://photos/in/{file.name}") as target:
            target.write_bytes(file.read_bytes())
    words = ("score", model(tmp_path / "model"), "gs://photos/in/", "--out", "gs://photos/scores")
    done = ncenet(*words)
    assert done.code == 0, done.err
    assert "22 images scored" in done.said and "3 done before" in ncenet(*words).said
    ncenet("score", tmp_path / "model/model.safetensors", "in", "--out", "out")
    for source in ("gs://photos/scores", "gs://photos/scores/*.parquet"):
        assert ncenet("select", source, "-n", "4").out == ncenet("select", "out", "-n", "4").out
    done = ncenet("select", "gs://nowhere/scores/", "-n", "4")
    assert done.code == 2 and "gs://nowhere/scores/: there is no such file" in done.said


def test_the_hub_of_hugging_face(ncenet, tmp_path):
    """Shards are read there. Where it is the package reads when it is loaded, so in a process of its own."""
    pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    file = model(tmp_path / "model")
    shards(tmp_path / "root" / "day")
    ncenet("score", file, tmp_path / "root/day", "--out", "here")
    with hub(tmp_path / "root", "someone/photos") as environment:

        def run(*words):
            return subprocess.run(
                [sys.executable, "-m", "ncenet", *map(str, words)],
                env={**os.environ, **environment}, cwd=tmp_path, capture_output=True, text=True,
            )  # fmt: skip

        done = run("score", file, "hf://datasets/someone/photos/day/", "--out", "there")
        assert done.returncode == 0, done.stderr
        assert repr(rows_in(tmp_path / "there")) == repr(rows_in(tmp_path / "here"))
        done = run("select", "hf://datasets/someone/other/", "-n", "3")
        assert done.returncode == 2 and "there is no such file" in done.stderr
