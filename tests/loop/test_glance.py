"""Of a pool too large to be looked at after each fit, any image is looked at when somebody asks."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import pytest

from ncenet.loop import opinions, reasons
from ncenet.loop.glance import glance
from ncenet.loop.open import open_loop
from ncenet.run.held_out import held_out_ids
from tests.loop.vectors import NAMES, photographs, recipe

IDS = [f"{n:02d}.png" for n in range(60)]


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    """Sixty photographs, every other one a bee, with vectors that tell; twelve measure, thirty train."""
    folder = photographs(tmp_path_factory.mktemp("glance"), IDS)
    loop, _ = open_loop(recipe(folder, **{"loop.held_out": 12}), folder / "run")
    with loop.ledger:
        for count in (12, 30):
            loop.tell({id: NAMES[int(id[:2]) % 2] for id in loop.ask(count).ids}, who="ann")
        loop.ask(5)
        yield loop


def test_it_says_what_a_look_at_all_images_would(loop, monkeypatch):
    whole = opinions.opine(loop, 1)
    assert len(whole.ids) == 60
    monkeypatch.setattr(opinions, "MOST_VECTORS", 50)
    part = opinions.opine(loop, 1)
    unseen = sorted(set(IDS) - set(part.ids))
    assert len(part.ids) == 50 and len(unseen) == 10, "of a large pool a part"
    labels, measure = dict(loop.labeled()), set(held_out_ids(loop.ledger))
    assert not measure & set(unseen) and not labels.keys() & set(unseen), "what is labelled is in it"
    for id in unseen:
        said = glance(loop, 1, id)
        assert said.likelihoods == pytest.approx(dict(whole.likeliest(id)), abs=1e-3), "as shares"
        rejection, confusion = whole.scores[whole.row[id]]
        assert (said.rejection, said.confusion) == pytest.approx((rejection, confusion), abs=1e-4)
        expected = [other for other, _ in whole.near(id) if other in labels]
        found = [other for other, _ in said.near]
        assert found[: len(expected)] == expected[: len(found)], "the nearest first"
        assert len(found) == 3 and not measure & set(found), "what measures is nobody's neighbour"
        assert all(label == labels[other] for other, label in said.near)
    right = [max(glance(loop, 1, id).likelihoods.items(), key=lambda pair: pair[1])[0] for id in unseen]
    assert sum(guess == NAMES[int(id[:2]) % 2] for guess, id in zip(right, unseen, strict=True)) >= 8


def test_an_image_is_not_its_own_neighbour(loop):
    labelled = next(iter(dict(loop.labeled())))
    assert labelled not in [other for other, _ in glance(loop, 1, labelled).near]


def test_nothing_is_said_before_the_image_has_features(loop, monkeypatch):
    monkeypatch.setattr(loop, "available", lambda ids: [id for id in ids if id != IDS[7]])
    assert glance(loop, 1, IDS[7]) is None and glance(loop, 1, IDS[8]) is not None


def test_what_measures_is_predicted_once_until_another_label_is_told(loop, monkeypatch):
    looked_at = []
    plain = reasons.predicted
    monkeypatch.setattr(reasons, "predicted", lambda *given: looked_at.append(set(given[2])) or plain(*given))
    monkeypatch.setattr(reasons, "_SHARPNESS", WeakKeyDictionary())
    measure = set(held_out_ids(loop.ledger))
    first, again = (glance(loop, 1, IDS[8]) for _ in range(2))
    assert looked_at == [measure] and first == again
    one = min(measure)
    was = dict(loop.ledger.labeled(among=[one]))[one]
    loop.tell({one: next(name for name in NAMES if name != was)}, who="ann")
    glance(loop, 1, IDS[8])
    loop.tell({one: was}, who="ann")
    assert looked_at == [measure, measure]
