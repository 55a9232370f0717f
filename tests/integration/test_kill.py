"""Kill -9 at random moments: resumed, each run is the run that was never killed, bit for bit.

Four moments in the common suite, fifty with the slow one.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image

from ncenet.data.open import open_dataset


@pytest.fixture
def digits_in_folders(tmp_path):
    """A few digits as PNG files in class folders."""
    for split, count in (("train", 80), ("test", 30)):
        data = open_dataset("digits", split=split)
        for id, label in data.required_oracle().answer(list(data.pool.ids())[:count]).items():
            file = tmp_path / split / label / f"{id.replace('/', '-')}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(data.pool.load(id)[:, :, 0]).save(file)
    return tmp_path


@pytest.mark.parametrize(("first", "last"), [(0, 4), pytest.param(4, 50, marks=pytest.mark.slow)])
def test_killed_and_resumed_equals_never_killed(digits_in_folders, first, last):
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.kills", str(digits_in_folders), str(first), str(last)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["differing"] == [], done.stderr
    assert record["killed"] >= (last - first) // 2, "most kills must hit a run that is still going"
    assert record["checkpoints"] >= 1, "some kills must hit the middle of a fit"
    assert len(record["cycles"]) >= 3, "kills must fall into different cycles"
    assert len(record["curve"]) == 4
