"""Every registered query strategy, from the images to the last cycle."""

from __future__ import annotations

import json

import pytest

from ncenet.data.open import open_train
from ncenet.ledger import Ledger
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.strategies import strategies

INITIAL_SIZE, QUERY_SIZE, CYCLES = 20, 15, 3

HEADS = {
    "nce": {},
    "softmax": {"model.head.name": "softmax"},
    "cosine": {"model.head.kernel": "cosine"},
    "frozen radius": {"model.head.radius": 0.5},
    "two prototypes": {"model.head.prototypes_per_class": 2},
    "cross entropy": {"model.head.cross_entropy": 0.5},
    "kmeans": {"loop.options.diversify": "kmeans"},
    "kcenter": {"loop.options.diversify": "kcenter"},
    "committee": {"model.members": 2},
}
VOTING = ["vote-entropy", "consensus-entropy"]
CASES = [(name, "nce") for name in strategies.names() if name not in VOTING]
CASES += [(name, "committee") for name in (*VOTING, "bald", "badge", "ll4al", "sraal")]
CASES += [(name, "softmax") for name in ("entropy", "core-set", "bald", "badge", "ll4al", "vaal", "sraal")]
CASES += [(name, head) for name in ("rejection", "confusion") for head in ("cosine", "frozen radius")]
CASES += [("rejection", "kmeans"), ("margin", "kcenter"), ("ll4al", "kmeans")]
CASES += [("rejection", "two prototypes"), ("confusion", "cross entropy")]


def plan(strategy, head):
    changes = {
        "data.train": "digits",
        "train.epochs": 1,
        "train.min_steps": 8,
        "train.batch_size": 16,
        "loop.strategy": strategy,
        "loop.initial": INITIAL_SIZE,
        "loop.query_size": QUERY_SIZE,
        "loop.cycles": CYCLES,
    }
    if strategy in ("vaal", "sraal"):
        changes["loop.options.steps"] = 5
    if "samples" in strategies.get(strategy)().needs and head != "committee":
        changes |= {"model.passes": 3, "model.dropout": 0.2}
    return Recipe().with_changes(changes | HEADS[head])


def few(recipe):
    """Every fourth of the images that may be asked for."""
    train = open_train(recipe)
    return train.subset(list(train.pool.ids())[::4])


@pytest.mark.parametrize(("strategy", "head"), CASES)
def test_a_whole_run(tmp_path, strategy, head):
    if strategy == "scikit-activeml":
        pytest.importorskip("skactiveml")
    recipe = plan(strategy, head)
    train = few(recipe)
    simulate(recipe, tmp_path, train=train)
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        dump, labeled, pool = ledger.dump(), ledger.labeled(), {item.id for item in ledger.items()}

    sizes = [INITIAL_SIZE] + [QUERY_SIZE] * (CYCLES - 1)
    asked = [("initial", "initial")] + [("strategy", strategy)] * (CYCLES - 1)
    assert dump["queries"] == [(i + 1, i, *who) for i, who in enumerate(asked)]
    queried = [id for _, _, id, _ in dump["queried"]]
    assert [sum(query == i + 1 for query, *_ in dump["queried"]) for i in range(CYCLES)] == sizes
    assert len(set(queried)) == len(queried) == sum(sizes), "no image is asked for twice"
    assert set(queried) <= pool

    oracle = train.required_oracle()
    assert oracle.asked == sum(sizes), "the oracle hands out what was queried and no more"
    assert [id for id, _ in labeled] == queried
    truth = oracle.answer(queried)
    assert labeled == [(id, truth[id]) for id in queried]

    for cycle, size in enumerate(range(INITIAL_SIZE, sum(sizes) + 1, QUERY_SIZE), start=1):
        files = tmp_path / "cycles" / f"{cycle:03d}"
        tested = json.loads((files / "test.json").read_text())
        assert (tested["labeled"], tested["images"]) == (size, 500)
        details = json.loads((files / "fit.json").read_text())["details"]
        assert not list(files.glob("checkpoint*"))
        if head == "committee":
            members = details["members"]
            assert len(members) == 2 and members[0]["radius"] != members[1]["radius"]
            details = members[0]
        if head == "frozen radius":
            assert list(details["radius"].values()) == pytest.approx([0.5] * 10)
        assert ("live_prototypes" in details) == (head == "two prototypes")
        assert ("radius" in details) == (head != "softmax")


def test_strategies_of_a_seed_share_the_initial_set_and_then_part(tmp_path):
    asked = {}
    for strategy in ("random", "confusion"):
        recipe = plan(strategy, "nce")
        simulate(recipe, tmp_path / strategy, train=few(recipe))
        with Ledger(tmp_path / strategy / "ledger.sqlite", read_only=True) as ledger:
            asked[strategy] = [id for _, _, id, _ in ledger.dump()["queried"]]
    assert asked["random"][:INITIAL_SIZE] == asked["confusion"][:INITIAL_SIZE]
    assert asked["random"][INITIAL_SIZE:] != asked["confusion"][INITIAL_SIZE:]


def test_a_pool_that_is_used_up_ends_the_run(tmp_path, monkeypatch):
    recipe = plan("confusion", "nce").with_changes(
        {"loop.initial": 1290, "train.batch_size": 512, "train.min_steps": 1, "loop.cycles": 5}
    )
    simulate(recipe, tmp_path)
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.labeled()) == 1297
        assert [number for number, _ in ledger.cycles()] == [1, 2]

    def opened(*_, **__):
        raise AssertionError("it is finished, and its images are of no use any more")

    with monkeypatch.context() as patch:
        patch.setattr("ncenet.loop.simulate.open_loop", opened)
        simulate(recipe, tmp_path)
    (tmp_path / "cycles/001/test.json").unlink()
    simulate(recipe, tmp_path)
    assert (tmp_path / "cycles/001/test.json").exists(), "what is gone is made again"
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert [number for number, _ in ledger.cycles()] == [1, 2]


class Interrupt(Exception):
    """Stands for whatever stops a run."""


@pytest.mark.parametrize("strategy", ["ll4al", "vaal", "sraal"])
def test_what_trains_a_model_of_its_own_comes_to_the_same_end_after_interrupts(
    tmp_path, monkeypatch, strategy
):
    recipe = plan(strategy, "nce").with_changes({"train.checkpoint_seconds": 0})
    whole, parts, train = tmp_path / "whole", tmp_path / "parts", few(recipe)
    simulate(recipe, whole, train=train)

    def stop_in_a_fit(event):
        if (event["event"], event.get("cycle")) == ("fit", 2) and event["step"] > 3:
            raise Interrupt

    def stop_in_a_query(*_):
        raise Interrupt

    with pytest.raises(Interrupt):
        simulate(recipe, parts, notify=stop_in_a_fit, train=train)
    assert (parts / "cycles" / "002" / "checkpoint.pt").exists()
    with monkeypatch.context() as patch, pytest.raises(Interrupt):
        patch.setattr(Ledger, "record_query", stop_in_a_query)
        simulate(recipe, parts, train=train)
    simulate(recipe, parts, train=train)

    dumps = []
    for folder in (whole, parts):
        with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
            dumps.append(ledger.dump()["queried"])
    assert dumps[0] == dumps[1], "the same images, with the same scores"
    for model in sorted(whole.glob("cycles/*/model.safetensors")):
        assert model.read_bytes() == (parts / model.relative_to(whole)).read_bytes(), model.parent.name
