"""``ncenet annotators``: links, shown once."""

from __future__ import annotations

import json
import re

import pytest

from ncenet.doors.annotators import Annotators
from ncenet.recipe import Recipe


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").write_text(Recipe().to_yaml())
    return tmp_path / "run"


def test_links_begin_where_the_page_was_served_and_are_shown_once(ncenet, run):
    (run / "page-address").write_text("https://label.example.com/pets/\n")
    made = ncenet("annotators", "run", "--add", "anna", "--add", "ben")
    anna, ben = re.findall(r"(\w+) +https://label\.example\.com/pets/#token=(\S+)", made.out)
    assert (anna[0], ben[0]) == ("anna", "ben")
    assert Annotators(run).whose(anna[1]).name == "anna"
    listed = ncenet("annotators", "run")
    assert "anna" in listed.out and "ben" in listed.out and anna[1] not in listed.out
    again = ncenet("annotators", "run", "--add", "anna")
    assert again.code == 2 and "revoke it first" in again.said
    assert ncenet("annotators", "run", "--revoke", "anna").code == 0
    assert Annotators(run).whose(anna[1]).revoked is not None
    rows = json.loads(ncenet("annotators", "run", "--json").out)["annotators"]
    assert [(row["name"], row["revoked"] is None) for row in rows] == [("anna", False), ("ben", True)]


def test_before_the_page_was_served_that_is_said(ncenet, run):
    assert "no links yet; --add NAME makes one" in ncenet("annotators", "run").out
    said = " ".join(ncenet("annotators", "run", "--add", "anna").out.split())
    assert "anna http://127.0.0.1:8765/#token=" in said and "was not served yet" in said
    given = ncenet("annotators", "run", "--add", "ben", "--public-url", "https://x.example/a").out
    assert "ben  https://x.example/a/#token=" in given


def test_a_folder_without_a_run_gets_no_links(ncenet, tmp_path):
    done = ncenet("annotators", "nowhere", "--add", "anna")
    assert done.code == 2 and "no run here" in done.said
    assert not (tmp_path / "nowhere").exists()
