"""From a bucket to a query on a cluster of two nodes, with what goes wrong there: `make test-scale`."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import warnings

import psutil
import pytest

import ncenet
from ncenet import addresses
from ncenet.cli import main
from ncenet.errors import DataError
from ncenet.models.score_on_ray import score_on_ray
from ncenet.models.score_shards import score_here, shards_of
from tests.models.make_shards import bucket, model, rows_in, shards, store

pytestmark = [pytest.mark.scale, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings
COUNTS = (12,) * 6


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store with a bucket of shards, and a cluster of two nodes."""
    pytest.importorskip("ray.data", reason="the extra ray is not installed")
    import ray
    from ray.cluster_utils import Cluster

    folder = tmp_path_factory.mktemp("scale")
    with store() as (_, environment), pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in (environment | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}).items():
            patch.setenv(name, value)
        remote, upload = bucket("photos")
        upload(shards(folder / "in", COUNTS), "in")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        assert len([node for node in ray.nodes() if node["Alive"]]) == 2
        try:
            yield folder, model(folder / "model"), remote, cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def job(file, out, **scorer):
    found = ncenet.Scorer(file, keep=("camera",), **scorer)
    return found, shards_of(found, "s3://photos/in/", out)


def fetched(address, folder):
    folder.mkdir()
    for each in addresses.files_at(address, (".parquet",)):
        (folder / addresses.last_part(each)).write_bytes(addresses.read_bytes(each))
    return rows_in(folder)


def test_both_engines_give_the_same_files(place, tmp_path):
    _, file, *_ = place
    scorer, of_ray = job(file, "s3://photos/by-ray")
    done = list(score_on_ray(scorer, of_ray))
    assert [each.why for each in done] == [""] * 6 and sum(each.broken for each in done) == 1
    scorer, of_loop = job(file, "s3://photos/by-loop")
    list(score_here(scorer, of_loop))
    assert repr(fetched("s3://photos/by-ray", tmp_path / "a")) == repr(
        fetched("s3://photos/by-loop", tmp_path / "b")
    )
    names = [[addresses.last_part(shard.target) for shard in each] for each in (of_ray, of_loop)]
    assert names[0] == names[1]


def actors():
    """Processes of a job's actors, as they show themselves."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline"]):
            if any("ShardActor" in word for word in process.info["cmdline"] or ()):
                yield process
        time.sleep(0.05)


def test_a_worker_that_is_killed_is_replaced(place, tmp_path):
    _, file, *_ = place
    scorer, found = job(file, "s3://photos/killed", least=0.06)  # another name for the same scores
    killed = []

    def kill():
        """Kill -9 the first process of the job's actors that shows itself."""
        for process in actors():
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process.pid)
            return

    killer = threading.Thread(target=kill)
    killer.start()
    done = list(score_on_ray(scorer, found))
    killer.join()
    assert killed, "an actor was there to be killed"
    assert sorted(each.source for each in done) == sorted(shard.source for shard in found)
    assert not any(each.why for each in done)
    assert len(fetched("s3://photos/killed", tmp_path / "a")) == sum(COUNTS)


def test_a_node_that_is_lost(place, tmp_path):
    """A third machine goes away with the actors on it, while they work."""
    _, file, _, cluster = place
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    scorer, found = job(file, "s3://photos/lost", least=0.07)
    lost = []
    (raylet,) = node.all_processes["raylet"]

    def lose():
        for process in actors():
            if process.ppid() == raylet.process.pid:
                cluster.remove_node(node, allow_graceful=False)
                lost.append(process.pid)
                return

    loser = threading.Thread(target=lose)
    loser.start()
    done = list(score_on_ray(scorer, found, workers=3))
    loser.join()
    assert lost, "an actor was on that node"
    assert sorted(each.source for each in done) == sorted(shard.source for shard in found)
    assert not any(each.why for each in done)
    assert len(fetched("s3://photos/lost", tmp_path / "a")) == sum(COUNTS)


def test_a_truncated_shard_among_others(place, tmp_path):
    _, file, remote, _ = place
    whole = addresses.read_bytes("s3://photos/in/1.parquet")
    scorer, found = job(file, "s3://photos/truncated")
    try:
        with remote.open_output_stream("photos/in/1.parquet") as target:
            target.write(whole[:100])
        done = list(score_on_ray(scorer, found))
        assert [each.source for each in done if each.why] == ["s3://photos/in/1.parquet"]
        with pytest.raises(DataError, match=r"1\.parquet"):
            shards_of(scorer, "s3://photos/in/", "s3://photos/truncated")
    finally:
        with remote.open_output_stream("photos/in/1.parquet") as target:
            target.write(whole)
    scorer, found = job(file, "s3://photos/truncated")
    missing = [shard for shard in found if not addresses.exists(shard.target)]
    assert [shard.source for shard in missing] == ["s3://photos/in/1.parquet"]
    assert [each.why for each in score_on_ray(scorer, missing)] == [""]


def test_the_whole_walk_by_commands(place, tmp_path, capsys, monkeypatch):
    _, file, *_ = place
    monkeypatch.chdir(tmp_path)
    main(["score", str(file), "s3://photos/in/", "--out", "s3://photos/scores/", "--engine", "ray"])
    main(["select", "s3://photos/scores/", "-n", "10", "--out", "query.csv"])
    assert len((tmp_path / "query.csv").read_text().splitlines()) == 11
    assert "passed over 1 image with a reason why it could not be read" in capsys.readouterr().err


def test_a_bucket_that_disappears(place):
    _, file, remote, _ = place
    scorer, found = job(file, "s3://gone/scores")
    remote.create_dir("gone")
    remote.delete_dir("gone")
    done = list(score_here(scorer, found[:2]))
    assert all("there is no such bucket" in each.why for each in done)


def test_features_of_shards(place, tmp_path, monkeypatch, ncenet):
    """The cluster's workers fill the store that a run reads, and pass over what is there."""
    folder, *_ = place
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = ncenet("features", folder / "in", "--features", "gist", "--engine", "ray", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert (said["shards"], said["images"], said["unreadable"], said["failed"]) == (6, sum(COUNTS), 1, {})
    again = json.loads(
        ncenet("features", folder / "in", "--features", "gist", "--engine", "ray", "--json").out
    )
    assert said["embedded"] > 0 and again["embedded"] == 0
    here = json.loads(ncenet("features", folder / "in", "--features", "gist", "--json").out)
    assert here["embedded"] == 0 and here["stored"] == said["embedded"]
