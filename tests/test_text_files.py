"""Tables as text: read line by line, and never a line that is as long as the disk."""

import pytest

from ncenet import text_files
from ncenet.errors import DataError
from ncenet.tables import read_csv
from ncenet.text_files import open_text
from tests import odd_files


def lines(file):
    with open_text(file) as text:
        return list(text)


def test_lines_end_as_they_do(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffa,é\r\nb\rc\n\nd".encode())
    assert lines(tmp_path / "a.csv") == ["a,é\r\n", "b\r", "c\n", "\n", "d"]


@pytest.mark.parametrize(("begin", "line"), [(b"", 1), (b"id,label\na.jpg,cat\n", 3)])
def test_a_file_of_holes_is_refused_at_once(tmp_path, begin, line):
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(begin)
        file.truncate(50_000_000_000)
    with pytest.raises(DataError, match=rf"a\.csv:{line} not text: it holds the character NUL"):
        lines(tmp_path / "a.csv")


def test_a_line_without_an_end_is_not_read_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LONGEST_LINE", 1000)
    (tmp_path / "a.csv").write_text("id\n" + "x" * 5000)
    with pytest.raises(DataError, match=r"a\.csv:2 a line has more than 1,000 characters"):
        lines(tmp_path / "a.csv")


@pytest.mark.parametrize("kind", odd_files.KINDS)
def test_nothing_is_waited_for(tmp_path, kind):
    file = odd_files.put(kind, tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv: cannot be read: "):
        read_csv(file)
