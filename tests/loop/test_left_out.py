"""A run that people label has its labels left out in turn, now and then; a simulation knows better."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from ncenet.compare.read import read_run
from ncenet.functional.calibration import as_shares
from ncenet.loop.glance import glance
from ncenet.loop.open import open_loop
from ncenet.loop.opinions import opine
from ncenet.loop.reasons import explain_query
from ncenet.recipe import Recipe
from ncenet.report.sections.run import labels_left_out
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_left_out, read_reasons

NAMES = ("ant", "bee")


@pytest.fixture
def recipe(tmp_path):
    """Eighty photographs and their vectors; the class is whether the number is odd."""
    folder, random = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    ids = [f"{n:02d}.png" for n in range(80)]
    for id in ids:
        PIL.Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / id)
    vectors = random.standard_normal((80, 6)) + 3 * (np.arange(80) % 2)[:, None]
    np.savez(tmp_path / "v.npz", ids=np.array(ids), vectors=vectors.astype(np.float32))
    return Recipe().with_changes(
        {
            "data.train": str(folder),
            "data.classes": NAMES,
            "model.features": str(tmp_path / "v.npz"),
            "loop.initial": 10,
            "loop.query_size": 10,
        }
    )


def answer(loop, count):
    ids = loop.ask(count).ids
    loop.tell({id: NAMES[int(id[:2]) % 2] for id in ids}, who="ann")


def said(folder):
    return [found and found.labeled for found in map(read_left_out, RunFolder(folder).cycles())]


def test_labels_are_left_out_when_a_fifth_more_are_there(recipe, tmp_path):
    loop, _ = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        for count in (10, 12, 2, 8):
            answer(loop, count)
        loop.ask(5)
        assert said(tmp_path / "run")[1:] == [None, 22, None, 32], "not of ten labels, nor of two more"
        loop.folder.cycle(4).left_out.write_bytes(b"{")
        answer(loop, 1)
        found = read_left_out(loop.folder.cycle(4))
        assert found is not None and found.labeled == 32, "in the place of a damaged one"
        assert found.right > 25 and 0.7 < found.balanced_accuracy <= 1


def test_the_report_says_what_it_is_and_is_not(recipe, tmp_path):
    loop, _ = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        assert labels_left_out(read_run(tmp_path / "run")) is None
        answer(loop, 30)
        loop.ask(5)
    section = labels_left_out(read_run(tmp_path / "run"))
    found = read_left_out(RunFolder(tmp_path / "run").cycle(1))
    assert section is not None and section.title == "Labels left out in turn"
    text = section.blocks[0].text
    assert text.startswith("The first 30 labels were dealt into 5 parts")
    assert f"{100 * found.right / 30:.1f} % right" in text and "no test on held-out images" in text


def test_where_images_of_their_own_measure_nothing_is_left_out(recipe, tmp_path):
    with np.load(tmp_path / "v.npz") as there:
        ids, vectors = there["ids"].tolist(), there["vectors"]
    for name, number in (("ant", 80), ("bee", 81)):
        file = tmp_path / "test" / name / f"{number}.png"
        file.parent.mkdir(parents=True)
        PIL.Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(file)
        ids, vectors = [*ids, f"{name}/{number}.png"], np.vstack([vectors, vectors[number % 2]])
    np.savez(tmp_path / "v.npz", ids=np.array(ids), vectors=vectors)
    loop, _ = open_loop(recipe.with_changes({"data.test": str(tmp_path / "test")}), tmp_path / "run")
    with loop.ledger:
        answer(loop, 30)
        loop.ask(5)
    assert loop.folder.cycle(1).test.exists() and said(tmp_path / "run") == [None, None]


def test_without_held_out_images_what_people_read_is_fitted_to_labels_left_out(recipe, tmp_path):
    loop, _ = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        answer(loop, 40)
        query = loop.ask(10)
        explain_query(loop, query, 1)
        opinions, reasons = opine(loop, 1), read_reasons(loop.folder.cycle(1))
        temperature = read_left_out(loop.folder.cycle(1)).temperature
        assert temperature is not None and temperature != 1
        for prediction in loop.model(1).predict(loop.pool, query.ids, want=frozenset()):
            for id, row in zip(prediction.ids, as_shares(prediction.probs, temperature), strict=True):
                honest = pytest.approx(dict(zip(NAMES, row.tolist(), strict=True)), abs=1e-3)
                assert reasons[id].likelihoods == honest, "before the model has looked at the pool"
                assert dict(opinions.likeliest(id)) == honest
                assert glance(loop, 1, id).likelihoods == honest
