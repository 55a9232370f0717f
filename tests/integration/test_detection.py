"""Whole runs of the real light detector on digits: simulate, ask and tell, compare, resume, report."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

from ncenet.boxes import Boxes
from ncenet.ledger import Ledger
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from tests.data.detection.make import CLASSES, samples, write_images, write_voc

TINY = (
    *("--task", "detection", "--image-size", 64, "--epochs", 1, "--min-steps", 3, "--batch-size", 4),
    *("--anchor-features", 16, "--threads", 1),
)
RUN = ("--initial", 6, "--query-size", 4, "--cycles", 2)


@pytest.fixture
def voc(tmp_path):
    made = samples(24)
    return write_voc(tmp_path / "digits", {"trainval": made[:18], "test": made[18:]})


def recipe(voc, strategy, head):
    return Recipe(task="detection").with_changes(
        {"data.train": str(voc), "data.image_size": 64, "model.head.name": head}
        | ({"model.anchor_features": 16} if head == "nce" else {})
        | {"train.epochs": 1, "train.min_steps": 3, "train.batch_size": 4}
        | {"loop.strategy": strategy, "loop.initial": 6, "loop.query_size": 4, "loop.cycles": 2}
    )


def test_one_command_from_boxes_to_a_report(ncenet, voc):
    done = ncenet("simulate", voc, *TINY, *RUN, "--out", "run")
    assert done.code == 0, done.err
    assert "the mAP on the held-out images is" in " ".join(done.out.split())
    page = (voc.parent / "run" / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 6 + 4, "test images, and the four that were queried"
    assert "mean of the scores of all anchors" in page
    assert "Test mAP" in page
    record = json.loads(ncenet("report", "run", "--json").out)
    assert record["metric"] == "mAP"
    again = ncenet("simulate", voc, *TINY, *RUN, "--out", "run")
    assert again.out == done.out, "a finished run is only shown"


def test_a_budget_of_boxes_is_what_the_curve_is_drawn_over(ncenet, voc):
    done = ncenet("simulate", voc, *TINY, *RUN, "--budget-unit", "box", "--beside", "random", "--out", "run",
                  "--strategy", "confusion", "--processes", 1)  # fmt: skip
    assert done.code == 0, done.err
    record = json.loads(ncenet("report", "run", "--json").out)
    assert record["labeled"] == [6, 10]
    page = (voc.parent / "run" / "report.html").read_text()
    assert "boxes are counted" in page and "Test mAP at each number of boxes, %" in page


@pytest.mark.parametrize(
    ("head", "strategy"), [("nce", "margin"), ("softmax", "entropy"), ("nce", "core-set")]
)
def test_heads_and_strategies_run(tmp_path, voc, head, strategy):
    simulate(recipe(voc, strategy, head), tmp_path / "run")
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.labeled()) == 10


def test_people_draw_boxes_on_images_of_their_own(ncenet, tmp_path):
    made = samples(8)
    photos = write_images(tmp_path / "photos", made)
    truth = {f"{sample.name}.jpg": sample.boxes for sample in made}
    asked = ncenet("ask", "run", "--data", photos, "--classes", ",".join(CLASSES), "-n", 4, *TINY)
    assert asked.code == 0, asked.err
    ids = [row["id"] for row in csv.DictReader(io.StringIO(asked.out))]
    with (tmp_path / "answers.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "label"), *((id, truth[id].to_label()) for id in ids[:3])])
    assert ncenet("tell", "run", "answers.csv").code == 0
    fourth = json.loads(truth[ids[3]].to_label())
    (tmp_path / "answers.json").write_text(json.dumps({ids[3]: fourth}))
    told = ncenet("tell", "run", "answers.json", "--json")
    assert json.loads(told.out) == {"answers": 1, "known": 0, "labeled": 4, "cut": 0}
    second = ncenet("ask", "run", "-n", 2)
    assert second.code == 0, second.err
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        labels = dict(ledger.labeled())
    assert {id: Boxes.from_label(label) for id, label in labels.items()} == {id: truth[id] for id in ids}
    (tmp_path / "wrong.json").write_text(json.dumps({ids[0]: [{"box": [0, 0, 5, 5], "label": "two"}]}))
    wrong = ncenet("tell", "run", "wrong.json")
    assert wrong.code == 2
    assert f"'{ids[0]}', object 1: unknown class 'two'" in wrong.said
    size = made[0].size
    for box, said in ([0, 0, 5, size[1] + 0.5], None), ([0, 0, 5, size[1] + 2], "reaches beyond the image"):
        (tmp_path / "far.json").write_text(json.dumps({ids[0]: [{"box": box, "label": "one"}]}))
        told = ncenet("tell", "run", "far.json")
        assert (told.code, said is None or said in told.said) == (0 if said is None else 1, True), told.said
    with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
        assert Boxes.from_label(dict(ledger.labeled())[ids[0]]).boxes == ((0, 0, 5, size[1]),)


@pytest.mark.slow
def test_killed_in_the_midst_and_resumed_equals_never_killed(tmp_path, voc):
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.detection_kills", str(voc), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["exit"] == 0, done.stderr
    assert record["differing"] == []
    assert record["killed"] >= 2, "the runs must be killed before they end"
    assert len(record["curve"]) == 3


def test_a_dry_run_costs_the_real_detector(ncenet, voc):
    done = ncenet("simulate", voc, *TINY, *RUN, "--dry-run")
    assert done.code == 0, done.err
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "10 of a pool of 18" in lines["labels"]
    boxes = ncenet("simulate", voc, *TINY, *RUN, "--budget-unit", "box", "--dry-run")
    images = int({line.split()[0]: line for line in boxes.out.splitlines()}["labels"].split()[1])
    assert 4 <= images <= 10, "ten boxes, about two an image"
