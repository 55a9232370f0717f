import json
import re
import shutil
import subprocess
import sys

import pytest

from ncenet.compare import Comparison
from ncenet.compare.analysis import analyze, read_analysis
from ncenet.compare.read import read_run
from ncenet.data.open import open_dataset
from ncenet.errors import DataError
from ncenet.report import write_report
from tests.compare.analysis.conftest import COMPARISON

FILES = ["embedding.json", "information-seed-3.json", "information-seed-4.json", "regions.json"]


def contents(folder):
    return {file.name: file.read_bytes() for file in sorted((folder / "analysis").iterdir())}


@pytest.fixture(scope="module")
def analyzed(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("analyzed") / "compared"
    shutil.copytree(trained, folder)
    events = []
    analyze(folder, on_event=events.append)
    return folder, events


def changed(folder, **figures):
    """The same comparison with other figures."""
    other = Comparison.model_validate(
        {**COMPARISON.model_dump(), "figures": {**COMPARISON.figures.model_dump(), **figures}}
    )
    (folder / "comparison.yaml").write_text(other.to_yaml())


def test_all_files_are_there_and_read_back(analyzed):
    folder, events = analyzed
    assert list(contents(folder)) == FILES
    found = read_analysis(folder, COMPARISON.seeds)
    assert found.problems == {}
    assert list(found.information) == [3, 4]
    assert [curve.arm for curve in found.information[4].curves] == ["NCE rejection", "softmax entropy"]
    assert found.information[3].curves[0].images == 200
    assert [len(panel.x) for panel in found.embedding.panels] == [80] * 4
    assert found.regions.arm == "NCE rejection"
    assert {event["event"] for event in events} == {"analysis"}
    ends = [event["figure"] for event in events if event["done"] == event["total"] == 1]
    assert sorted(f"{name}.json" for name in ends) == FILES


def test_again_does_nothing(analyzed):
    folder, _ = analyzed
    before, events = contents(folder), []
    analyze(folder, on_event=events.append)
    assert events == []
    assert contents(folder) == before


def test_what_stands_needs_neither_data_nor_models(analyzed, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(analyzed[0], folder)
    for model in folder.rglob("model.safetensors"):
        model.unlink()
    events = []
    assert analyze(folder, on_event=events.append).problems == {}
    assert events == []


def test_other_settings_renew_what_they_change(analyzed, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(analyzed[0], folder)
    before = contents(folder)
    changed(folder, images=100)
    found = analyze(folder)
    assert found.information[3].curves[0].images == 100
    after = contents(folder)
    assert [name for name in FILES if after[name] != before[name]] == FILES[1:3]
    changed(folder, images=100, points=60)
    assert [len(panel.x) for panel in analyze(folder).embedding.panels] == [60] * 4


def test_another_cycle_renews_what_it_changes(analyzed, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(analyzed[0], folder)
    before = contents(folder)
    shutil.rmtree(folder / "nce-rejection/seed-3/cycles/003")
    analyze(folder)
    after = contents(folder)
    assert [name for name in FILES if after[name] != before[name]] == ["regions.json"]


def test_cycles_beyond_those_of_the_file_are_in_no_figure(compared):
    base = COMPARISON.base.with_changes({"loop.cycles": 2})
    (compared / "comparison.yaml").write_text(COMPARISON.model_copy(update={"base": base}).to_yaml())
    found = analyze(compared)
    assert found.problems == {} and found.regions.cycle == 2
    assert {panel.cycle for panel in found.embedding.panels} == {1}, "the last one makes no query"
    assert read_run(compared / COMPARISON.folder("NCE rejection", 3), 2).cycles[-1].queried == (), (
        "as in tables"
    )


def test_a_half_written_file_is_written_again(compared, analyzed):
    shutil.copytree(analyzed[0] / "analysis", compared / "analysis")
    whole = contents(compared)
    (compared / "analysis/regions.json").write_bytes(whole["regions.json"][:1000])
    assert read_analysis(compared, COMPARISON.seeds).regions is None
    analyze(compared)
    assert contents(compared) == whole, "the same trials give the same bytes"


def test_a_missing_model_is_said_and_the_report_is_written(compared):
    for model in compared.glob("nce-rejection/seed-3/cycles/*/model.safetensors"):
        model.unlink()
    found = analyze(compared)
    assert sorted(found.problems) == ["embedding", "information-seed-3", "regions"]
    for reason in found.problems.values():
        assert "model.safetensors: not a model file" in reason
    assert list(found.information) == [4], "what can be made is made"
    page = write_report(compared)[0].read_text()
    assert "Not drawn:" in page
    assert "How information is spread over the pool" in page


def test_a_reason_is_one_line(compared, analyzed, monkeypatch):
    def fail(trial):
        raise DataError("does not fit\nlayer 1\nlayer 2")

    shutil.copytree(analyzed[0] / "analysis", compared / "analysis")
    (compared / "analysis/regions.json").unlink()
    monkeypatch.setattr("ncenet.compare.analysis.regions.draw_regions", fail)
    assert analyze(compared).problems == {"regions": "does not fit"}


def test_missing_data_is_said_and_tried_again(compared):
    recipe = compared / "nce-rejection/seed-4/recipe.yaml"
    kept = recipe.read_text()
    recipe.write_text(kept.replace("train: digits", "train: gone/"))
    found = analyze(compared)
    assert list(found.problems) == ["information-seed-4"]
    assert "gone: no built-in data set of this name, and no such file or folder" in str(found.problems)
    recipe.write_text(kept)
    assert analyze(compared).problems == {}


def test_data_that_lost_images_is_said(compared, monkeypatch):
    whole = open_dataset("digits")
    few = whole.subset(list(whole.pool.ids())[:5])
    monkeypatch.setattr("ncenet.compare.analysis.models.open_train", lambda recipe: few)
    reasons = analyze(compared).problems
    assert len(reasons) == 4
    assert all(re.search(r"images? of .* missing, such as", reason) for reason in reasons.values())


def test_files_of_another_version_are_said(compared, analyzed):
    shutil.copytree(analyzed[0] / "analysis", compared / "analysis")
    file = compared / "analysis/regions.json"
    record = json.loads(file.read_text())
    del record["finding"]["radius"]
    file.write_text(json.dumps(record))
    found = read_analysis(compared, COMPARISON.seeds)
    assert found.regions is None
    assert "was written by another version of ncenet" in found.problems["regions"]


def test_a_comparison_that_has_not_begun_has_nothing_to_analyze(tmp_path):
    (tmp_path / "comparison.yaml").write_text(COMPARISON.to_yaml())
    found = analyze(tmp_path)
    assert (found.information, found.embedding, found.regions, found.problems) == ({}, None, None, {})
    assert not (tmp_path / "analysis").exists()


def test_reading_needs_no_torch(analyzed):
    code = (
        "import sys; from pathlib import Path; from ncenet.compare.analysis import read_analysis; "
        "assert read_analysis(Path(sys.argv[1]), (3, 4)).embedding; "
        "sys.exit(not {'torch', 'sklearn', 'openTSNE'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(analyzed[0])], check=False).returncode == 0
