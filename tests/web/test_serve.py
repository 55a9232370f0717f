"""A real server in a process of its own, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from tests.web.conftest import paint

# A shell may start us with interrupts ignored, and a child inherits that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from ncenet.cli import main; main()"
)


@pytest.mark.skipif(sys.platform == "win32", reason="sends what a terminal sends")
def test_control_c_with_pages_open_ends_their_streams_and_nothing_else_is_said(tmp_path):
    paint(tmp_path / "photos")
    words = [sys.executable, "-c", PROGRAM, "label", "photos", "--classes", "red,green,blue"]
    words += ["--first", "random", "--held-out", "3", "--port", "0", "--no-browser"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        site, token = link.split("/?token=")
        allowed = {"authorization": f"Bearer {token}"}
        listening = {"url": f"{site}/api/events", "headers": allowed, "timeout": 60}
        with httpx.stream("GET", **listening) as first, httpx.stream("GET", **listening) as second:
            heard = [first.iter_lines(), second.iter_lines()]
            assert [next(lines) for lines in heard] == ["retry: 1000"] * 2
            process.send_signal(signal.SIGINT)
            for lines in heard:
                assert list(lines)[-2:] == [": the server stops", ""]
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err and "ERROR" not in err
    assert "interrupted; run the same command again to go on" in err
