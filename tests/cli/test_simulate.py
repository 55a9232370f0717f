"""``simulate``, ``run`` and ``report``: what they write, what they print, what a second call does."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ncenet.cli import main
from ncenet.files import alone
from ncenet.ledger import Ledger
from tests.commands import SMALL_RUN, TINY, Done

RUN = Path("runs/digits-confusion")
PNG = b"\x89PNG\r\n\x1a\n"


def ledger_dump(folder):
    with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        return ledger.dump()


def contents(folder):
    """Every file but the report and those that a database may touch when it is read."""
    return {
        file: (file.stat().st_mtime_ns, file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
        and not file.name.startswith(("ledger.sqlite", "report"))
        and not (file.parent == folder and file.suffix in (".svg", ".png"))
    }


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Where a run was simulated, once for all tests, and what was printed."""
    place, out = tmp_path_factory.mktemp("simulated"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.chdir(place)
        patch.setenv("COLUMNS", "100")
        main(["simulate", "digits", "--strategy", "confusion", *SMALL_RUN])
    return place, out.getvalue()


@pytest.fixture
def run(simulated, ncenet, tmp_path):
    """A copy of it, and what was printed."""
    place, out = simulated
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    return Done(0, out, "")


def test_a_dry_run_counts_and_writes_nothing(ncenet, tmp_path):
    done = ncenet("simulate", "digits", "--dry-run", "--seeds", 3, "--beside", "random", *SMALL_RUN)
    assert done.code == 0, done.err
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert lines["trials"].endswith("6") and "for 6 trials one after the other" in lines["minutes"]
    assert lines["labels"].endswith("30 of a pool of 1,297 in each trial (initial 20)")
    single = ncenet("simulate", "digits", "--dry-run", *SMALL_RUN).out
    lines = {line.split()[0]: line for line in single.splitlines()}
    # 20 labels are 2 steps an epoch, so 2 epochs; 30 are 2 steps as well.
    assert lines["cycles"].endswith("2, 8 training steps in all")
    assert "MB a trial (network 311,386 parameters)" in lines["memory"]
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_takes_no_more_labels_than_there_are(ncenet):
    done = ncenet("simulate", "digits", "--dry-run", "--initial", 1200, "--query-size", 90, "--cycles", 9)
    assert "1,297 of a pool of 1,297" in done.out
    assert "cycles     3 of 9, then the pool is used up, " in done.out, "1,200, 1,290 and all"


def test_what_a_run_leaves_behind(run):
    assert (RUN / "curves.png").read_bytes().startswith(PNG)
    html = (RUN / "report.html").read_text(encoding="utf-8")
    assert "confusion" in html
    assert "<svg" in html
    assert f"wrote {RUN / 'report.html'}" in run.out
    assert "With 30 labels the network is right on" in " ".join(run.out.split())
    dump = ledger_dump(RUN)
    assert len(dump["events"]) == 30
    assert len(dump["queried"]) == 30
    assert [cycle for cycle, _ in dump["fits"]] == [1, 2]
    for cycle in ("001", "002"):
        found = {file.name for file in (RUN / "cycles" / cycle).iterdir()}
        query = {"query.csv", "query.json"} if cycle == "001" else set()
        assert found == {"model.safetensors", "fit.json", "test.json", "test.csv"} | query
    assert (RUN / "bad_images.csv").read_text() == "in,id,why\n"


def test_again_changes_nothing(ncenet, run):
    before, dump = contents(RUN), ledger_dump(RUN)
    again = ncenet("simulate", "digits", "--strategy", "confusion", *SMALL_RUN)
    assert again.code == 0
    assert again.out == run.out
    assert contents(RUN) == before
    assert ledger_dump(RUN) == dump


def test_two_at_once_are_one_too_many(ncenet, run, monkeypatch):
    monkeypatch.setattr("ncenet.files.PATIENCE", 0.1)
    with alone(RUN):
        again = ncenet("run", RUN / "recipe.yaml", "--cycles", "3", "--out", RUN)
        asked = ncenet("ask", RUN)
    for refused in (again, asked):
        assert (refused.code, refused.out) == (2, "")
        assert f"{RUN}: another ncenet is at work in this folder; wait until it has ended" in refused.said


def test_more_cycles_continue_a_run(ncenet, run):
    before = ledger_dump(RUN)
    more = [str(word) for word in SMALL_RUN]
    more[more.index("--cycles") + 1] = "3"
    done = ncenet("simulate", "digits", "--strategy", "confusion", *more)
    assert done.code == 0, done.err
    after = ledger_dump(RUN)
    assert after["events"][:30] == before["events"]
    assert after["fits"][:2] == before["fits"]
    assert len(after["events"]) == 40


def test_another_recipe_in_the_same_folder_is_refused(ncenet, run):
    before, dump = contents(RUN), ledger_dump(RUN)
    done = ncenet("simulate", "digits", "--strategy", "margin", "--out", RUN, *SMALL_RUN, "--lr", "0.5")
    assert done.code == 2
    assert "holds a run with another recipe" in done.said
    assert "loop.strategy: 'confusion' there, 'margin' now" in done.said
    assert "train.lr: 0.1 there, 0.5 now" in done.said
    assert contents(RUN) == before
    assert ledger_dump(RUN) == dump


def test_report_of_a_run(ncenet, run):
    printed = ncenet("report", RUN)
    assert printed.out == run.out
    (RUN / "report.html").unlink()
    record = json.loads(ncenet("report", RUN, "--json").out)
    assert record["kind"] == "run"
    assert record["recipe"]["loop"]["strategy"] == "confusion"
    assert [cycle["labeled"] for cycle in record["cycles"]] == [20, 30]
    tests = [json.loads((RUN / f"cycles/00{i}/test.json").read_text())["accuracy"] for i in (1, 2)]
    assert [cycle["accuracy"] for cycle in record["cycles"]] == tests
    assert not (RUN / "report.html").exists(), "--json writes nothing"


def test_a_recipe_file_with_a_flag_on_top(ncenet, tmp_path):
    (tmp_path / "tiny.yaml").write_text(
        "data: {train: digits}\n"
        "train: {epochs: 1, min_steps: 4, batch_size: 16}\n"
        "loop: {strategy: margin, initial: 20, query_size: 10, cycles: 1}\n"
    )
    done = ncenet("run", "tiny.yaml", "--strategy", "entropy", "--head", "softmax")
    assert done.code == 0, done.err
    kept = (tmp_path / "runs" / "tiny-entropy" / "recipe.yaml").read_text()
    assert "strategy: entropy" in kept
    assert "name: softmax" in kept
    assert "initial: 20" in kept


def test_beside_another_strategy_over_seeds(ncenet, monkeypatch):
    for start in ("FREE", "ALIGNED"):  # nobody looks at the figure of t-SNE here
        monkeypatch.setattr(f"ncenet.compare.analysis.embedding.{start}", (4.0, 5, 5))
    done = ncenet(
        "simulate", "digits", "--strategy", "confusion", "--beside", "random", "--seeds", 2,
        "--processes", 1, *SMALL_RUN,
    )  # fmt: skip
    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    assert "NCE" not in text, "arms are named as they were asked for"
    assert "nce confusion" in text
    assert "nce random" in text
    assert "nce confusion against nce random" in text or "nce confusion is" in text
    folder = Path("runs/digits-confusion-compared")  # beside the run of the same data and strategy
    record = json.loads(ncenet("report", folder, "--json").out)
    assert (record["kind"], record["baseline"], record["seeds"]) == ("comparison", "nce random", [0, 1])
    assert record["labeled"] == [20, 30]
    assert record["unfinished"] == []
    curves = {arm["name"]: arm["curves"] for arm in record["arms"]}
    assert [len(curves[name]) for name in ("nce confusion", "nce random")] == [2, 2]
    difference = next(arm["difference"] for arm in record["arms"] if arm["name"] == "nce confusion")
    paired = [
        ours["mean_over_cycles"] - theirs["mean_over_cycles"]
        for ours, theirs in zip(curves["nce confusion"], curves["nce random"], strict=True)
    ]
    assert difference["mean"] == pytest.approx(sum(paired) / 2)
    for seed in (0, 1):
        first = {
            arm: ledger_dump(folder / arm / f"seed-{seed}")["queried"][:20]
            for arm in ("nce-confusion", "nce-random")
        }
        assert first["nce-confusion"] == first["nce-random"], "the same initial set"


def wait_for(file: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, "the run ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.01)


# A shell may start us with interrupts ignored, and a child inherits that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from ncenet.cli import main; main()"
)


def test_control_c_and_again(ncenet, tmp_path):
    words = ["simulate", "digits", "--out", "run", "--initial", "20", "--query-size", "10", "--cycles", "4"]
    words += [*TINY[:2], "--min-steps", "20", "--threads", "1", "--backbone", "mlp"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(tmp_path / "run" / "cycles" / "001" / "fit.json", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; run the same command again to go on" in err
    assert "Traceback" not in err
    assert out == ""
    done_before = len(list(tmp_path.glob("run/cycles/*/test.json")))
    assert done_before < 4

    again = ncenet(*words)
    assert again.code == 0, again.err
    assert len(list(tmp_path.glob("run/cycles/*/test.json"))) == 4
    dump = ledger_dump(tmp_path / "run")
    ids = [row[3] for row in dump["events"]]
    assert len(ids) == len(set(ids)) == 20 + 3 * 10
