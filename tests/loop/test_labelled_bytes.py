"""Images that were replaced since they were labelled are not learned from, however late."""

from __future__ import annotations

import os
import time

import pytest

from ncenet.data import scan_cache
from ncenet.errors import LedgerError, UnreadableImage
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from tests.data.make import jpeg, write


@pytest.fixture
def loop(tmp_path, monkeypatch):
    """A run that is open, with an answer for each of its first six images and no model yet."""
    monkeypatch.setattr(scan_cache, "SETTLED_SECONDS", 0.0)  # files of the test are young
    write(tmp_path / "photos", {f"{n}.jpg": jpeg(n, width=16, height=12) for n in range(9)})
    recipe = Recipe().with_changes(
        {
            "data.train": str(tmp_path / "photos"),
            "data.classes": ("ant", "bee"),
            "model.backbone": "mlp",
            "train.epochs": 1,
            "train.min_steps": 1,
            "loop.initial": 6,
            "loop.query_size": 1,
            "loop.strategy": "random",
        }
    )
    loop, _ = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        loop.tell({id: ("ant", "bee")[int(id[0]) % 2] for id in loop.ask(6).ids}, who="ann")
        yield loop


def replace(loop, how):
    id, _ = loop.ledger.labeled()[0]
    file = loop.pool.root / id
    before, facts = file.read_bytes(), file.stat()
    if how == "gone":
        file.unlink()
    elif how == "of another":
        file.write_bytes((file.parent / loop.ledger.labeled()[1][0]).read_bytes())
    else:
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    if how == "with its date":
        os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return id, lambda: file.write_bytes(before)


@pytest.mark.parametrize("how", ["of another", "a byte", "with its date"])
def test_before_the_first_fit(loop, how):
    id, restore = replace(loop, how)
    for train in (loop.fit, lambda: loop.ask(1), loop.guess):
        with pytest.raises(LedgerError, match=rf"1 image changed since labelled: {id}; restore"):
            train()
    assert loop.ledger.cycles() == []
    restore()
    assert loop.fit() == 1


@pytest.mark.parametrize("how", ["of another", "a byte", "with its date"])
def test_between_two_fits(loop, how):
    asked = loop.ask(1).ids
    time.sleep(0.02)  # a tick of the clock of any file system here
    id, restore = replace(loop, how)
    loop.tell(dict.fromkeys(asked, "ant"), who="ann")
    with pytest.raises(LedgerError, match=f"changed since labelled: {id}"):
        loop.ask(1)
    restore()
    loop.ask(1)
    assert len(loop.ledger.cycles()) == 2


def test_one_that_is_gone_is_named(loop):
    id, _ = replace(loop, "gone")
    with pytest.raises(UnreadableImage, match=f"{id}: no such file"):
        loop.fit()


def test_an_answer_that_was_taken_back_holds_up_nothing(loop):
    id, _ = replace(loop, "of another")
    loop.tell({id: None}, who="ann")
    assert loop.fit() == 1


def test_files_that_stayed_as_they_were_are_read_once(loop, monkeypatch):
    read, of = [], type(loop.pool).content_hash
    monkeypatch.setattr(
        type(loop.pool), "content_hash", lambda pool, name: read.append(name) or of(pool, name)
    )
    time.sleep(0.02)
    loop.fit()
    assert sorted(read) == sorted(id for id, _ in loop.ledger.labeled())
    loop.tell(dict.fromkeys(loop.ask(1).ids, "ant"), who="ann")
    loop.fit()
    assert len(read) == 7, "of the second fit the new one alone"
