"""Tables as text: read line by line, and never a line that is as long as the disk."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ncenet import text_files
from ncenet.errors import DataError
from ncenet.recipe import Recipe
from ncenet.run.recipe_file import commented
from ncenet.tables import read_csv
from ncenet.text_files import open_text, parse_yaml
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


YAML = (
    "a: &x {b: 1}\nc: *x\nd: [no, 010, 0x1F, 1_000, .inf, 1e5, ~]\ne: 2024-01-02\n'f': \"\\u00e9\"\n",
    "path: ../data\nnames:\n  0: no\n  1: 'a: b'\n# end\n",
    "- - - 1\n- 2\n-\n  - x: {}\n    y: []\n",
)
ODD = st.sampled_from([*" \t\n:,-[]{}#&*!|>'\"%@?~<=.01né\x85\u2028\ufeff", "---", "...", " #", ": ", "\r\n"])


def read(parse):
    try:
        return repr(parse())
    except (ValueError, RecursionError, yaml.YAMLError):
        return "refused"


@given(st.sampled_from(YAML), st.lists(st.tuples(st.integers(0, 80), ODD), max_size=4), st.booleans())
def test_yaml_is_read_as_by_the_parser_in_python(text, changes, words):
    for place, odd in changes:
        text = text[:place] + odd + text[place:]
    slow = text_files._Words if words else text_files._Values
    assert read(lambda: parse_yaml(text, words=words)) == read(lambda: yaml.load(text, slow))


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML without LibYAML")
def test_a_recipe_is_read_by_the_quick_parser(monkeypatch):
    monkeypatch.delattr(text_files, "_Values")
    text = commented(Recipe())
    assert Recipe.model_validate(parse_yaml(text)) == Recipe()
