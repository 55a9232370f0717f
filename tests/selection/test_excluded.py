"""Ids to be passed over: whether they are among the scores is told, and that none is, is refused."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ncenet.errors import UsageError
from ncenet.selection.choose import choose_from
from ncenet.selection.wish import wish_of
from tests.selection.make import shards


def query(tmp_path, *exclude, scores="scores", **choice):
    """The ids of a query of three, and what was noted."""
    events = []
    wish = wish_of(3, by="day", exclude=[tmp_path / name for name in exclude], **choice)
    chosen = choose_from([str(tmp_path / scores)], wish, events.append)
    return chosen.query.ids, [event["text"] for event in events if event["event"] == "note"]


@pytest.fixture
def ids(tmp_path):
    """Those of 150 scores in three shards."""
    return sorted(shards(tmp_path / "scores")["id"].to_pylist())


def test_how_many_were_found_and_some_that_were_not(tmp_path, ids):
    (tmp_path / "known.txt").write_text("\n".join([*ids[:40], "x1", "x2", "x3", "x4", "x5"]))
    (tmp_path / "all.csv").write_text("id,label\n" + "".join(f"{id},cat\n" for id in ids[30:60]))
    (tmp_path / "one.txt").write_text(f"{ids[-1]}\nx9")
    chosen, notes = query(tmp_path, "known.txt", "all.csv", "one.txt")
    assert not set(chosen) & {*ids[:60], ids[-1]} and len(chosen) == 3
    lost, every, one = notes
    assert lost.endswith(
        "known.txt: passed over 40 of 45 ids; not among the scores 'x1', 'x2', 'x3' and 2 more"
    )
    assert every.endswith("all.csv: passed over 30 ids, all of them among the scores")
    assert one.endswith("one.txt: passed over 1 of 2 ids; not among the scores 'x9'")


@pytest.mark.parametrize("form", ["csv", "txt", "parquet"])
def test_ids_of_another_form_are_refused(tmp_path, ids, form):
    file, told = tmp_path / f"known.{form}", [f"photos/{id}.jpg" for id in ids[:5]]
    if form == "txt":
        file.write_text("\n".join(told))
    elif form == "csv":
        file.write_text("id,label\n" + "".join(f"{id},cat\n" for id in told))
    else:
        pq.write_table(pa.table({"id": told}), file)
    first = pq.read_table(tmp_path / "scores/0.parquet")["id"][0].as_py()
    with pytest.raises(
        UsageError, match=rf"none of 5 ids is among the scores: here 'photos/{ids[0]}.jpg', there '{first}'"
    ):
        query(tmp_path, file.name)


def test_one_list_of_two_that_matches_nothing_is_refused_too(tmp_path, ids):
    (tmp_path / "known.txt").write_text(ids[0])
    (tmp_path / "other.txt").write_text("x1")
    with pytest.raises(UsageError, match=r"other\.txt: none of 1 id is among the scores"):
        query(tmp_path, "known.txt", "other.txt")


def test_a_list_with_nothing_in_it_passes_nothing_over(tmp_path, ids):
    (tmp_path / "known.csv").write_text("id,label\n")
    (tmp_path / "known.txt").write_text("")
    assert query(tmp_path, "known.csv", "known.txt") == (query(tmp_path)[0], [])


def test_numbers_are_ids_in_whatever_type_they_stand(tmp_path):
    table = pa.table({"id": pa.array(range(20), pa.int64()), "day": list(range(20))})
    pq.write_table(table, tmp_path / "scores.parquet", row_group_size=6)
    pyarrow.csv.write_csv(pa.table({"id": [19, 17, 99]}), tmp_path / "known.csv")
    chosen, notes = query(tmp_path, "known.csv", scores="scores.parquet")
    assert chosen == ("18", "16", "15") and "passed over 2 of 3 ids" in notes[0]
    codes = pa.array([f"{n}" for n in range(20)]).dictionary_encode()
    pq.write_table(table.set_column(0, "id", codes), tmp_path / "scores.parquet")
    assert query(tmp_path, "known.csv", scores="scores.parquet") == (chosen, notes)


def test_ids_of_no_image_take_no_candidates_away(tmp_path):
    """Where near copies took the place of others, more candidates are looked at, until all were."""
    vectors = [[1.0, 0.0]] * 30 + [[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]] * 3
    rows = {"id": [f"a{n:02}" for n in range(39)], "day": list(range(39, 0, -1)), "embedding": vectors}
    pq.write_table(pa.table(rows), tmp_path / "scores.parquet")
    (tmp_path / "known.txt").write_text("\n".join(["a00", *(f"x{n}" for n in range(100))]))
    chosen, _ = query(tmp_path, "known.txt", scores="scores.parquet", near=0.1, factor=2)
    assert chosen == ("a01", "a30", "a31")
