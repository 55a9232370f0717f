"""Shards of images become shards of scores, whole or absent, and what is done stays done."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import ncenet
from ncenet.models.score_shards import score_here, shards_of
from tests.models.make_shards import model, rows_in, shards


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return model(tmp_path_factory.mktemp("model"))


def scored(file, tmp_path, **options):
    scorer = ncenet.Scorer(file, ("likelihood", "embedding", "margin"), keep=("camera",))
    found = shards_of(scorer, str(tmp_path / "in"), str(tmp_path / "out"), **options)
    return scorer, found, list(score_here(scorer, found))


def test_rows_are_those_of_the_scorer(file, tmp_path):
    shards(tmp_path / "in")
    scorer, found, done = scored(file, tmp_path)
    assert [each.rows for each in done] == [10, 7, 5] and [each.broken for each in done] == [1, 0, 0]
    there = rows_in(tmp_path / "out")
    assert len(there) == 22 and there["0/00009"]["reason"] == "not an image: text"
    for number in range(3):
        table = pq.read_table(tmp_path / f"in/{number}.parquet")
        here = scorer(table.to_pydict())
        for row in range(len(table)):
            row_there = there[f"{number}/{row:05}"]
            np.testing.assert_array_equal(row_there["likelihood"], here["likelihood"][row])
            np.testing.assert_array_equal(row_there["embedding"], here["embedding"][row])
            np.testing.assert_array_equal(row_there["margin"], here["margin"][row])
            assert row_there["camera"] == f"c{number}" and row_there["predicted"] == here["predicted"][row]
    about = json.loads(pq.read_schema(found[0].target).metadata[b"ncenet"])
    assert about["outputs"] == ["likelihood", "embedding", "margin"] and about["class_names"] == [
        "ant",
        "bee",
        "cow",
    ]


def test_what_is_done_is_not_done_again_and_another_model_has_files_of_its_own(file, tmp_path):
    shards(tmp_path / "in")
    _, found, _ = scored(file, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert len(before) == 3
    scored(file, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    other = ncenet.Scorer(file, ("margin",))
    names = {shard.target for shard in shards_of(other, str(tmp_path / "in"), str(tmp_path / "out"))}
    assert not names & {shard.target for shard in found}


def test_a_shard_that_changed_is_scored_anew(file, tmp_path):
    shards(tmp_path / "in")
    scored(file, tmp_path)
    shards(tmp_path / "in", (10, 6, 5))
    scored(file, tmp_path)
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_truncated_shard_is_named_and_the_others_are_done(file, tmp_path):
    shards(tmp_path / "in")
    scorer = ncenet.Scorer(file)
    found = shards_of(scorer, str(tmp_path / "in"), str(tmp_path / "out"))
    middle = tmp_path / "in/1.parquet"
    data = bytearray(middle.read_bytes())
    data[4:200] = bytes(196)  # pages, not the footer: seen when it is read
    middle.write_bytes(data)
    done = list(score_here(scorer, found))
    assert [bool(each.why) for each in done] == [False, True, False] and "1.parquet" in done[1].why
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_ids_of_a_column(file, tmp_path):
    shards(tmp_path / "in")
    scored(file, tmp_path, id="key")
    assert "k1-3" in rows_in(tmp_path / "out")


class TestCommand:
    def test_shards_then_a_query_then_a_second_run(self, ncenet, file, tmp_path):
        shards(tmp_path / "in")
        done = ncenet("score", file, "in", "--out", "out", "--keep", "camera")
        assert done.code == 0, done.err
        assert "3 shards of 22 images, 0 done before" in done.said and "1 broken" in done.said
        again = ncenet("score", file, "in", "--out", "out", "--keep", "camera", "--engine", "local")
        assert "3 done before" in again.said and "0 images scored" in again.said
        query = ncenet("select", "out", "-n", "4", "--quota", "camera=2", "--json")
        assert query.code == 0, query.err
        assert len(json.loads(query.out)) == 4 and "1 of images that could not be read" in query.said

    def test_a_dry_run_writes_nothing(self, ncenet, file, tmp_path):
        shards(tmp_path / "in")
        done = ncenet("score", file, "in", "--out", "out", "--dry-run")
        assert done.code == 0 and "22 images" in done.said and "images/s" in done.said
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (("in/*.parquet",), "--out FOLDER"),
            (("in", "--out", "out", "--per-class"), "--outputs says what"),
            (("in", "--out", "out", "--keep", "site"), "has no column 'site', only image, camera"),
            (("in", "--out", "out", "--outputs", "boxes"), "has 'likelihood'"),
            (("nowhere", "--out", "out", "--engine", "local"), "there is no such file"),
            (("in/0.parquet", "--out", "a.csv", "--keep", "camera"), "are for Parquet shards"),
        ],
    )
    def test_what_cannot_be(self, ncenet, file, tmp_path, words, why):
        shards(tmp_path / "in")
        done = ncenet("score", file, *words)
        assert done.code != 0 and why in done.said, done.said
