"""Shards of images become shards of scores, whole or absent, and what is done stays done."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ncenet
from ncenet.data.open import open_dataset
from ncenet.models.score_shards import score_here, shards_of
from ncenet.models.scorer import Scorer
from tests.data.make_shards import FORMS, webdataset
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
        assert len(json.loads(query.out)) == 4
        assert "passed over 1 image with a reason why it could not be read" in query.said

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
            (("in/0.parquet", "--out", "a.csv", "--keep", "camera"), "are for shards that are scored"),
        ],
    )
    def test_what_cannot_be(self, ncenet, file, tmp_path, words, why):
        shards(tmp_path / "in")
        done = ncenet("score", file, *words)
        assert done.code != 0 and why in done.said, done.said


class TestOtherForms:
    @pytest.mark.parametrize("form", FORMS)
    def test_ids_and_scores_are_those_of_the_pool(self, file, form, tmp_path):
        source = FORMS[form](tmp_path / "pool")
        scorer = ncenet.Scorer(file, ("likelihood",))
        found = shards_of(scorer, str(source), str(tmp_path / "out"))
        done = list(score_here(scorer, found))
        assert sum(each.rows for each in done) == 5 and not any(each.why or each.broken for each in done)
        pool = open_dataset(str(source)).pool
        there = rows_in(tmp_path / "out")
        assert list(there) == list(pool.ids())
        here = scorer({"id": list(there), "image": [pool.read(id) for id in there]})
        np.testing.assert_allclose(
            [row["likelihood"] for row in there.values()], here["likelihood"], atol=1e-6
        )

    def test_fields_of_the_json_come_along(self, file, ncenet, tmp_path):
        webdataset(tmp_path / "in")
        done = ncenet("score", file, "in", "--out", "out", "--keep", "camera", "--id-column", "__key__")
        assert done.code == 0, done.err
        there = rows_in(tmp_path / "out")
        assert list(there) == ["a/0", "a/1", "b/2", "b/3", "b/4"] and there["b/3"]["camera"] == "c1"
        assert "2 shards, 0 done before" in done.said and "5 images scored" in done.said

    def test_a_dry_run_of_tars(self, file, ncenet, tmp_path):
        webdataset(tmp_path / "in")
        done = ncenet("score", file, "in", "--out", "out", "--dry-run")
        assert (
            done.code == 0
            and re.search("about [3-6] images", done.said)
            and "hours of processes in all" in done.said
        )

    def test_an_id_twice_in_a_shard(self, file, tmp_path):
        pq.write_table(pa.table({"image": [b"", b"", b""], "key": ["a", "b", "a"]}), tmp_path / "x.parquet")
        scorer = ncenet.Scorer(file)
        (done,) = score_here(scorer, shards_of(scorer, str(tmp_path / "x.parquet"), str(tmp_path), id="key"))
        assert done.why == f"{tmp_path}/x.parquet: the id 'a' is there twice"

    def test_a_shard_that_is_cut_short_is_named_and_the_others_are_done(self, file, ncenet, tmp_path):
        webdataset(tmp_path / "in")
        scorer = Scorer(file)
        found = shards_of(scorer, str(tmp_path / "in"), str(tmp_path / "out"))
        whole = (tmp_path / "in/part/0.tar").read_bytes()
        (tmp_path / "in/part/0.tar").write_bytes(whole[:5000])
        done = list(score_here(scorer, found))
        assert [bool(each.why) for each in done] == [True, False] and "cut short" in done[0].why
        assert len(rows_in(tmp_path / "out")) == 2
        refused = ncenet("score", file, "in", "--out", "out")
        assert refused.code == 1 and "0.tar: ends without the mark" in refused.said

    def test_a_store_that_does_not_answer_is_no_fault_of_the_images(self, file, tmp_path):
        table = {"image": ["http://127.0.0.1:9/a.jpg", None]}
        pq.write_table(pa.table(table), tmp_path / "x.parquet")
        scorer = ncenet.Scorer(file)
        (done,) = score_here(scorer, shards_of(scorer, str(tmp_path / "x.parquet"), str(tmp_path / "out")))
        assert "the store does not answer" in done.why and not rows_in(tmp_path / "out")
