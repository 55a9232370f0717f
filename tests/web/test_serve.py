"""A real server in a process of its own, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ncenet.errors import UsageError
from ncenet.web import serve as serve_module
from ncenet.web.label import label
from ncenet.web.serve import open_project
from tests.commands import run_command
from tests.web.conftest import IdleTrainer, paint

# A shell may start us with interrupts ignored, and a child inherits that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from ncenet.cli import main; main()"
)


WORDS = [sys.executable, "-c", PROGRAM, "label", "photos", "--classes", "red,green,blue"]
WORDS += ["--first", "random", "--held-out", "3", "--port", "0"]


def mapped(process: int) -> str:
    """Files that a process has in its memory; nothing where the system doesn't tell."""
    file = Path(f"/proc/{process}/maps")
    return file.read_text() if file.exists() else ""


@pytest.mark.skipif(sys.platform == "win32", reason="a browser is a script here")
def test_the_command_line_of_the_browser_holds_no_token(tmp_path):
    """Every user of the machine can read it; the file that it names, its owner alone."""
    paint(tmp_path / "photos")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" > {tmp_path}/arguments\n')
    browser.chmod(0o700)
    environment = os.environ | {"BROWSER": str(browser)}
    process = subprocess.Popen(WORDS, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
    with process:
        link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        process.stdout.readline()
        while not (tmp_path / "arguments").exists() or not (tmp_path / "arguments").read_text():
            time.sleep(0.05)
        arguments = (tmp_path / "arguments").read_text()
        assert link.split("token=")[1] not in arguments
        file = Path(urlsplit(arguments.split()[1]).path)
        assert file == tmp_path / "runs" / "photos-labels" / "open-page.html"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f'content="0; url={link}"' in file.read_text()
        process.send_signal(signal.SIGINT)
    assert not file.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends what a terminal sends")
def test_control_c_with_pages_open_ends_their_streams_and_nothing_else_is_said(tmp_path):
    paint(tmp_path / "photos")
    words = [*WORDS, "--no-browser"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        site, token = link.split("/?token=")
        allowed = {"authorization": f"Bearer {token}"}
        listening = {"url": f"{site}/api/events", "headers": allowed, "timeout": 60}
        with httpx.stream("GET", **listening) as first, httpx.stream("GET", **listening) as second:
            heard = [first.iter_lines(), second.iter_lines()]
            assert [next(lines) for lines in heard] == ["retry: 1000"] * 2
            assert "libtorch" not in mapped(process.pid), "what trains is a process of its own"
            process.send_signal(signal.SIGINT)
            for lines in heard:
                assert list(lines)[-2:] == [": the server stops", ""]
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err and "ERROR" not in err
    assert "interrupted; run the same command again to go on" in err


def test_two_servers_of_one_run_would_hand_out_the_same_images(tmp_path, recipe, monkeypatch):
    monkeypatch.setattr("ncenet.files.PATIENCE", 0.1)
    first = open_project(recipe, tmp_path / "run", you="ann", trains=IdleTrainer)
    with pytest.raises(UsageError, match=r"run: another ncenet label serves this run.*Open its page"):
        open_project(recipe, tmp_path / "run", you="bob", trains=IdleTrainer)
    open_project(recipe, tmp_path / "other", you="bob", trains=IdleTrainer).close()
    first.close()
    open_project(recipe, tmp_path / "run", you="bob", trains=IdleTrainer).close()


def test_a_port_that_is_taken_is_told_of_before_the_images_are_looked_at(tmp_path, capsys):
    paint(tmp_path / "photos", 3)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = [
            "label",
            tmp_path / "photos",
            "--classes",
            "a,b",
            "--out",
            tmp_path / "run",
            "--backbone",
            "small",
        ]
        done = run_command(capsys, [*words, "--port", port, "--no-browser"])
    assert done.code == 2 and f"port {port} of 127.0.0.1 can't be had" in done.said
    assert not (tmp_path / "run").exists()


def test_classes_that_are_names_of_folders_are_told(tmp_path, monkeypatch):
    """Folders may be years as well, and then the page would ask for years."""
    for year in ("2025", "2026"):
        paint(tmp_path / "photos" / year, 6)
    monkeypatch.setattr(serve_module, "open_project", partial(open_project, trains=IdleTrainer))
    monkeypatch.setattr(serve_module, "serve", lambda *projects, **options: None)
    said = []
    recipe = {"loop.held_out": 2, "loop.held_out_share": 0.0, "train.epochs": 1}
    label(tmp_path / "photos", out=tmp_path / "run", recipe=recipe, port=0, say=said.append, notify=False)
    assert any("2 classes, by the names of folders" in line and "2025, 2026" in line for line in said), said
    said.clear()
    label(tmp_path / "photos", out=tmp_path / "run", port=0, say=said.append, notify=False)
    assert not any("by the names of folders" in line for line in said), "once, when the run begins"
    said.clear()
    classes = ("red", "blue")
    label(
        tmp_path / "photos",
        out=tmp_path / "other",
        classes=classes,
        recipe=recipe,
        port=0,
        say=said.append,
        notify=False,
    )
    assert not any("names of folders" in line for line in said), said
