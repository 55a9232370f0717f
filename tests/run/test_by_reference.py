"""A pool that is too large for the ledger, by a lowered constant: what is asked is entered, and no more."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import scan_cache, shard_ids, shards
from ncenet.data.scan import Scan
from ncenet.data.scan_cache import read_looks
from ncenet.data.shards import ShardedPool
from ncenet.errors import LedgerError
from ncenet.ledger import Ledger
from ncenet.run import by_reference
from ncenet.run.folder import RunFolder
from ncenet.run.opening import open_run, survey
from ncenet.run.people import recipe_for_people
from ncenet.run.recipe_record import load_recipe
from tests.learners.make import images
from tests.models.test_scorer import png

CLASSES = ("ant", "bee", "cow")
QUICK = ("--backbone", "small", "--epochs", "1", "--min-steps", "2", "--image-size", "16")


@pytest.fixture(autouse=True)
def low(monkeypatch):
    for module in (shards, by_reference):
        monkeypatch.setattr(module, "LARGEST_COPIED", 20)
    monkeypatch.setattr(shard_ids, "IN_MEMORY", 10)
    monkeypatch.setattr("ncenet.loop.open.LOOKED_AT", 30)


@pytest.fixture
def pool(tmp_path):
    """60 images in three shards; the last of each cannot be read."""
    (tmp_path / "pool").mkdir()
    there = images(60)
    for shard in range(3):
        rows = [png(there.load(id)) for id in there.ids()[20 * shard : 20 * shard + 20]]
        rows[-1] = b"no image"
        table = {"image": rows, "key": [f"k{shard}-{n}" for n in range(20)]}
        pq.write_table(pa.table(table), tmp_path / f"pool/{shard}.parquet", row_group_size=5)
    return tmp_path / "pool"


def scores(folder, ids):
    """The later an id, the higher its score."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"id": ids, "doubt": [float(n) for n in range(len(ids))]}), folder / "a.parquet")
    return folder


def held(tmp_path, folder="run"):
    with Ledger(tmp_path / folder / "ledger.sqlite", read_only=True) as ledger:
        return {item.id: item for item in ledger.items()}, ledger.places.all()


@pytest.mark.parametrize("column", [None, "key"])
def test_a_query_from_scores_is_all_that_the_ledger_holds(pool, tmp_path, ncenet, column):
    ids = list(ShardedPool(str(pool), id=column).ids())
    scores(tmp_path / "scores", ids)
    named = () if column is None else ("--id-column", column)
    begun = ncenet(
        "init", "pool", "--out", "run", "--classes", ",".join(CLASSES), "--held-out", "4", *named, *QUICK
    )
    assert begun.code == 0, begun.err
    assert "60 images, each looked at when it is asked for" in " ".join(begun.out.split())
    asked = ncenet("ask", "run", "--scores", "scores", "--by", "doubt", "-n", "5", "--json")
    assert asked.code == 0, asked.err
    assert [row["id"] for row in json.loads(asked.out)] == ids[:-6:-1]
    items, places = held(tmp_path)
    assert len(items) == 9 and set(ids[-5:]) < items.keys() and places.keys() == items.keys()
    assert places[ids[-2]] == ("2", 18) and items[ids[-2]].problem is None and len(items[ids[-2]].hash) == 32
    assert items[ids[-1]].problem == "not an image: text"
    (tmp_path / "answers.csv").write_text("id,label\n" + "".join(f"{id},ant\n" for id in ids[-5:-1]))
    told = ncenet("tell", "run", "answers.csv")
    assert told.code == 0, told.err
    again = ncenet("ask", "run", "--scores", "scores", "--by", "doubt", "-n", "3", "--json")
    assert [row["id"] for row in json.loads(again.out)] == ids[-6:-9:-1]
    assert len(held(tmp_path)[0]) == 12


def test_what_was_looked_at_to_be_entered_is_not_looked_at_again(pool, tmp_path, ncenet, monkeypatch):
    """Each image may stand in a block of a hundred megabytes."""
    scores(tmp_path / "scores", list(ShardedPool(str(pool)).ids()))
    monkeypatch.setattr(scan_cache, "SETTLED_SECONDS", 0.0)  # the shards were written a moment ago
    assert (
        ncenet("init", "pool", "--out", "run", "--classes", ",".join(CLASSES), "--held-out", "4", *QUICK).code
        == 0
    )
    assert ncenet("ask", "run", "--scores", "scores", "--by", "doubt", "-n", "9").code == 0
    items, _ = held(tmp_path)
    sound = [id for id, item in items.items() if item.problem is None]
    assert len(items) == 13 and set(sound) == read_looks(tmp_path / "run/looks-pool.csv").keys()
    read = []
    cell = ShardedPool.read
    monkeypatch.setattr(ShardedPool, "read", lambda self, named: read.append(named) or cell(self, named))
    survey(load_recipe(RunFolder(tmp_path / "run")), tmp_path / "run")
    assert set(read) == items.keys() - set(sound), "broken ones are looked at every time"


def test_without_scores_a_model_chooses_among_some(pool, tmp_path, ncenet):
    words = (
        "ask",
        "run",
        "--classes",
        ",".join(CLASSES),
        *QUICK,
        "--strategy",
        "margin",
        "--on-bad-image",
        "skip",
    )
    first = ncenet(*words, "--data", "pool", "-n", "6", "--json")
    assert first.code == 0, first.err
    rows = [row["id"] for row in json.loads(first.out)]
    assert len(rows) == 6 and held(tmp_path)[0].keys() == set(rows)
    assert [row["id"] for row in json.loads(ncenet("ask", "run", "-n", "6", "--json").out)] == rows
    answers = {id: CLASSES[n % 3] for n, id in enumerate(rows)}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    assert ncenet("tell", "run", "answers.json").code == 0
    second = ncenet("ask", "run", "-n", "4", "--json")
    assert second.code == 0, second.err
    chosen = [row["id"] for row in json.loads(second.out)]
    items, _ = held(tmp_path)
    assert len(chosen) == 4 and not set(chosen) & set(rows) and items.keys() == {*rows, *chosen}
    assert not any(item.problem for item in items.values()), "what cannot be read is not chosen"


def test_answers_that_nobody_asked_for(pool, tmp_path, ncenet):
    ncenet("init", "pool", "--out", "run", "--classes", ",".join(CLASSES), "--held-out", "0", *QUICK)
    (tmp_path / "answers.csv").write_text("id,label\n0/00003,ant\n2/00019,bee\n")
    refused = ncenet("tell", "run", "answers.csv")
    assert refused.code == 1 and "'2/00019' cannot be labelled, it cannot be read" in refused.said
    (tmp_path / "answers.csv").write_text("id,label\n0/00003,ant\n9/00003,bee\n")
    refused = ncenet("tell", "run", "answers.csv")
    assert refused.code == 1 and "'9/00003' is not an image of this pool" in refused.said
    (tmp_path / "answers.csv").write_text("id,label\n0/00003,ant\n1/00003,bee\n")
    imported = ncenet("import", "run", "answers.csv")
    assert imported.code == 0, imported.err
    items, _ = held(tmp_path)
    assert items.keys() == {"0/00003", "1/00003", "2/00019"}


def test_scores_of_other_images(pool, tmp_path, ncenet):
    ncenet("init", "pool", "--out", "run", "--classes", ",".join(CLASSES), "--held-out", "0", *QUICK)
    scores(tmp_path / "scores", ["0/00001", "x/00001"])
    refused = ncenet("ask", "run", "--scores", "scores", "--by", "doubt", "-n", "2")
    assert (
        refused.code == 1 and "1 image of the scores is none of this run, the first 'x/00001'" in refused.said
    )


def begin(pool, tmp_path, **changes):
    recipe = recipe_for_people(str(pool), {"data.classes": CLASSES, "loop.held_out": 6, **changes})
    return recipe, survey(recipe, tmp_path / "run").begin()


def test_held_out_images_come_from_everywhere_and_stay(pool, tmp_path):
    recipe, run = begin(pool, tmp_path)
    with run:
        drawn = run.ledger.latest_query().query.ids
        assert len({id.partition("/")[0] for id in drawn}) > 1 and len(run.ledger.items()) == 6
    with survey(recipe, tmp_path / "run").begin() as run:
        assert run.ledger.latest_query().query.ids == drawn and len(run.ledger.items()) == 6


def test_what_was_labelled_may_not_change(pool, tmp_path):
    recipe, run = begin(pool, tmp_path, **{"loop.held_out": 0})
    with run:
        run.tell({"0/00001": "ant"}, who="ann")
    table = pq.read_table(pool / "0.parquet")
    pq.write_table(
        table.set_column(0, "image", pa.array(list(reversed(table["image"].to_pylist())))), pool / "0.parquet"
    )
    with pytest.raises(LedgerError, match="changed since labelled"):
        survey(recipe, tmp_path / "run").begin()
    (pool / "0.parquet").unlink()
    with pytest.raises(LedgerError, match="gone since labelled"):
        survey(recipe, tmp_path / "run").begin()


def test_a_run_stays_what_it_was_begun_as(pool, tmp_path, monkeypatch):
    recipe, run = begin(pool, tmp_path)
    run.close()
    for module in (shards, by_reference):
        monkeypatch.setattr(module, "LARGEST_COPIED", 1000)
    seen = survey(recipe, tmp_path / "run")
    assert seen.hand is not None and len(seen.found.scan.hashes) + len(seen.found.problems) == 6
    recipe, run = recipe, survey(recipe, tmp_path / "other").begin()
    with run:
        assert len(run.ledger.items()) == 60 and not run.ledger.places.by_reference
    for module in (shards, by_reference):
        monkeypatch.setattr(module, "LARGEST_COPIED", 20)
    assert survey(recipe, tmp_path / "other").hand is None


def test_the_page_hands_out_what_was_chosen(pool, tmp_path):
    from ncenet.loop.from_scores import record_choice
    from ncenet.selection.budget import Budget
    from ncenet.selection.choose import choose, open_files
    from ncenet.selection.wish import Wish
    from ncenet.web.serve import open_project

    recipe, run = begin(pool, tmp_path, **{"loop.held_out": 0, "model.features": None})
    with run:
        ids = list(run.pool.ids())
        files = open_files([str(scores(tmp_path / "scores", ids))])
        record_choice(run, choose(files, Wish(Budget(4), by="doubt")))
    project = open_project(recipe, tmp_path / "run", you="ann")
    try:
        assert [turn.id for turn in project.turns("w", "ann", [], 9)] == [ids[-2], ids[-3], ids[-4]]
        assert project.snapshot()["images"] == 60
        assert project.pool.load(ids[-2]).shape[2] in (1, 3)
    finally:
        project.close()


def test_open_run_looks_at_nothing(pool, tmp_path, monkeypatch):
    _, run = begin(pool, tmp_path)
    run.close()
    monkeypatch.setattr(by_reference, "scan", None)
    with open_run(tmp_path / "run") as again:
        assert len(again.ledger.items()) == 6


def test_a_model_chooses_among_the_same_images_for_a_while(pool, tmp_path):
    """They are decoded and embedded; others every time would take longer than five answers do."""
    recipe, run = begin(pool, tmp_path)
    drawn = []
    with run:
        for number in range(by_reference.KEPT_FOR + 1):
            found = by_reference.hand_of(run.pool, recipe, run.files, look=12)
            drawn.append({*found.drawn, *found.entered})
            run.tell({f"0/{number:05}": "ant"}, who="ann")
            run.ledger.finish_fit(run.ledger.start_cycle(run.ledger.last_seq()), {})
    first, last = drawn[0], drawn[-1]
    assert all(first - {f"0/{n:05}" for n in range(20)} <= each for each in drawn[:-1])
    assert len(last - first) > 6, "then come others"


def test_an_image_that_was_asked_for_since_the_last_fit_gets_a_suggestion(pool, tmp_path):
    """The model has not looked at it by itself; no file of opinions names it."""
    from ncenet.loop.open import open_loop
    from ncenet.loop.opinions import opine
    from ncenet.run.opinions import read_opinions
    from ncenet.web.trainer import OneImage, TrainingWork, opinion_of

    recipe, run = begin(pool, tmp_path, **{"model.features": "gist"})
    with run:
        sound = [id for id in run.pool.ids() if not id.endswith("19")]
        run.tell({id: CLASSES[n % 3] for n, id in enumerate(sound[:24])}, who="ann")
    loop, _ = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        loop.ask(3, held_out_first=False)
        opine(loop, 1)
    said = read_opinions(RunFolder(tmp_path / "run").cycle(1))
    with open_run(tmp_path / "run") as run:
        new = next(id for id in reversed(sound) if id not in said.row)
        run.enter([new])
        found = run.ledger.review.items([new])[new].hash
    work = TrainingWork(recipe, tmp_path / "run", Scan({}, (), (), None, {}), 0)
    told = opinion_of(OneImage(work, new), lambda event: None)
    assert told["cycle"] == 1 and set(told["likelihoods"]) == set(CLASSES) and found
    assert sum(told["likelihoods"].values()) == pytest.approx(1, abs=0.01) and len(told["near"]) > 0
