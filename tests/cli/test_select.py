"""``select``: from files of scores to a query that ``tell`` takes back."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ncenet.ledger import Ledger
from ncenet.ledger.provenance import by_strategy
from tests.data.make import jpeg, write
from tests.selection.make import best, margins, shards


@pytest.fixture
def whole(tmp_path):
    return shards(tmp_path / "scores")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_query_as_csv_and_as_json(ncenet, whole, tmp_path):
    done = ncenet("select", "scores", "-n", "5")
    assert done.code == 0, done.err
    assert [row["id"] for row in rows(done.out)] == best(margins(whole), 5)
    assert list(rows(done.out)[0]) == ["id", "score", "label"] and "5 of 150 rows by margin" in done.said
    found = json.loads(ncenet("select", "scores/*.parquet", "-n", "5", "--json").out)
    assert [row["id"] for row in found] == best(margins(whole), 5) and found[0]["file"].endswith(".parquet")
    done = ncenet("select", "scores", "-n", "5", "--out", "query.csv")
    assert done.out == "" and "5 images to label in query.csv" in done.said
    assert [row["id"] for row in rows((tmp_path / "query.csv").read_text())] == best(margins(whole), 5)


def test_a_query_with_labels_in_it_is_not_replaced(ncenet, whole, tmp_path):
    (tmp_path / "query.csv").write_text("id,score,label\na,1,cat\n")
    done = ncenet("select", "scores", "-n", "5", "--out", "query.csv")
    assert done.code == 2 and "was not told yet" in done.said
    assert (tmp_path / "query.csv").read_text() == "id,score,label\na,1,cat\n"


def test_what_is_passed_over(ncenet, whole, tmp_path):
    first = best(margins(whole), 4)
    (tmp_path / "labelled.csv").write_text("id,label\n" + "".join(f"{id},cat\n" for id in first[:2]))
    (tmp_path / "more.txt").write_text("\n".join(first[2:]))
    done = ncenet("select", "scores", "-n", "3", "--exclude", "labelled.csv", "--exclude", "more.txt")
    assert [row["id"] for row in rows(done.out)] == best(margins(whole), 3, first)
    assert "labelled.csv: passed over 2 ids, all of them among the scores" in done.said
    (tmp_path / "more.txt").write_text("\n".join(f"photos/{id}.jpg" for id in first))
    done = ncenet("select", "scores", "-n", "3", "--exclude", "more.txt", "--out", "query.csv")
    assert done.code == 2 and "more.txt: none of 4 ids is among the scores" in done.said
    assert "leave --exclude out" in done.said and not (tmp_path / "query.csv").exists()


def test_quotas_and_diversity(ncenet, whole):
    words = ("-n", "12", "--quota", "camera=4", "--diversify", "herding", "--near", "0.001", "--factor", "3")
    found = [row["id"] for row in rows(ncenet("select", "scores", *words).out)]
    cameras = {row["id"]: row["camera"] for row in whole.to_pylist()}
    assert sorted(cameras[id] for id in found) == ["north"] * 4 + ["south"] * 4 + ["west"] * 4


def test_minutes(ncenet, whole):
    done = ncenet("select", "scores", "--minutes", "2", "--seconds-per-image", "10")
    assert len(rows(done.out)) == 12
    done = ncenet("select", "scores", "--minutes", "2")
    assert done.code == 2 and "how long does an image take" in done.said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "how many"),
        (("-n", "3", "--strategy", "badge"), "of these can be had|can be had"),
        (("-n", "3", "--by", "day", "--strategy", "margin"), "two ways to rank"),
        (("-n", "3", "--factor", "7", "--by", "day", "--strategy", "entropy"), "--factor"),
        (("-n", "3", "--option", "diversify=kmeans"), "is --diversify here"),
    ],
)
def test_what_cannot_be(ncenet, whole, words, why):
    import re

    done = ncenet("select", "scores", *words)
    assert done.code == 2 and re.search(why, done.said), done.said


class TestAsk:
    """A run asks by scores of somebody else's model."""

    @pytest.fixture
    def scores(self, tmp_path):
        write(tmp_path / "photos", {f"{n}.jpg": jpeg(n, width=16, height=12) for n in range(8)})
        lines = [f"{n}.jpg,0.{5 + n // 2},0.{5 - n // 2}" for n in range(8)]
        (tmp_path / "scores.csv").write_text("\n".join(["id,prob_a,prob_b", *lines]) + "\n")

    def test_the_query_is_recorded_and_what_is_answered_is_passed_over(self, ncenet, scores, tmp_path):
        words = ("--data", "photos", "--classes", "a,b", "-n", "2", "--scores", "scores.csv")
        done = ncenet("ask", "run", *words, "--out", "query.csv")
        assert done.code == 0, done.err
        with Ledger(tmp_path / "run/ledger.sqlite", read_only=True) as ledger:
            recorded = ledger.latest_query()
        assert set(recorded.query.ids) == {"0.jpg", "1.jpg"} and recorded.asked == by_strategy("margin")
        text = (tmp_path / "query.csv").read_text().replace(",\n", ",a\n")
        (tmp_path / "query.csv").write_text(text)
        assert ncenet("tell", "run", "query.csv").code == 0
        done = ncenet("ask", "run", "-n", "2", "--scores", "scores.csv", "--strategy", "entropy")
        assert done.code == 0, done.err
        assert {row["id"] for row in rows(done.out)} == {"2.jpg", "3.jpg"}

    def test_images_of_another_pool(self, ncenet, scores, tmp_path):
        (tmp_path / "other.csv").write_text("id,prob_a,prob_b\nx.jpg,0.5,0.5\n0.jpg,0.9,0.1\n")
        words = ("--data", "photos", "--classes", "a,b", "-n", "2", "--scores", "other.csv")
        done = ncenet("ask", "run", *words)
        assert done.code == 1 and "1 image of the scores is none of this run, the first 'x.jpg'" in done.said
        with Ledger(tmp_path / "run/ledger.sqlite", read_only=True) as ledger:
            assert ledger.latest_query() is None

    def test_flags_of_files_without_files(self, ncenet, scores):
        done = ncenet("ask", "run", "--data", "photos", "--classes", "a,b", "--quota", "camera=5")
        assert done.code == 2 and "are for --scores" in done.said
