"""CSV: every field comes back, nothing runs in a spreadsheet, and what breaks the rules is refused."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncenet.errors import DataError
from ncenet.tables import csv_lines, parse_csv, read_csv, read_rows, write_csv

signs = "\",;\n\r\t '=+-@1a.\0\u2028\x0b\ufeff\uff1d"
odd = st.text(st.sampled_from(signs), max_size=8) | st.text(max_size=8)


def lines_of(text):
    return io.StringIO(text, newline="")


def rows_of(text, needs=("id", "label"), ids=None):
    return list(read_rows(lines_of(text), "in.csv", needs=needs, ids=ids))


@given(rows=st.lists(st.tuples(odd, odd, st.none() | st.floats() | st.integers())), raw=st.booleans())
def test_every_field_comes_back(rows, raw):
    text = "".join(csv_lines(("id", "label", "n"), rows, raw=raw))
    found = list(parse_csv(lines_of(text), "in.csv"))
    expected = [[id, label, "" if n is None else str(n)] for id, label, n in rows]
    assert [fields for _, fields in found] == [["id", "label", "n"], *expected]


@given(rows=st.lists(st.tuples(odd, odd)))
def test_other_readers_see_the_same_rows_and_no_formula(rows):
    text = "".join(csv_lines(("id", "label"), rows))
    found = list(csv.reader(lines_of(text)))
    assert len(found) == len(rows) + 1
    for cell in (cell for row in found for cell in row):
        assert not re.match("[=+\\-@\t\r\n\uff1d]", cell) or re.fullmatch(r"[+-]?[\d.]+", cell, re.ASCII)


def test_what_is_written_is_plain_where_it_can_be(tmp_path):
    rows = [("a,b", "cat"), ('"', 1), ("x\ry", None), (None, -0.5), ("-5", "+1e3")]
    write_csv(tmp_path / "a.csv", ("id", "label"), rows)
    assert (tmp_path / "a.csv").read_bytes() == (b'id,label\n"a,b",cat\n"""",1\n"x\ry",\n,-0.5\n-5,+1e3\n')
    write_csv(tmp_path / "b.csv", ("id",), [("=1+1",), ("@x",), ("'=1",), ("'a'",), ("",)])
    assert (tmp_path / "b.csv").read_text() == "id\n'=1+1\n'@x\n''=1\n'a'\n\"\"\n"
    write_csv(tmp_path / "c.csv", ("id",), [("=1+1",), ("'=1",)], raw=True)
    assert (tmp_path / "c.csv").read_text() == "id\n=1+1\n''=1\n"


def test_a_field_may_be_longer_than_the_module_allows(tmp_path):
    write_csv(tmp_path / "a.csv", ("id", "label"), [("1", "x" * 200_000)])
    assert read_csv(tmp_path / "a.csv")[1] == [["1", "x" * 200_000]]


def test_a_table_has_a_header(tmp_path):
    write_csv(tmp_path / "a.csv", ("id",), [])
    assert read_csv(tmp_path / "a.csv") == (["id"], [])
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(DataError, match=r"a\.csv: is empty"):
        read_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"gone\.csv: cannot be read: No such file"):
        read_csv(tmp_path / "gone.csv")


def test_rows_know_their_first_line_and_blank_lines_are_none():
    text = 'id,label\r\n\r\n"a\nb",x\n\n2,y\n'
    assert rows_of(text) == [
        ("in.csv:3", {"id": "a\nb", "label": "x"}), ("in.csv:6", {"id": "2", "label": "y"})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"in\.csv:1 needs columns id and label, found none"),
        ("id;label\n1;a\n", r"in\.csv:1 .* found id;label; fields are separated by commas"),
        ("id,label,label\n1,a,b\n", r"in\.csv:1 names the column 'label' twice"),
        ("id,label\n1\n", r"in\.csv:2 has fewer fields than the header, 1 of 2"),
        ("id,label\n1,cats, small\n", r"in\.csv:2 has more fields than the header, 3 of 2: quote"),
        ('id,label\n1,a\n2,"b\n3,c\n', r"in\.csv:3 not CSV: unexpected end of data"),
        ('id,label\n1,"a"b\n', r"in\.csv:2 not CSV: .* its own quotes doubled"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_line(text, message):
    with pytest.raises(DataError, match=message):
        rows_of(text)


@pytest.mark.parametrize(
    "text",
    [
        'id,label,note\n1,a,"dim\n2,b,ok"\n',
        'id,label,note\n1,a,"dim\n2,b,ok\n3,b,"\n',
        'id,label,note\n1,a,"dim\n2,b",ok\n'.replace('b",ok', 'b,ok"'),
        'note,id,label\n"dim,2,a\nok",1,b\n',
        'note,id,label\n"dim,2,a\r\nok",1,b\r\n',
        'id,note,label\n1,"dim,a\n2,ok",b\n',
    ],
)
def test_a_row_that_a_stray_quote_swallows_is_not_lost(text):
    with pytest.raises(DataError, match=r"in\.csv:2 holds the row of '2' within its column 'note'"):
        rows_of(text, ids={"1", "2", "3"})
    with pytest.raises(DataError, match="a stray quote opens there"):
        rows_of(text)


def test_line_ends_in_a_field_are_no_rows_of_their_own():
    text = 'id,label,note\n"a\nb",x,"seen twice:\n1,2\n2 is dim"\n'
    assert rows_of(text, ids={"1", "2"})[0][1] == {
        "id": "a\nb", "label": "x", "note": "seen twice:\n1,2\n2 is dim"
    }  # fmt: skip
