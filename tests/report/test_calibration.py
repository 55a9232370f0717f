"""How sure and how often right: what a run keeps of it, and what its report says."""

import json

import numpy as np
import pytest

from ncenet.compare.read import read_run
from ncenet.data.open import open_test, open_train
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.report.blocks import Figure, Note
from ncenet.report.sections.calibration import calibration
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_test


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two cycles on the pixels of digits as vectors."""
    folder, ids, rows = tmp_path_factory.mktemp("calibrated"), [], []
    train = open_train(Recipe())
    for pool in (train.pool, open_test(Recipe().data, train).pool):
        ids += pool.ids()
        rows += [pool.load(id).reshape(-1) / 255 for id in pool.ids()]
    np.savez(folder / "digits.npz", ids=np.array(ids), vectors=np.array(rows, np.float32))
    sizes = {"loop.initial": 40, "loop.query_size": 40, "loop.cycles": 2}
    recipe = Recipe().with_changes({"model.features": str(folder / "digits.npz")} | sizes)
    simulate(recipe, folder / "run")
    return folder / "run"


def test_the_last_model_is_calibrated_and_each_is_measured(folder):
    first, last = (read_test(files).calibration for files in RunFolder(folder).cycles()[-2:])
    assert first.error > 0.1 and first.temperature is None and first.calibrated is None
    assert last.temperature < 1, "likelihoods of an NCE head are too small"
    assert last.calibrated < last.error / 2
    test = read_test(RunFolder(folder).cycles()[-1])
    assert sum(images for images, _, _ in last.bins) == test.images
    right = sum(images * right for images, _, right in last.bins) / test.images
    assert right == pytest.approx(test.accuracy, abs=1e-6), "a temperature changes no answer"


def test_a_report_says_it_in_a_sentence_and_a_figure(folder):
    section = calibration(read_run(folder))
    note, figure = section.blocks
    last = read_test(RunFolder(folder).cycles()[-1]).calibration
    assert isinstance(note, Note) and f"off by {100 * last.error:.1f} points" in note.text
    assert f"it is off by {100 * last.calibrated:.1f}" in note.text
    assert isinstance(figure, Figure) and figure.svg.startswith("<svg")


def test_records_of_older_versions_say_nothing(folder, tmp_path):
    old = tmp_path / "old"
    for file in folder.rglob("*"):
        if file.is_file():
            (old / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (old / file.relative_to(folder)).write_bytes(file.read_bytes())
    for files in RunFolder(old).cycles()[-2:]:
        record = json.loads(files.test.read_text())
        del record["calibration"]
        files.test.write_text(json.dumps(record))
    assert calibration(read_run(old)) is None
