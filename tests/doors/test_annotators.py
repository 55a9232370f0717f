"""Links of annotators on the disk."""

from __future__ import annotations

import json
import stat

import pytest

from ncenet.doors.annotators import Annotators
from ncenet.errors import DamagedRecord, UsageError


def test_the_disk_holds_digests_alone_and_nobody_else_reads_them(tmp_path):
    keys = Annotators(tmp_path).add(["anna", " ben "])
    file = tmp_path / "annotators.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(keys) == ["anna", "ben"] and all(len(key) >= 32 for key in keys.values())
    text = file.read_text()
    assert [row["name"] for row in json.loads(text)] == ["anna", "ben"]
    assert not [key for key in keys.values() if key in text]


def test_a_link_opens_until_it_is_revoked_by_whatever_process(tmp_path):
    serving = Annotators(tmp_path)
    anna = Annotators(tmp_path).add(["anna"])["anna"]
    assert (serving.whose(anna).name, serving.whose(anna).revoked) == ("anna", None)
    assert [serving.whose(other) for other in ("", None, anna[:-1], anna + "x", "é\udce9")] == [None] * 5
    Annotators(tmp_path).revoke(["anna"])
    assert serving.whose(anna).revoked is not None
    again = Annotators(tmp_path).add(["anna"])["anna"]
    assert serving.whose(again).revoked is None and serving.whose(anna).revoked is not None
    assert [link.name for link in serving.links()] == ["anna", "anna"]


@pytest.mark.parametrize("names", [["anna"], ["ben", "anna"]])
def test_a_second_link_of_a_name_is_refused_and_nothing_is_made(tmp_path, names):
    annotators = Annotators(tmp_path)
    annotators.add(["anna"])
    with pytest.raises(UsageError, match="anna has a link already, which is shown once: revoke it first"):
        annotators.add(names)
    assert [link.name for link in annotators.links()] == ["anna"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65])
def test_what_is_no_name_gets_no_link(tmp_path, name):
    with pytest.raises(UsageError, match="no name of an annotator"):
        Annotators(tmp_path).add([name])


def test_who_has_no_link_has_none_to_revoke(tmp_path):
    with pytest.raises(UsageError, match="ben has no link that could be revoked"):
        Annotators(tmp_path).revoke(["ben"])


@pytest.mark.parametrize("text", ["", "{}", '[{"name": "anna"}]', '[{"name": "anna", "digest": ""}]', "\xff"])
def test_a_damaged_file_lets_nobody_in(tmp_path, text):
    annotators = Annotators(tmp_path)
    anna = annotators.add(["anna"])["anna"]
    assert annotators.whose(anna)
    annotators.file.write_bytes(text.encode("latin-1"))
    assert annotators.whose(anna) is None
    with pytest.raises(DamagedRecord, match=r"annotators.json: .*new ones are to be made"):
        annotators.links()
